//! The action `remove-package`: removes packages, by their names. Its keys say what becomes of those that need them.

use bstr::BString;
use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::settings::{RuleKeys, Settings, Written};
use crate::packages::{Manager, Package};
use crate::profile::error::{ProfileError, Text};
use crate::profile::lines::{array, flags, globs, line, list, quote};
use crate::profile::pattern::{self, Glob, Lookup};
use crate::profile::reader::{Reader, Value};

/// The settings of a rule with `action = "remove-package"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    /// The names.
    pub names: Names,
    /// The names of packages that stay.
    pub except: Names,
    /// The package manager that must have installed them; `None` for any.
    pub manager: Option<Manager>,
    /// True to remove them although others need them.
    pub force: bool,
    /// True to remove automatically installed packages, too, that nothing else needs.
    pub orphans: bool,
    /// True to keep those that others need; without this and `force` the run stops.
    pub keep_needed: bool,
    /// Programs by name. If the config or a script that stays runs one, everything that the rule names stays.
    pub read_by: Vec<String>,
    /// Files whose references do not count: nothing uses these files any more.
    pub ignore: Vec<Glob>,
    /// Programs of these packages: if a shell script of the application's runs one, its package stays.
    pub runs: Vec<String>,
}

impl Packages {
    /// True if the rule asks for a package. A Python distribution's name is the normalized one.
    #[must_use]
    pub fn wants(&self, package: &Package) -> bool {
        self.manager.is_none_or(|only| only == package.manager)
            && self.names.matching(package).next().is_some()
            && self.except.matching(package).next().is_none()
    }

    /// Returns the names that no package has.
    #[must_use]
    pub fn idle<'p>(&self, packages: impl Iterator<Item = &'p Package>) -> Vec<&str> {
        let mut used = vec![false; self.names.source.len()];
        let mine = packages.filter(|p| self.manager.is_none_or(|only| only == p.manager));
        mine.flat_map(|p| self.names.matching(p)).for_each(|index| used[index] = true);
        self.names.source.iter().zip(used).filter(|(_, used)| !used).map(|(name, _)| name.as_str()).collect()
    }
}

/// Names of packages and globs for them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The names as written.
    pub source: Vec<String>,
    /// The names as each manager compares them.
    sets: Vec<(Manager, GlobSet)>,
}

/// Two are equal if their texts are: the compiled forms follow from these.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Names {}

impl Names {
    /// Compiles names; mistakes are added to `errors`.
    fn new(texts: &[Text], errors: &mut Vec<ProfileError>) -> Self {
        let mut sets = Vec::new();
        for (_, manager) in Manager::removing() {
            match Self::set(manager, texts) {
                Ok(set) => sets.push((manager, set)),
                Err(found) => {
                    errors.extend(found);
                    break;
                }
            }
        }
        Self { source: texts.iter().map(|text| text.value.clone()).collect(), sets }
    }

    /// Compiles the names as a manager compares them.
    fn set(manager: Manager, texts: &[Text]) -> Result<GlobSet, Vec<ProfileError>> {
        let (mut set, mut errors) = (GlobSetBuilder::new(), Vec::new());
        for text in texts {
            match pattern::compile(&manager.normalized(text.value.as_bytes()).to_string()) {
                Ok(glob) => _ = set.add(glob),
                Err(e) => errors.push(text.error(format!("not a glob: {e}"))),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let wrong = |e| texts.first().map(|text| text.error(format!("the names can't be compiled: {e}")));
        set.build().map_err(|e| wrong(e).into_iter().collect())
    }

    /// Returns those that a package has, by index in [`Self::source`].
    fn matching(&self, package: &Package) -> impl Iterator<Item = usize> {
        let set = self.sets.iter().find(|(manager, _)| *manager == package.manager).map(|(_, set)| set);
        let names = package.manager.names(package);
        let found = |name: BString| set.map(|set| set.matches_candidate(&Candidate::from_bytes(&name)));
        names.into_iter().filter_map(found).flatten().collect::<Vec<_>>().into_iter()
    }
}

/// The keys as written. In such a rule `except` contains names of packages, too.
#[derive(Debug, Default)]
pub(in crate::profile) struct Raw {
    names: Vec<Text>,
    except: Vec<Text>,
    manager: Option<Manager>,
    force: bool,
    orphans: bool,
    keep_needed: bool,
    read_by: Vec<String>,
    ignore: Vec<Text>,
    runs: Vec<String>,
}

impl Settings for Packages {
    const NAME: &'static str = "remove-package";
    const RULES: &'static str = "rules that remove packages";
    const KEYS: &'static [&'static str] =
        &["packages", "except", "manager", "force", "orphans", "keep-needed", "read-by", "ignore", "runs"];
    type Written = Raw;

    fn show(&self, _: &str) -> String {
        let mut out = String::new();
        line(&mut out, "packages", &array(self.names.source.iter().map(String::as_str)));
        list(&mut out, "except", &self.except.source);
        self.manager.iter().for_each(|manager| line(&mut out, "manager", &quote(manager.name())));
        let keys = [("force", self.force), ("orphans", self.orphans), ("keep-needed", self.keep_needed)];
        flags(&mut out, &keys);
        list(&mut out, "read-by", &self.read_by);
        globs(&mut out, "ignore", &self.ignore);
        list(&mut out, "runs", &self.runs);
        out
    }
}

impl Written for Raw {
    type Settings = Packages;

    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        match key {
            "packages" => self.names = reader.strings(key, value),
            "except" => self.except = reader.strings(key, value),
            "manager" => self.manager = reader.choice(key, value, &Manager::removing()),
            "force" => self.force = reader.boolean(key, value),
            "orphans" => self.orphans = reader.boolean(key, value),
            "keep-needed" => self.keep_needed = reader.boolean(key, value),
            "read-by" => self.read_by = reader.words(key, value),
            "ignore" => self.ignore = reader.strings(key, value),
            _ => self.runs = reader.words(key, value),
        }
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        match rule.place("packages") {
            None => rule.error(reader, "a rule that removes packages needs `packages`"),
            Some(place) if self.names.is_empty() => {
                reader.error(place, "`packages` is empty: name one, or a glob such as `gcc-*`");
            }
            Some(_) => {}
        }
        if let Some(place) = rule.place("force").filter(|_| self.force && self.keep_needed) {
            reader.error(place, "`force` takes what others need and `keep-needed` keeps it: set one of them");
        }
        if let Some(place) = rule.place("paths") {
            reader.error(place, "a rule about packages takes no `paths`: it has `packages`");
        }
    }

    fn resolve(self: Box<Self>, lookup: &mut Lookup<'_>) -> Option<Packages> {
        Some(Packages {
            names: Names::new(&self.names, lookup.errors),
            except: Names::new(&self.except, lookup.errors),
            manager: self.manager,
            force: self.force,
            orphans: self.orphans,
            keep_needed: self.keep_needed,
            read_by: self.read_by,
            ignore: lookup.globs(&self.ignore),
            runs: self.runs,
        })
    }
}
