//! The comparison as a page.

use super::rows::{self, Row};
use super::{Column, Comparison, Only};
use crate::page::{self, Bar, Bars, Page, Table, Value, View};

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
    let mut tables = vec![
        table("Figures", &names, rows::figures(all)),
        table("Commands, median time", &names, rows::commands(all)),
        table("What rules take", later, rows::rules(all)),
    ];
    tables.extend(all.columns.iter().filter_map(|c| Some(only(c, c.only.as_ref()?))));
    tables.extend(all.columns.iter().map(worse));
    tables.retain(|table| !table.rows.is_empty());
    Page {
        view: View::Compare,
        title: name,
        subtitle: format!("{} · {}", all.image.platform, all.image.config),
        command: format!("slim compare {} -p {}", all.image.path, later.join(" -p ")),
        bars,
        tables,
        ..Page::default()
    }
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

fn table(title: &str, names: &[&str], rows: Vec<Row>) -> Table {
    let columns = std::iter::once(column("")).chain(names.iter().map(|name| column(name)));
    let row = |(name, cells): Row| std::iter::once(text(name.trim())).chain(cells.into_iter().map(text)).collect();
    Table {
        title: title.to_owned(),
        about: String::new(),
        columns: columns.collect(),
        rows: rows.into_iter().map(row).collect(),
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
        vec![text("command"), Value::Code(t.line.clone()), text(what.join(", "))]
    });
    let sweeps = of.sweeps.iter().flat_map(|s| &s.sweeps);
    let found = sweeps.flat_map(|s| s.regressions.iter().map(|r| vec![text(&s.sweep), text(&r.name), text(&r.why)]));
    Table {
        title: format!("What {} breaks", of.name),
        about: String::new(),
        columns: vec![column("tried"), column("name"), column("how")],
        rows: lines.chain(found).collect(),
    }
}
