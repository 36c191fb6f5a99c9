//! What has been held already for somebody to whom the same rules listen: to hold it again changes nothing, and a text may name one
//! directory a thousand times.

use super::Guard;
use crate::tree::NodeId;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

/// What is worth to be remembered: fewer files are soon looked at again.
const LEAST: usize = 32;

/// What holds many files at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// All in a directory that is named: the number is how.
    Directory(NodeId, u8),
    /// A virtual environment.
    Environment(NodeId),
    /// The test suites below a directory.
    Suites(NodeId),
    /// What lives beside a file, by rule.
    Home(NodeId, u16),
    /// What a program reads.
    Program(String),
    /// What a rule says of a package that imports something, by rule.
    Package(NodeId, u16),
}

/// What has been held.
#[derive(Default)]
pub(super) struct Done {
    /// Who speaks; nobody for the config.
    pub(super) speaker: Cell<Option<NodeId>>,
    /// Whether the file that was asked for last opens translations: it is asked for each of its strings.
    pub(super) opens: Cell<Option<(NodeId, bool)>>,
    /// By speaker: which rules are deaf to it, as a number of `masks`.
    of: RefCell<HashMap<NodeId, usize>>,
    masks: RefCell<Vec<Vec<u16>>>,
    seen: RefCell<HashSet<(What, Option<usize>)>>,
}

impl Guard<'_> {
    /// Whether something that holds `count` files is to be held for who speaks now, and has not been before.
    pub(super) fn is_new(&self, what: What, count: usize) -> bool {
        if count < LEAST {
            return true;
        }
        let mask = self.done.speaker.get().map(|speaker| self.mask(speaker));
        self.done.seen.borrow_mut().insert((what, mask))
    }

    fn mask(&self, speaker: NodeId) -> usize {
        if let Some(&known) = self.done.of.borrow().get(&speaker) {
            return known;
        }
        let rules = 0..self.request.profile.rules.len() as u16;
        let deaf: Vec<u16> = rules.filter(|&rule| self.prepared.deaf.is_to(self.tree, rule, speaker)).collect();
        let mut masks = self.done.masks.borrow_mut();
        let number = masks.iter().position(|mask| *mask == deaf).unwrap_or_else(|| {
            masks.push(deaf);
            masks.len() - 1
        });
        self.done.of.borrow_mut().insert(speaker, number);
        number
    }
}
