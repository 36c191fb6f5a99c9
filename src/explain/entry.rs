//! A path, what is known of it, and what becomes of it.

use crate::layer::LayerIndex;
use crate::plan::{self, Plan, SkipReason};
use crate::profile::Profile;
use crate::tree::merge::Whiteout;
use crate::tree::{MemberId, NodeId, Tree, Type};

/// How something is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A later member has the same path, or one above it and is no directory.
    Replaced,
    /// A whiteout of it, or of a directory above it.
    Deleted,
    /// An opaque marker of a directory above it.
    Opaque,
}

/// What hides a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hider {
    /// The layer that does, from 0 at the bottom.
    pub layer: u32,
    /// How.
    pub how: How,
}

/// What becomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It goes.
    Drop,
    /// Later layers hide it: it lies in a layer, and no container sees it. It goes where a rule takes it.
    Hidden,
    /// It stays, without symbols and debug data.
    Strip,
    /// It stays, with a new content: the record that a package manager has of files that change.
    Rewrite,
    /// It stays although a rule asks for it.
    Held,
    /// It stays as it is.
    Keep,
}

impl Verdict {
    /// All of them, those that change most first.
    pub const ALL: [Self; 6] = [Self::Drop, Self::Hidden, Self::Strip, Self::Rewrite, Self::Held, Self::Keep];

    /// Its name, on the command line and in reports.
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

    /// A bit for sets of verdicts; as a number it is the place in [`Self::ALL`].
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How to sort what is in one directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, as bytes.
    #[default]
    Name,
    /// What takes most with it first.
    Size,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path that containers see.
    Node(NodeId),
    /// A member of a layer that they do not.
    Member(MemberId),
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As in the tree; a hidden hard link is a file.
    Path(Type),
    /// A whiteout, an opaque marker, or another of engines' own names.
    Marker,
}

impl Kind {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path(Type::File) => "file",
            Self::Path(Type::Dir) => "dir",
            Self::Path(Type::Symlink) => "symlink",
            Self::Path(Type::Other) => "special",
            Self::Marker => "marker",
        }
    }
}

/// A path, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
    /// The layer that gave it, from 0 at the bottom.
    pub layer: u32,
    /// Bytes of its content; 0 of what has none.
    pub size: u64,
    /// Bytes of the content that it gets instead.
    pub new_size: Option<u64>,
    /// Bytes of its layer's tar: header, data, padding. 0 of a directory that no layer describes.
    pub span: u64,
    /// How many of those go.
    pub bytes: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that takes, strips or asks for it, by index in the profile; [`plan::SHADOWED`] as in a plan.
    pub rule: Option<u16>,
    /// What holds it, whatever the verdict: what is held may be stripped.
    pub held: Option<plan::Held>,
    /// Its package, which a rule asks for and does not get: an index of those of the plan.
    pub package: Option<u32>,
    /// Why it is not stripped although a rule asked for that.
    pub left: Option<SkipReason>,
    /// What hides it.
    pub hider: Option<Hider>,
}

impl Entry {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Path(Type::Dir)
    }
}

/// What is known of an image after its plan.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// Its names.
    pub tags: &'a [String],
    /// `OS/ARCH[/VARIANT]`.
    pub platform: &'a str,
    /// What made each layer, as the history says; may be shorter than the layers.
    pub instructions: &'a [&'a str],
    /// Its layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// What a container sees.
    pub tree: &'a Tree,
    /// The whiteouts and opaque markers of each layer.
    pub whiteouts: &'a [Vec<Whiteout>],
    /// What was decided.
    pub plan: &'a Plan,
    /// By what rules.
    pub profile: &'a Profile,
    /// How many layers are the base.
    pub base: usize,
}
