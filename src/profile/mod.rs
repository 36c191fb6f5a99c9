//! Profiles: what to drop and what to protect, as data. A profile is a TOML text of rules (paths, a reason, a risk) and
//! protected paths; it may extend others. Here texts become one resolved [`Profile`], and a [`Matcher`] that says which
//! rules and protections name a path.
//!
//! A pattern that names a directory means it and all below; the matcher answers for the very path it is asked about, and
//! who walks a tree lets children inherit. Nothing here reads files: a closure does, for those that users extend.

use crate::elf::Level;
use std::collections::BTreeMap;

mod builtin;
mod document;
mod error;
mod file;
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
pub(crate) use matcher::Globs;
pub use matcher::{Conditions, Hits, Matcher};
pub use packages::Packages;
pub use pattern::Glob;
pub(crate) use pattern::glob;
pub use reading::Reading;
pub use resolve::{check, resolve, resolve_for};
pub use show::show;
pub use vary::Override;

/// The id of the rule that `--drop` makes, and the profile name of all that the command line adds.
pub const COMMAND_LINE: &str = "command-line";

/// What a run goes by: the requested profiles, all they extend and what the command line adds, as one.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The requested profiles, as named.
    pub names: Vec<String>,
    /// What they are for.
    pub description: String,
    /// All rules, extended profiles first; also those that are off.
    pub rules: Vec<Rule>,
    /// What no rule may drop.
    pub protects: Vec<Protect>,
    /// The named sets, each with the patterns it stands for in the end.
    pub sets: BTreeMap<String, Vec<String>>,
    /// The `[[when]]` of all profiles, in order.
    pub choices: Vec<Choice>,
}

/// Profiles to use where an image has something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the image may have: one of them is enough.
    pub paths: Vec<Glob>,
    /// Or which distribution it may be of: `ID` or `ID_LIKE` of its `os-release`.
    pub os: Vec<String>,
    /// The profiles: built-in names, or paths of files.
    pub uses: Vec<String>,
    /// Whether the image has or is one of these, so that the profiles are in use.
    pub holds: bool,
}

/// One thing to do, and why it is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in reports and for `--enable`.
    pub id: String,
    /// Why it is safe, with the evidence.
    pub about: String,
    /// What is done.
    pub action: Action,
    /// To which paths.
    pub paths: Vec<Glob>,
    /// And to which not: like `paths` these mean what is below, too, and they win however near the match is.
    pub except: Vec<Glob>,
    /// What may go wrong.
    pub risk: Risk,
    /// Who is asked before a path is dropped.
    pub guard: Guard,
    /// Who else may read what it drops, and what it drops only under a condition.
    pub reading: Reading,
    /// How much a rule that strips takes.
    pub level: Level,
    /// Which packages a rule about packages takes away.
    pub packages: Option<Packages>,
    /// What dpkg is told where a rule that drops took something.
    pub dpkg: DpkgPaths,
    /// What a rule about bytecode does.
    pub bytecode: Option<Bytecode>,
    /// What a rule with a command of the user's runs.
    pub external: Option<External>,
    /// Whether the rule is on: all are but the opt-in ones that nobody enabled.
    pub enabled: bool,
    /// The profile that it was defined in.
    pub profile: String,
}

/// Patterns for dpkg, so that packages installed later come without what a rule drops: `path-exclude` and `path-include` of
/// dpkg(1). `{language}` in the latter stands for each language that the image's environment asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DpkgPaths {
    /// Paths that dpkg does not unpack.
    pub exclude: Vec<String>,
    /// Paths among them that it does.
    pub include: Vec<String>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes the paths away.
    Drop,
    /// Takes away what later layers overwrite or delete.
    DropShadowed,
    /// Takes symbols and debug data out of executables and shared objects.
    Strip,
    /// Takes packages away, with all their files and what their package manager knows of them.
    RemovePackage,
    /// Makes equal files of one layer hard links of each other.
    Hardlink,
    /// Drops or compiles Python's bytecode.
    Bytecode,
    /// Runs a command of the user's on each file.
    External,
}

/// What becomes of Python's bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytecode {
    /// Which goes or is made.
    pub mode: Mode,
    /// `optimize` of Python's `compile` where bytecode is made: 1 leaves out assertions, 2 documentation as well.
    pub optimize: u8,
}

/// Which bytecode goes or is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What no interpreter of the image would use goes.
    Stale,
    /// All that has its source beside it goes.
    Drop,
    /// What has its source beside it is compiled anew, by an interpreter that the caller runs.
    Compile,
}

/// A command of the user's that makes a smaller file out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The program and its arguments; [`External::IN`] and [`External::OUT`] stand for paths in them.
    pub command: Vec<String>,
    /// Seconds that it has for one file.
    pub timeout: u64,
    /// Whether equal input gives equal output, as the user says.
    pub deterministic: bool,
}

impl External {
    /// Stands for the path of the input.
    pub const IN: &str = "{in}";
    /// Stands for the path of the output.
    pub const OUT: &str = "{out}";
}

/// What may go wrong where a rule is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nothing that runs can tell.
    None,
    /// Somebody may miss it, no program does.
    Low,
    /// Some program may miss it: off until it is enabled.
    OptIn,
}

/// Who may veto a rule, path by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// All that stays: what source texts import or name, and the libraries that objects need.
    References,
    /// Kept Python code, and whatever names a path in full; and a directory that the rule names counts only where it is Python code
    /// itself.
    Python,
    /// Whatever names a path in full: scripts, configuration, the image's config, programs, and code in any language.
    Paths,
    /// Nobody.
    None,
}

/// A path that no rule may drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// The path.
    pub path: Glob,
    /// Why.
    pub reason: String,
    /// Directories in which the protection does not hold, such as caches. The matcher sees to that, where `path` itself
    /// matches: a directory that is protected as such is so with all below.
    pub except: Vec<Glob>,
    /// Whether all symlinks and hard links that lead to it are protected, too.
    pub links: bool,
    /// Whether it belongs to a package and goes where a rule removes that: licences and metadata. What is protected without
    /// this holds the whole package.
    pub owned: bool,
    /// Whether it is the contents alone that are protected: what is there may go, but no rule gives it other bytes or makes it a
    /// hard link. So it is where files are named by their checksums.
    pub content: bool,
    /// The profile that it was defined in.
    pub profile: String,
}

/// What the command line asks for.
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
    /// `--vary`, one value each: what rules say instead of what is in their profiles.
    pub overrides: &'a [Override],
}

impl Profile {
    /// The set of the directories that Python looks for modules in.
    pub const MODULE_ROOTS: &str = "python-path";
    /// The set of the directories that hold packages, each in a directory of its own name.
    pub const PACKAGES: &str = "packages";
    /// The set of the files that state checksums of archives, which are in no image: what is looked for elsewhere is not in these.
    pub const ARCHIVE_LISTS: &str = "archive-lists";

    /// Whether the other comes to the same plan and report for any image: the rules are the same, in the same order, and so is
    /// what is protected and those of the sets that are read by name.
    #[must_use]
    pub fn plans_like(&self, other: &Self) -> bool {
        let same_set = |name: &str| self.sets.get(name) == other.sets.get(name);
        self.rules == other.rules
            && self.protects == other.protects
            && same_set(Self::MODULE_ROOTS)
            && same_set(Self::PACKAGES)
            && same_set(Self::ARCHIVE_LISTS)
    }

    /// The profiles that choices brought, each once, in order.
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
    /// Whether a built-in profile has it.
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

    /// Whether its rules look into files, of which most stay: paths alone say nothing yet.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Strip | Self::Hardlink | Self::Bytecode | Self::External)
    }

    /// Its name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Mode {
    const KNOWN: [(&'static str, Self); 3] = [("stale", Self::Stale), ("drop", Self::Drop), ("compile", Self::Compile)];

    /// Its name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Risk {
    const KNOWN: [(&'static str, Self); 3] = [("none", Self::None), ("low", Self::Low), ("opt-in", Self::OptIn)];

    /// Its name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::KNOWN, self)
    }
}

impl Guard {
    const KNOWN: [(&'static str, Self); 4] =
        [("references", Self::References), ("python", Self::Python), ("paths", Self::Paths), ("none", Self::None)];

    /// Its name in a profile.
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
