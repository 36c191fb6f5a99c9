//! The facts that a scan looks for.

use crate::elf::Level;
use crate::refs::paths::Search;
use crate::refs::signatures::Signatures;
use std::sync::Arc;

/// The facts that a scan looks for besides the members.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Interpreters of scripts and programs.
    pub interpreters: bool,
    /// The references of Python code.
    pub python: bool,
    /// The references of all other files: JavaScript, and the libraries that ELF objects need.
    pub others: bool,
    /// Names of directories and extensions of files that rules would drop: a mere mention of one counts as a reference.
    pub words: Vec<Vec<u8>>,
    /// The paths and names that plain texts and programs are searched for.
    pub search: Option<Arc<Search>>,
    /// The lists of the files of packages.
    pub lists: bool,
    /// The levels at which rules would strip; empty if no rule does.
    pub strip: Vec<Level>,
    /// pip's records of files, from which the rows of files that go are removed.
    pub records: bool,
    /// Checksums of files that get a new content.
    pub checksums: bool,
    /// Digests of files in any texts.
    pub digests: bool,
    /// The names of texts whose digests are of archives, sorted.
    pub archive_lists: Vec<Vec<u8>>,
    /// The databases of package managers.
    pub packages: bool,
    /// The part of dpkg's configuration that an earlier run wrote.
    pub dpkg_paths: bool,
    /// The headers of Python's compiled modules.
    pub bytecode: bool,
    /// The contents that are looked for at the beginning of files.
    pub signatures: Option<Arc<Signatures>>,
    /// True if nothing will be written: nothing is verified, contents that no fact needs are not read, and for files that would
    /// be stripped only the size is computed: the checksums are zeros.
    pub sizes_only: bool,
    /// The distribution of the image.
    pub os_release: bool,
}

impl Needs {
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
            interpreters: self.interpreters || other.interpreters,
            python: self.python || other.python,
            others: self.others || other.others,
            search: both(self.search, other.search),
            lists: self.lists || other.lists,
            records: self.records || other.records,
            checksums: self.checksums || other.checksums,
            digests: self.digests || other.digests,
            packages: self.packages || other.packages,
            dpkg_paths: self.dpkg_paths || other.dpkg_paths,
            bytecode: self.bytecode || other.bytecode,
            os_release: self.os_release || other.os_release,
            sizes_only: self.sizes_only || other.sizes_only,
            signatures: self.signatures.or(other.signatures),
            ..self
        }
    }
}

impl Needs {
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
