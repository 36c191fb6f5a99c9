//! The proposals of the profile for each path.

use crate::profile::{ProtectId, RuleId};
use crate::tree::NodeId;
use bstr::BString;
use std::collections::HashMap;

/// The proposal for one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The first rule that would drop it.
    pub rule: Option<RuleId>,
    /// The last rule that would strip it: the one nearest to the user decides the level.
    pub strip: Option<RuleId>,
    /// The first protection that covers it; one that holds a whole package comes before others.
    pub protect: Option<ProtectId>,
    /// The other changes that rules would make: index into [`Proposals::changes`].
    pub change: u32,
}

/// The changes other than dropping and stripping that rules would make to a file; of several rules for one kind, the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// Make it a hard link to an equal one.
    pub hardlink: Option<RuleId>,
    /// Drop or compile it, if it is bytecode.
    pub bytecode: Option<RuleId>,
    /// Run a command on it.
    pub external: Option<RuleId>,
    /// The first protection of its content: then it gets neither a new content nor a second name.
    pub content: Option<ProtectId>,
}

/// The proposals for every path.
#[derive(Clone, Debug)]
pub struct Proposals {
    /// By node.
    pub nodes: Vec<Proposal>,
    /// For each rule: true if it matched anything.
    pub matched: Vec<bool>,
    /// Nodes that a protection with `links` names.
    pub linked: Vec<(NodeId, ProtectId)>,
    /// Symbolic links that get a new target, with that target.
    pub relinked: HashMap<NodeId, BString>,
    /// Every different change that [`Proposal::change`] may refer to; the first is no change.
    pub changes: Vec<Change>,
}

impl Proposals {
    /// Returns the other changes that rules would make to a file.
    #[must_use]
    pub fn change(&self, id: NodeId) -> Change {
        self.changes[self.nodes[id.index()].change as usize]
    }
}
