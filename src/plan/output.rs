//! The result of a plan: the output layers, and the members that go.

use crate::profile::{Action, Profile, Rule, RuleId};
use std::ops::Range;

/// A part of an output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A range of an input layer's decompressed tar.
    Copy {
        /// The input layer's number.
        layer: u32,
        /// The range in bytes.
        range: Range<u64>,
    },
    /// Bytes made by the plan: headers and padding.
    Bytes(Vec<u8>),
    /// A range of the run's spool file, in which other programs left new contents: [`made`](super::made).
    Spooled(Range<u64>),
}

/// An output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerPlan {
    /// The input layer of this index, its blob unchanged.
    Verbatim(u32),
    /// A new tar.
    Splice {
        /// The input layer whose place and history entry the tar takes.
        from: u32,
        /// The tar's parts, without the end marker.
        pieces: Vec<Piece>,
        /// The tar's size in bytes, with the end marker.
        size: u64,
    },
}

impl LayerPlan {
    /// Returns the input layer whose place it takes.
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
    /// The number of the layer.
    pub layer: u32,
    /// The number of the member in it.
    pub member: u32,
    /// Bytes of the tar that go with it.
    pub bytes: u64,
    /// What takes it.
    pub by: TakenBy,
    /// True if it is a whiteout rather than a path of the image.
    pub whiteout: bool,
}

/// What takes a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TakenBy {
    /// A rule of the profile.
    Rule(RuleId),
    /// A squash: a later layer hides the member, and the profile has no rule `shadowed`.
    Squash,
}

impl TakenBy {
    /// Returns the rule in its profile; `None` for a squash.
    #[must_use]
    pub fn rule(self, profile: &Profile) -> Option<&Rule> {
        match self {
            Self::Rule(id) => Some(profile.rule(id)),
            Self::Squash => None,
        }
    }

    /// Returns the id as reports write it: a squash has that of the rule which built-in profiles have for hidden members.
    #[must_use]
    pub fn id(self, profile: &Profile) -> &str {
        self.rule(profile).map_or("shadowed", |rule| &rule.id)
    }
}

/// True if a rule is on and takes members that later layers hide.
pub(super) fn is_shadowed(rule: &Rule) -> bool {
    rule.enabled && matches!(rule.action, Action::DropShadowed(_))
}
