//! What is asked of an object and said of it: access to its bytes, how much is to go, and how little is worth it.

use std::borrow::Cow;
use std::ops::Range;

/// A file that gets less than this much smaller is left as it is.
pub const LEAST: u64 = 512;

/// Random access to an object's bytes.
pub trait Object {
    /// The number of bytes.
    fn size(&self) -> u64;

    /// The bytes of a range, all of them; `None` where it is out of bounds or can't be read. [`strip`](super::strip) then answers
    /// [`Reason::Unreadable`](super::Reason::Unreadable). No range asked for is longer than 16 MiB.
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

/// How much goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Debug sections only.
    Debug,
    /// The symbol table, its strings, comments and the linker's relocations too. Dynamic symbols always stay.
    All,
}
