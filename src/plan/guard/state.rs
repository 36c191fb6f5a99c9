//! What the guard knows while it asks.

use super::index::Index;
use super::prepared::Prepared;
use super::roots::Roots;
use super::tops::Tops;
use crate::plan::Request;
use crate::tree::{NodeId, Tree};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

/// What says that a module is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Speaker {
    /// A statement.
    Import,
    /// A string of Python code.
    Text,
    /// A string of JavaScript.
    JavaScript,
}

/// Finds what is needed of what rules would drop.
pub struct Guard<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) tree: &'a Tree,
    pub(super) index: Index<'a>,
    /// By node: the rule that would drop it.
    pub(super) rules: Vec<Option<u16>>,
    pub(super) prepared: &'a Prepared,
    pub(super) done: Done,
    /// By rule: whether somebody follows the comments that name source maps.
    pub(super) mapped: Vec<bool>,
    /// What would go at the top of packages of Node's.
    pub(super) tops: Tops,
    /// What would go with a package: to mention a path of a compiler is not to need it, to import or to link it is.
    pub(super) packaged: HashSet<NodeId>,
    /// Where Python looks for modules.
    pub(super) roots: Roots,
    /// Where the dynamic loader looks for libraries.
    pub(super) library_dirs: Vec<NodeId>,
    /// Absolute imports that have been looked for in all roots, and by whom: not all are listened to.
    pub(super) imported: HashSet<(&'a str, &'a str, Speaker)>,
}

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
    pub(super) of: RefCell<HashMap<NodeId, usize>>,
    pub(super) masks: RefCell<Vec<Vec<u16>>>,
    pub(super) seen: RefCell<HashSet<(What, Option<usize>)>>,
}
