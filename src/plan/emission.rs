//! The emission: what a plan writes at the place of each member, in as little space as possible, since there is one for every
//! file.

use crate::layer::LayerIndex;
use crate::tree::{MemberId, NodeId, Tree};

/// For each layer and member: the node of the name that it gave to the tree.
pub struct Names(Vec<Vec<NodeId>>);

impl Names {
    /// The value that means: no name. An `Option` would take twice the space for every member.
    const NONE: NodeId = NodeId(u32::MAX);

    /// Finds the name that each member gave to the tree.
    #[must_use]
    pub fn new(layers: &[&LayerIndex], tree: &Tree) -> Self {
        let mut names: Vec<Vec<NodeId>> = layers.iter().map(|l| vec![Self::NONE; l.members.len()]).collect();
        for id in tree.ids() {
            if let Some(at) = tree.node(id).at() {
                names[at.layer as usize][at.member as usize] = id;
            }
        }
        Self(names)
    }

    /// Returns the name that a member gave.
    #[must_use]
    pub fn get(&self, at: MemberId) -> Option<NodeId> {
        Some(self.0[at.layer as usize][at.member as usize]).filter(|&id| id != Self::NONE)
    }
}

/// One thing that is written at the place of a member.
#[derive(Clone, Copy)]
pub enum Out {
    /// The member, unchanged.
    Raw,
    /// The inode of this node under the node's name.
    Inode(NodeId),
    /// The member, with the metadata that a global header gave it written into its own header: global headers are not written.
    Explicit(NodeId),
    /// A hard link: its own node, and the node that has the data.
    Link(NodeId, NodeId),
    /// The member's own hard link, with the metadata of its inode.
    Relink(NodeId, NodeId),
}

impl Out {
    /// True if this leaves the member as it is, or as it should have been.
    #[must_use]
    pub const fn is_member(&self) -> bool {
        matches!(self, Self::Raw | Self::Explicit(_) | Self::Relink(..))
    }
}

/// Everything that is written at the place of one member, in order. For nearly all members it is one thing or nothing.
#[allow(
    clippy::box_collection,
    reason = "there is one for every member, and a boxed list makes it 16 bytes instead of 24"
)]
#[derive(Default)]
pub enum Outs {
    #[default]
    /// Nothing.
    None,
    /// This one thing.
    One(Out),
    /// All these.
    Many(Box<Vec<Out>>),
}

impl Outs {
    /// Adds one more.
    pub fn push(&mut self, out: Out) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(out),
            Self::One(first) => Self::Many(Box::new(vec![first, out])),
            Self::Many(mut outs) => {
                outs.push(out);
                Self::Many(outs)
            }
        }
    }

    /// Returns all of it.
    #[must_use]
    pub fn as_slice(&self) -> &[Out] {
        match self {
            Self::None => &[],
            Self::One(out) => std::slice::from_ref(out),
            Self::Many(outs) => outs,
        }
    }
}
