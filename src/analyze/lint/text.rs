//! Findings as text: most severe first, those of one kind under its name, with a suggestion for mending them.

use super::{Finding, Severity};
use crate::report::paint::Paint;
use crate::report::table::wrap;
use crate::report::{printable, units};

/// The column where a finding's text begins.
const TEXT: usize = 12;

/// Options of the text.
#[derive(Clone, Copy)]
pub struct Options {
    /// The number of columns of a line.
    pub width: usize,
    /// The most findings that are shown.
    pub rows: usize,
    /// True if notes are shown.
    pub notes: bool,
    /// The colours.
    pub paint: Paint,
}

/// Renders the findings, most severe first, and the number of those that are not shown. They must be sorted as [`super::lint`]
/// does.
#[must_use]
pub fn render(findings: &[Finding], options: &Options) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let paint = options.paint;
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = counts.map(|(severity, name)| many(count(severity), name));
    let mut out = format!("\n{}\n", paint.bold(&format!("lint: {}", counts.join(", "))));
    let told: Vec<&Finding> = findings.iter().filter(|f| options.notes || f.severity != Severity::Note).collect();
    let (mut last, mut shown) = (None, 0);
    for (index, finding) in told.iter().enumerate() {
        let kind = (finding.severity, &finding.id);
        // At least one of each kind is shown.
        let first = last.replace(kind) != Some(kind);
        if index >= options.rows && !first {
            continue;
        }
        shown += 1;
        if first {
            out.push_str(&format!("  {} {}\n", label(finding.severity, paint), finding.id));
            out.push_str(
                &wrap(&finding.help, TEXT - 2, options.width).lines().map(|l| dimmed(l, paint)).collect::<String>(),
            );
        }
        let text = wrap(&sentence(finding), TEXT, options.width);
        out.push_str(&format!("{}-{}", " ".repeat(TEXT - 2), &text[TEXT - 1..]));
    }
    let rest = told.len() - shown;
    let notes = count(Severity::Note);
    let hidden = match (rest, notes) {
        (0, _) if options.notes => String::new(),
        (0, 0) => String::new(),
        (0, n) => many(n, "note"),
        (rest, n) if options.notes || n == 0 => many(rest, "more finding"),
        (rest, n) => format!("{} and {}", many(rest, "more finding"), many(n, "note")),
    };
    if !hidden.is_empty() {
        let told = if told.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{told}  {hidden}: -v shows more, -vv all, --json has them\n"));
    }
    out
}

fn many(n: usize, name: &str) -> String {
    format!("{} {name}{}", units::count(n as u64), if n == 1 { "" } else { "s" })
}

fn dimmed(line: &str, paint: Paint) -> String {
    format!("{}\n", paint.dim(line))
}

fn label(severity: Severity, paint: Paint) -> String {
    let name = format!("{:<7}", severity.name());
    match severity {
        Severity::Error => paint.red(&name),
        Severity::Warning => paint.yellow(&name),
        Severity::Note => paint.dim(&name),
    }
}

/// Returns a sentence such as `/app/main.py:3 (layer 8): imports rich, which no file in the image provides`.
#[must_use]
pub fn sentence(finding: &Finding) -> String {
    let place = finding.told().place();
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    let layer = finding.layer.map(|layer| format!(" (layer {layer})")).unwrap_or_default();
    printable(&format!("{place}{line}{layer}: {}", finding.message), false).into_owned()
}
