//! Everything that goes with packages. Its methods are in `apply.rs`, and what it gets from alternatives is in `groups.rs`.

use crate::plan::edits::Edits;
use crate::profile::RuleId;
use crate::tree::NodeId;
use bstr::BString;
use std::collections::{BTreeMap, HashMap};

/// Everything that goes with the packages of a selection.
pub struct Going {
    /// Names that go, each with the package it goes with.
    pub nodes: BTreeMap<NodeId, u32>,
    /// The rule of each package that goes.
    pub(super) rules: HashMap<u32, RuleId>,
    pub edits: Edits,
    /// Symbolic links that get a new target, with that target.
    pub links: Vec<(NodeId, BString)>,
    /// Links to those links, with the place where they lead in the end.
    pub leads: Vec<(NodeId, BString)>,
}
