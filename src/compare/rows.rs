//! The rows of the table that all renderers show: a name and a cell for each column.

use super::{Column, Comparison};
use crate::engine::sweep::{Sweep, SweepReport};
use crate::engine::trial::{Trial, What};
use crate::report::units;

/// The cell for nothing.
const NONE: &str = "-";

/// What a cell of a failed command begins with.
pub(super) const FAILED: &str = "✗ ";

/// A row: its name, and its cells.
pub(super) type Row = (String, Vec<Cell>);

/// A cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// What it says.
    pub text: String,
    /// True if it says that something worked in the image as it is, and does not in this column's.
    pub failed: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, failed: false }
    }
}

/// Returns the figures of the columns.
pub(super) fn figures(all: &Comparison) -> Vec<Row> {
    let row = |name: &str, cell: &dyn Fn(&Column) -> String| {
        (name.to_owned(), all.columns.iter().map(|column| cell(column).into()).collect::<Vec<Cell>>())
    };
    let first = |of: fn(&Column) -> Option<u64>| all.columns.first().and_then(of);
    let size = |of: fn(&Column) -> Option<u64>| move |c: &Column| of(c).map_or_else(|| NONE.to_owned(), units::bytes);
    let saved = |of: fn(&Column) -> Option<u64>| {
        let before = first(of);
        move |c: &Column| match (before, of(c), c.slim_seconds) {
            (Some(before), Some(after), Some(_)) => units::percent(before, after),
            _ => NONE.to_owned(),
        }
    };
    let plain = |c: &Column| Some(c.uncompressed_bytes);
    let (gzip, zstd) = (|c: &Column| c.gzip_bytes, |c: &Column| c.zstd_bytes);
    let mut rows = vec![row("uncompressed", &size(plain)), row("  saved", &saved(plain))];
    if all.columns.iter().any(|c| c.gzip_bytes.is_some()) {
        rows.extend([row("gzip", &size(gzip)), row("  saved", &saved(gzip)), row("zstd", &size(zstd))]);
        rows.push(row("  saved", &saved(zstd)));
    }
    let measured = all.columns.iter().any(|c| c.gzip_bytes.is_some());
    let pull = format!("pull at {}{}", bandwidth(all.bits_per_second), if measured { "" } else { ", as stored" });
    rows.push(row(&pull, &|c| seconds(c.pull_seconds)));
    rows.push(row("files", &|c| units::count(c.files)));
    rows.push(row("layers", &|c| c.layers.to_string()));
    rows.push(row("time to slim", &|c| c.slim_seconds.map_or_else(|| NONE.to_owned(), seconds)));
    if all.tried.is_some() && all.columns.iter().any(|c| c.trials.is_some()) {
        let (name, mut cells) = row("commands as before", &|c| trials(c, |t| t.same));
        cells.iter_mut().zip(&all.columns).for_each(|(cell, column)| cell.failed = broken(column) > 0);
        rows.push((name, cells));
        rows.push(row("  that end with 0", &|c| trials(c, |t| t.after.exit_code == Some(0))));
        rows.push(row("  median times, sum", &|c| {
            let sum = c.trials.as_ref().map(|t| t.trials.iter().map(|t| t.after.median_seconds).sum());
            sum.map_or_else(|| NONE.to_owned(), seconds)
        }));
    }
    rows.extend(sweeps(all));
    rows
}

fn trials(column: &Column, good: impl Fn(&Trial) -> bool) -> String {
    let count = |t: &super::Trials| format!("{}/{}", t.trials.iter().filter(|t| good(t)).count(), t.trials.len());
    column.trials.as_ref().map_or_else(|| NONE.to_owned(), count)
}

/// Returns the number of commands that are not as in the image as it is.
pub(super) fn broken(column: &Column) -> usize {
    column.trials.iter().flat_map(|t| &t.trials).filter(|t| !t.same).count()
}

/// Returns one row for each sweep: the number of things that work of those that worked.
fn sweeps(all: &Comparison) -> Vec<Row> {
    let first = all.columns.iter().find_map(|c| c.sweeps.as_ref());
    let names = first.map_or(&[][..], |r: &SweepReport| r.sweeps.as_slice());
    let cell = |sweep: &Sweep| match &sweep.skipped {
        Some(_) => Cell::from(NONE.to_owned()),
        None => {
            let count = |n: usize| units::count(n as u64);
            let of = [(sweep.regressions.len(), "worse"), (sweep.dropped.len(), "dropped")];
            let of = of.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(n)));
            let more = of.collect::<Vec<_>>().join(", ");
            let more = if more.is_empty() { more } else { format!(" ({more})") };
            let text = format!("{}/{}{more}", count(sweep.works), count(sweep.worked));
            Cell { text, failed: !sweep.regressions.is_empty() }
        }
    };
    let row = |(index, sweep): (usize, &Sweep)| {
        let with = sweep.with.as_ref().map(|with| format!(" {with}")).unwrap_or_default();
        let of = |c: &Column| {
            c.sweeps.as_ref().and_then(|s| s.sweeps.get(index)).map_or_else(|| NONE.to_owned().into(), cell)
        };
        (format!("sweep {}{with}", sweep.sweep), all.columns.iter().map(of).collect())
    };
    names.iter().enumerate().map(row).collect()
}

/// Returns a row for each command: the time, with the exit code if it is not 0, and the differences.
pub(super) fn commands(all: &Comparison) -> Vec<Row> {
    let cell = |trial: &&Trial| {
        let mut cell = seconds(trial.after.median_seconds);
        if trial.after.exit_code != Some(0) {
            cell = format!(
                "{} {cell}",
                if trial.after.exit_code.is_some() { format!("exit {}", trial.after.end()) } else { trial.after.end() }
            );
        }
        let other = trial.differs.iter().filter(|w| **w != What::ExitCode).map(|w| w.name());
        let other: Vec<&str> = other.collect();
        if !other.is_empty() {
            cell = format!("{} differs {cell}", other.join(", "));
        }
        Cell { text: if trial.same { cell } else { format!("{FAILED}{cell}") }, failed: !trial.same }
    };
    all.lines().iter().map(|(line, trials)| ((*line).to_owned(), trials.iter().map(cell).collect())).collect()
}

/// Returns a row for each rule: the bytes that it takes in each column except the first.
pub(super) fn rules(all: &Comparison) -> Vec<Row> {
    let cell = |bytes: &Option<u64>| Cell::from(bytes.map_or_else(|| NONE.to_owned(), units::bytes));
    let risk = |id: &str| all.columns.iter().flat_map(|c| &c.rules).find(|rule| rule.id == id).map(|rule| rule.risk);
    let name = |id: &str| risk(id).map_or_else(|| id.to_owned(), |risk| format!("{id} (risk {})", risk.name()));
    all.rules().iter().map(|(id, bytes)| (name(id), bytes.iter().map(cell).collect())).collect()
}

/// Formats a time: `12.3 s`, `45 ms`.
pub(super) fn seconds(n: f64) -> String {
    if n < 0.9995 { format!("{:.0} ms", n * 1000.0) } else { format!("{n:.1} s") }
}

/// Formats a bandwidth: `100 Mbit/s`.
pub(super) fn bandwidth(bits: u64) -> String {
    let units = [("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000)];
    match units.into_iter().find(|(_, unit)| bits >= *unit) {
        Some((name, unit)) if bits.is_multiple_of(unit) => format!("{} {name}", bits / unit),
        Some((name, unit)) => format!("{:.1} {name}", bits as f64 / unit as f64),
        None => format!("{bits} bit/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_bandwidths_read_well() {
        assert_eq!([0.0, 0.0451, 0.9994, 0.9996, 12.34].map(seconds), ["0 ms", "45 ms", "999 ms", "1.0 s", "12.3 s"]);
        let all = [500, 56_000, 100_000_000, 1_500_000_000].map(bandwidth);
        assert_eq!(all, ["500 bit/s", "56 kbit/s", "100 Mbit/s", "1.5 Gbit/s"]);
    }
}
