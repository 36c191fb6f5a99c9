//! Reads a `slim.toml`. The rows of the gate that its limits become are made in `mod.rs`.

use super::finding::Severity;
use crate::packages::Manager;
use crate::profile::{Glob, ProfileError, Reader, Source, Text, Value, glob, in_order, parse};
use crate::report::units;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The budgets of a `slim.toml`.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(super) total: Option<Limit>,
    pub(super) compressed: Option<Limit>,
    pub(super) layer: Option<Limit>,
    pub(super) reclaimable: Option<Limit>,
    pub(super) package: Option<Limit>,
    pub(super) growth: Option<Limit>,
    pub(super) packages: Vec<(String, Limit)>,
    pub(super) forbidden: Vec<Glob>,
    pub(super) lint: Option<Lint>,
}

/// A limit, and its spelling.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    pub text: String,
    pub most: Most,
}

/// The value of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Most {
    Bytes(u64),
    /// A percentage: of the image, or of the image that it is compared with.
    Percent(f64),
}

impl Limit {
    /// True if `found` bytes are at most the limit; `whole` is the number of bytes that percentages are of.
    pub fn allows(&self, found: u64, whole: u64) -> bool {
        match self.most {
            Most::Bytes(most) => found <= most,
            // Compared without a division, so that rounding does not hide a tenth of a percent too much.
            Most::Percent(most) => found as f64 * 100.0 <= most * whole as f64,
        }
    }

    /// True if it is a percentage.
    pub const fn is_share(&self) -> bool {
        matches!(self.most, Most::Percent(_))
    }
}

/// The lint findings that pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lint {
    /// The most severe severity that passes; `None` if every finding fails.
    pub max: Option<Severity>,
    /// Rules that do not count.
    pub ignore: Vec<String>,
}

const KEYS: [&str; 9] =
    ["total", "compressed", "layer", "reclaimable", "package", "growth", "forbidden", "packages", "lint"];
/// The value of `max` with which every finding fails.
pub(super) const NO_FINDING: &str = "none";

/// Reads the budgets.
pub(super) fn settings(name: &str, text: &str) -> Result<Settings, ProfileError> {
    let source = Rc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let mut errors = Vec::new();
    let mut globs = Vec::new();
    let read = parse(&source, &mut errors, |reader, table| {
        let mut out = Settings::default();
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "budget" => budget(reader, value, &mut out, &mut globs),
                other => reader.unknown(key, other, "a slim.toml", &["budget"]),
            }
        }
        out
    });
    let mut out = read.unwrap_or_default();
    for text in &globs {
        match glob(text, &BTreeMap::new()) {
            Ok(glob) => out.forbidden.push(glob),
            Err(e) => errors.push(e),
        }
    }
    errors.into_iter().next().map_or(Ok(out), Err)
}

fn budget(reader: &mut Reader<'_>, value: &Value<'_>, out: &mut Settings, globs: &mut Vec<Text>) {
    for (key, value) in reader.entries("budget", value) {
        let name = key.get_ref().as_ref();
        match name {
            "total" => out.total = size(reader, name, value),
            "compressed" => out.compressed = size(reader, name, value),
            "layer" => out.layer = size(reader, name, value),
            "reclaimable" => out.reclaimable = size(reader, name, value),
            "package" => out.package = size(reader, name, value),
            "growth" => out.growth = size(reader, name, value),
            "forbidden" => *globs = reader.strings(name, value),
            "packages" => {
                // The words that packages' names begin with.
                let known = Manager::all().filter(|manager| manager.unread().is_none());
                let mut managers: Vec<&str> = known.map(|manager| manager.name()).collect();
                managers.sort_unstable();
                for (key, value) in reader.entries(name, value) {
                    let package = key.get_ref().to_string();
                    let manager = package.split_once(' ').map(|(manager, _)| manager);
                    if manager.is_none_or(|m| !managers.contains(&m)) {
                        let what =
                            format!("`{package}` is no package: expected a manager and a name, such as \"pip numpy\"");
                        let manager = manager.unwrap_or_default().to_owned();
                        reader.error_with(key.span(), what, |e| e.nearest(&manager, managers.iter().copied()));
                    } else if let Some(limit) = size(reader, &package, value) {
                        out.packages.push((package, limit));
                    }
                }
            }
            "lint" => out.lint = Some(lint(reader, value)),
            other => reader.unknown(key, other, "[budget]", &KEYS),
        }
    }
}

fn size(reader: &mut Reader<'_>, name: &str, value: &Value<'_>) -> Option<Limit> {
    let text = reader.string(name, value)?.value;
    let most = match text.strip_suffix('%') {
        None => units::parse(&text).map(Most::Bytes).map_err(|e| format!("{e}, or as a share such as 5%")),
        Some(number) => {
            let plain = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit() || c == b'.');
            let percent = number.parse::<f64>().ok().filter(|_| plain).map(Most::Percent);
            percent.ok_or_else(|| format!("`{text}` is no share: expected a number and %"))
        }
    };
    match most {
        Ok(most) => Some(Limit { text, most }),
        Err(what) => {
            reader.error(value.span(), what);
            None
        }
    }
}

fn lint(reader: &mut Reader<'_>, value: &Value<'_>) -> Lint {
    // Without `max` only errors fail.
    let mut out = Lint { max: Some(Severity::Warning), ignore: Vec::new() };
    for (key, value) in reader.entries("lint", value) {
        match key.get_ref().as_ref() {
            "max" => {
                let known = Severity::ALL.map(|severity| (severity.name(), Some(severity)));
                let known = [&known[..], &[(NO_FINDING, None)]].concat();
                out.max = reader.choice("max", value, &known).unwrap_or(out.max);
            }
            "ignore" => out.ignore = reader.strings("ignore", value).into_iter().map(|t| t.value).collect(),
            other => reader.unknown(key, other, "[budget.lint]", &["max", "ignore"]),
        }
    }
    out
}
