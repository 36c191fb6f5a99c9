//! Findings of lint.

use crate::analyze::budget;
pub use crate::analyze::budget::Severity;
use bstr::{BString, ByteSlice};
use serde::Serialize;

/// A fault in an image.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The id of the kind, as in `profiles/lint.toml`.
    pub id: String,
    /// The severity.
    pub severity: Severity,
    /// The path, without a leading slash; of several the first. Empty if the finding is in the config.
    #[serde(serialize_with = "crate::report::escape::serialize")]
    pub path: BString,
    /// The line in that file, from 1.
    pub line: Option<u32>,
    /// The layer that has the file, from 1 at the bottom.
    pub layer: Option<usize>,
    /// The beginning of the instruction that made the layer, secrets masked; empty if there is none.
    pub instruction: String,
    /// The subject: the module, the library, the target, the variable. Together with `id` and `path` it tells findings apart.
    pub subject: String,
    /// The number of files that it is about.
    pub count: u64,
    /// The message, in a sentence.
    pub message: String,
    /// A suggestion for mending it.
    pub help: String,
}

impl Finding {
    /// Returns the part of it that budgets and comments use.
    #[must_use]
    pub fn told(&self) -> budget::Finding<'_> {
        let Self { id, severity, path, message, .. } = self;
        budget::Finding { id, severity: *severity, path: path.as_bstr(), message }
    }
}
