//! What the rules ask for: each path matched against the profile's patterns, and what a directory's match means below it.

use super::guard;
use crate::profile::{Guard, Hits, Matcher, Profile};
use crate::tree::{NodeId, Tree};
use bstr::BString;
use rayon::prelude::*;
use std::collections::HashMap;

/// What the profile says of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The first rule that would drop it.
    pub rule: Option<u16>,
    /// The last rule that would strip it: the one nearest to the user says how much.
    pub strip: Option<u16>,
    /// The first protection that covers it; one that holds a whole package comes before others.
    pub protect: Option<u16>,
}

/// What the profile says of every path.
#[derive(Clone, Debug)]
pub struct Proposals {
    /// By node.
    pub nodes: Vec<Proposal>,
    /// For each rule: whether it matched anything.
    pub matched: Vec<bool>,
    /// For each protection: whether it matched anything.
    pub protects_matched: Vec<bool>,
    /// Nodes that a protection with `links` names.
    pub linked: Vec<(NodeId, u16)>,
    /// Symbolic links that will lead elsewhere, with where.
    pub relinked: HashMap<NodeId, BString>,
}

/// What holds for all below a directory.
#[derive(Clone, Default, PartialEq, Eq)]
struct State {
    rules: Vec<u16>,
    strips: Vec<u16>,
    except: Vec<u16>,
    protect: Option<u16>,
}

impl State {
    /// `owned` says whether a protection belongs to a package.
    fn with(&self, hits: &Hits, owned: impl Fn(u16) -> bool) -> Self {
        let union = |a: &[u16], b: &[u16]| {
            let mut both = [a, b].concat();
            both.sort_unstable();
            both.dedup();
            both
        };
        Self {
            rules: union(&self.rules, &hits.rules),
            strips: union(&self.strips, &hits.strips),
            except: union(&self.except, &hits.except),
            protect: self.protect.iter().chain(&hits.protects).min_by_key(|&&p| owned(p)).copied(),
        }
    }

    fn proposal(&self) -> Proposal {
        let holds = |rule: &&u16| self.except.binary_search(rule).is_err();
        let (rule, strip) = (self.rules.iter().find(holds), self.strips.iter().rev().find(holds));
        Proposal { rule: rule.copied(), strip: strip.copied(), protect: self.protect }
    }
}

/// Paths that are matched in parallel before what they hit is handed down: findings take more memory than verdicts.
const BATCH: usize = 1 << 16;

/// Matches every path. A pattern that names a directory covers all below it, so its findings are handed down.
#[must_use]
pub fn propose(tree: &Tree, profile: &Profile, matcher: &Matcher) -> Proposals {
    let guarded = |rule: u16| profile.rules[usize::from(rule)].guard == Guard::Python;
    let any_guarded = profile.rules.iter().any(|r| r.enabled && r.guard == Guard::Python);
    let roots = if any_guarded { guard::module_roots(tree, profile) } else { Vec::new() };
    let mut states = vec![State::default()];
    let mut state_of = vec![0u32; tree.len()];
    let mut out = Proposals {
        nodes: vec![Proposal::default(); tree.len()],
        matched: vec![false; profile.rules.len()],
        protects_matched: vec![false; profile.protects.len()],
        linked: Vec::new(),
        relinked: HashMap::new(),
    };
    let found = (0..tree.len()).step_by(BATCH).flat_map(|start| hits(tree, matcher, start));
    for (id, hits) in tree.ids().zip(found) {
        let inherited = state_of[tree.node(id).parent.index()];
        let Some(mut hits) = hits else {
            state_of[id.index()] = inherited;
            out.nodes[id.index()] = states[inherited as usize].proposal();
            continue;
        };
        if hits.rules.iter().any(|&r| guarded(r)) && tree.is_dir(id) && !guard::is_code(tree, id, &roots) {
            hits.rules.retain(|&r| !guarded(r));
        }
        hits.rules.iter().chain(&hits.strips).for_each(|&r| out.matched[usize::from(r)] = true);
        hits.protects.iter().for_each(|&p| out.protects_matched[usize::from(p)] = true);
        let links = hits.protects.iter().filter(|&&p| profile.protects[usize::from(p)].links);
        out.linked.extend(links.map(|&p| (id, p)));
        let state = states[inherited as usize].with(&hits, |p| profile.protects[usize::from(p)].owned);
        out.nodes[id.index()] = state.proposal();
        if tree.is_dir(id) && state != states[inherited as usize] {
            state_of[id.index()] = states.len() as u32;
            states.push(state);
        } else {
            state_of[id.index()] = inherited;
        }
    }
    out
}

/// What the patterns say of a batch of names themselves.
fn hits(tree: &Tree, matcher: &Matcher, start: usize) -> Vec<Option<Box<Hits>>> {
    let one = |(hits, path): &mut (Hits, Vec<u8>), index: usize| {
        tree.path_into(NodeId(index as u32), path);
        matcher.matches(path, hits);
        let any = [&hits.rules, &hits.strips, &hits.except, &hits.protects].iter().any(|list| !list.is_empty());
        any.then(|| Box::new(hits.clone()))
    };
    let batch = start..tree.len().min(start + BATCH);
    batch.into_par_iter().with_min_len(1024).map_init(Default::default, one).collect()
}

/// The rule that would drop a path which the tree does not have: a member that a later layer hides.
#[must_use]
pub fn propose_path(path: &[u8], matcher: &Matcher) -> Option<u16> {
    let mut state = State::default();
    let mut hits = Hits::default();
    let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
    for end in ends {
        matcher.matches(&path[..end], &mut hits);
        state = state.with(&hits, |_| false);
    }
    if state.protect.is_some() { None } else { state.proposal().rule }
}
