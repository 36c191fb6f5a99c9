//! The result of scanning one layer: its members and the few facts about their content that plans need.

use crate::elf::{Level, Outcome, Piece};
use crate::packages::Sums;
use crate::refs::Reference;
use crate::refs::digests::Digests;
use crate::refs::needed::Needed;
use crate::refs::pyc::Header;
use crate::refs::script::Shebang;
use crate::tar::Member;
use bstr::BString;
use std::collections::HashMap;
use std::sync::Arc;

/// Facts about a file's content. Most files have none and take no space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The dynamic loader that an ELF program names (`PT_INTERP`).
    pub loader: Option<BString>,
    /// The `#!` line of a script.
    pub script: Option<Shebang>,
    /// The references of a source text, or of a list of modules or directories.
    pub references: Arc<[Reference]>,
    /// The libraries that an ELF object needs.
    pub needed: Option<Box<Needed>>,
    /// The result of stripping an executable or shared object, for each level that a rule asks for.
    pub strip: Vec<Strip>,
    /// The SHA-256 of an object that stripping would change, if the object was at hand: in a compressed layer.
    pub sha256: Option<Box<[u8; 32]>>,
    /// The digests in a text.
    pub digests: Option<Box<Digests>>,
    /// The text of a ledger or of another part of a package manager's database.
    pub database_text: Option<Box<[u8]>>,
    /// The signatures that its content matches, a bit for each.
    pub signatures: u64,
}

/// The result of stripping a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The level that a rule asked for.
    pub level: Level,
    /// The outcome.
    pub outcome: Outcome,
    /// The checksums of the new file, if there is one.
    pub sums: Option<Sums>,
}

impl Facts {
    /// True if there are no facts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns roughly the number of bytes of memory that the texts and recipes take, in the scan and in the plan.
    #[must_use]
    pub fn memory(&self) -> usize {
        let piece = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len() + size_of::<Piece>(),
            Piece::Copy(_) | Piece::Zeros(_) | Piece::Spooled(_) => size_of::<Piece>(),
        };
        let recipe = |strip: &Strip| match &strip.outcome {
            Outcome::Replaced(recipe) => 3 * recipe.pieces.iter().map(piece).sum::<usize>(),
            Outcome::Unchanged(_) => 0,
        };
        self.database_text.as_ref().map_or(0, |text| text.len())
            + self.strip.iter().map(recipe).sum::<usize>()
            + self.references.iter().map(Reference::memory).sum::<usize>()
            + self.needed.as_ref().map_or(0, |needed| needed.memory())
            + self.digests.as_ref().map_or(0, |digests| digests.memory())
            + self.sha256.as_ref().map_or(0, |_| size_of::<[u8; 32]>())
    }
}

/// One layer, scanned.
#[derive(Clone, Debug, Default)]
pub struct LayerIndex {
    /// The members, in tar order.
    pub members: Vec<Member>,
    /// Facts by number of the member.
    pub facts: HashMap<u32, Facts>,
    /// The headers of Python's compiled modules, by number of the member.
    pub bytecode: HashMap<u32, Header>,
    /// The size of the decompressed tar in bytes, end marker included.
    pub tar_bytes: u64,
    /// The sizes in bytes that headers state for members without content, by number of the member; there are hardly any.
    pub stated: HashMap<u32, u64>,
}
