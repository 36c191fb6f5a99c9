//! A plan as a tree, in text. A directory that goes as a whole is one line, and so are several neighbours with one verdict.
//! Paths that stay unchanged are left out, but their bytes count in the column `of`.
//!
//! Columns: bytes that go, bytes of all (both of tar: header, data, padding), the verdict, the path, a note.

use super::outline::{Outline, Summary};
use super::{Chosen, Planned, Sort, Verdict};
use crate::profile::Risk;
use crate::report::paint::Paint;
use crate::report::table::{Table, cut};
use crate::report::{escape, instruction, printable, units};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Options of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The number of columns of a line; `None` for lines that are not cut.
    pub width: Option<usize>,
    /// The colours.
    pub paint: Paint,
    /// True to show every path on a line of its own.
    pub all: bool,
    /// The number of levels below the root that are opened; `None` for all.
    pub depth: Option<u32>,
    /// The order within a directory.
    pub sort: Sort,
}

/// The number of neighbours from which on one line stands for all.
const MANY: usize = 4;
/// The most reasons that a line names.
const REASONS: usize = 3;
/// The number of characters of an instruction that are shown.
const MADE_BY: usize = 80;
/// The columns before the tree: two sizes, the verdict, blanks.
const COLUMNS: usize = 9 + 2 + 9 + 2 + 7 + 2;

/// Returns the heading of an image.
#[must_use]
pub fn heading(image: &Planned<'_>) -> String {
    let tags = if image.tags.is_empty() { "untagged".to_owned() } else { image.tags.join(", ") };
    format!("image {}, {}", printable(&tags, false), printable(image.platform, false))
}

/// Prints the chosen part of an image.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(chosen: &Chosen<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let image = chosen.explain.image();
    writeln!(out, "{}", options.paint.bold(&heading(image)))?;
    let header = format!("{:>9}  {:>9}  {:7}  path", "goes", "of", "verdict");
    writeln!(out, "{}", options.paint.dim(&header))?;
    let outline = Outline::tree(chosen);
    Printer { outline: &outline, chosen, options }.write("/", out)?;
    drop(outline);
    for layer in 0..image.layers.len() as u32 {
        let outline = Outline::hidden(chosen, layer, options.all);
        if outline.lines.len() > 1 {
            let made_by = image.instructions.get(layer as usize).map_or_else(String::new, |i| instruction::clean(i));
            let made_by = cut(&printable(&made_by, false), MADE_BY);
            let colon = if made_by.is_empty() { "" } else { ": " };
            let root = format!("hidden in layer {}{colon}{made_by}", layer + 1);
            Printer { outline: &outline, chosen, options }.write(&root, out)?;
        }
    }
    let mut table = Table::new(">><").header(&["goes", "paths", "verdict"]);
    for (verdict, paths, bytes) in chosen.totals().into_iter().filter(|t| t.1 > 0) {
        table.row([units::bytes(bytes), units::count(paths), verdict.name().to_owned()]);
    }
    write!(out, "\n{}", table.render(2, usize::MAX, options.paint))?;
    let rules = chosen.by_rule();
    if rules.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(">><<").header(&["goes", "paths", "risk", "rule"]);
    for (by, paths, bytes) in rules {
        let risk = by.rule(image.profile).map_or(Risk::None, |rule| rule.risk);
        let (goes, paths) = (units::bytes(bytes), units::count(paths));
        table.row([goes, paths, risk.name().to_owned(), by.id(image.profile).to_owned()]);
    }
    write!(out, "\n{}", table.render(2, usize::MAX, options.paint))
}

/// Something on one line.
enum Item {
    /// A directory whose content follows.
    Open(usize),
    /// Paths with one verdict, with everything below them.
    Closed(Vec<usize>, Summary),
}

struct Printer<'a> {
    outline: &'a Outline<'a>,
    chosen: &'a Chosen<'a>,
    options: &'a Options,
}

/// The cells of a line.
struct Cells<'a> {
    goes: u64,
    of: u64,
    verdict: Option<Verdict>,
    name: &'a str,
    note: &'a str,
}

impl Printer<'_> {
    fn write(&self, root: &str, out: &mut dyn Write) -> io::Result<()> {
        let line = &self.outline.lines[0];
        let hit = line.hit;
        self.line(&[], &Cells { goes: line.goes, of: line.of, verdict: None, name: root, note: "" }, out)?;
        // The items still to be printed, the next one last: the item, its depth, true if it is the last of its directory, and
        // true if everything directly in it is shown.
        let mut todo: Vec<(Item, usize, bool, bool)> = Vec::new();
        let push = |items: Vec<Item>, depth: usize, todo: &mut Vec<_>| {
            let last = items.len();
            let items = items.into_iter().enumerate().map(|(i, item)| {
                let hit = matches!(item, Item::Open(line) if self.outline.lines[line].hit);
                (item, depth, i + 1 == last, hit)
            });
            let from = todo.len();
            todo.extend(items);
            todo[from..].reverse();
        };
        if self.opens(0) {
            push(self.items(0, hit), 0, &mut todo);
        }
        let mut lasts: Vec<bool> = Vec::new();
        while let Some((item, depth, last, hit)) = todo.pop() {
            lasts.truncate(depth);
            lasts.push(last);
            match item {
                Item::Closed(lines, summary) => self.closed(&lasts, &lines, &summary, out)?,
                Item::Open(line) => {
                    let (line, name, items) = self.chain(line, hit);
                    self.opened(&lasts, line, &name, out)?;
                    push(items, depth + 1, &mut todo);
                }
            }
        }
        Ok(())
    }

    /// True if a directory at this depth is shown with its entries.
    fn opens(&self, level: u32) -> bool {
        self.options.depth.is_none_or(|depth| level < depth)
    }

    fn level(&self, line: usize) -> u32 {
        self.outline.level(line)
    }

    /// Joins directories into one line, as long as only one directory in each has anything to show.
    fn chain(&self, mut line: usize, mut hit: bool) -> (usize, String, Vec<Item>) {
        let mut name = format!("{}/", escape(self.outline.lines[line].name));
        loop {
            let items = self.items(line, hit);
            match items.as_slice() {
                [Item::Open(only)] if !self.options.all => {
                    line = *only;
                    hit = self.outline.lines[line].hit;
                    name.push_str(&format!("{}/", escape(self.outline.lines[line].name)));
                }
                _ => return (line, name, items),
            }
        }
    }

    /// Returns the items that are shown of a directory; with `full` also those that stay unchanged.
    fn items(&self, dir: usize, full: bool) -> Vec<Item> {
        let (outline, lines) = (self.outline, &self.outline.lines);
        let shown = |&child: &usize| {
            let line = &lines[child];
            if self.options.all {
                return line.chosen || line.mask != 0;
            }
            let stays = !Verdict::Keep.bit();
            let wanted = if full || self.chosen.only != 0 { u8::MAX } else { stays };
            line.mask & wanted != 0 || line.leads
        };
        let mut children: Vec<usize> = outline.children(dir).filter(shown).collect();
        if self.options.sort == Sort::Size {
            children.sort_by_key(|&c| (Reverse(lines[c].goes), Reverse(lines[c].of), c));
        }
        let mut items: Vec<Item> = Vec::new();
        for child in children {
            let uniform = [Verdict::Drop, Verdict::Hidden, Verdict::Keep].iter().any(|v| lines[child].mask == v.bit());
            let leads_on = lines[child].leads && !lines[child].hit;
            let uniform = uniform && lines[child].folds && !leads_on && !self.options.all;
            let can_open = !outline.is_leaf(child) && !uniform && self.opens(self.level(child));
            if can_open {
                items.push(Item::Open(child));
                continue;
            }
            let mut summary = Summary::default();
            outline.summarize(child, &mut summary);
            items.push(Item::Closed(vec![child], summary));
        }
        if self.options.all { items } else { self.grouped(items) }
    }

    /// Joins many neighbours with one verdict into one item, at the place of the first.
    fn grouped(&self, items: Vec<Item>) -> Vec<Item> {
        let lines = &self.outline.lines;
        let alike = |a: &Item, b: &Item| match (a, b) {
            (Item::Closed(a, x), Item::Closed(b, y)) => {
                lines[a[0]].mask == lines[b[0]].mask && lines[a[0]].mask.count_ones() == 1 && x.notes == y.notes
            }
            _ => false,
        };
        let mut groups: Vec<Vec<Item>> = Vec::new();
        for item in items {
            match groups.iter_mut().find(|group| alike(&group[0], &item)) {
                Some(group) => group.push(item),
                None => groups.push(vec![item]),
            }
        }
        let mut out: Vec<Item> = Vec::new();
        for group in groups {
            if group.len() < MANY {
                out.extend(group);
                continue;
            }
            let (mut all, mut sum) = (Vec::new(), Summary::default());
            for item in group {
                if let Item::Closed(lines, summary) = item {
                    all.extend(lines);
                    sum.files += summary.files;
                    sum.notes.extend(summary.notes);
                }
            }
            out.push(Item::Closed(all, sum));
        }
        if self.options.sort == Sort::Name {
            let first = |item: &Item| match item {
                Item::Open(line) => *line,
                Item::Closed(lines, _) => lines[0],
            };
            out.sort_by_key(first);
        }
        out
    }

    fn opened(&self, lasts: &[bool], line: usize, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let entry = self.outline.entry(line).filter(|_| self.options.all && self.outline.lines[line].chosen);
        let note = entry.map_or_else(String::new, |e| self.chosen.explain.note(&e));
        let line = &self.outline.lines[line];
        let verdict = entry.map(|e| e.verdict);
        self.line(lasts, &Cells { goes: line.goes, of: line.of, verdict, name, note: &note }, out)
    }

    fn closed(&self, lasts: &[bool], lines: &[usize], summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let (outline, first) = (self.outline, lines[0]);
        let mask = outline.lines[first].mask;
        let verdict = Verdict::ALL.into_iter().find(|v| mask == v.bit());
        let slash = match outline.is_dir(first) {
            false => "",
            true if outline.is_leaf(first) || verdict.is_none() || outline.is_whole(first) => "/",
            true => "/*",
        };
        let mut name = format!("{}{slash}", escape(outline.lines[first].name));
        if lines.len() > 1 {
            name.push_str(&format!(" and {} more", units::count(lines.len() as u64 - 1)));
        }
        let single = lines.len() == 1 && outline.is_leaf(first);
        let note = match outline.entry(first).filter(|_| single) {
            Some(entry) => self.chosen.explain.note(&entry),
            None => folded_note(verdict, summary),
        };
        let sum = |of: fn(&super::outline::Line<'_>) -> u64| lines.iter().map(|&l| of(&outline.lines[l])).sum();
        let cells = Cells { goes: sum(|l| l.goes), of: sum(|l| l.of), verdict, name: &name, note: &note };
        self.line(lasts, &cells, out)
    }

    fn line(&self, lasts: &[bool], cells: &Cells<'_>, out: &mut dyn Write) -> io::Result<()> {
        let paint = self.options.paint;
        let mut prefix = String::new();
        for (i, last) in lasts.iter().enumerate() {
            let own = i + 1 == lasts.len();
            prefix.push_str(match (own, last) {
                (true, true) => "└── ",
                (true, false) => "├── ",
                (false, true) => "    ",
                (false, false) => "│   ",
            });
        }
        let goes = if cells.goes == 0 { String::new() } else { units::bytes(cells.goes) };
        let name = format!("{prefix}{}", cells.name);
        let left = self.options.width.map_or(usize::MAX, |width| width.saturating_sub(COLUMNS));
        let (name, room) = (cut(&name, left), left.saturating_sub(name.chars().count() + 2));
        let note = match printable(cells.note, false) {
            note if note.is_empty() || room < 8 => String::new(),
            note => format!("  {}", paint.dim(&cut(&note, room))),
        };
        let verdict = match cells.verdict {
            None => " ".repeat(7),
            Some(verdict) => painted(verdict, paint),
        };
        let line = format!("{goes:>9}  {:>9}  {verdict}  {name}{note}", units::bytes(cells.of));
        writeln!(out, "{}", line.trim_end())
    }
}

/// Returns a verdict, as wide as its column.
fn painted(verdict: Verdict, paint: Paint) -> String {
    let text = format!("{:7}", verdict.name());
    match verdict {
        Verdict::Drop => paint.red(&text),
        Verdict::Hidden | Verdict::Keep => paint.dim(&text),
        Verdict::Strip | Verdict::Rewrite => paint.yellow(&text),
        Verdict::Held => paint.cyan(&text),
    }
}

/// Returns the note of a line that stands for several paths.
fn folded_note(verdict: Option<Verdict>, summary: &Summary) -> String {
    if verdict.is_none() {
        let counts = Verdict::ALL.iter().map(|v| (v, summary.verdicts[*v as usize])).filter(|(_, n)| *n > 0);
        let counts: Vec<String> = counts.map(|(v, n)| format!("{} {}", v.name(), units::count(n))).collect();
        return counts.join(", ");
    }
    let mut note = units::files(summary.files);
    for reason in summary.notes.iter().take(REASONS) {
        note.push_str(&format!(", {reason}"));
    }
    if summary.notes.len() > REASONS {
        note.push_str(&format!(" and {} more reasons", summary.notes.len() - REASONS));
    }
    note
}
