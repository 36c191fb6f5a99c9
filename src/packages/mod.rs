//! The databases of package managers: the installed packages, their requirements, and the bytes of the database that describe
//! them. Those of dpkg, apk and pip are read; others are not. Bytes in, packages and ranges out; nothing here knows where files
//! are.

use bstr::{BString, ByteSlice};
use std::ops::Range;

pub mod alternatives;
pub mod apk;
pub mod deb822;
pub mod distribution;
pub mod dpkg;
pub mod ledger;
mod marker;
mod names;
pub mod pip;
#[cfg(test)]
mod tests;
mod version;

pub use version::compare;

/// The size in bytes of the largest database that is read: those of the largest distributions' full installations have a fifth
/// of this.
pub const MAX_SIZE: u64 = 16 << 20;

/// The package manager that installed a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// The manager of Debian and Ubuntu.
    Dpkg,
    /// The manager of Alpine.
    Apk,
    /// The manager of Python, and all others that write `.dist-info` directories: uv, poetry, pdm.
    Pip,
}

impl Manager {
    /// All package managers, with their names in profiles and reports.
    pub const KNOWN: [(&'static str, Self); 3] = [("dpkg", Self::Dpkg), ("apk", Self::Apk), ("pip", Self::Pip)];

    /// Returns the name of the package manager, as profiles and reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::KNOWN.iter().find(|(_, m)| *m == self).map_or("", |(name, _)| name)
    }
}

/// A kind of file that belongs to a package manager's database, beside those of [`crate::packages::ledger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// dpkg's `status`: a stanza for each package. Source: deb-src-control(5), dpkg-query(1).
    Status,
    /// One package's stanza as a file of its own, as distroless images have it.
    StatusD,
    /// The paths of one package's files, a line each: `info/PACKAGE.list`.
    List,
    /// apt's record of packages that were installed because others need them: `extended_states`.
    ExtendedStates,
    /// dpkg's `diversions`: three lines for each. Source: dpkg-divert(1).
    Diversions,
    /// dpkg's `statoverride`: user, group, mode and path in a line. Source: dpkg-statoverride(1).
    Statoverride,
    /// dpkg's `triggers/File`: path and package in a line. Source: deb-triggers(5).
    TriggersFile,
    /// Any other of dpkg's `triggers`: a package in a line.
    TriggersName,
    /// A group of alternatives. Source: update-alternatives(1).
    Alternatives,
    /// apk's list of the packages that were asked for. Source: apk-world(5).
    World,
    /// The headers of a Python distribution's `METADATA`.
    /// Source: <https://packaging.python.org/en/latest/specifications/core-metadata/>.
    Metadata,
}

impl Document {
    /// Returns the kind of the file at this path, if it is one.
    #[must_use]
    pub fn of(path: &[u8]) -> Option<Self> {
        let (dir, name) = crate::path::split(path);
        match (dir, name) {
            (b"var/lib/dpkg", b"status") => Some(Self::Status),
            (b"var/lib/dpkg", b"diversions") => Some(Self::Diversions),
            (b"var/lib/dpkg", b"statoverride") => Some(Self::Statoverride),
            (b"var/lib/dpkg/status.d", name) if !name.ends_with(b".md5sums") => Some(Self::StatusD),
            (b"var/lib/dpkg/info", name) if name.ends_with(b".list") => Some(Self::List),
            (b"var/lib/dpkg/triggers", b"File") => Some(Self::TriggersFile),
            (b"var/lib/dpkg/triggers", b"Lock" | b"Unincorp") => None,
            (b"var/lib/dpkg/triggers", _) => Some(Self::TriggersName),
            (b"var/lib/dpkg/alternatives", _) => Some(Self::Alternatives),
            (b"var/lib/apt", b"extended_states") => Some(Self::ExtendedStates),
            (b"etc/apk", b"world") => Some(Self::World),
            (dir, b"METADATA") if dir.ends_with(b".dist-info") => Some(Self::Metadata),
            _ => None,
        }
    }
}

/// The relation of a version to the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<<`: earlier.
    Before,
    /// `<=`
    NotAfter,
    /// `=`
    Same,
    /// `>=`
    NotBefore,
    /// `>>`: later.
    After,
}

/// One of the packages that meet a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The package's name, or the name of something it provides.
    pub name: BString,
    /// The version asked for. For apk and pip it is ignored, as their databases are consistent.
    pub version: Option<(Relation, BString)>,
}

/// A requirement of a package: one of these meets it.
pub type Clause = Vec<Target>;

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The manager that installed it.
    pub manager: Manager,
    /// The package's name; of a Python distribution the normalized one.
    pub name: BString,
    /// The architecture; empty if there is none.
    pub arch: BString,
    /// The package's version.
    pub version: BString,
    /// The requirements without which it does not work.
    pub needs: Vec<Clause>,
    /// The packages that it recommends and suggests: these keep automatically installed packages.
    pub wants: Vec<Clause>,
    /// apk's `install_if`: as long as all of these are there, this package is.
    pub with: Vec<Clause>,
    /// Other names that it provides, with their version if they have one.
    pub provides: Vec<(BString, Option<BString>)>,
    /// True if the system does not work without it: `Essential`, `Protected` or `Important`.
    pub essential: bool,
    /// True if the administrator asked that it stays as it is (`apt-mark hold`).
    pub on_hold: bool,
    /// True if packages of other architectures may use it.
    pub foreign: bool,
    /// The range of its stanza in the database's text.
    pub stanza: Range<usize>,
}

impl Package {
    /// Makes a package of which only the name is known.
    #[must_use]
    pub fn new(manager: Manager, name: BString) -> Self {
        Self {
            manager,
            name,
            arch: BString::default(),
            version: BString::default(),
            needs: Vec::new(),
            wants: Vec::new(),
            with: Vec::new(),
            provides: Vec::new(),
            essential: false,
            on_hold: false,
            foreign: false,
            stanza: 0..0,
        }
    }

    /// True if it is what `by` asks for.
    #[must_use]
    pub fn satisfies(&self, target: &Target, by: &Self) -> bool {
        if self.manager != by.manager {
            return false;
        }
        let all = |p: &Self| p.arch.is_empty() || p.arch == "all";
        if self.manager == Manager::Dpkg && !(self.arch == by.arch || all(self) || all(by) || self.foreign) {
            return false;
        }
        if self.name == target.name {
            return self.manager != Manager::Dpkg || holds(target.version.as_ref(), Some(&self.version));
        }
        let mut provided = self.provides.iter().filter(|(name, _)| *name == target.name);
        match self.manager {
            Manager::Dpkg => provided.any(|(_, version)| holds(target.version.as_ref(), version.as_ref())),
            // apk installs one provider with a version for each name: whatever version is asked for, this is it.
            Manager::Apk => provided.any(|(_, version)| target.version.is_none() || version.is_some()),
            Manager::Pip => false,
        }
    }
}

/// True if a version is as asked for. A package without one does not meet a requirement for one.
fn holds(asked: Option<&(Relation, BString)>, version: Option<&BString>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let Some((relation, wanted)) = asked else { return true };
    let Some(version) = version else { return false };
    match (relation, compare(version.as_bytes(), wanted.as_bytes())) {
        (Relation::Before, order) => order == Less,
        (Relation::NotAfter, order) => order != Greater,
        (Relation::Same, order) => order == Equal,
        (Relation::NotBefore, order) => order != Less,
        (Relation::After, order) => order == Greater,
    }
}

/// Returns the lines of a text without their ends, and their ranges, which include the ends.
pub fn lines(text: &[u8]) -> impl Iterator<Item = (Range<usize>, &[u8])> {
    text.split_inclusive(|&c| c == b'\n').scan(0, |at, line| {
        let range = *at..*at + line.len();
        *at = range.end;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some((range, line.strip_suffix(b"\r").unwrap_or(line)))
    })
}
