//! Rules that are named outside of profiles, to enable them or to change their values.

use super::{Loader, option};
use crate::profile::document::MAX_ERRORS;
use crate::profile::error::ProfileError;

impl Loader<'_> {
    /// Reports ids of rules that are in no profile.
    pub(super) fn check_enabled(&mut self) {
        let known: Vec<&str> = self.index.keys().map(String::as_str).collect();
        let unknown =
            self.enable.iter().filter(|id| !self.index.contains_key(&id.value) && !self.absent.contains(&id.value));
        let errors: Vec<_> = unknown
            .take(MAX_ERRORS)
            .map(|id| id.error(format!("unknown rule `{}`", id.value)).nearest(&id.value, known.iter().copied()))
            .collect();
        let varied =
            self.overrides.iter().filter(|o| !self.index.contains_key(&o.rule) && !self.absent.contains(&o.rule));
        let varied = varied.map(|o| {
            let id = option("--vary", &o.rule);
            id.error(format!("unknown rule `{}`", o.rule)).nearest(&o.rule, known.iter().copied())
        });
        let errors: Vec<ProfileError> = errors.into_iter().chain(varied).collect();
        errors.into_iter().for_each(|e| self.error(e));
    }
}
