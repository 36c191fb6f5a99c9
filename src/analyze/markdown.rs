//! An analysis as a comment on a pull request.

use super::advice::Step;
use super::breakdown::Share;
use super::budget::{Finding, Severity};
use super::gate::{Status, Verdict};
use super::growth::{Growth, key};
use super::savings::Saving;
use super::text::{command, sentence};
use super::{Analysis, Layer};
use crate::profile::Risk;
use crate::report::markdown::{self, Document, code, cut};
use crate::report::{RuleReport, instruction, units};

/// The number of rows of the tables that are shown at once.
const OPEN: usize = 10;
/// The number of rows of the tables that are folded.
const CLOSED: usize = 100;
/// The number of characters of a value.
const VALUE: usize = 300;
/// The share of the image, in parts of a thousand, below which waste is not shown.
const WORTH_TELLING: u64 = 1;

/// Renders the whole analysis as Markdown, shorter than 60,000 characters. `findings` are those of a linter, `None` if it did not
/// run; notes among them are listed if `notes`, and counted otherwise.
#[must_use]
pub fn render(analysis: &Analysis, findings: Option<&[Finding<'_>]>, notes: bool) -> String {
    let mut out = Document::default();
    out.paragraph(&format!("### {}", headline(analysis)));
    sizes(analysis, &mut out);
    if let Some(verdict) = &analysis.verdict {
        gate(verdict, &mut out);
    }
    waste(analysis, &mut out);
    savings(analysis, &mut out);
    advice(analysis, &mut out);
    lint(findings.unwrap_or_default(), notes, &mut out);
    if let Some(breakdown) = &analysis.breakdown {
        packages(&breakdown.packages, analysis, &mut out);
    }
    details(analysis, &mut out);
    out.finish()
}

/// Returns the headline: the image, its size, and whether it passes.
fn headline(analysis: &Analysis) -> String {
    let head = &analysis.head;
    let name = if head.tags.is_empty() { head.path.clone() } else { head.tags.join(", ") };
    let mut out = format!("{}: {}", markdown::text(&cut(&name, VALUE)), units::bytes(analysis.bytes()));
    if let Some(Growth { bytes_before, bytes_after, .. }) = analysis.growth {
        let change = units::change(bytes_before, bytes_after);
        out.push_str(&format!(", {change} ({})", units::change_percent(bytes_before, bytes_after)));
    }
    out.push_str(&format!(", {} reclaimable", units::bytes(analysis.wasted.bytes())));
    match &analysis.verdict {
        Some(verdict) if verdict.pass => out.push_str(": ✅ all rules hold"),
        Some(verdict) => {
            let failed = verdict.rules.iter().filter(|r| !matches!(r.status, Status::Pass | Status::Skip)).count();
            out.push_str(&format!(": ❌ {failed} of {} rules fail", verdict.rules.len()));
        }
        None => {}
    }
    out
}

fn sizes(analysis: &Analysis, out: &mut Document) {
    let growth = analysis.growth.as_ref();
    let row = |name: &str, now: u64, before: Option<u64>, write: &dyn Fn(u64) -> String| {
        let mut cells = vec![name.to_owned(), write(now)];
        if growth.is_some() {
            let was = before.map_or_else(|| "?".to_owned(), write);
            let sign = before.map_or("", |b| {
                if b < now {
                    "+"
                } else if b > now {
                    "-"
                } else {
                    ""
                }
            });
            let change = before.map_or_else(String::new, |b| format!("{sign}{}", write(now.abs_diff(b))));
            cells.extend([was, change]);
        }
        cells
    };
    let before = growth.map(|g| g.before).unwrap_or_default();
    let blobs = analysis.blob_bytes();
    let mut rows = vec![
        row("uncompressed", analysis.bytes(), growth.map(|g| g.bytes_before), &units::bytes),
        row("as stored", blobs, before.blob_bytes, &units::bytes),
    ];
    if let Some(bytes) = analysis.compressed_bytes().filter(|bytes| *bytes != blobs) {
        rows.push(row("compressed", bytes, None, &units::bytes));
    }
    rows.extend([
        row("reclaimable", analysis.wasted.bytes(), before.reclaimable_bytes, &units::bytes),
        row("paths", analysis.paths, before.paths, &units::count),
    ]);
    match growth {
        None => out.table(None, "<>", &["", "now"], &rows),
        Some(_) => out.table(None, "<>>>", &["", "now", "before", "change"], &rows),
    }
    if let Some(growth) = growth.filter(|g| !g.packages.is_empty()) {
        out.paragraph(&format!("Since the baseline: {}.", markdown::text(&cut(&growth.sentence(OPEN), 1000))));
    }
}

fn gate(verdict: &Verdict, out: &mut Document) {
    let row = |rule: &super::gate::Checked| {
        let status = match rule.status {
            Status::Pass => "✅ pass",
            Status::Fail => "❌ **fail**",
            Status::Skip => "skipped",
            Status::Misconfigured => "❌ **wrong**",
            Status::Unchecked => "not checked",
        };
        let found = rule.shown();
        let [name, threshold, found] =
            [&*rule.rule, &rule.threshold, &*found].map(|text| markdown::text(&cut(text, VALUE)));
        vec![status.to_owned(), name, threshold, found]
    };
    let rows: Vec<Vec<String>> = verdict.rules.iter().take(CLOSED).map(row).collect();
    out.table(None, "<<><", &["", "rule", "threshold", "found"], &rows);
}

fn waste(analysis: &Analysis, out: &mut Document) {
    let least = (analysis.bytes() * WORTH_TELLING / 1000).max(1);
    let told = analysis.wasted.steps.iter().filter(|w| w.bytes() >= least).take(5);
    let lines: Vec<String> = told.map(|w| format!("- {}", sentence_as_code(&sentence(analysis, w)))).collect();
    if !lines.is_empty() {
        out.paragraph(&format!("**Waste**\n\n{}", lines.join("\n")));
    }
}

/// Returns a sentence with its instruction as code.
fn sentence_as_code(sentence: &str) -> String {
    // The instruction begins the sentence, and may have backticks of its own.
    let end = sentence.rfind("` in layer ").filter(|_| sentence.starts_with('`'));
    match end {
        Some(end) => format!("{}{}", code(&cut(&sentence[1..end], VALUE)), markdown::text(&sentence[end + 1..])),
        None => markdown::text(sentence),
    }
}

fn savings(analysis: &Analysis, out: &mut Document) {
    let Some(best) = analysis.advised() else { return };
    let profile = markdown::text(&best.profile);
    let line = |level: &Saving| {
        let name = match level.risk {
            Risk::None => "Without risk",
            Risk::Low => "With low risk",
            Risk::OptIn => "With opt-ins (read what they cost)",
        };
        let (saved, share) = (units::bytes(level.saved_bytes), units::part(level.saved_bytes, analysis.bytes()));
        let command = code(&command(&analysis.head.path, &level.profile));
        format!("- {name}: **{} would save {saved} ({share})**: {command}", markdown::text(&level.profile))
    };
    let lines: Vec<String> = analysis.levels().into_iter().map(line).collect();
    out.paragraph(&format!("**What can be saved**\n\n{}", lines.join("\n")));
    let row = |s: &&Saving| {
        let saved = units::bytes(s.saved_bytes);
        let costs = markdown::text(&cut(&s.costs.join("; "), VALUE));
        let share = units::part(s.saved_bytes, analysis.bytes());
        vec![saved, share, s.risk.name().to_owned(), markdown::text(&s.profile), costs]
    };
    let rows: Vec<Vec<String>> = analysis.by_risk().iter().map(row).collect();
    if rows.len() > 1 {
        let header = ["saved", "", "risk", "profile", "what it costs"];
        out.table(Some("what each profile would save, the lowest risk first"), ">><<<", &header, &rows);
    }
    let rules = best.rules.iter().filter(|r| r.bytes > 0).take(CLOSED);
    let row = |r: &RuleReport| {
        vec![units::bytes(r.bytes), units::count(r.files), r.risk.name().to_owned(), markdown::text(&r.id)]
    };
    let rows: Vec<Vec<String>> = rules.map(row).collect();
    out.table(Some(&format!("rules of {profile}")), ">><<", &["saved", "files", "risk", "rule"], &rows);
}

/// Adds the steps to the size that is wanted.
fn advice(analysis: &Analysis, out: &mut Document) {
    let Some(advice) = &analysis.advice else { return };
    let sentence = markdown::text(&advice.sentence());
    if advice.steps.is_empty() {
        return out.paragraph(&format!("**{sentence}**"));
    }
    out.paragraph(&format!("**{sentence}**: {}", code(&advice.command(&analysis.head.path))));
    let row = |step: &Step| {
        let (saved, left) = (units::bytes(step.bytes), units::bytes(step.left_bytes));
        let [name, costs] = [&step.name, &step.costs].map(|text| markdown::text(&cut(text, VALUE)));
        vec![saved, left, step.risk.name().to_owned(), name, costs]
    };
    let rows: Vec<Vec<String>> = advice.steps.iter().map(row).collect();
    out.table(None, ">><<<", &["saved", "left", "risk", "step", "what it costs"], &rows);
    let row = |s: &Share| vec![units::bytes(s.bytes), units::count(s.files), markdown::text(&cut(&s.name, VALUE))];
    let rows: Vec<Vec<String>> = advice.holds.iter().map(row).collect();
    out.table(None, ">><", &["bytes", "files", "package that holds the rest"], &rows);
}

fn lint(findings: &[Finding<'_>], notes: bool, out: &mut Document) {
    let (told, counted): (Vec<&Finding<'_>>, Vec<&Finding<'_>>) =
        findings.iter().partition(|f| notes || f.severity != Severity::Note);
    let row = |f: &Finding<'_>| {
        let path = code(&cut(&f.place(), VALUE));
        vec![markdown::text(f.severity.name()), markdown::text(f.id), path, markdown::text(&cut(f.message, VALUE))]
    };
    let rows: Vec<Vec<String>> = told.into_iter().map(row).collect();
    let open = rows.len().min(OPEN);
    let header = ["", "finding", "path", ""];
    out.table(None, "<<<<", &header, &rows[..open]);
    let summary = format!("{} more findings", units::count((rows.len() - open) as u64));
    out.table(Some(&summary), "<<<<", &header, &rows[open..rows.len().min(open + CLOSED)]);
    if !counted.is_empty() {
        let count = units::count(counted.len() as u64);
        out.paragraph(&format!("Lint has {count} notes, which `--lint-notes` lists."));
    }
}

fn packages(all: &[Share], analysis: &Analysis, out: &mut Document) {
    let row = |s: &Share| {
        let share = units::percent(analysis.bytes(), analysis.bytes().saturating_sub(s.bytes));
        let mut cells = vec![units::bytes(s.bytes), share, markdown::text(&cut(&s.name, VALUE))];
        if let Some(growth) = &analysis.growth {
            let grown = growth.packages.iter().find(|g| g.name == key(&s.name));
            cells.push(grown.map_or_else(String::new, |g| units::change(g.bytes_before, g.bytes_after)));
        }
        cells
    };
    let rows: Vec<Vec<String>> = all.iter().take(OPEN + CLOSED).map(row).collect();
    let (columns, header) = match analysis.growth {
        None => (">><", &["bytes", "share", "package"][..]),
        Some(_) => (">><>", &["bytes", "share", "package", "change"][..]),
    };
    let open = rows.len().min(OPEN);
    out.table(None, columns, header, &rows[..open]);
    let more = units::count((all.len() - open) as u64);
    out.table(Some(&format!("{more} more packages")), columns, header, &rows[open..]);
}

/// Adds the tables that are folded until they are opened.
fn details(analysis: &Analysis, out: &mut Document) {
    let layer = |l: &Layer| {
        let step = code(&cut(&instruction::clean(&l.instruction), VALUE));
        vec![l.index.to_string(), units::bytes(l.bytes), units::count(l.files), units::bytes(l.wasted_bytes), step]
    };
    let rows: Vec<Vec<String>> = analysis.layers.iter().take(2 * CLOSED).map(layer).collect();
    out.table(Some("layers"), ">>>><", &["layer", "size", "files", "wasted", "instruction"], &rows);
    let Some(breakdown) = &analysis.breakdown else { return };
    for (what, list) in [("kind", &breakdown.kinds), ("directory", &breakdown.directories)] {
        let row = |s: &Share| vec![units::bytes(s.bytes), units::count(s.files), code(&cut(&s.name, VALUE))];
        let rows: Vec<Vec<String>> = list.iter().take(CLOSED / 2).map(row).collect();
        out.table(Some(&format!("by {what}")), ">><", &["bytes", "files", what], &rows);
    }
}
