//! Package managers: the table of them, and for each manager a file with all that slim knows of it - where its databases are,
//! what packages, requirements and files these describe, and how they are edited when packages go or files change, so that
//! `dpkg -V`, `apk audit` and `pip check` stay right. Bytes in, packages, rows and ranges out; nothing here knows where files
//! are. The package of a path of the tree is told by [`crate::ownership`].

use crate::path;
use bstr::BString;

mod apk;
mod deb822;
pub mod distribution;
pub mod dpkg;
mod manager;
mod npm;
mod pip;
mod rpm;
#[cfg(test)]
mod tests;

pub use manager::{Clause, Files, Installed, Manager, Package, PackageManager, Part, Removal, Row, Sums, Text};

/// All package managers. A file that several have belongs to the package of the first one: the distribution's comes before a
/// language's.
static MANAGERS: &[Manager] =
    &[Manager(&dpkg::Dpkg), Manager(&apk::Apk), Manager(&rpm::Rpm), Manager(&pip::Pip), Manager(&npm::Npm)];

/// The size in bytes of the largest file of a database that is read: those of the largest distributions' full installations
/// have a fifth of this, and a list of checksums of 100,000 files takes less.
pub const MAX_SIZE: u64 = 16 << 20;

impl Manager {
    /// Returns all package managers.
    pub fn all() -> impl Iterator<Item = Self> {
        MANAGERS.iter().copied()
    }

    /// Returns the managers whose packages rules can remove, by name.
    #[must_use]
    pub fn removing() -> Vec<(&'static str, Self)> {
        Self::all().filter(|manager| manager.removes()).map(|manager| (manager.name(), manager)).collect()
    }

    /// Returns the manager of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|manager| manager.name() == name)
    }

    /// Returns the place in the table.
    #[must_use]
    pub fn rank(self) -> usize {
        Self::all().position(|manager| manager == self).unwrap_or(MANAGERS.len())
    }

    /// Returns the manager of whose database the file at this path is a part, and the use of the file.
    #[must_use]
    pub fn of_file(path: &[u8]) -> Option<(Self, Part)> {
        let (dir, name) = path::split(path);
        Self::all().map(|manager| (manager, manager.part(dir, name))).find(|(_, part)| *part != Part::NONE)
    }
}

/// A list of checksums of other files, of a kind that a manager writes: pip's `RECORD`, dpkg's `md5sums`, apk's `installed`. If
/// slim changes a file, its row is changed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger(Manager);

impl Ledger {
    /// Returns the kind of ledger at this path, if it is one.
    #[must_use]
    pub fn of(path: &[u8]) -> Option<Self> {
        Manager::of_file(path).filter(|(_, part)| part.ledger).map(|(manager, _)| Self(manager))
    }

    /// Returns the manager that wrote it.
    #[must_use]
    pub const fn manager(self) -> Manager {
        self.0
    }

    /// Returns the rows. `at` is the ledger's own path: rows of `RECORD` are relative to the directory above its own.
    #[must_use]
    pub fn rows<'a>(self, at: &'a [u8], text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        self.0.rows(at, text)
    }
}

/// Returns the name of the package that has a file of its own directory in one of the directories `roots`, such as
/// `site-packages`: by the path alone, whether it was installed or copied there. A file directly in a root is of no package.
#[must_use]
pub fn by_directory(path: &[u8], roots: &[Vec<u8>]) -> Option<BString> {
    let parts: Vec<&[u8]> = path::components(path).collect();
    let root = parts.iter().position(|part| roots.iter().any(|root| root == part))?;
    match parts.get(root + 1..parts.len().checked_sub(1)?)? {
        [] => None,
        [scope, name, ..] if scope.starts_with(b"@") => Some(path::join(scope, name)),
        [name, ..] => {
            // `name-1.2.dist-info` belongs to `name`.
            let end = if name.ends_with(b"-info") { memchr::memchr(b'-', name) } else { None };
            Some(name[..end.unwrap_or(name.len())].into())
        }
    }
}
