//! The state of the guard while it asks. The head of [`guard`](super) says where its methods are.

use super::index::{Index, Tops};
use super::prepared::Prepared;
use super::roots::Roots;
use crate::plan::Request;
use crate::profile::RuleId;
use crate::tree::{NodeId, Tree};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

/// The kind of text that says a module is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Speaker {
    /// A statement.
    Import,
    /// A string of Python code.
    Text,
    /// A string of JavaScript.
    JavaScript,
}

/// The search for files that rules would drop and that others need.
pub struct Guard<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) tree: &'a Tree,
    pub(super) index: Index<'a>,
    /// By node: the rule that would drop it.
    pub(super) rules: Vec<Option<RuleId>>,
    pub(super) prepared: &'a Prepared,
    pub(super) done: Done,
    /// By rule: true if the image has a program that follows the comments which name source maps.
    pub(super) mapped: Vec<bool>,
    /// The files that would go at the top of packages of Node.
    pub(super) tops: Tops,
    /// The nodes that would go with a package: a file that mentions a path of a compiler does not need it, one that imports or
    /// links it does.
    pub(super) packaged: HashSet<NodeId>,
    /// The directories in which Python looks for modules.
    pub(super) roots: Roots,
    /// The directories in which the dynamic loader looks for libraries.
    pub(super) library_dirs: Vec<NodeId>,
    /// Absolute imports that have been looked for in all roots, and the kind of text they are in: rules listen to some kinds
    /// only.
    pub(super) imported: HashSet<(&'a str, &'a str, Speaker)>,
}

/// Something that holds many files at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// Everything in a named directory: the number is the [`Naming`](super::named::Naming).
    Directory(NodeId, u8),
    /// A virtual environment.
    Environment(NodeId),
    /// The test suites below a directory.
    Suites(NodeId),
    /// Everything that lives beside a file, by rule.
    Home(NodeId, RuleId),
    /// Everything that a program reads.
    Program(String),
    /// Everything that a rule says of a package that imports something, by rule.
    Package(NodeId, RuleId),
}

/// A record of what has already been held for a file to which the same rules listen: to hold it again changes nothing, and a text
/// may name one directory a thousand times.
#[derive(Default)]
pub(super) struct Done {
    /// The file whose references are being followed; `None` for the config.
    pub(super) speaker: Cell<Option<NodeId>>,
    /// The file that was asked for last, and true if it opens translations: this is asked for each of its strings.
    pub(super) opens: Cell<Option<(NodeId, bool)>>,
    /// By speaker: the rules that ignore it, as an index into `masks`.
    pub(super) of: RefCell<HashMap<NodeId, usize>>,
    pub(super) masks: RefCell<Vec<Vec<RuleId>>>,
    pub(super) seen: RefCell<HashSet<(What, Option<usize>)>>,
}

/// The least number of files for which a record is worth its space: fewer are quickly held again.
const LEAST: usize = 32;

impl Guard<'_> {
    /// True if something that holds `count` files is to be held for the present speaker, and has not been before.
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
        let rules = self.request.profile.numbered_rules().map(|(id, _)| id);
        let deaf: Vec<RuleId> = rules.filter(|&rule| self.prepared.deaf.is_to(self.tree, rule, speaker)).collect();
        let mut masks = self.done.masks.borrow_mut();
        let number = masks.iter().position(|mask| *mask == deaf).unwrap_or_else(|| {
            masks.push(deaf);
            masks.len() - 1
        });
        self.done.of.borrow_mut().insert(speaker, number);
        number
    }
}
