//! The comparison for a terminal. Columns have letters, so that the names of profiles may be as long as they are.

use super::rows::{self, Cell, Row};
use super::{Column, Comparison};
use crate::engine::trial::What;
use crate::report::paint::Paint;
use crate::report::table::{Table, cut};
use crate::report::{printable, units};

/// Options of the text.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of columns of the terminal.
    pub width: usize,
    /// The colours.
    pub paint: Paint,
    /// True to show lists whole.
    pub all: bool,
}

/// The number of rules, directories and regressions that are shown of each list.
const SHOWN: usize = 8;

/// Writes the comparison.
#[must_use]
pub fn render(all: &Comparison, options: &Options) -> String {
    let names = [all.image.tags.join(", "), all.image.platform.clone()].into_iter().filter(|s| !s.is_empty());
    let names = names.collect::<Vec<_>>().join("  ");
    let mut out = format!("{}  {}\n\n", options.paint.bold(&all.image.path), printable(&names, false));
    for (index, column) in all.columns.iter().enumerate() {
        let picked = if column.picked.is_empty() { String::new() } else { format!(" ({})", column.picked.join(", ")) };
        out.push_str(&format!("  {}  {}{picked}\n", options.paint.bold(&letter(index)), column.name));
    }
    out.push('\n');
    let letters: Vec<String> = (0..all.columns.len()).map(letter).collect();
    out.push_str(&table(&letters, &rows::figures(all), options));
    section(&mut out, "Commands, median time", &letters, rows::commands(all), usize::MAX, options);
    let shown = if options.all { usize::MAX } else { SHOWN };
    section(&mut out, "What rules take", &letters[1..], rows::rules(all), shown, options);
    for (letter, column) in letters.iter().zip(&all.columns) {
        only(&mut out, letter, column, shown, options);
    }
    for (letter, column) in letters.iter().zip(&all.columns) {
        failures(&mut out, letter, column, shown, options);
    }
    out
}

/// Returns the letter of a column: `A`, `B`, … `Z`, `AA`, …
fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { format!("{}{last}", letter(index / 26 - 1)) }
}

fn section(out: &mut String, title: &str, letters: &[String], mut rows: Vec<Row>, shown: usize, options: &Options) {
    if rows.is_empty() || letters.is_empty() {
        return;
    }
    let more = rows.len().saturating_sub(shown);
    rows.truncate(shown);
    out.push_str(&format!("\n{}\n", options.paint.bold(title)));
    // The longest cell comes last, where it is cut.
    let columns = format!("{}<", ">".repeat(letters.len()));
    let header: Vec<&str> = letters.iter().map(String::as_str).chain([""]).collect();
    let mut table = Table::new(&columns).header(&header);
    rows.into_iter()
        .for_each(|(name, cells)| table.row([texts(&cells), vec![printable(&name, false).into()]].concat()));
    out.push_str(&table.render(2, options.width, options.paint));
    if more > 0 {
        out.push_str(&format!("  {more} more: -v shows them\n"));
    }
}

fn texts(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.text.clone()).collect()
}

fn table(letters: &[String], rows: &[Row], options: &Options) -> String {
    // These are figures, so no last column may be cut.
    let columns = format!("<{}", ">".repeat(letters.len()));
    let header: Vec<&str> = std::iter::once("").chain(letters.iter().map(String::as_str)).collect();
    let mut table = Table::new(&columns).header(&header);
    rows.iter().for_each(|(name, cells)| table.row([vec![printable(name, false).into()], texts(cells)].concat()));
    table.render(2, options.width, options.paint)
}

fn only(out: &mut String, letter: &str, column: &Column, shown: usize, options: &Options) {
    let Some(only) = column.only.as_ref().filter(|o| o.files > 0) else { return };
    let total = format!("Only {letter} removes {} in {}", units::bytes(only.bytes), units::files(only.files));
    let rules: Vec<String> =
        only.rules.iter().take(4).map(|r| format!("{} {}", r.name, units::bytes(r.bytes))).collect();
    out.push_str(&format!("\n{}  {}\n", options.paint.bold(&total), rules.join(", ")));
    let mut table = Table::new(">><");
    for directory in only.directories.iter().take(shown.min(20)) {
        table.row([
            units::bytes(directory.bytes),
            units::files(directory.files),
            printable(&directory.name, false).into(),
        ]);
    }
    out.push_str(&table.render(2, options.width, options.paint));
}

/// Renders the commands and sweeps that are not as before, and the reasons.
fn failures(out: &mut String, letter: &str, column: &Column, shown: usize, options: &Options) {
    let head = |what: &str| format!("\n{}\n", options.paint.bold(&printable(&format!("{letter}: {what}"), false)));
    let put = |out: &mut String, line: String| {
        out.push_str(&format!("  {}\n", cut(&printable(&line, false), options.width.saturating_sub(2))));
    };
    let bad: Vec<_> = column.trials.iter().flat_map(|t| &t.trials).filter(|t| !t.same).collect();
    if !bad.is_empty() {
        out.push_str(&head("commands that are not as before"));
    }
    for trial in bad {
        put(out, trial.line.clone());
        let what = |what: &What| match what {
            What::ExitCode => format!("exit code {} before, {} after", trial.before.end(), trial.after.end()),
            other => format!("{} differs", other.name()),
        };
        put(out, format!("  {}", trial.differs.iter().map(what).collect::<Vec<_>>().join("; ")));
        if let Some(last) = trial.after.stderr.tail.lines().map(str::trim).rfind(|l| !l.is_empty()) {
            put(out, format!("  {last}"));
        }
    }
    for sweep in column.sweeps.iter().flat_map(|s| &s.sweeps).filter(|s| !s.regressions.is_empty()) {
        let with = sweep.with.as_ref().map(|w| format!(" {w}")).unwrap_or_default();
        out.push_str(&head(&format!("sweep {}{with}: worked before, and does not now", sweep.sweep)));
        sweep.regressions.iter().take(shown).for_each(|r| put(out, format!("{}  {}", r.name, r.why)));
        if let Some(more) = sweep.regressions.len().checked_sub(shown).filter(|n| *n > 0) {
            put(out, format!("{more} more: -v shows them"));
        }
    }
}
