//! What is written, and what goes.

use crate::profile::{Action, Rule};
use std::ops::Range;

/// A part of an output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A range of an input layer's decompressed tar.
    Copy {
        /// Index of the input layer.
        layer: u32,
        /// Bytes of it.
        range: Range<u64>,
    },
    /// Bytes made by the plan: headers and padding.
    Bytes(Vec<u8>),
    /// A range of the run's spool file, where other programs' new contents are: [`made`](super::made).
    Spooled(Range<u64>),
}

/// An output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerPlan {
    /// The input layer of this index, its blob unchanged.
    Verbatim(u32),
    /// A new tar.
    Splice {
        /// The input layer whose place and history entry it takes.
        from: u32,
        /// Its parts without the end marker.
        pieces: Vec<Piece>,
        /// Its size in bytes with the end marker.
        size: u64,
    },
}

impl LayerPlan {
    /// The input layer whose place it takes.
    #[must_use]
    pub const fn from(&self) -> u32 {
        match self {
            Self::Verbatim(from) | Self::Splice { from, .. } => *from,
        }
    }
}

/// A member that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Which layer.
    pub layer: u32,
    /// Which member of it.
    pub member: u32,
    /// Bytes of the tar that go with it.
    pub bytes: u64,
    /// The rule that takes it, by index in the profile; [`SHADOWED`] for what later layers hide.
    pub rule: u16,
    /// Whether it is a marker (a whiteout) rather than a path of the image.
    pub marker: bool,
}

/// Stands for the rule `shadowed` in [`Removed`] where a squash drops what is hidden though the profile has no such rule.
pub const SHADOWED: u16 = u16::MAX;

/// Whether a rule is on and takes what later layers hide.
pub(super) fn is_shadowed(rule: &Rule) -> bool {
    rule.enabled && rule.action == Action::DropShadowed
}
