//! The facts that a scan looks for.

use crate::elf::Level;
use crate::refs::paths::Search;
use crate::refs::signatures::Signatures;
use std::sync::Arc;

bitflags::bitflags! {
    /// Facts that are looked for if they are asked for, without further words.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// Interpreters of scripts and programs.
        const INTERPRETERS = 1;
        /// The references of Python code.
        const PYTHON = 1 << 1;
        /// The references of all other files: JavaScript, and the libraries that ELF objects need.
        const OTHERS = 1 << 2;
        /// The lists of the files of packages.
        const LISTS = 1 << 3;
        /// pip's records of files, from which the rows of files that go are removed.
        const RECORDS = 1 << 4;
        /// Checksums of files that get a new content.
        const CHECKSUMS = 1 << 5;
        /// Digests of files in any texts.
        const DIGESTS = 1 << 6;
        /// The databases of package managers.
        const PACKAGES = 1 << 7;
        /// The part of dpkg's configuration that an earlier run wrote.
        const DPKG_PATHS = 1 << 8;
        /// The headers of Python's compiled modules.
        const BYTECODE = 1 << 9;
        /// The distribution of the image.
        const OS_RELEASE = 1 << 10;
        /// Nothing will be written: nothing is verified, contents that no fact needs are not read, and for files that would be
        /// stripped only the size is computed: the checksums are zeros.
        const SIZES_ONLY = 1 << 11;
        /// The databases of package managers as far as they can be read, to tell whose files go.
        const OWNERS = 1 << 12;
    }
}

/// The facts that a scan looks for besides the members.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Those that need no further words.
    pub flags: Flags,
    /// Names of directories and extensions of files that rules would drop: a mere mention of one counts as a reference.
    pub words: Vec<Vec<u8>>,
    /// The paths and names that plain texts and programs are searched for.
    pub search: Option<Arc<Search>>,
    /// The levels at which rules would strip; empty if no rule does.
    pub strip: Vec<Level>,
    /// The names of texts whose digests are of archives, sorted.
    pub archive_lists: Vec<Vec<u8>>,
    /// The contents that are looked for at the beginning of files.
    pub signatures: Option<Arc<Signatures>>,
}

impl Needs {
    /// Returns the needs of these flags alone.
    #[must_use]
    pub fn of(flags: Flags) -> Self {
        Self { flags, ..Self::default() }
    }

    /// Returns everything that one or the other needs.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self.words.sort();
        self.words.dedup();
        self.archive_lists.extend(other.archive_lists);
        self.archive_lists.sort();
        self.archive_lists.dedup();
        self.strip.extend(other.strip.into_iter().filter(|level| !self.strip.contains(level)).collect::<Vec<_>>());
        Self {
            flags: self.flags | other.flags,
            search: both(self.search, other.search),
            signatures: self.signatures.or(other.signatures),
            ..self
        }
    }

    /// True if one of these is asked for.
    pub(super) const fn any(&self, flags: Flags) -> bool {
        self.flags.intersects(flags)
    }

    /// True if source maps are looked for.
    pub(super) fn maps(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.wanted().maps)
    }
}

/// Returns a search for everything that one or the other looks for.
fn both(one: Option<Arc<Search>>, other: Option<Arc<Search>>) -> Option<Arc<Search>> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let both = one.wanted().and(other.wanted());
            if both == *one.wanted() { Some(one) } else { Search::new(both).map(Arc::new) }
        }
        (one, other) => one.or(other),
    }
}
