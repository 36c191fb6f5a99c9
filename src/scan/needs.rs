//! What a scan looks for.

use crate::elf::Level;
use crate::refs::paths::Search;
use crate::refs::signatures::Signatures;
use std::sync::Arc;

/// What a scan looks for besides the members.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Interpreters of scripts and programs.
    pub interpreters: bool,
    /// What Python code refers to.
    pub python: bool,
    /// What all else refers to: JavaScript, and what ELF objects need.
    pub others: bool,
    /// Names of directories and extensions of files that rules would drop: to mention one is to refer to it.
    pub words: Vec<Vec<u8>>,
    /// What paths and names plain texts and programs are searched for.
    pub search: Option<Arc<Search>>,
    /// Which files packages have.
    pub lists: bool,
    /// How much rules would strip; empty where no rule does.
    pub strip: Vec<Level>,
    /// What pip wrote down of files: rows of what goes are taken out.
    pub records: bool,
    /// Checksums of files that get a new content.
    pub checksums: bool,
    /// Digests of files in any texts.
    pub digests: bool,
    /// The names of texts whose digests are of archives, sorted.
    pub archive_lists: Vec<Vec<u8>>,
    /// The databases of package managers.
    pub packages: bool,
    /// dpkg's configuration as an earlier run wrote it.
    pub dpkg_paths: bool,
    /// The headers of Python's compiled modules.
    pub bytecode: bool,
    /// What contents are looked for at the beginning of files.
    pub signatures: Option<Arc<Signatures>>,
    /// Whether nothing will be written: nothing is verified, contents that no fact needs are not read, and of what would be
    /// stripped only the size is known: its checksums are zeros.
    pub sizes_only: bool,
    /// Which distribution the image is of.
    pub os_release: bool,
}

impl Needs {
    /// What either needs.
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
    /// Whether source maps are looked for.
    pub(super) fn maps(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.wanted().maps)
    }
}

/// A search for what either looks for.
fn both(one: Option<Arc<Search>>, other: Option<Arc<Search>>) -> Option<Arc<Search>> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let both = one.wanted().and(other.wanted());
            if both == *one.wanted() { Some(one) } else { Search::new(both).map(Arc::new) }
        }
        (one, other) => one.or(other),
    }
}
