//! The outcome, as text and as JSON.

use super::findings::{Finding, Outcome};
use crate::report::paint::Paint;
use crate::report::units::count;
use serde::Serialize;
use std::io::{self, Write};

/// The number of mismatches that are shown if not all are asked for.
const SHOWN: usize = 40;

/// The request.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// OUT as given.
    pub output: String,
    /// IN as given.
    pub against: Option<String>,
    /// The profiles of the plan; empty if there was no plan.
    pub profiles: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, T> {
    schema_version: u32,
    slim_version: &'static str,
    #[serde(flatten)]
    head: &'a Head,
    ok: bool,
    checked: &'a super::findings::Checked,
    mismatches: &'a [Finding],
    notes: &'a [Finding],
    removed_by_directory: &'a std::collections::BTreeMap<String, u64>,
    removed: Vec<RemovedPath<'a>>,
    #[serde(flatten)]
    ran: Option<&'a T>,
}

#[derive(Serialize)]
struct RemovedPath<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
}

/// Writes everything as JSON; `ran` is the result of a run, whose keys are added, and whether it succeeded.
///
/// # Errors
/// Returns the errors of `out`.
pub fn json(
    head: &Head,
    outcome: &Outcome,
    ran: Option<(&impl Serialize, bool)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let removed = outcome.removed.paths.iter().map(|(path, rule)| RemovedPath { path, rule: rule.as_deref() });
    let document = Document {
        schema_version: 1,
        slim_version: env!("CARGO_PKG_VERSION"),
        head,
        ok: outcome.mismatches.is_empty() && ran.is_none_or(|(_, good)| good),
        checked: &outcome.checked,
        mismatches: &outcome.mismatches,
        notes: &outcome.notes,
        removed_by_directory: &outcome.removed.by_top,
        removed: removed.collect(),
        ran: ran.map(|(ran, _)| ran),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Writes it as text: every mismatch with both sides, then the numbers of things that were checked. `paths` lists every removed
/// path, too.
///
/// # Errors
/// Returns the errors of `out`.
pub fn text(head: &Head, outcome: &Outcome, paths: bool, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let shown = if paths { usize::MAX } else { SHOWN };
    for finding in outcome.mismatches.iter().take(shown) {
        self::finding(finding, &paint.red("mismatch:"), out)?;
    }
    if outcome.mismatches.len() > shown {
        let more = (outcome.mismatches.len() - shown) as u64;
        writeln!(out, "{} more mismatches: -v shows them, --json has them", count(more))?;
    }
    for finding in &outcome.notes {
        self::finding(finding, &paint.yellow("differs:"), out)?;
    }
    let checked = &outcome.checked;
    let many = |n: u64, one: &str| format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" });
    let mut lines = vec![format!(
        "{}, {}: {} computed anew, with sizes",
        many(checked.images, "image"),
        many(checked.layers, "layer"),
        many(checked.digests, "digest"),
    )];
    if head.against.is_some() {
        lines.push(format!("{} compared: {} byte for byte", many(checked.paths, "path"), many(checked.same, "file")));
        let removed = if head.profiles.is_empty() { "gone" } else { "gone by a rule" };
        lines.push(format!("{} {removed}{}", many(checked.removed, "path"), tops(outcome)));
        if checked.rewritten > 0 {
            lines.push(format!(
                "{} with a new content that a rule allows: {} with all that is loaded as it was, rows of {} compared",
                many(checked.rewritten, "file"),
                many(checked.elf, "ELF file"),
                many(checked.ledgers, "list"),
            ));
        }
        let purpose = match checked.on_purpose {
            0 => String::new(),
            n => format!("; {} to packages that are removed on purpose", count(n)),
        };
        lines.push(format!("{} resolve as they did{purpose}", many(checked.references, "reference")));
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if paths {
        for (path, rule) in &outcome.removed.paths {
            let rule = rule.as_ref().map_or_else(String::new, |rule| format!("  {}", paint.dim(rule)));
            writeln!(out, "gone: /{path}{rule}")?;
        }
    }
    if head.against.is_some() && head.profiles.is_empty() && !outcome.mismatches.is_empty() {
        let hint = "if slim made OUT with profiles, give the same `-p`: then what they change is expected";
        writeln!(out, "{} {hint}", paint.cyan("hint:"))?;
    }
    match outcome.mismatches.len() {
        0 => writeln!(out, "{}", paint.green("no mismatch")),
        1 => writeln!(out, "{}", paint.red("1 mismatch found")),
        n => writeln!(out, "{}", paint.red(&format!("{} mismatches found", count(n as u64)))),
    }
}

/// Returns the number of paths that went of each top directory, those with most first.
fn tops(outcome: &Outcome) -> String {
    let mut tops: Vec<(&String, &u64)> = outcome.removed.by_top.iter().collect();
    tops.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), *name));
    let shown: Vec<String> = tops.iter().take(8).map(|(name, n)| format!("/{name} {}", count(**n))).collect();
    let more = if tops.len() > 8 { ", …" } else { "" };
    if shown.is_empty() { String::new() } else { format!(" ({}{more})", shown.join(", ")) }
}

fn finding(finding: &Finding, label: &str, out: &mut dyn Write) -> io::Result<()> {
    let image = finding.image.as_ref().map_or_else(String::new, |image| format!("{image}: "));
    let clean = |text: &str| crate::report::printable(text, false).into_owned();
    writeln!(out, "{label} {}{} ({})", clean(&image), clean(&finding.place), finding.kind)?;
    writeln!(out, "    expected {}", clean(&finding.expected))?;
    writeln!(out, "    found    {}", clean(&finding.found))
}
