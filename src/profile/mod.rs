//! Profiles: what to drop and what to protect, as data. A profile is a TOML text of rules (paths, a reason, a risk) and
//! protected paths; it may extend others. This module turns texts into one resolved [`Profile`], and into a [`Matcher`] that
//! finds the rules and protections which name a path.
//!
//! A pattern that names a directory means it and everything below. The matcher answers for exactly the path it is asked about;
//! a caller that walks a tree lets children inherit. Nothing here reads files: a closure does, for those that users extend.

use serde::Serialize;
use std::collections::BTreeMap;

mod action;
mod builtin;
mod document;
mod error;
mod id;
mod lines;
mod matcher;
mod pattern;
mod reader;
mod resolve;
mod show;
mod vary;

pub use action::{Action, Bytecode, DpkgPaths, Dropping, External, Guard, Mode, Packages, Reading};
pub use builtin::{Builtin, builtins};
pub use error::ProfileError;
pub(crate) use error::{Source, Text, nearest};
pub use id::{ProtectId, RuleId};
pub(crate) use matcher::Globs;
pub use matcher::{Conditions, Hits, Matcher};
pub use pattern::Glob;
pub(crate) use pattern::glob;
pub(crate) use reader::{Reader, Value, in_order, parse};
pub use resolve::{check, resolve, resolve_for};
pub use show::show;
pub(crate) use show::to_toml;
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
    /// The loss, in half a sentence: what stops working, or who misses it. Empty if nobody does.
    pub costs: String,
    /// The action, with its settings.
    pub action: Action,
    /// The paths that it applies to. Rules about packages and about shadowed members have none.
    pub paths: Vec<Glob>,
    /// The paths that it does not apply to: like `paths` these include everything below, and they win however near the match
    /// is.
    pub except: Vec<Glob>,
    /// The risk of the rule.
    pub risk: Risk,
    /// True if the rule is on: all are, except opt-in ones that nobody enabled.
    pub enabled: bool,
    /// The profile that it was defined in.
    pub profile: String,
}

/// The harm that a rule may do if it is on.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// No running program can tell.
    None,
    /// A person may miss it, no program does.
    Low,
    /// Some program may miss it: off until it is enabled.
    OptIn,
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

    /// The most rules, and the most protections, that have a number.
    const MOST: usize = 1 << u16::BITS;

    /// Returns a rule.
    ///
    /// # Panics
    /// Panics if `id` is of another profile, which has more rules.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// Returns a protection.
    ///
    /// # Panics
    /// Panics if `id` is of another profile, which has more protections.
    #[must_use]
    pub fn protect(&self, id: ProtectId) -> &Protect {
        &self.protects[id.index()]
    }

    /// Returns all rules with their numbers, also those that are off.
    pub fn numbered_rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        RuleId::all().zip(&self.rules)
    }

    /// Returns the actions of the rules that are on.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.rules.iter().filter(|rule| rule.enabled).map(|rule| &rule.action)
    }

    /// Returns all protections with their numbers.
    pub fn numbered_protects(&self) -> impl Iterator<Item = (ProtectId, &Protect)> {
        ProtectId::all().zip(&self.protects)
    }

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

impl Risk {
    const KNOWN: [(&'static str, Self); 3] = [("none", Self::None), ("low", Self::Low), ("opt-in", Self::OptIn)];

    /// Returns the name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        reader::name_of(&Self::KNOWN, self)
    }
}
