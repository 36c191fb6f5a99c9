//! All that goes with packages.

use crate::plan::edits::Edits;
use crate::tree::NodeId;
use bstr::BString;
use std::collections::{BTreeMap, HashMap};

/// All that goes with the packages of a selection.
pub struct Going {
    /// Names that go, with the package for whose sake.
    pub nodes: BTreeMap<NodeId, u32>,
    /// The rule of each package that goes.
    pub(super) rules: HashMap<u32, u16>,
    pub edits: Edits,
    /// Symbolic links that lead elsewhere, and what they say then.
    pub links: Vec<(NodeId, BString)>,
    /// The same for links to those: where they lead in the end.
    pub leads: Vec<(NodeId, BString)>,
}
