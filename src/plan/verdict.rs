//! The proposals of the rules: each path matched against the profile's patterns, and the meaning of a directory's match for
//! paths below it.

use super::matched::Named;
use super::only::Only;
use super::proposal::{Change, Proposal, Proposals};
use super::{Request, guard};
use crate::profile::{Action, Guard, Hits, Matcher, Profile, ProtectId, RuleId};
use std::collections::HashMap;

/// The state that holds for everything below a directory.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    rules: Vec<RuleId>,
    changes: Vec<RuleId>,
    except: Vec<RuleId>,
    protect: Option<ProtectId>,
    content: Option<ProtectId>,
}

impl State {
    /// Adds the hits of one path. `owned` returns true if a protection belongs to a package.
    fn with(&self, hits: &Hits, owned: impl Fn(ProtectId) -> bool) -> Self {
        Self {
            rules: union(&self.rules, &hits.rules),
            changes: union(&self.changes, &hits.changes),
            except: union(&self.except, &hits.except),
            protect: self.protect.iter().chain(&hits.protects).min_by_key(|&&p| owned(p)).copied(),
            content: self.content.or(hits.contents.first().copied()),
        }
    }

    /// True if no exception of the rule holds.
    fn holds(&self, rule: RuleId) -> bool {
        self.except.binary_search(&rule).is_err()
    }

    fn drops(&self) -> Option<RuleId> {
        self.dropping().next()
    }

    /// Returns the rules that would drop the path, in order.
    fn dropping(&self) -> impl Iterator<Item = RuleId> {
        self.rules.iter().copied().filter(|&rule| self.holds(rule))
    }
}

/// Returns the rules that are in one list or the other, in order and each once.
fn union(a: &[RuleId], b: &[RuleId]) -> Vec<RuleId> {
    let mut both = [a, b].concat();
    both.sort_unstable();
    both.dedup();
    both
}

/// A builder of proposals that stores each different change once.
struct Proposing<'a> {
    profile: &'a Profile,
    changes: Vec<Change>,
    known: HashMap<Change, u32>,
}

impl Proposing<'_> {
    fn proposal(&mut self, state: &State) -> Proposal {
        let mut strip = None;
        let mut change = Change { content: state.content, ..Change::default() };
        // Of several rules with the same action the last one counts, which overwrites the others here.
        for &rule in state.changes.iter().filter(|&&rule| state.holds(rule)) {
            match self.profile.rule(rule).action {
                Action::Strip(_) => strip = Some(rule),
                Action::Hardlink(_) => change.hardlink = Some(rule),
                Action::Bytecode(_) => change.bytecode = Some(rule),
                Action::External(_) => change.external = Some(rule),
                Action::Drop(_) | Action::DropShadowed(_) | Action::RemovePackage(_) => {}
            }
        }
        let (rule, protect) = (state.drops(), state.protect);
        let next = self.changes.len() as u32;
        let change = *self.known.entry(change).or_insert_with(|| {
            self.changes.push(change);
            next
        });
        Proposal { rule, strip, protect, change }
    }
}

/// Returns what the patterns say of every path. A pattern that names a directory covers everything below it, so what it says is
/// handed down.
#[must_use]
pub fn propose(request: &Request<'_>, named: &Named) -> Proposals {
    let (tree, profile, matcher) = (&request.merged.tree, request.profile, request.matcher);
    let only = Only::new(request);
    let guarded = |rule: RuleId| profile.rule(rule).action.guard() == Guard::Python;
    let any_guarded = profile.actions().any(|action| action.guard() == Guard::Python);
    let roots = if any_guarded { guard::module_roots(tree, profile) } else { Vec::new() };
    let none = Change::default();
    let mut proposing = Proposing { profile, changes: vec![none], known: HashMap::from([(none, 0)]) };
    let mut states = vec![(State::default(), Proposal::default())];
    let mut state_of = vec![0u32; tree.len()];
    let mut out = Proposals {
        nodes: vec![Proposal::default(); tree.len()],
        matched: vec![false; profile.rules.len()],
        linked: Vec::new(),
        relinked: HashMap::new(),
        changes: Vec::new(),
    };
    let (mut hits, mut path) = (Hits::default(), Vec::new());
    for id in tree.ids() {
        let inherited = state_of[tree.node(id).parent.index()];
        let patterns = named.of(id);
        if patterns.is_empty() {
            state_of[id.index()] = inherited;
            let (state, proposal) = &states[inherited as usize];
            out.nodes[id.index()] = only.of(*proposal, || state.dropping(), id);
            continue;
        }
        tree.path_into(id, &mut path);
        matcher.hits(patterns.iter().map(|&pattern| pattern as usize), &path, &mut hits);
        if hits.rules.iter().any(|&r| guarded(r)) && tree.is_dir(id) && !guard::is_code(tree, id, &roots) {
            hits.rules.retain(|&r| !guarded(r));
        }
        hits.rules.iter().chain(&hits.changes).for_each(|&r| out.matched[r.index()] = true);
        let links = hits.protects.iter().filter(|&&p| profile.protect(p).links);
        out.linked.extend(links.map(|&p| (id, p)));
        let above = &states[inherited as usize].0;
        let state = above.with(&hits, |p| profile.protect(p).owned);
        let proposal = proposing.proposal(&state);
        out.nodes[id.index()] = only.of(proposal, || state.dropping(), id);
        if tree.is_dir(id) && state != *above {
            state_of[id.index()] = states.len() as u32;
            states.push((state, proposal));
        } else {
            state_of[id.index()] = inherited;
        }
    }
    out.changes = proposing.changes;
    out
}

/// Returns the rule that would drop a path which the tree does not have: that of a member which a later layer hides.
#[must_use]
pub fn propose_path(path: &[u8], matcher: &Matcher) -> Option<RuleId> {
    let mut state = State::default();
    let mut hits = Hits::default();
    let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
    for end in ends {
        matcher.matches(&path[..end], &mut hits);
        state = state.with(&hits, |_| false);
    }
    if state.protect.is_some() { None } else { state.drops() }
}
