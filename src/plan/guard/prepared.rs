//! Facts that the guard needs whatever is dropped: they depend on the request alone, and are gathered once for all rounds of a
//! plan.

use super::deaf::Deaf;
use super::places::Places;
use super::wanted;
use crate::plan::Request;
use crate::plan::programs;
use crate::profile::{Action, Profile, RuleId};
use crate::refs::paths::Search;
use crate::tree::{NodeId, Resolved, Tree};

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
