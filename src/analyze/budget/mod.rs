//! A project's own budgets, in `slim.toml`: the sizes that an image may have, and the files that must not be in it. They are
//! rows of the gate beside those of `.dive-ci`.
//!
//! | key | fails where |
//! |---|---|
//! | `[budget] total = "900MB"` | all layers as plain tars have more bytes |
//! | `compressed = "350MB"` | a pull moves more: layers as stored, and those that are stored plain with gzip |
//! | `layer = "500MB"` | one layer has more |
//! | `reclaimable = "10MB"` | more bytes of tar are needed by no path of the final tree |
//! | `package = "200MB"` | one package has more |
//! | `growth = "20MB"` | the image has grown by more since `--baseline`; skipped without one |
//! | `forbidden = ["**/.git/**"]` | a path of any layer matches, also one that a later layer hides: it is shipped all the same |
//! | `[budget.packages] "pip pyarrow" = "180MB"` | this package has more |
//! | `[budget.lint] max = "warning"`, `ignore = ["id"]` | a lint finding is more severe than this: `error`, `warning`, `note`, or `none` for no finding at all |
//!
//! Sizes are those of `--max-size`: `900MB`, `1.2GB`, `500MiB` or plain bytes. Each may be a share, such as `2%`: `layer`, `package`
//! and `reclaimable` of the image as plain tars; `total`, `compressed` and `growth` of the size in `--baseline`, and skipped without
//! one. Unknown keys are errors.

use super::Analysis;
use super::gate::{Checked, Status};
use super::growth::{Growth, key};
use crate::layer::LayerIndex;
use crate::packages::Manager;
use crate::path;
use crate::profile::{Glob, Globs, ProfileError};
use crate::report::{escape, units};
use bstr::{BStr, ByteSlice};
use read::Limit;
use std::collections::{BTreeMap, HashMap};

mod finding;
mod read;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Severity};
pub use read::Settings;

impl Settings {
    /// Reads a `slim.toml`; `name` is its name in errors.
    ///
    /// # Errors
    /// Returns the first mistake, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        read::settings(name, text)
    }

    /// True if packages have to be known: that takes more than names and sizes.
    #[must_use]
    pub const fn needs_packages(&self) -> bool {
        self.package.is_some() || !self.packages.is_empty()
    }

    /// True if the compressed size of the layers has to be known, which take `stored` bytes as they are.
    #[must_use]
    pub fn needs_compressed(&self, stored: u64) -> bool {
        self.compressed.as_ref().is_some_and(|limit| limit.is_share() || !limit.allows(stored, 0))
    }

    /// True if lint findings have to be known.
    #[must_use]
    pub const fn needs_lint(&self) -> bool {
        self.lint.is_some()
    }

    /// Checks an image. `findings` are those of the linter; `None` if it did not run.
    ///
    /// # Errors
    /// Returns an error if the patterns of forbidden paths are too large together.
    pub fn check(
        &self,
        analysis: &Analysis,
        layers: &[&LayerIndex],
        findings: Option<&[Finding<'_>]>,
    ) -> Result<Vec<Checked>, ProfileError> {
        let mut out = Vec::new();
        let total = analysis.bytes();
        let before = analysis.growth.as_ref();
        let whole = before.map(|growth| growth.bytes_before);
        out.extend(self.total.as_ref().map(|limit| limit.row_of("total", total, whole)));
        out.extend(self.compressed.as_ref().map(|limit| compressed(limit, analysis)));
        if let (Some(limit), Some(largest)) = (&self.layer, analysis.layers.iter().max_by_key(|l| l.bytes)) {
            let found = format!("{} in layer {}", units::bytes(largest.bytes), largest.index);
            out.push(limit.row("layer", (largest.bytes, total), found));
        }
        let reclaimable = analysis.wasted.bytes();
        let told = || format!("{} ({})", units::bytes(reclaimable), units::part(reclaimable, total));
        let row = |limit: &Limit| limit.row("reclaimable", (reclaimable, total), told());
        out.extend(self.reclaimable.as_ref().map(row));
        out.extend(self.package_rows(analysis));
        out.extend(self.growth.as_ref().map(|limit| growth(limit, before)));
        out.extend(self.forbidden_rows(layers)?);
        out.extend(self.lint.as_ref().map(|lint| lint_row(lint, findings)));
        Ok(out)
    }

    fn package_rows(&self, analysis: &Analysis) -> Vec<Checked> {
        let (mut out, total) = (Vec::new(), analysis.bytes());
        let shares = analysis.breakdown.as_ref().map_or(&[][..], |b| &b.packages);
        let mut packages: BTreeMap<String, u64> = BTreeMap::new();
        for share in shares.iter().filter(|s| !s.name.starts_with('(')) {
            *packages.entry(normal(key(&share.name))).or_default() += share.bytes;
        }
        if let Some(limit) = &self.package {
            let mut over: Vec<(&String, u64)> = packages
                .iter()
                .map(|(name, bytes)| (name, *bytes))
                .filter(|(_, bytes)| !limit.allows(*bytes, total))
                .collect();
            let largest = packages.iter().max_by_key(|(_, bytes)| **bytes).map(|(name, bytes)| (name, *bytes));
            let most = largest.map_or(0, |(_, bytes)| bytes);
            over.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            over.extend(largest.filter(|_| over.is_empty()));
            let told: Vec<String> =
                over.iter().map(|(name, bytes)| format!("{name} {}", units::bytes(*bytes))).collect();
            out.push(limit.row("package", (most, total), listed(&told)));
        }
        for (name, limit) in &self.packages {
            let bytes = packages.get(&normal(name)).copied();
            let told = bytes.map_or_else(|| "not in the image".to_owned(), units::bytes);
            out.push(limit.row(&format!("packages.{name}"), (bytes.unwrap_or(0), total), told));
        }
        out
    }

    /// Returns a row for each pattern.
    fn forbidden_rows(&self, layers: &[&LayerIndex]) -> Result<Vec<Checked>, ProfileError> {
        if self.forbidden.is_empty() {
            return Ok(Vec::new());
        }
        let globs = Globs::new(&self.forbidden)?;
        let mut found: Vec<BTreeMap<&BStr, Vec<usize>>> = vec![BTreeMap::new(); self.forbidden.len()];
        // The patterns that match each path and the directories above it, which may have no member of their own.
        let mut known: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (index, layer) in (1..).zip(layers) {
            for member in layer.members.iter().filter(|m| !path::split(&m.path).1.starts_with(b".wh.")) {
                let mut told: Vec<usize> = Vec::new();
                let ends = memchr::memchr_iter(b'/', &member.path).chain([member.path.len()]);
                for end in ends.filter(|end| *end > 0) {
                    let part = &member.path[..end];
                    let hits = known.entry(part).or_insert_with(|| {
                        let mut hits = Vec::new();
                        globs.find(part, |pattern| hits.push(pattern));
                        hits
                    });
                    // The topmost path that matches stands for everything below it.
                    for &pattern in hits.iter().filter(|p| !told.contains(p)).collect::<Vec<_>>() {
                        let in_layers = found[pattern].entry(BStr::new(part)).or_default();
                        if in_layers.last() != Some(&index) {
                            in_layers.push(index);
                        }
                        told.push(pattern);
                    }
                }
            }
        }
        let row = |(glob, found): (&Glob, BTreeMap<&BStr, Vec<usize>>)| {
            let one = |(path, layers): (&&BStr, &Vec<usize>)| {
                let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
                format!("{} (layer {})", escape(path), layers.join(", "))
            };
            let told: Vec<String> = found.iter().take(MOST + 1).map(one).collect();
            let told = if told.is_empty() { "no path".to_owned() } else { some(&told, found.len()) };
            row("forbidden", &glob.source, found.is_empty(), found.len().to_string(), told)
        };
        Ok(self.forbidden.iter().zip(found).map(row).collect())
    }
}

/// The number of items of a list that are named.
const MOST: usize = 3;

fn listed(all: &[String]) -> String {
    some(all, all.len())
}

/// Returns the first items of a list of `whole`, and the number of the others.
fn some(first: &[String], whole: usize) -> String {
    let named = first.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if whole > MOST { format!("{named} and {} more", units::count((whole - MOST) as u64)) } else { named }
}

fn row(name: &str, threshold: &str, pass: bool, found: String, told: String) -> Checked {
    Checked {
        rule: format!("budget.{name}").into(),
        status: if pass { Status::Pass } else { Status::Fail },
        threshold: threshold.to_owned(),
        found,
        detail: Some(told),
    }
}

impl Limit {
    /// Makes a row that passes if `found` bytes, of those of the whole image, are at most the limit.
    fn row(&self, name: &str, (found, whole): (u64, u64), told: String) -> Checked {
        row(name, &self.text, self.allows(found, whole), found.to_string(), told)
    }

    /// Makes a row for a size of the whole image: a percentage of it is one of the size in the baseline, without which it is
    /// skipped.
    fn row_of(&self, name: &str, found: u64, before: Option<u64>) -> Checked {
        if self.is_share() && before.is_none() {
            let told = "no --baseline that says it".to_owned();
            return Checked { status: Status::Skip, ..row(name, &self.text, true, String::new(), told) };
        }
        self.row(name, (found, before.unwrap_or_default()), units::bytes(found))
    }
}

/// Makes the row for the compressed size. Layers that are stored plain are measured unless they pass as they are
/// ([`Settings::needs_compressed`]).
fn compressed(limit: &Limit, analysis: &Analysis) -> Checked {
    let bytes = analysis.compressed_bytes().unwrap_or_else(|| analysis.blob_bytes());
    limit.row_of("compressed", bytes, analysis.growth.as_ref().and_then(|growth| growth.before.compressed_bytes))
}

fn growth(limit: &Limit, growth: Option<&Growth>) -> Checked {
    let Some(growth) = growth else {
        let told = "no --baseline".to_owned();
        return Checked { status: Status::Skip, ..row("growth", &limit.text, true, String::new(), told) };
    };
    let grown = growth.bytes_after.saturating_sub(growth.bytes_before);
    let pass = limit.allows(grown, growth.bytes_before);
    let found = i128::from(growth.bytes_after) - i128::from(growth.bytes_before);
    row("growth", &limit.text, pass, found.to_string(), growth.sentence(MOST))
}

fn lint_row(lint: &read::Lint, findings: Option<&[Finding<'_>]>) -> Checked {
    let max = lint.max.map_or(read::NO_FINDING, Severity::name);
    let Some(findings) = findings else {
        let told = "nothing was linted".to_owned();
        return Checked { status: Status::Skip, ..row("lint", max, true, String::new(), told) };
    };
    let fails = |severity: Severity| lint.max.is_none_or(|max| severity < max);
    let over: Vec<String> = findings
        .iter()
        .filter(|f| fails(f.severity) && !lint.ignore.iter().any(|id| id == f.id))
        .map(|f| format!("{} {} {}", f.severity.name(), f.id, f.place()))
        .collect();
    let told = if over.is_empty() { "no finding".to_owned() } else { listed(&over) };
    row("lint", max, over.is_empty(), over.len().to_string(), told)
}

/// Returns a package's name in one spelling: names of Python packages may be spelled in several ways.
fn normal(name: &str) -> String {
    let known = name.split_once(' ').and_then(|(manager, package)| Some((Manager::named(manager)?, package)));
    known.map_or_else(
        || name.to_owned(),
        |(manager, package)| format!("{} {}", manager.name(), manager.normalized(package.as_bytes()).to_str_lossy()),
    )
}
