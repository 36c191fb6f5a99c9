//! A diff as text.

use super::{Aspect, Change, Diff, LayerChange, PackageChange, Status, Sum};
use crate::report::paint::Paint;
use crate::report::table::{Table, cut};
use crate::report::{escape, instruction, printable, units};

/// Options of the text.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of columns of a line.
    pub width: usize,
    /// The colours.
    pub paint: Paint,
    /// 0 shows the largest of each list, 1 (`-v`) more, 2 (`-vv`) everything uncut.
    pub detail: u8,
}

impl Options {
    const fn rows(&self) -> usize {
        match self.detail {
            0 => 10,
            1 => 40,
            _ => usize::MAX,
        }
    }

    /// Renders the table, with additions in green and removals in red.
    fn table(&self, table: &Table) -> String {
        let text = table.render(2, if self.detail > 1 { usize::MAX } else { self.width }, self.paint);
        let colour = |line: &str| match line.trim_start().as_bytes().first() {
            Some(b'+') => self.paint.green(line),
            Some(b'-') if line.trim_start().len() > 1 && !line.trim_start().starts_with("- ") => self.paint.red(line),
            _ => line.to_owned(),
        };
        text.lines().map(|line| colour(line) + "\n").collect()
    }

    fn section(&self, heading: &str, table: &Table, more: usize) -> String {
        let mut out = format!("\n{}\n{}", self.paint.bold(heading), self.table(table));
        if more > 0 {
            out.push_str(&format!("  {} more (-v, -vv, --json)\n", units::count(more as u64)));
        }
        out
    }
}

/// Renders the whole diff as text.
#[must_use]
pub fn render(diff: &Diff, options: &Options) -> String {
    let mut out = head(diff, options);
    if !diff.differs() {
        out.push_str("\nNothing differs.\n");
        return out;
    }
    out.push_str(&layers(diff, options));
    out.push_str(&paths(diff, options));
    out.push_str(&packages(diff, options));
    out.push_str(&directories(diff, options));
    out.push_str(&config(diff, options));
    out
}

/// Returns rows of a name, a size or count before and after, and the change.
pub(super) fn sizes(diff: &Diff) -> Vec<[String; 5]> {
    let (a, b) = (&diff.before, &diff.after);
    let row = |name: &str, a: u64, b: u64| {
        [name.to_owned(), units::bytes(a), units::bytes(b), units::change(a, b), units::change_percent(a, b)]
    };
    let mut out = vec![row("uncompressed", a.bytes, b.bytes)];
    if (a.bytes, b.bytes) != (a.blob_bytes, b.blob_bytes) {
        out.push(row("as stored", a.blob_bytes, b.blob_bytes));
    }
    out.push(row("reclaimable", a.reclaimable_bytes, b.reclaimable_bytes));
    let sign = if b.paths > a.paths { "+" } else { "-" };
    let change =
        if a.paths == b.paths { "0".to_owned() } else { format!("{sign}{}", units::count(a.paths.abs_diff(b.paths))) };
    let paths = [a.paths, b.paths].map(units::count);
    let [before, after] = paths;
    out.push(["paths".to_owned(), before, after, change, units::change_percent(a.paths, b.paths)]);
    out
}

/// Returns the name of an image.
pub(super) fn name(side: &super::Side) -> String {
    let tags = if side.head.tags.is_empty() { String::new() } else { format!(", {}", side.head.tags.join(", ")) };
    printable(&format!("{}{tags}, {}", side.head.path, side.head.platform), false).into_owned()
}

fn head(diff: &Diff, options: &Options) -> String {
    let mut table = Table::new("<>>>>").header(&["", "before", "after", "change", ""]);
    sizes(diff).into_iter().for_each(|row| table.row(row));
    let title = format!("--- {}\n+++ {}", name(&diff.before), name(&diff.after));
    let title: Vec<String> = title.lines().map(|line| options.paint.bold(line)).collect();
    let told = [("before", &diff.before), ("after", &diff.after)].into_iter();
    let made = told.filter_map(|(which, side)| Some(format!("\n{which}: {}", printable(side.record.as_ref()?, false))));
    format!("{}{}\n\n{}", title.join("\n"), made.collect::<String>(), options.table(&table))
}

/// Returns the number of paths that differ in each way, with the change in bytes: `added 3 (+1.2 MB)`.
pub(super) fn counts(diff: &Diff) -> Vec<(Status, String)> {
    let mut out = Vec::new();
    for status in Status::ALL {
        let count = diff.count(status);
        if count.files == 0 {
            continue;
        }
        let of = diff.files.iter().filter(|c| c.status == status);
        let more = match status {
            Status::Metadata => {
                let only = of.filter(|c| c.aspects.iter().all(|a| matches!(a, Aspect::Mtime | Aspect::Layer))).count();
                if only == 0 { String::new() } else { format!(", {} of them only the time", units::count(only as u64)) }
            }
            Status::Moved => " to the layer of another step".to_owned(),
            _ => format!(" ({})", units::change(count.bytes_before, count.bytes_after)),
        };
        let word = if status == Status::Metadata { "other metadata" } else { status.name() };
        out.push((status, format!("{} {word}{more}", units::count(count.files))));
    }
    out
}

/// Paths that are shown in one line: one path, or a directory that came or went with everything in it.
pub(super) struct Line<'a> {
    pub change: &'a Change,
    pub files: u64,
    pub before: u64,
    pub after: u64,
}

impl Line<'_> {
    pub(super) fn path(&self) -> String {
        let entry = self.change.after.as_ref().or(self.change.before.as_ref());
        let slash = if entry.is_some_and(|e| e.kind == "dir") { "/" } else { "" };
        format!("{}{slash}", escape(&self.change.path))
    }

    /// Returns the aspects that differ; nothing for paths that came or went.
    pub(super) fn note(&self) -> String {
        let aspects: Vec<&str> = self.change.aspects.iter().map(|a| aspect(*a)).collect();
        match (&self.change.from, aspects.is_empty()) {
            (Some(from), _) => format!("was {}", escape(from)),
            (None, true) => String::new(),
            (None, false) => aspects.join(", "),
        }
    }
}

const fn aspect(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Type => "type",
        Aspect::Content => "content",
        Aspect::Target => "target",
        Aspect::Device => "device",
        Aspect::Mode => "mode",
        Aspect::Owner => "owner",
        Aspect::Xattrs => "xattrs",
        Aspect::Links => "hard links",
        Aspect::Mtime => "time",
        Aspect::Layer => "layer",
    }
}

/// Returns the paths that differ, folded, the largest differences first.
pub(super) fn lines(diff: &Diff) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::new();
    // The directory that was added, and the one that was removed, which stand for the paths below them.
    let mut open: [Option<usize>; 2] = [None, None];
    for change in &diff.files {
        let (before, after) = change.bytes();
        let side = match change.status {
            Status::Added => Some(0),
            Status::Removed => Some(1),
            _ => None,
        };
        let above = side.and_then(|side| open[side]).filter(|&index| below(&change.path, &out[index].change.path));
        if let Some(index) = above {
            let line = &mut out[index];
            (line.files, line.before, line.after) = (line.files + 1, line.before + before, line.after + after);
            continue;
        }
        let entry = change.after.as_ref().or(change.before.as_ref());
        if let Some(side) = side {
            open[side] = entry.filter(|e| e.kind == "dir").map(|_| out.len());
        }
        out.push(Line { change, files: 1, before, after });
    }
    out.sort_by_key(|l| (std::cmp::Reverse(l.before.abs_diff(l.after)), l.change.status));
    out
}

fn below(path: &[u8], dir: &[u8]) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.first() == Some(&b'/'))
}

fn paths(diff: &Diff, options: &Options) -> String {
    let mut out = format!("\n{}\n", options.paint.bold("paths"));
    for (_, text) in counts(diff) {
        out.push_str(&format!("  {text}\n"));
    }
    out.push_str(&format!("  {} equal\n", units::count(diff.same)));
    let all = lines(diff);
    // Paths with nothing but another time are shown only with `-v`.
    let told = |l: &&Line<'_>| options.detail > 0 || !matches!(l.change.status, Status::Metadata | Status::Moved);
    let shown: Vec<&Line<'_>> = all.iter().filter(told).take(options.rows()).collect();
    if shown.is_empty() {
        return out;
    }
    let mut table = Table::new(">><<").header(&["change", "paths", "", "path"]);
    for line in &shown {
        let note = line.note();
        let note = if note.is_empty() { note } else { format!(" ({note})") };
        table.row([
            units::change(line.before, line.after),
            units::count(line.files),
            line.change.status.name().to_owned(),
            format!("{}{note}", line.path()),
        ]);
    }
    out.push('\n');
    out.push_str(&options.table(&table));
    let more = all.iter().filter(told).count() - shown.len();
    if more > 0 {
        out.push_str(&format!("  {} more (-v, -vv, --json)\n", units::count(more as u64)));
    }
    out
}

/// Returns `1.0 -> 1.1`, or the versions of the only side that has the package.
pub(super) fn versions(package: &PackageChange) -> String {
    let join = |list: &[String]| if list.is_empty() { "?".to_owned() } else { list.join(", ") };
    let (before, after) = (&package.before, &package.after);
    match package.status {
        _ if before.is_empty() && after.is_empty() => String::new(),
        Status::Added => join(after),
        Status::Removed => join(before),
        _ if before == after => join(after),
        _ => format!("{} -> {}", join(before), join(after)),
    }
}

fn packages(diff: &Diff, options: &Options) -> String {
    if diff.packages.is_empty() {
        return String::new();
    }
    let mut table = Table::new("><<<").header(&["change", "", "package", "version"]);
    for package in diff.packages.iter().take(options.rows()) {
        let title = format!("{} {}", package.manager, package.name);
        let change = units::change(package.sum.bytes_before, package.sum.bytes_after);
        let cells = [title.trim(), &versions(package)].map(|c| printable(c, false).into_owned());
        let [title, version] = cells;
        table.row([change, package.status.name().to_owned(), title, version]);
    }
    options.section("packages", &table, diff.packages.len().saturating_sub(options.rows()))
}

/// Returns the change of the sum, and the number of paths that came, went and changed.
pub(super) fn sum(sum: &Sum) -> (String, String) {
    let paths = match sum.files_after.cmp(&sum.files_before) {
        std::cmp::Ordering::Equal => "0".to_owned(),
        order => {
            let sign = if order.is_gt() { "+" } else { "-" };
            format!("{sign}{}", units::count(sum.files_after.abs_diff(sum.files_before)))
        }
    };
    (units::change(sum.bytes_before, sum.bytes_after), paths)
}

fn directories(diff: &Diff, options: &Options) -> String {
    if diff.directories.is_empty() {
        return String::new();
    }
    let mut table = Table::new(">>><").header(&["change", "paths", "changed", "directory"]);
    for directory in diff.directories.iter().take(options.rows()) {
        let (change, paths) = sum(&directory.sum);
        table.row([change, paths, units::count(directory.sum.changed), printable(&directory.path, false).into_owned()]);
    }
    options.section("directories", &table, diff.directories.len().saturating_sub(options.rows()))
}

/// Returns the layer's numbers on both sides, the change of size, and the instruction.
pub(super) fn layer(change: &LayerChange) -> [String; 4] {
    let number = |layer: &Option<super::Layer>| layer.as_ref().map_or_else(|| "-".to_owned(), |l| l.index.to_string());
    let bytes = |layer: &Option<super::Layer>| layer.as_ref().map_or(0, |l| l.bytes);
    let step = change.after.as_ref().or(change.before.as_ref()).map_or("", |l| l.instruction.as_str());
    let step = instruction::clean(step);
    let step = if step.is_empty() { "(no history)".to_owned() } else { step };
    let size = if change.same { "same".to_owned() } else { units::change(bytes(&change.before), bytes(&change.after)) };
    [number(&change.before), number(&change.after), size, step]
}

fn layers(diff: &Diff, options: &Options) -> String {
    let mut table = Table::new(">>><").header(&["before", "after", "change", "instruction"]);
    for change in &diff.layers {
        let [before, after, size, step] = layer(change);
        table.row([before, after, size, printable(&step, false).into_owned()]);
    }
    options.section("layers", &table, 0)
}

/// Returns a value with its name, if it has one: ports and volumes are names alone.
fn value(name: Option<&str>, value: &str) -> String {
    match name {
        Some(name) if value.is_empty() => name.to_owned(),
        Some(name) => format!("{name}={value}"),
        None => value.to_owned(),
    }
}

fn config(diff: &Diff, options: &Options) -> String {
    if diff.config.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", options.paint.bold("configuration"));
    let mut field = "";
    for change in &diff.config {
        if field != change.field {
            field = &change.field;
            out.push_str(&format!("  {}\n", printable(field, false)));
        }
        let line = |sign: &str, text: &str| {
            let text = value(change.name.as_deref(), text);
            let text = printable(&text, false);
            let most = if options.detail > 1 { usize::MAX } else { options.width.saturating_sub(6) };
            format!("    {sign} {}", cut(&text, most))
        };
        if let Some(before) = &change.before {
            out.push_str(&format!("{}\n", options.paint.red(&line("-", before))));
        }
        if let Some(after) = &change.after {
            out.push_str(&format!("{}\n", options.paint.green(&line("+", after))));
        }
    }
    out
}
