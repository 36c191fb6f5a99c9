//! Files whose references a rule ignores ("deaf"): they only show a path to people, or clean up there.

use crate::profile::{Action, Globs, Profile, RuleId};
use crate::tree::{NodeId, Tree};
use std::cell::RefCell;
use std::collections::HashMap;

/// The files that each rule ignores.
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
