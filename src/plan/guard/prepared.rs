//! What the guard has to know whatever is dropped: it depends on the request alone, and is made once for all rounds of a plan.

use super::deaf::Deaf;
use super::named::Places;
use super::{Request, wanted};
use crate::plan::hold;
use crate::refs::paths::Search;
use crate::tree::NodeId;
use std::collections::HashSet;

/// Users whose home `~` may be, at most.
const MOST_HOMES: usize = 64;

/// What is known beforehand.
pub struct Prepared {
    pub(super) places: Places,
    /// The directories that `~` may stand for.
    pub(super) homes: Vec<String>,
    pub(super) deaf: Deaf,
    /// The programs that the config starts.
    pub(super) started: HashSet<NodeId>,
    /// Reads what the config says in the way in which texts are read.
    pub(super) search: Option<Search>,
}

impl Prepared {
    /// For all plans of a request.
    #[must_use]
    pub fn new(request: &Request<'_>) -> Self {
        Self {
            places: Places::new(request),
            homes: homes(request),
            started: started(request),
            deaf: Deaf::new(request.profile),
            search: Search::new(wanted::searched(request.profile)),
        }
    }
}

fn started(request: &Request<'_>) -> HashSet<NodeId> {
    let tree = &request.merged.tree;
    let programs = hold::config_programs(tree, request.facts, &hold::path_dirs(tree, request.facts));
    programs.into_iter().filter_map(|found| found.target).collect()
}

fn homes(request: &Request<'_>) -> Vec<String> {
    let tree = &request.merged.tree;
    let users = tree.lookup(b"home").into_iter().flat_map(|home| tree.children(home));
    let users = users.map(|&user| format!("/{}", tree.path(user)));
    let own = variable(request, "HOME").map(str::to_owned);
    own.into_iter().chain(["/root".to_owned()]).chain(users).take(MOST_HOMES).collect()
}

/// What the config sets a variable to.
pub(super) fn variable<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let env = &request.facts.env;
    env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
