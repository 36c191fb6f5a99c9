//! Rules about packages: the packages that a rule removes, by their names, and the treatment of those that need them.

use bstr::BString;
use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::error::{ProfileError, Text};
use super::pattern;
use crate::packages::{Manager, Package};

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
    pub(super) fn new(texts: &[Text], errors: &mut Vec<ProfileError>) -> Self {
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

/// The keys as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub(super) names: Vec<Text>,
    pub(super) manager: Option<Manager>,
    pub(super) force: bool,
    pub(super) orphans: bool,
    pub(super) keep_needed: bool,
}

impl Raw {
    /// Returns the rule; in such a rule `except` contains names as well.
    pub(super) fn resolve(&self, except: &[Text], errors: &mut Vec<ProfileError>) -> Packages {
        Packages {
            names: Names::new(&self.names, errors),
            except: Names::new(except, errors),
            manager: self.manager,
            force: self.force,
            orphans: self.orphans,
            keep_needed: self.keep_needed,
        }
    }
}
