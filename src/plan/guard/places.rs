//! The places that rules are about.

use super::wanted::{beginning, patterns, place};
use crate::plan::Request;
use crate::profile::{Glob, Globs, Guard as Kind, Rule};
use crate::tree::{NodeId, Tree};

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
