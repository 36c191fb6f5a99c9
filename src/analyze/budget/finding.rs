//! What a linter found, as budgets see it.

use crate::report::escape;
use bstr::BStr;

/// How severe findings are, the worst first, and last what allows none at all.
pub const SEVERITIES: [&str; 4] = ["error", "warning", "note", "none"];

/// A finding of a linter.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// Its rule.
    pub id: &'a str,
    /// One of [`SEVERITIES`] but the last.
    pub severity: &'a str,
    /// Where, without a leading slash; empty where it is in the config.
    pub path: &'a BStr,
    /// What is wrong there, in a sentence; for comments.
    pub message: &'a str,
}

impl Finding<'_> {
    /// Where it is, in words.
    #[must_use]
    pub fn place(&self) -> String {
        if self.path.is_empty() { "config".to_owned() } else { format!("/{}", escape(self.path)) }
    }
}
