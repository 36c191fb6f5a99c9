//! Paths that stay although a rule asked for them, and the reasons.

use crate::profile::{ProtectId, RuleId};
use crate::tree::NodeId;

/// The reason that a path stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// A protection of the profile.
    Protected(ProtectId),
    /// A symbolic or hard link that stays leads to it, or it is a link on the way.
    LinkedFrom(NodeId),
    /// The image's config names it.
    Config,
    /// It is, or leads to, the interpreter of a script or program that stays.
    Interprets(NodeId),
    /// A source text that stays refers to it in this line.
    Referenced(NodeId, u32),
    /// An ELF object that stays needs it as a library.
    Needed(NodeId),
    /// A text or program that stays names it, or a directory above it, in full; the line is 0 in a file without lines.
    Named(NodeId, u32),
    /// A text or program that stays loads it as a library by this name.
    Loaded(NodeId),
    /// A script or style that stays names it as its source map, in this line, and the image has a program that follows such
    /// names.
    Mapped(NodeId, u32),
    /// It lies in a layer of the base.
    Base,
}

impl HoldReason {
    /// Returns the file that is the reason, if it is one.
    #[must_use]
    pub const fn by(self) -> Option<NodeId> {
        match self {
            Self::LinkedFrom(by)
            | Self::Interprets(by)
            | Self::Referenced(by, _)
            | Self::Needed(by)
            | Self::Named(by, _)
            | Self::Loaded(by)
            | Self::Mapped(by, _) => Some(by),
            Self::Protected(_) | Self::Config | Self::Base => None,
        }
    }
}

/// A path that stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The path.
    pub node: NodeId,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// The reason that it stays.
    pub why: HoldReason,
}
