//! Facts that the guard needs whatever is dropped: they depend on the request alone, and are gathered once for all rounds of a
//! plan. Among them are the places that rules are about, and the files that rules ignore.

use super::wanted::{self, beginning, patterns, place};
use crate::plan::Request;
use crate::plan::programs;
use crate::profile::{Action, Glob, Globs, Guard as Kind, Profile, Rule, RuleId};
use crate::refs::paths::Search;
use crate::tree::{NodeId, Resolved, Tree};
use std::cell::RefCell;
use std::collections::HashMap;

/// The most users whose home `~` may be.
const MOST_HOMES: usize = 64;

/// The facts that are known beforehand.
pub struct Prepared {
    pub(super) places: Places,
    /// The directories that `~` may stand for.
    pub(super) homes: Vec<String>,
    pub(super) deaf: Deaf,
    /// The directories of the image's `PATH`, and the links on the way to them.
    pub path: Vec<Resolved>,
    /// The programs that the config starts, and the links on the way to them.
    pub started: Vec<Resolved>,
    /// The directory in which the config starts them, if it exists.
    pub(super) workdir: Option<NodeId>,
    /// A search that reads the config like a text.
    pub(super) search: Option<Search>,
}

impl Prepared {
    /// Gathers the facts for all plans of a request.
    #[must_use]
    pub fn new(request: &Request<'_>) -> Self {
        let (tree, facts) = (&request.merged.tree, request.facts);
        let path = programs::path_dirs(tree, facts);
        Self {
            places: Places::new(request),
            homes: homes(request),
            started: programs::config_programs(tree, facts, &path),
            path,
            workdir: tree.resolve(NodeId::ROOT, facts.workdir.as_bytes()).target,
            deaf: Deaf::new(request.profile),
            search: Search::new(wanted::searched(request.profile)),
        }
    }
}

impl Prepared {
    /// True if a rule about packages has been told that nothing uses this file any more, so that nothing is kept for it.
    #[must_use]
    pub fn ignores(&self, profile: &Profile, tree: &Tree, rule: RuleId, file: NodeId) -> bool {
        matches!(profile.rule(rule).action, Action::RemovePackage(_)) && self.deaf.is_to(tree, rule, file)
    }
}

fn homes(request: &Request<'_>) -> Vec<String> {
    let tree = &request.merged.tree;
    let users = tree.lookup(b"home").into_iter().flat_map(|home| tree.children(home));
    let users = users.map(|&user| format!("/{}", tree.path(user)));
    let own = variable(request, "HOME").map(str::to_owned);
    own.into_iter().chain(["/root".to_owned()]).chain(users).take(MOST_HOMES).collect()
}

/// Returns the value that the config sets a variable to.
pub(super) fn variable<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let env = &request.facts.env;
    env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The files whose references a rule ignores ("deaf"): they only show a path to people, or clean up there.
pub(super) struct Deaf {
    /// By rule: the patterns of ignored files.
    globs: Vec<Option<Globs>>,
    /// The answers found so far.
    known: RefCell<HashMap<(RuleId, NodeId), bool>>,
}

impl Deaf {
    pub(super) fn new(profile: &Profile) -> Self {
        let globs = profile.rules.iter().map(|rule| {
            let deaf = match &rule.action {
                Action::RemovePackage(packages) => Some(&packages.ignore),
                action => action.reading().map(|reading| &reading.deaf),
            };
            // The patterns are a part of the profile, which was refused if one could not be compiled.
            Globs::new(deaf.filter(|deaf| rule.enabled && !deaf.is_empty())?).ok()
        });
        Self { globs: globs.collect(), known: RefCell::default() }
    }

    /// True if the rule ignores the file: one of its patterns names the file, or a directory above it.
    pub(super) fn is_to(&self, tree: &Tree, rule: RuleId, file: NodeId) -> bool {
        let Some(globs) = &self.globs[rule.index()] else { return false };
        *self.known.borrow_mut().entry((rule, file)).or_insert_with(|| {
            let path = tree.path(file);
            memchr::memchr_iter(b'/', &path).chain([path.len()]).any(|end| globs.names(&path[..end]))
        })
    }
}

/// The places that rules are about: for each rule the directories that its rooted patterns begin with.
pub(super) struct Places {
    /// By rule.
    pub(super) roots: Vec<Vec<NodeId>>,
    /// By rule: its patterns that may begin anywhere and then have no wildcard, such as those of caches.
    pub(super) plain: Vec<Vec<String>>,
}

impl Places {
    pub(super) fn new(request: &Request<'_>) -> Self {
        let tree = &request.merged.tree;
        let rules = &request.profile.rules;
        let mut out = Self { roots: vec![Vec::new(); rules.len()], plain: vec![Vec::new(); rules.len()] };
        // Places with wildcards, and the rules they belong to.
        let (mut globs, mut owners) = (Vec::new(), Vec::new());
        let asks = |rule: &Rule| rule.enabled && rule.action.guard() != Kind::None;
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| asks(rule)) {
            for pattern in patterns(rule) {
                let place = place(&pattern);
                if let Some(rest) = pattern.strip_prefix("**/") {
                    // A pattern without a wildcard names its own place.
                    out.plain[number]
                        .extend((!rest.is_empty() && beginning(&pattern) == rest).then(|| rest.to_owned()));
                } else if place == beginning(&pattern) {
                    let found = tree.lookup(place.as_bytes()).filter(|&id| id != NodeId::ROOT && tree.is_dir(id));
                    out.roots[number].extend(found);
                } else {
                    globs.push(Glob { source: place.clone(), expanded: vec![place] });
                    owners.push(number);
                }
            }
        }
        // The patterns are a part of the profile, which was refused if one could not be compiled.
        let Some(globs) = Globs::new(&globs).ok().filter(|_| !owners.is_empty()) else { return out };
        let mut path = Vec::new();
        for id in tree.ids().filter(|&id| tree.is_dir(id)) {
            tree.path_into(id, &mut path);
            globs.find(&path, |glob| out.roots[owners[glob]].push(id));
        }
        out
    }

    /// True if a directory is a place that a rule is about, or lies in one.
    pub(super) fn has(&self, tree: &Tree, dir: NodeId) -> bool {
        let within = |&root: &NodeId| dir == root || (dir > root && dir.0 < tree.node(root).end);
        self.roots.iter().flatten().any(within)
    }
}
