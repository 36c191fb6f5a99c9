//! The changes since an earlier analysis.

use crate::report::units;
use serde::{Deserialize, Serialize};

/// Further facts of an earlier analysis; a later version may leave them out.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Rest {
    /// Bytes of all layers as stored.
    pub blob_bytes: Option<u64>,
    /// Bytes of all layers compressed; `None` if that was not measured.
    pub compressed_bytes: Option<u64>,
    /// Bytes of tar that no container saw.
    pub reclaimable_bytes: Option<u64>,
    /// The number of paths that a container saw.
    pub paths: Option<u64>,
}

/// A package whose size has changed.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Grown {
    /// The manager and name; a name in brackets is no package.
    pub name: String,
    /// Bytes of tar then.
    pub bytes_before: u64,
    /// Bytes of tar now.
    pub bytes_after: u64,
}

/// The changes of an image since an earlier analysis.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// Bytes of all layers as plain tars then.
    pub bytes_before: u64,
    /// Bytes of all layers as plain tars now.
    pub bytes_after: u64,
    /// Further facts of the earlier analysis.
    pub before: Rest,
    /// Packages whose size has changed, the largest change first; empty if one side does not know its packages.
    pub packages: Vec<Grown>,
}

impl Growth {
    /// Returns a sentence such as `+38.0 MB (+2.1%): pip pyarrow +31.0 MB, pip numpy +7.0 MB and 3 more`.
    #[must_use]
    pub fn sentence(&self, most: usize) -> String {
        let (before, after) = (self.bytes_before, self.bytes_after);
        let mut out = format!("{} ({})", units::change(before, after), units::change_percent(before, after));
        let one = |g: &Grown| format!("{} {}", g.name, units::change(g.bytes_before, g.bytes_after));
        let named: Vec<String> = self.packages.iter().take(most).map(one).collect();
        if !named.is_empty() {
            out.push_str(&format!(": {}", named.join(", ")));
        }
        if self.packages.len() > named.len() && !named.is_empty() {
            out.push_str(&format!(" and {} more", units::count((self.packages.len() - named.len()) as u64)));
        }
        out
    }
}
