//! What the profile says of each path.

use crate::tree::NodeId;
use bstr::BString;
use std::collections::HashMap;

/// What the profile says of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The first rule that would drop it.
    pub rule: Option<u16>,
    /// The last rule that would strip it: the one nearest to the user says how much.
    pub strip: Option<u16>,
    /// The first protection that covers it; one that holds a whole package comes before others.
    pub protect: Option<u16>,
    /// What else rules would do with it: index into [`Proposals::changes`].
    pub change: u32,
}

/// What rules would do with a file other than dropping or stripping it: of several rules for one thing the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// Make it a hard link to an equal one.
    pub hardlink: Option<u16>,
    /// Drop or compile it, if it is bytecode.
    pub bytecode: Option<u16>,
    /// Run a command on it.
    pub external: Option<u16>,
    /// The first protection of its content, by index in the profile: then it gets no other one, nor a second name.
    pub content: Option<u16>,
}

/// What the profile says of every path.
#[derive(Clone, Debug)]
pub struct Proposals {
    /// By node.
    pub nodes: Vec<Proposal>,
    /// For each rule: whether it matched anything.
    pub matched: Vec<bool>,
    /// For each protection: whether it matched anything.
    pub protects_matched: Vec<bool>,
    /// Nodes that a protection with `links` names.
    pub linked: Vec<(NodeId, u16)>,
    /// Symbolic links that will lead elsewhere, with where.
    pub relinked: HashMap<NodeId, BString>,
    /// All that [`Proposal::change`] may be; the first is nothing.
    pub changes: Vec<Change>,
}

impl Proposals {
    /// What else rules would do with a file.
    #[must_use]
    pub fn change(&self, id: NodeId) -> Change {
        self.changes[self.nodes[id.index()].change as usize]
    }
}
