//! The properties that every package manager has: names, parts of a database, installed packages, rows of checksums. Each
//! manager has a file of its own beside this one. Bytes in, packages, rows and ranges out; nothing here knows where files are.

use bstr::BString;
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};

/// The checksums of one content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5 and SHA-1, which only distributions' packages use; `None` if they were not computed.
    pub legacy: Option<([u8; 16], [u8; 20])>,
}

/// One row of a list of checksums: a file, its checksum and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The file's path from the root. There may be `..` and symbolic links in it.
    pub path: Vec<u8>,
    /// The range of the checksum in the text; empty if the row has none.
    pub checksum: Range<usize>,
    /// The range of the size; empty if the row has none.
    pub size: Range<usize>,
    /// The range of the line with its end; for apk's database the line of the checksum.
    pub line: Range<usize>,
}

/// The uses of a file of a package manager's database; without any it is no such file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// It says what packages there are and need: without it none can be removed.
    pub database: bool,
    /// It lists files of the distribution's packages.
    pub list: bool,
    /// It is a ledger: a list of checksums that must stay true.
    pub ledger: bool,
}

impl Part {
    /// A file that is none of a database.
    pub const NONE: Self = Self { database: false, list: false, ledger: false };
    /// A file that describes packages.
    pub const DATABASE: Self = Self { database: true, ..Self::NONE };
    /// A list of checksums.
    pub const LEDGER: Self = Self { ledger: true, ..Self::NONE };
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

/// An installed package, as its database describes it.
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
    pub fn new(manager: &'static dyn PackageManager, name: BString) -> Self {
        Self {
            manager: Manager(manager),
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
        self.manager == by.manager && self.manager.satisfies(self, target, by)
    }
}

/// A package, and the paths of everything that belongs to it, from the root with or without a slash.
#[derive(Clone, Debug)]
pub struct Installed<'a> {
    /// The package.
    pub package: Package,
    /// The name and version as analyses show them.
    pub shown: (BString, BString),
    /// False if there is no more than a list of its files, so that it can't be removed.
    pub described: bool,
    /// The directories, files and links of its list, in order; `None` if there is no list.
    pub files: Option<Vec<Cow<'a, [u8]>>>,
    /// The directory with all its files, except those of packages whose directory is below it.
    pub below: Option<BString>,
    /// The database file that has its stanza among others.
    pub shared: Option<BString>,
    /// Database files of its own; of a directory all that is below.
    pub own: Vec<BString>,
    /// The places to which it has diverted other packages' files.
    pub diverted: Vec<&'a [u8]>,
    /// True if it was installed because others need it.
    pub auto: bool,
    /// The directory that a Python distribution lies in: its neighbours there meet requirements first, and the directories
    /// between it and a listed file belong to the package.
    pub scope: Option<BString>,
}

impl Installed<'_> {
    /// Makes an entry for a package of which no file is known.
    #[must_use]
    pub fn new(package: Package) -> Self {
        Self {
            shown: (package.name.clone(), package.version.clone()),
            package,
            described: true,
            files: None,
            below: None,
            shared: None,
            own: Vec::new(),
            diverted: Vec::new(),
            auto: false,
            scope: None,
        }
    }
}

/// A file of a database: its path and its text.
pub type Text<'a> = (BString, &'a [u8]);

/// The files of one image that a manager's packages are read from.
pub trait Files<'a> {
    /// The parts of the manager's database, in the tree's order.
    fn texts(&self) -> &[Text<'a>];
    /// The text of the file at this path, if it was read; an empty file has one.
    fn text(&self, path: &[u8]) -> Option<&'a [u8]>;
    /// The names in a directory.
    fn names(&self, dir: &[u8]) -> Vec<BString>;
    /// The paths of the directories in which there is something of this name, those above before those below.
    fn with(&self, name: &[u8]) -> Vec<BString>;
}

/// A removal of packages, as far as their database's texts have to follow.
pub struct Removal<'a> {
    /// The parts of the manager's database.
    pub texts: &'a [Text<'a>],
    /// The packages that go.
    pub going: Vec<&'a Package>,
    /// The packages that stay.
    pub staying: Vec<&'a Package>,
    /// True if what is at this path goes.
    pub goes: &'a mut dyn FnMut(&[u8]) -> bool,
}

/// A database that is not read.
#[derive(Clone, Copy, Debug)]
pub struct Unread {
    /// The paths of its files: where one of these is, it is in use.
    pub paths: &'static [&'static str],
    /// The commands that remove packages, as a hint names them.
    pub remove: &'static str,
}

/// A package manager. A new one needs a file with this trait and a row in the table of managers; most of its methods have a
/// default for managers of which less is read.
pub trait PackageManager: Sync {
    /// Returns the name of the package manager, as profiles and reports write it.
    fn name(&self) -> &'static str;

    /// True if the packages are the distribution's.
    fn is_distribution(&self) -> bool {
        false
    }

    /// True if slim can remove the packages, so that rules may name the manager.
    fn removes(&self) -> bool {
        false
    }

    /// True if several versions of a package may be installed side by side, in environments of their own: reports tell them
    /// apart.
    fn side_by_side(&self) -> bool {
        false
    }

    /// Returns the database, if slim does not read it.
    fn unread(&self) -> Option<Unread> {
        None
    }

    /// Returns the name of the file in a package's own directory that states the package's version, and is not read with the
    /// database.
    fn manifest(&self) -> Option<&'static str> {
        None
    }

    /// Returns the use of the file at this path.
    fn part(&self, _dir: &[u8], _name: &[u8]) -> Part {
        Part::NONE
    }

    /// Returns the number of bytes at the start of a file of this name that are needed of it.
    fn needed(&self, _name: &[u8], text: &[u8]) -> usize {
        text.len()
    }

    /// Returns the packages.
    fn packages<'a>(&self, files: &dyn Files<'a>) -> Vec<Installed<'a>>;

    /// Returns a name as the manager compares it.
    fn normalized(&self, name: &[u8]) -> BString {
        name.into()
    }

    /// Returns the names by which rules can mean a package.
    fn names(&self, package: &Package) -> Vec<BString> {
        vec![package.name.clone()]
    }

    /// True if a package is what another one of this manager, `by`, asks for.
    fn satisfies(&self, package: &Package, target: &Target, _by: &Package) -> bool {
        package.name == target.name
    }

    /// Returns the rows of packages that go, beside their stanzas: the index of a text, and the range to cut out of it.
    fn cuts(&self, _removal: &mut Removal<'_>) -> Vec<(usize, Range<usize>)> {
        Vec::new()
    }

    /// Returns the rows of a ledger at the path `at`.
    fn rows<'a>(&self, _at: &'a [u8], _text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        Box::new(std::iter::empty())
    }

    /// Returns a checksum as written in a row, in place of `old`; `None` if `sums` does not have it, or `old` is of an unknown
    /// kind.
    fn checksum(&self, _sums: &Sums, _old: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// True if the ledgers lose the rows of files that go: without them an uninstallation or audit does not miss these files.
    /// A package of a distribution is still that package without its documentation.
    fn forgets_files(&self) -> bool {
        false
    }

    /// Returns the SHA-256 that a row's checksum states.
    fn sha256(&self, _checksum: &[u8]) -> Option<[u8; 32]> {
        None
    }
}

/// A package manager of the table; two are equal if their names are.
#[derive(Clone, Copy)]
pub struct Manager(pub(super) &'static dyn PackageManager);

impl Deref for Manager {
    type Target = dyn PackageManager;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Manager {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Manager {}

impl Hash for Manager {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
