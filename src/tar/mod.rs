//! Tar as engines write layers: framing into members with exact byte spans, and the making of single headers.
//!
//! A layer is never unpacked and packed again. [`frame`] says where each member begins and ends, and what it means; what
//! is kept is copied as those bytes. [`synth`] writes a header only for a member that changes its name or place.

use bstr::{BStr, BString};
use std::ops::Range;
use std::sync::Arc;

mod entry;
pub mod frame;
mod header;
mod pax;
pub(crate) mod sparse;
pub mod synth;
#[cfg(test)]
mod tests;

/// The size of a tar block in bytes.
pub const BLOCK: u64 = 512;

/// `n` rounded up to whole blocks; saturates.
#[must_use]
pub const fn padded(n: u64) -> u64 {
    n.saturating_add(BLOCK - 1) / BLOCK * BLOCK
}

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file (type flags `0`, NUL, `7` and `S`).
    File,
    /// Another name for the file at this normalized path (type flag `1`). Links are few: a pointer keeps all others small.
    HardLink(Box<BString>),
    /// A symbolic link with this target, as it is (type flag `2`).
    Symlink(Box<BString>),
    /// A directory (type flag `5`, GNU's `D`, or an old-style regular entry whose name ends in `/`).
    Dir,
    /// A character device: major, minor (type flag `3`).
    Char(u32, u32),
    /// A block device: major, minor (type flag `4`).
    Block(u32, u32),
    /// A named pipe (type flag `6`).
    Fifo,
}

impl Kind {
    /// A hard link to this normalized path.
    #[must_use]
    pub fn hard_link(target: impl Into<BString>) -> Self {
        Self::HardLink(Box::new(target.into()))
    }

    /// A symbolic link with this target.
    #[must_use]
    pub fn symlink(target: impl Into<BString>) -> Self {
        Self::Symlink(Box::new(target.into()))
    }
}

/// A point in time: seconds since the epoch, which may be negative, and 0 to 999,999,999 nanoseconds after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds, rounded down.
    pub secs: i64,
    /// Nanoseconds after `secs`.
    pub nanos: u32,
}

/// What an inode has besides its type and content. PAX values have been applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Modification time.
    pub mtime: Time,
    /// All else. Most members of a layer have one of a few, so they share it.
    pub attrs: Arc<Attrs>,
}

/// What an inode has besides its type, content and time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attrs {
    /// Permission bits with set-uid, set-gid and sticky: the lower 12 bits.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// Owner's name, often empty.
    pub uname: BString,
    /// Group's name, often empty.
    pub gname: BString,
    /// The PAX records that no field here and none of [`Member`] expresses (xattrs, ACLs, atime, ctime, comment, vendor
    /// keys), key and value, in the order of the input. `SCHILY.xattr.*` are the extended attributes.
    pub records: Vec<(BString, BString)>,
}

impl From<Attrs> for Meta {
    /// At the epoch.
    fn from(attrs: Attrs) -> Self {
        Self { mtime: Time::default(), attrs: attrs.into() }
    }
}

/// The layout of a sparse file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// The file's size as a reader sees it, in bytes.
    pub real_size: u64,
    /// Data chunks as (offset in the file, length), ascending, not overlapping, within `real_size`.
    pub map: Vec<(u64, u64)>,
}

/// One member of a layer. Memory grows with their number and with little else, so that every byte in here counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it begins in the decompressed stream.
    pub start: u64,
    /// How many bytes follow its headers, without padding; they are data only where it is a file.
    pub stored: u64,
    /// How many blocks its headers are: `x`, `L` and `K` prefixes, the header itself, and whatever has a sparse map.
    pub head: u32,
    /// The type flag of the header.
    pub flag: u8,
    /// Whether a global PAX header before it in this layer gave it some of its metadata, so that its own bytes alone do not mean
    /// the same elsewhere.
    pub global: bool,
    /// The normalized path; empty for the root.
    pub path: Box<BStr>,
    /// What it is.
    pub kind: Kind,
    /// Its metadata.
    pub meta: Meta,
    /// Where it is a sparse file, of whatever form.
    pub sparse: Option<Box<Sparse>>,
}

/// Directories above this depth are taken for such as many members share.
const DEEP: usize = 32;
/// About how many bytes of memory an implied directory takes.
const DIRECTORY: usize = 128;

impl Member {
    /// Everything of it in the decompressed stream: headers, data and padding. Spans of one layer follow each other without a
    /// gap, but for global PAX headers.
    #[must_use]
    pub const fn span(&self) -> Range<u64> {
        self.start..self.start + self.span_bytes()
    }

    /// The length of [`Member::span`].
    #[must_use]
    pub const fn span_bytes(&self) -> u64 {
        self.head as u64 * BLOCK + padded(self.stored)
    }

    /// The stored data: the file's bytes without padding; of a sparse file the chunks only, without any map.
    #[must_use]
    pub fn data(&self) -> Range<u64> {
        let start = self.start + u64::from(self.head) * BLOCK;
        let length = if self.kind == Kind::File { self.stored } else { 0 };
        start..start + length
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let target = match &self.kind {
            Kind::HardLink(target) | Kind::Symlink(target) => target.len(),
            _ => 0,
        };
        let map = self.sparse.as_ref().map_or(0, |s| s.map.len() * size_of::<(u64, u64)>());
        let record = |(key, value): &(BString, BString)| size_of::<(BString, BString)>() + key.len() + value.len();
        let records: usize = self.meta.attrs.records.iter().map(record).sum();
        // A path may imply directories that no member describes.
        let deep = memchr::memchr_iter(b'/', &self.path).count().saturating_sub(DEEP) * DIRECTORY;
        size_of::<Self>() + self.path.len() + target + map + records + deep
    }

    /// The size in bytes that a reader of the file sees; 0 for what has no content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sparse.as_ref().map_or_else(|| self.data().end - self.data().start, |s| s.real_size)
    }
}
