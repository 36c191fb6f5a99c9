//! What stays although a rule asked for it, and why.

use crate::tree::NodeId;

/// Why a path stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// A protection of the profile, by index.
    Protected(u16),
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
    /// A text or program that stays names it, or a directory above it, in full; the line is 0 where there are none.
    Named(NodeId, u32),
    /// A text or program that stays loads it as a library by this name.
    Loaded(NodeId),
    /// A script or style that stays names it as its source map, in this line, and a program follows such names.
    Mapped(NodeId, u32),
    /// It lies in a layer of the base.
    Base,
}

impl HoldReason {
    /// The file for whose sake, where it is one.
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
    /// Which path.
    pub node: NodeId,
    /// The rule that asked for it, by index in the profile.
    pub rule: u16,
    /// Why it stays.
    pub why: HoldReason,
}
