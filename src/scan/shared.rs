//! The state that the scans of a run share.

use super::sources::Parsed;
use crate::tar::Member;
use crate::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory in bytes that the members of all layers may take: that of four times the files of the largest real images, so
/// that a bomb of headers ends early.
const MAX_MEMORY: usize = 600 << 20;

/// The memory in bytes, roughly, that a plan takes for each member beside the member itself.
const PLAN: usize = 128;

/// The state that the scans of all layers of a run share.
#[derive(Debug, Default)]
pub struct Shared {
    /// The memory in bytes that the members read so far will take.
    memory: AtomicUsize,
    pub(super) parsed: Parsed,
}

impl Shared {
    /// Takes a member's memory; fails once there is none left.
    pub(super) fn take(&self, member: &Member) -> Result<()> {
        self.take_bytes(member.memory() + PLAN)
    }

    pub(super) fn take_bytes(&self, bytes: usize) -> Result<()> {
        self.memory.fetch_add(bytes, Ordering::Relaxed);
        self.check()
    }

    /// Checks that there was enough memory.
    ///
    /// # Errors
    /// Returns an [`ErrorKind::Unsupported`] error if there was not. It names no layer: which one is being read when the memory
    /// runs out is chance.
    pub fn check(&self) -> Result<()> {
        if self.memory.load(Ordering::Relaxed) <= MAX_MEMORY {
            return Ok(());
        }
        let what = "too many files: their names and metadata alone would fill the memory";
        Err(Error::new(ErrorKind::Unsupported, what)
            .expected(format!("at most {} MiB, or about two million files", MAX_MEMORY >> 20), "more")
            .hint("of an archive with several images, read one at a time: IN:REF"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::Kind;

    #[test]
    fn two_million_files_are_in_the_budget_and_a_bomb_is_not() {
        let path = "usr/lib/node_modules/pkg1234/dist/file123456.js";
        let member = Member {
            start: 0,
            stored: 0,
            head: 1,
            flag: b'0',
            global: false,
            path: Box::<[u8]>::from(path.as_bytes()).into(),
            kind: Kind::File,
            meta: crate::tar::Meta::default(),
            sparse: None,
        };
        assert!(size_of::<Member>() <= 88, "memory grows with every file: {}", size_of::<Member>());
        let each = member.memory() + PLAN;
        assert!((2_000_000..3_000_000).contains(&(MAX_MEMORY / each)), "{each}");
        let shared = Shared { memory: AtomicUsize::new(MAX_MEMORY - each), ..Shared::default() };
        assert!(shared.take(&member).is_ok());
        let error = shared.take(&member).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(shared.check().is_err());
    }
}
