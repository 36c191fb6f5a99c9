//! A linter's finding, as budgets see it.

use crate::report::escape;
use bstr::BStr;
use serde::{Deserialize, Serialize};

/// The severity of a finding, the worst first.
#[derive(Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work, or a secret is exposed.
    Error,
    /// A likely fault.
    Warning,
    /// Possibly intended.
    Note,
}

impl Severity {
    /// All severities, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// Returns the severity's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding of a linter.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The id of the rule.
    pub id: &'a str,
    /// The severity.
    pub severity: Severity,
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
