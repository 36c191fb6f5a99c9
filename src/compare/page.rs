//! The comparison as a page.

use super::rows::{self, Cell, Row};
use super::{Column, Comparison, Only};
use crate::page::{self, Bar, Bars, Choice, Page, Summary, Table, Value, View};
use crate::report::risk;

/// Makes the page of a comparison.
#[must_use]
pub fn page(all: &Comparison) -> Page {
    let name = if all.image.tags.is_empty() { all.image.path.clone() } else { all.image.tags.join(", ") };
    let names: Vec<&str> = all.columns.iter().map(|c| c.name.as_str()).collect();
    let later = names.get(1..).unwrap_or_default();
    let mut bars = vec![
        sizes(all, "Uncompressed", |c| Some(c.uncompressed_bytes)),
        sizes(all, "As pulled, compressed with gzip", |c| c.gzip_bytes),
        sizes(all, "As pulled, compressed with zstd", |c| c.zstd_bytes),
    ];
    bars.retain(|bars| bars.rows.iter().any(|bar| bar.value != Value::Empty));
    let mut figures = table("Figures", "figure", &names, rows::figures(all));
    let risks = std::iter::once(text("risk")).chain(all.columns.iter().map(|c| {
        let risk = risk(c);
        if risk.is_empty() { Value::Empty } else { Value::Risk(risk) }
    }));
    figures.rows.insert(0, risks.collect());
    let mut tables =
        vec![figures, table("Commands, median time", "command", &names, rows::commands(all)), rules(all, later)];
    tables.extend(all.columns.iter().filter_map(|c| Some(only(c, c.only.as_ref()?))));
    tables.extend(all.columns.iter().map(worse));
    tables.retain(|table| !table.rows.is_empty());
    Page {
        view: View::Compare,
        title: name,
        subtitle: all.image.platform.clone(),
        id: all.image.config.clone(),
        command: format!("slim compare {} -p {}", all.image.path, later.join(" -p ")),
        summary: Some(summary(all)),
        bars,
        tables,
        ..Page::default()
    }
}

/// Returns the risk of a column; empty for the image as it is.
fn risk(of: &Column) -> String {
    if of.profiles.is_empty() { String::new() } else { risk::risk(&of.profiles, &of.rules).0.name().to_owned() }
}

fn summary(all: &Comparison) -> Summary {
    let measured = all.columns.iter().any(|c| c.gzip_bytes.is_some());
    let choice = |c: &Column| Choice {
        name: c.name.clone(),
        risk: risk(c),
        bytes: c.uncompressed_bytes,
        pull_bytes: (c.pull_seconds * all.bits_per_second as f64 / 8.0) as u64,
        is_about: !measured,
        costs: risk::risk(&c.profiles, &c.rules).1.join("; "),
        failed: failed(c),
        command: String::new(),
    };
    let basis = if measured {
        "Times of a pull and storage are for layers compressed with gzip."
    } else {
        "Times of a pull and storage are for the layers as stored; a registry compresses those that are not."
    };
    Summary {
        choices: all.columns.iter().map(choice).collect(),
        bits_per_second: all.bits_per_second,
        basis: basis.to_owned(),
    }
}

/// Returns the number of things that worked in the image as it is and do not in this column's, in words.
fn failed(of: &Column) -> String {
    let commands = rows::broken(of);
    let swept: usize = of.sweeps.iter().flat_map(|s| &s.sweeps).map(|s| s.regressions.len()).sum();
    let told = [(commands, "command"), (swept, "file of a sweep")].into_iter().filter(|(n, _)| *n > 0);
    let told = told.map(|(n, what)| match (n, what) {
        (1, _) => format!("1 {what}"),
        (_, "command") => format!("{n} commands"),
        _ => format!("{n} files of sweeps"),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn sizes(all: &Comparison, title: &str, of: impl Fn(&Column) -> Option<u64>) -> Bars {
    let value = |c: &Column| of(c).map_or(Value::Empty, Value::Bytes);
    let bar = |c: &Column| Bar { label: c.name.clone(), value: value(c), was: None, note: c.picked.join(", ") };
    Bars { title: title.to_owned(), about: String::new(), rows: all.columns.iter().map(bar).collect() }
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn column(title: &str) -> page::Column {
    page::Column { title: title.to_owned(), bar: false }
}

fn table(title: &str, corner: &str, names: &[&str], rows: Vec<Row>) -> Table {
    let columns = std::iter::once(column(corner)).chain(names.iter().map(|name| column(name)));
    let row = |(name, cells): Row| std::iter::once(text(name.trim())).chain(cells.into_iter().map(cell)).collect();
    Table {
        title: title.to_owned(),
        about: String::new(),
        columns: columns.collect(),
        rows: rows.into_iter().map(row).collect(),
    }
}

fn cell(cell: Cell) -> Value {
    match cell.text.strip_prefix(rows::FAILED) {
        Some(how) => Value::Failed(how.to_owned()),
        None if cell.failed => Value::Failed(cell.text),
        None => text(cell.text),
    }
}

/// Returns a table of the bytes that each rule takes, with its risk.
fn rules(all: &Comparison, names: &[&str]) -> Table {
    let risk = |id: &str| all.columns.iter().flat_map(|c| &c.rules).find(|rule| rule.id == id).map(|rule| rule.risk);
    let row = |(id, bytes): (&str, Vec<Option<u64>>)| {
        let risk = risk(id).map_or(Value::Empty, |risk| Value::Risk(risk.name().to_owned()));
        [text(id), risk].into_iter().chain(bytes.into_iter().map(|n| n.map_or(Value::Empty, Value::Bytes))).collect()
    };
    let titles = ["rule", "risk"].into_iter().chain(names.iter().copied());
    Table {
        title: "What rules take".to_owned(),
        about: String::new(),
        columns: titles.map(column).collect(),
        rows: all.rules().into_iter().map(row).collect(),
    }
}

/// Returns a table of the paths that only this column removes, by directory.
fn only(of: &Column, only: &Only) -> Table {
    let row = |d: &crate::report::Named| vec![text(&d.name), Value::Count(d.files), Value::Bytes(d.bytes)];
    Table {
        title: format!("What only {} removes", of.name),
        about: String::new(),
        columns: vec![column("directory"), column("files"), page::Column { title: "bytes".to_owned(), bar: true }],
        rows: only.directories.iter().map(row).collect(),
    }
}

/// Returns a table of the commands and files that worked in the image as it is, and do not in this column's.
fn worse(of: &Column) -> Table {
    let lines = of.trials.iter().flat_map(|t| &t.trials).filter(|t| !t.same);
    let lines = lines.map(|t| {
        let what: Vec<&str> = t.differs.iter().map(|w| w.name()).collect();
        vec![text("command"), Value::Code(t.line.clone()), Value::Failed(format!("{} differs", what.join(", ")))]
    });
    let sweeps = of.sweeps.iter().flat_map(|s| &s.sweeps);
    let found = sweeps
        .flat_map(|s| s.regressions.iter().map(|r| vec![text(&s.sweep), text(&r.name), Value::Failed(r.why.clone())]));
    Table {
        title: format!("What {} breaks", of.name),
        about: String::new(),
        columns: vec![column("tried"), column("name"), column("how")],
        rows: lines.chain(found).collect(),
    }
}
