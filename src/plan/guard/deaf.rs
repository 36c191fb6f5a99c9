//! Files that a rule does not listen to: they only show a path to people, or clean up there.

use crate::profile::{Globs, Profile};
use crate::tree::{NodeId, Tree};
use std::cell::RefCell;
use std::collections::HashMap;

/// Who is not listened to.
pub(super) struct Deaf {
    /// By rule.
    globs: Vec<Option<Globs>>,
    /// What was found out so far.
    known: RefCell<HashMap<(u16, NodeId), bool>>,
}

impl Deaf {
    pub(super) fn new(profile: &Profile) -> Self {
        let globs = profile.rules.iter().map(|rule| {
            let any = rule.enabled && !rule.reading.deaf.is_empty();
            // As a part of the profile patterns that can't be compiled were an error.
            any.then(|| Globs::new(&rule.reading.deaf).ok()).flatten()
        });
        Self { globs: globs.collect(), known: RefCell::default() }
    }

    /// Whether the rule does not listen to the file: one of the patterns names it, or a directory above it.
    pub(super) fn is_to(&self, tree: &Tree, rule: u16, file: NodeId) -> bool {
        let Some(globs) = &self.globs[usize::from(rule)] else { return false };
        *self.known.borrow_mut().entry((rule, file)).or_insert_with(|| {
            let path = tree.path(file);
            let mut ends = memchr::memchr_iter(b'/', &path).chain([path.len()]);
            ends.any(|end| {
                let mut found = false;
                globs.find(&path[..end], |_| found = true);
                found
            })
        })
    }
}
