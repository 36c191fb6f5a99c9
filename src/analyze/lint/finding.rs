//! What lint finds.

use crate::analyze::budget;
use bstr::{BString, ByteSlice};
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not work, or a secret is out.
    Error,
    /// It is likely to be a fault.
    Warning,
    /// It may be meant so.
    Note,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something wrong.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The kind, as in `profiles/lint.toml`.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// Where, without a leading slash: the first path of several. Empty where it is in the config.
    #[serde(serialize_with = "crate::analyze::paths::path")]
    pub path: BString,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The layer that has it, from 1 at the bottom.
    pub layer: Option<usize>,
    /// The beginning of the instruction that made the layer, secrets masked; empty where there is none.
    pub instruction: String,
    /// What it is about: the module, the library, the target, the variable. With `id` and `path` it tells findings apart.
    pub subject: String,
    /// In how many files.
    pub count: u64,
    /// A sentence.
    pub message: String,
    /// A way out.
    pub help: String,
}

impl Finding {
    /// What budgets and comments want of it.
    #[must_use]
    pub fn told(&self) -> budget::Finding<'_> {
        let Self { id, severity, path, message, .. } = self;
        budget::Finding { id, severity: severity.name(), path: path.as_bstr(), message }
    }
}
