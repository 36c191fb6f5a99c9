//! The keys that only rules about packages have, and the keys for dpkg's configuration.

use std::ops::Range;

use super::reader::{Key, Reader, Value};
use crate::packages::Manager;
use crate::profile::packages::Raw;
use crate::profile::{Action, DpkgPaths};

/// The keys that only rules about packages have, and those that only dropping rules have.
pub(super) const PACKAGE_KEYS: [&str; 5] = ["packages", "manager", "force", "orphans", "keep-needed"];
pub(super) const DPKG_KEYS: [&str; 2] = ["path-excludes", "path-includes"];

/// True if a key is one of these.
pub(super) fn is(name: &str) -> bool {
    PACKAGE_KEYS.contains(&name) || DPKG_KEYS.contains(&name)
}

impl Reader<'_> {
    /// Reads a key that only one action has.
    pub(super) fn special(&mut self, name: &str, value: &Value<'_>, packages: &mut Raw, dpkg: &mut DpkgPaths) {
        match name {
            "packages" => packages.names = self.strings(name, value),
            "manager" => packages.manager = self.choice(name, value, &Manager::removing()),
            "force" => packages.force = self.boolean(name, value),
            "orphans" => packages.orphans = self.boolean(name, value),
            "keep-needed" => packages.keep_needed = self.boolean(name, value),
            "path-excludes" => dpkg.exclude = self.dpkg_paths(name, value),
            _ => dpkg.include = self.dpkg_paths(name, value),
        }
    }

    /// Reports such keys if the action is another one.
    pub(super) fn special_keys(
        &mut self,
        span: Range<usize>,
        action: Option<Action>,
        found: &[&Key<'_>],
        packages: &Raw,
    ) {
        let named = |key: &Key<'_>, known: &[&str]| known.contains(&key.get_ref().as_ref());
        for key in found {
            let name = key.get_ref().as_ref();
            if named(key, &PACKAGE_KEYS) && action != Some(Action::RemovePackage) {
                self.error(key.span(), format!("`{name}` is for rules that remove packages"));
            } else if named(key, &DPKG_KEYS) && action != Some(Action::Drop) {
                self.error(key.span(), format!("`{name}` is for rules that drop"));
            }
        }
        if action == Some(Action::RemovePackage) && !found.iter().any(|key| named(key, &["packages"])) {
            self.error(span, "a rule that removes packages needs `packages`");
        }
        for key in found.iter().filter(|key| named(key, &["packages"]) && packages.names.is_empty()) {
            self.error(key.span(), "`packages` is empty: name one, or a glob such as `gcc-*`");
        }
        for key in found.iter().filter(|key| named(key, &["force"]) && packages.force && packages.keep_needed) {
            self.error(key.span(), "`force` takes what others need and `keep-needed` keeps it: set one of them");
        }
    }

    /// Reads patterns for dpkg's configuration, one line each.
    fn dpkg_paths(&mut self, name: &str, value: &Value<'_>) -> Vec<String> {
        let texts = self.strings(name, value);
        for text in texts.iter().filter(|t| !t.value.starts_with('/') || t.value.contains(char::is_control)) {
            self.error(text.at.span.clone(), "a pattern for dpkg begins with a slash and is one line");
        }
        texts.into_iter().map(|t| t.value).collect()
    }

    pub(super) fn boolean(&mut self, name: &str, value: &Value<'_>) -> bool {
        self.truth(name, value).unwrap_or(false)
    }
}
