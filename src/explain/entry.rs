//! A path, the facts about it, and its verdict.

use crate::layer::LayerIndex;
use crate::plan::{self, Plan, SkipReason, TakenBy};
use crate::profile::Profile;
use crate::tree::merge::Whiteout;
use crate::tree::{MemberId, NodeId, Tree, Type};

/// The way in which a member is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A later member has the same path, or one above it and is no directory.
    Replaced,
    /// A whiteout of it, or of a directory above it.
    Deleted,
    /// An opaque whiteout of a directory above it.
    Opaque,
}

/// The layer that hides a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hider {
    /// The layer's number, from 0 at the bottom.
    pub layer: u32,
    /// The way in which it does.
    pub how: How,
}

/// The verdict on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It goes.
    Drop,
    /// Later layers hide it: it is in a layer, and no container sees it. It goes if a rule takes it.
    Hidden,
    /// It stays, without symbols and debug data.
    Strip,
    /// It stays, with a new content: a package manager's record of files that change.
    Rewrite,
    /// It stays although a rule asks for it.
    Held,
    /// It stays as it is.
    Keep,
}

impl Verdict {
    /// All verdicts, those that change most first.
    pub const ALL: [Self; 6] = [Self::Drop, Self::Hidden, Self::Strip, Self::Rewrite, Self::Held, Self::Keep];

    /// Returns the name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Hidden => "hidden",
            Self::Strip => "strip",
            Self::Rewrite => "rewrite",
            Self::Held => "held",
            Self::Keep => "keep",
        }
    }

    /// Returns a bit for sets of verdicts; its position is the index in [`Self::ALL`].
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The order within a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, as bytes.
    #[default]
    Name,
    /// By the bytes that go, most first.
    Size,
}

/// The place of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path that containers see.
    Node(NodeId),
    /// A member of a layer that they do not see.
    Member(MemberId),
}

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As in the tree; a hidden hard link is a file.
    Path(Type),
    /// A whiteout, opaque or not, or another of engines' own names.
    Whiteout,
}

impl Kind {
    /// Returns the name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path(Type::File) => "file",
            Self::Path(Type::Dir) => "dir",
            Self::Path(Type::Symlink) => "symlink",
            Self::Path(Type::Other) => "special",
            Self::Whiteout => "marker",
        }
    }
}

/// A path, and its verdict.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The place.
    pub place: Place,
    /// The type.
    pub kind: Kind,
    /// The layer that gave it, from 0 at the bottom.
    pub layer: u32,
    /// Bytes of its content; 0 if it has none.
    pub size: u64,
    /// Bytes of the content that it gets instead.
    pub new_size: Option<u64>,
    /// Bytes of its layer's tar: header, data, padding. 0 for a directory that no layer describes.
    pub span: u64,
    /// The number of these bytes that go.
    pub bytes: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The rule, or the squash, that takes, strips or asks for it.
    pub rule: Option<TakenBy>,
    /// The reason that holds it, whatever the verdict: a held file may be stripped.
    pub held: Option<plan::Held>,
    /// The package that a rule asked for and that stays: an index into those of the plan.
    pub package: Option<u32>,
    /// The reason that it is not stripped although a rule asked for that.
    pub left: Option<SkipReason>,
    /// The layer that hides it.
    pub hider: Option<Hider>,
}

impl Entry {
    /// True if it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Path(Type::Dir)
    }
}

/// An image with its plan.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// The image's names.
    pub tags: &'a [String],
    /// `OS/ARCH[/VARIANT]`.
    pub platform: &'a str,
    /// The instruction that made each layer, from the history; may be shorter than the layers.
    pub instructions: &'a [&'a str],
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The tree that a container sees.
    pub tree: &'a Tree,
    /// The whiteouts of each layer.
    pub whiteouts: &'a [Vec<Whiteout>],
    /// The plan.
    pub plan: &'a Plan,
    /// The rules.
    pub profile: &'a Profile,
    /// The number of layers in the base.
    pub base: usize,
}
