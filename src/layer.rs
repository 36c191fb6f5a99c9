//! What a scan finds out about one layer: its members and the few facts about their content that plans need.

use crate::elf::{Level, Outcome, Piece};
use crate::ledger::Sums;
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
    /// What a source text, or a list of modules or directories, refers to.
    pub references: Arc<[Reference]>,
    /// The libraries that an ELF object needs.
    pub needed: Option<Box<Needed>>,
    /// What stripping would make of an executable or shared object, for each level that a rule asks for.
    pub strip: Vec<Strip>,
    /// The SHA-256 of an object that stripping would change, where it was at hand: in a compressed layer.
    pub sha256: Option<Box<[u8; 32]>>,
    /// The digests in a text.
    pub digests: Option<Box<Digests>>,
    /// The text of a file that has checksums of others, or is part of a package manager's database.
    pub database_text: Option<Box<[u8]>>,
    /// Which of the signatures asked for its content has, a bit for each.
    pub signatures: u64,
}

/// What stripping would make of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// How much a rule asked for.
    pub level: Level,
    /// What it comes to.
    pub outcome: Outcome,
    /// The checksums of the new file, where there is one.
    pub sums: Option<Sums>,
}

impl Facts {
    /// Whether there is nothing to know.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// About how many bytes of memory its texts and recipes take, in the scan and in the plan.
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
    /// Its members in tar order.
    pub members: Vec<Member>,
    /// Facts by index of the member.
    pub facts: HashMap<u32, Facts>,
    /// The headers of Python's compiled modules, by index of the member.
    pub bytecode: HashMap<u32, Header>,
    /// The size of the decompressed tar in bytes, end marker and all.
    pub tar_bytes: u64,
    /// The sizes in bytes that headers state of what has no content, by index of the member; hardly any does.
    pub stated: HashMap<u32, u64>,
}
