//! Profiles: what to drop and what to protect, as data. A profile is a TOML text of rules (paths, a reason, a risk) and
//! protected paths; it may extend others. This module turns texts into one resolved [`Profile`], and into a [`Matcher`] that
//! finds the rules and protections which name a path.
//!
//! A pattern that names a directory means it and everything below. The matcher answers for exactly the path it is asked about;
//! a caller that walks a tree lets children inherit. Nothing here reads files: a closure does, for those that users extend.

use crate::elf::Level;
use std::collections::BTreeMap;

mod builtin;
mod document;
mod error;
mod file;
mod id;
mod matcher;
mod packages;
mod pattern;
mod reading;
mod resolve;
mod show;
mod vary;

pub use builtin::builtins;
pub(crate) use document::{Reader, Value, in_order, parse};
pub use error::ProfileError;
pub(crate) use error::{Source, Text, nearest};
pub use id::{ProtectId, RuleId};
pub(crate) use matcher::Globs;
pub use matcher::{Conditions, Hits, Matcher};
pub use packages::Packages;
pub use pattern::Glob;
pub(crate) use pattern::glob;
pub use reading::Reading;
pub use resolve::{check, resolve, resolve_for};
pub use show::show;
pub use vary::Override;

/// The id of the rule that `--drop` makes, and the profile name of everything that the command line adds.
pub const COMMAND_LINE: &str = "command-line";

/// The resolved profile of a run: the requested profiles, everything they extend and what the command line adds, as one.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The requested profiles, as named.
    pub names: Vec<String>,
    /// The purpose of the profiles.
    pub description: String,
    /// All rules, extended profiles first; also those that are off.
    pub rules: Vec<Rule>,
    /// The paths that no rule may drop.
    pub protects: Vec<Protect>,
    /// The named sets, each with the patterns that it stands for after resolving.
    pub sets: BTreeMap<String, Vec<String>>,
    /// The `[[when]]` of all profiles, in order.
    pub choices: Vec<Choice>,
}

/// Profiles to use if an image has something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The paths that the image may have: one of them is enough.
    pub paths: Vec<Glob>,
    /// The distributions that it may be of instead: `ID` or `ID_LIKE` of its `os-release`.
    pub os: Vec<String>,
    /// The profiles: built-in names, or paths of files.
    pub uses: Vec<String>,
    /// True if the image has one of these paths or is of one of these distributions, so that the profiles are in use.
    pub holds: bool,
}

/// One thing to do, and why it is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name in reports and for `--enable`.
    pub id: String,
    /// The reason that it is safe, with the evidence.
    pub about: String,
    /// The action.
    pub action: Action,
    /// The paths that it applies to.
    pub paths: Vec<Glob>,
    /// The paths that it does not apply to: like `paths` these include everything below, and they win however near the match
    /// is.
    pub except: Vec<Glob>,
    /// The risk of the rule.
    pub risk: Risk,
    /// The guard that is asked before a path is dropped.
    pub guard: Guard,
    /// The programs that may read what it drops, and the conditions under which it drops.
    pub reading: Reading,
    /// The level of a rule that strips.
    pub level: Level,
    /// The packages that a rule about packages removes.
    pub packages: Option<Packages>,
    /// The configuration that dpkg gets if a rule that drops took something.
    pub dpkg: DpkgPaths,
    /// The settings of a rule about bytecode.
    pub bytecode: Option<Bytecode>,
    /// The command of a rule that runs one of the user's.
    pub external: Option<External>,
    /// True if the rule is on: all are, except opt-in ones that nobody enabled.
    pub enabled: bool,
    /// The profile that it was defined in.
    pub profile: String,
}

/// Patterns for dpkg, so that packages installed later come without the paths that a rule drops: `path-exclude` and
/// `path-include` of dpkg(1). `{language}` in the latter stands for each language that the image's environment asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DpkgPaths {
    /// Paths that dpkg does not unpack.
    pub exclude: Vec<String>,
    /// Paths among these that dpkg does unpack.
    pub include: Vec<String>,
}

/// The action of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Removes the paths.
    Drop,
    /// Removes members that later layers overwrite or delete.
    DropShadowed,
    /// Removes symbols and debug data from executables and shared objects.
    Strip,
    /// Removes packages, with all their files and their entries in their package manager's databases.
    RemovePackage,
    /// Makes equal files of one layer hard links of each other.
    Hardlink,
    /// Drops or compiles Python's bytecode.
    Bytecode,
    /// Runs a command of the user's on each file.
    External,
}

/// The settings for Python's bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytecode {
    /// The mode.
    pub mode: Mode,
    /// The argument `optimize` of Python's `compile` if bytecode is made: 1 leaves out assertions, 2 documentation as well.
    pub optimize: u8,
}

/// The bytecode that goes or is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytecode that no interpreter of the image would use goes.
    Stale,
    /// All bytecode that has its source beside it goes.
    Drop,
    /// Bytecode that has its source beside it is compiled anew, by an interpreter that the caller runs.
    Compile,
}

/// A command of the user's that makes a smaller file out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The program and its arguments; [`External::IN`] and [`External::OUT`] stand for paths in them.
    pub command: Vec<String>,
    /// The seconds that it has for one file.
    pub timeout: u64,
    /// True if equal input gives equal output, according to the user.
    pub deterministic: bool,
}

impl External {
    /// The word that stands for the path of the input.
    pub const IN: &str = "{in}";
    /// The word that stands for the path of the output.
    pub const OUT: &str = "{out}";
}

/// The harm that a rule may do if it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// No running program can tell.
    None,
    /// A person may miss it, no program does.
    Low,
    /// Some program may miss it: off until it is enabled.
    OptIn,
}

/// The guard of a rule: the files that may veto it, path by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// All files that stay: the imports and names in source texts, and the libraries that objects need.
    References,
    /// Kept Python code, and every file that names a path in full. A directory that the rule names counts only if it is Python
    /// code itself.
    Python,
    /// Every file that names a path in full: scripts, configuration, the image's config, programs, and code in any language.
    Paths,
    /// No file.
    None,
}

/// A path that no rule may drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// The path.
    pub path: Glob,
    /// The reason.
    pub reason: String,
    /// Directories in which the protection does not hold, such as caches. The matcher applies this if `path` itself matches: if
    /// a directory is protected as such, everything below it is too.
    pub except: Vec<Glob>,
    /// True if all symbolic and hard links that lead to it are protected, too.
    pub links: bool,
    /// True if it belongs to a package and goes when a rule removes that: licences and metadata. Without this, the protection
    /// holds the whole package.
    pub owned: bool,
    /// True if only the content is protected: the file may go, but no rule gives it other bytes or makes it a hard link. This
    /// is for files that are named by their checksums.
    pub content: bool,
    /// The profile that it was defined in.
    pub profile: String,
}

/// The request of the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `-p`: built-in names, or paths of files (with a `/` or ending in `.toml`).
    pub profiles: &'a [String],
    /// `--enable`: ids of opt-in rules.
    pub enable: &'a [String],
    /// `--drop`: they become one rule with the id [`COMMAND_LINE`].
    pub drop: &'a [String],
    /// `--protect`.
    pub protect: &'a [String],
    /// `--vary`, one value each: values that replace those in the rules' profiles.
    pub overrides: &'a [Override],
}

impl Profile {
    /// The set of the directories that Python looks for modules in.
    pub const MODULE_ROOTS: &str = "python-path";
    /// The set of the directories that hold packages, each in a directory of its own name.
    pub const PACKAGES: &str = "packages";
    /// The set of the texts that state checksums of archives, not of files in an image: these checksums are not looked for.
    pub const ARCHIVE_LISTS: &str = "archive-lists";

    /// True if the other profile gives the same plan and report for any image: the rules are the same, in the same order, and
    /// so are the protections and those of the sets that are read by name.
    #[must_use]
    pub fn plans_like(&self, other: &Self) -> bool {
        let same_set = |name: &str| self.sets.get(name) == other.sets.get(name);
        self.rules == other.rules
            && self.protects == other.protects
            && same_set(Self::MODULE_ROOTS)
            && same_set(Self::PACKAGES)
            && same_set(Self::ARCHIVE_LISTS)
    }

    /// Returns the profiles that choices brought, each once, in order.
    #[must_use]
    pub fn picked(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for name in self.choices.iter().filter(|c| c.holds).flat_map(|c| &c.uses) {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }
}

impl Rule {
    /// True if a built-in profile has it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        builtin::text(&self.profile).is_some()
    }
}

impl Action {
    const KNOWN: [(&'static str, Self); 7] = [
        ("drop", Self::Drop),
        ("drop-shadowed", Self::DropShadowed),
        ("strip", Self::Strip),
        ("hardlink", Self::Hardlink),
        ("bytecode", Self::Bytecode),
        ("external", Self::External),
        ("remove-package", Self::RemovePackage),
    ];

    /// True if its rules look into files, most of which stay: paths alone do not decide.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Strip | Self::Hardlink | Self::Bytecode | Self::External)
    }

    /// Returns the name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Mode {
    const KNOWN: [(&'static str, Self); 3] = [("stale", Self::Stale), ("drop", Self::Drop), ("compile", Self::Compile)];

    /// Returns the name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Risk {
    const KNOWN: [(&'static str, Self); 3] = [("none", Self::None), ("low", Self::Low), ("opt-in", Self::OptIn)];

    /// Returns the name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Guard {
    const KNOWN: [(&'static str, Self); 4] =
        [("references", Self::References), ("python", Self::Python), ("paths", Self::Paths), ("none", Self::None)];

    /// Returns the name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

/// The levels by their names in a profile.
const LEVELS: [(&str, Level); 2] = [("debug", Level::Debug), ("all", Level::All)];

fn name_of<T: PartialEq>(known: &[(&'static str, T)], value: T) -> &'static str {
    known.iter().find(|(_, v)| *v == value).map_or("", |(name, _)| name)
}
