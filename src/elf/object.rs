//! Access to an object's bytes, the level of stripping, and the least gain that is worth it.

use std::borrow::Cow;
use std::ops::Range;

/// The number of bytes that a file must get smaller by; otherwise it is left as it is.
pub const LEAST: u64 = 512;

/// Random access to an object's bytes.
pub trait Object {
    /// The number of bytes.
    fn size(&self) -> u64;

    /// Returns the bytes of a range, all of them; `None` if it is out of bounds or can't be read. [`strip`](super::strip) then
    /// answers [`Reason::Unreadable`](super::Reason::Unreadable). No requested range is longer than 16 MiB.
    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>>;
}

impl Object for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        self.get(start..end).map(Cow::Borrowed)
    }
}

/// The amount that is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Debug sections only.
    Debug,
    /// The symbol table, its strings, comments and the linker's relocations too. Dynamic symbols always stay.
    All,
}
