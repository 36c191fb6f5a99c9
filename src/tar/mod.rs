//! Tar as engines write layers: framing into members with exact byte spans, and the making of single headers.
//!
//! A layer is never unpacked and packed again. [`frame`] finds where each member begins and ends, and what it means; members
//! that are kept are copied as those bytes. [`synth`] writes a header only for a member that changes its name or place.

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

/// The type of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file (type flags `0`, NUL, `7` and `S`).
    File,
    /// Another name for the file at this normalized path (type flag `1`). Links are few: a pointer keeps all other kinds small.
    HardLink(Box<BString>),
    /// A symbolic link with this target, unchanged (type flag `2`).
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

/// Everything that an inode has besides its type and content. PAX values have been applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Modification time.
    pub mtime: Time,
    /// All other metadata. Most members of a layer have one of a few sets, so they share it.
    pub attrs: Arc<Attrs>,
}

/// Everything that an inode has besides its type, content and time.
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
    /// The PAX records that neither a field here nor one of [`Member`] expresses (xattrs, ACLs, atime, ctime, comment, vendor
    /// keys), key and value, in the order of the input. `SCHILY.xattr.*` are the extended attributes.
    pub records: Vec<(BString, BString)>,
}

impl From<Attrs> for Meta {
    /// Makes metadata with the epoch as modification time.
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

/// One member of a layer. Most memory is taken by members, so every byte in here counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The offset of its first header in the decompressed stream.
    pub start: u64,
    /// The number of bytes after its headers, without padding; they are data only if it is a file.
    pub stored: u64,
    /// The number of blocks of its headers: `x`, `L` and `K` prefixes, the header itself, and the blocks of a sparse map.
    pub head: u32,
    /// The type flag of the header.
    pub flag: u8,
    /// True if a global PAX header before it in this layer gave it some of its metadata, so that its own bytes alone would mean
    /// something else in another place.
    pub global: bool,
    /// The normalized path; empty for the root.
    pub path: Box<BStr>,
    /// The type, with a link's target.
    pub kind: Kind,
    /// Owner, mode, time and the like.
    pub meta: Meta,
    /// The layout of a sparse file, of whatever form; `None` for others.
    pub sparse: Option<Box<Sparse>>,
}

/// The number of directories in a path that are assumed to be shared with other members when memory is estimated.
const DEEP: usize = 32;
/// The memory in bytes, roughly, of an implied directory.
const DIRECTORY: usize = 128;

impl Member {
    /// Returns the range of all its bytes in the decompressed stream: headers, data and padding. Spans of one layer follow each
    /// other without a gap, except for global PAX headers.
    #[must_use]
    pub const fn span(&self) -> Range<u64> {
        self.start..self.start + self.span_bytes()
    }

    /// Returns the length of [`Member::span`].
    #[must_use]
    pub const fn span_bytes(&self) -> u64 {
        self.head as u64 * BLOCK + padded(self.stored)
    }

    /// Returns the range of the stored data: the file's bytes without padding; of a sparse file only the chunks, without any
    /// map.
    #[must_use]
    pub fn data(&self) -> Range<u64> {
        let start = self.start + u64::from(self.head) * BLOCK;
        let length = if self.kind == Kind::File { self.stored } else { 0 };
        start..start + length
    }

    /// Returns roughly the number of bytes of memory that this takes.
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

    /// Returns the size in bytes that a reader of the file sees; 0 if it has no content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sparse.as_ref().map_or_else(|| self.data().end - self.data().start, |s| s.real_size)
    }
}
