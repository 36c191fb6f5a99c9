//! A linter's finding, as budgets see it.

use crate::report::escape;
use bstr::BStr;

/// The severities of findings, the worst first, and last the word that allows none at all.
pub const SEVERITIES: [&str; 4] = ["error", "warning", "note", "none"];

/// The severity of what need not be mended.
pub const NOTE: &str = SEVERITIES[2];

/// A finding of a linter.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The id of the rule.
    pub id: &'a str,
    /// One of [`SEVERITIES`], except the last.
    pub severity: &'a str,
    /// The path, without a leading slash; empty if the finding is in the config.
    pub path: &'a BStr,
    /// The message, in a sentence; for comments.
    pub message: &'a str,
}

impl Finding<'_> {
    /// Returns the place of the finding, in words.
    #[must_use]
    pub fn place(&self) -> String {
        if self.path.is_empty() { "config".to_owned() } else { format!("/{}", escape(self.path)) }
    }
}
