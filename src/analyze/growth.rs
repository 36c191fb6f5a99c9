//! The growth of an image since an earlier analysis of it, which `slim analyze --json` wrote.

use super::Analysis;
use serde::Deserialize;
use std::collections::BTreeMap;

pub use super::grown::{Grown, Growth, Rest};

/// The facts of the earlier image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    bytes: u64,
    rest: Rest,
    /// Bytes by manager and name; `None` if they were not written.
    packages: Option<BTreeMap<String, u64>>,
}

#[derive(Deserialize)]
struct Document {
    slim: Option<Own>,
}

#[derive(Deserialize)]
struct Own {
    bytes: u64,
    #[serde(flatten)]
    rest: Rest,
    #[serde(default)]
    packages: Vec<Share>,
}

#[derive(Deserialize)]
struct Share {
    name: String,
    bytes: u64,
}

impl Baseline {
    /// Reads the key `slim` of the output of `slim analyze --json`; all other keys are ignored.
    ///
    /// # Errors
    /// Returns a sentence if it is no such JSON.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text).map_err(|e| format!("no analysis as JSON: {e}"))?;
        let own = document.slim.ok_or("it has no key `slim`")?;
        let packages =
            (!own.packages.is_empty()).then(|| by_name(own.packages.iter().map(|s| (s.name.as_str(), s.bytes))));
        Ok(Self { bytes: own.bytes, rest: own.rest, packages })
    }

    /// Returns the changes since then.
    #[must_use]
    pub fn growth(&self, analysis: &Analysis) -> Growth {
        let now = analysis.breakdown.as_ref().map(|b| by_name(b.packages.iter().map(|s| (s.name.as_str(), s.bytes))));
        let mut packages = Vec::new();
        if let (Some(before), Some(after)) = (&self.packages, now) {
            let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
            names.sort();
            names.dedup();
            let of = |map: &BTreeMap<String, u64>, name: &String| map.get(name).copied().unwrap_or(0);
            let all = names.into_iter().map(|name| Grown {
                name: name.clone(),
                bytes_before: of(before, name),
                bytes_after: of(&after, name),
            });
            packages.extend(all.filter(|g| g.bytes_before != g.bytes_after));
        }
        packages.sort_by_key(|g| std::cmp::Reverse(g.bytes_before.abs_diff(g.bytes_after)));
        Growth { bytes_before: self.bytes, bytes_after: analysis.bytes(), before: self.rest, packages }
    }
}

/// Adds up bytes by name without version: all versions of a package together.
fn by_name<'a>(shares: impl Iterator<Item = (&'a str, u64)>) -> BTreeMap<String, u64> {
    let mut out: BTreeMap<String, u64> = BTreeMap::new();
    for (name, bytes) in shares {
        let sum = out.entry(key(name).to_owned()).or_default();
        // A baseline may contain any number.
        *sum = sum.saturating_add(bytes);
    }
    out
}

/// Returns the manager and name of a package from its label in breakdowns, without the version.
pub(super) fn key(label: &str) -> &str {
    if label.starts_with('(') {
        return label;
    }
    label.match_indices(' ').nth(1).map_or(label, |(at, _)| &label[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_may_say_any_size() {
        let share = r#"{"name": "pip a 1", "bytes": 18446744073709551615}"#;
        let text = format!(r#"{{"slim": {{"bytes": 1, "packages": [{share}, {share}]}}}}"#);
        let read = Baseline::parse(text.as_bytes()).unwrap();
        assert_eq!(read.packages.unwrap()["pip a"], u64::MAX);
        assert!(Baseline::parse(b"{}").is_err());
    }
}
