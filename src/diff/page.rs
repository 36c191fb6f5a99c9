//! The differences between two images as a page.

use super::{Change, ConfigChange, Diff, Entry, Layer, PackageChange, Side, Status};
use crate::page::{self, Choice, Column, Fact, File, Page, Summary, Table, Value, View};
use crate::report::instruction;

/// Makes the page of a diff.
#[must_use]
pub fn page(diff: &Diff) -> Page {
    let (before, after) = (&diff.before, &diff.after);
    let pairs = diff.layers.iter();
    let sided = |side| move |layer: &Layer| self::layer(layer, side);
    let mut layers: Vec<page::Layer> =
        pairs.clone().filter_map(|l| l.before.as_ref()).map(sided(page::Side::Before)).collect();
    let first_after = layers.len();
    layers.extend(pairs.filter_map(|l| l.after.as_ref()).map(sided(page::Side::After)));
    Page {
        view: View::Diff,
        title: format!("{} → {}", name(before), name(after)),
        subtitle: after.head.platform.clone(),
        command: format!("slim diff {} {}", before.head.path, after.head.path),
        summary: Some(summary(before, after)),
        facts: facts(diff),
        layers,
        files: diff.files.iter().map(|change| file(change, first_after)).collect(),
        tables: vec![steps(diff), packages(diff), directories(diff), config(diff)]
            .into_iter()
            .filter(|table| !table.rows.is_empty())
            .collect(),
        ..Page::default()
    }
}

fn name(side: &Side) -> String {
    if side.head.tags.is_empty() { side.head.path.clone() } else { side.head.tags.join(", ") }
}

fn summary(before: &Side, after: &Side) -> Summary {
    let choice = |name: &str, side: &Side| Choice {
        name: name.to_owned(),
        bytes: side.bytes,
        pull_bytes: side.blob_bytes,
        is_about: side.blob_bytes == side.bytes,
        ..Choice::default()
    };
    let plain = "Times of a pull and storage are for the layers as stored; a registry compresses those that are not.";
    Summary {
        choices: vec![choice("before", before), choice("after", after)],
        bits_per_second: 100_000_000,
        basis: plain.to_owned(),
    }
}

fn facts(diff: &Diff) -> Vec<Fact> {
    let fact = |label: &str, before: Value, after: Value| Fact {
        label: label.to_owned(),
        value: after,
        was: Some(before),
        note: String::new(),
    };
    let (a, b) = (&diff.before, &diff.after);
    let mut out = Vec::new();
    if (a.blob_bytes, b.blob_bytes) != (a.bytes, b.bytes) {
        out.push(fact("as stored", Value::Bytes(a.blob_bytes), Value::Bytes(b.blob_bytes)));
    }
    out.push(fact("reclaimable", Value::Bytes(a.reclaimable_bytes), Value::Bytes(b.reclaimable_bytes)));
    out.push(fact("paths", Value::Count(a.paths), Value::Count(b.paths)));
    out.push(fact("layers", Value::Count(a.layers as u64), Value::Count(b.layers as u64)));
    out
}

fn layer(layer: &Layer, side: page::Side) -> page::Layer {
    page::Layer {
        side,
        number: layer.index,
        instruction: instruction::told(&layer.instruction),
        bytes: layer.bytes,
        blob_bytes: layer.blob_bytes,
        ..page::Layer::default()
    }
}

fn file(change: &Change, first_after: usize) -> File {
    let index = |entry: &Entry, base: usize| (base + entry.layer).checked_sub(1).map(|index| index as u32);
    File {
        path: change.path.clone(),
        size: change.after.as_ref().map(|e| e.size),
        before: change.before.as_ref().map(|e| e.size),
        layer: change.after.as_ref().and_then(|e| index(e, first_after)),
        before_layer: change.before.as_ref().and_then(|e| index(e, 0)),
        change: Some(match change.status {
            Status::Added => page::Change::Added,
            Status::Removed => page::Change::Removed,
            Status::Changed | Status::Metadata => page::Change::Changed,
            Status::Renamed | Status::Moved => page::Change::Moved,
        }),
        ..File::default()
    }
}

fn table(title: &str, columns: &[&str], rows: Vec<Vec<Value>>) -> Table {
    let columns = columns.iter().map(|title| Column { title: (*title).to_owned(), bar: *title == "change" }).collect();
    Table { title: title.to_owned(), about: String::new(), columns, rows }
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text.to_owned()) }
}

fn delta(before: u64, after: u64) -> Value {
    Value::Delta(after.cast_signed().saturating_sub(before.cast_signed()))
}

/// Returns a table of the steps of the build side by side.
fn steps(diff: &Diff) -> Table {
    let bytes = |layer: Option<&Layer>| layer.map_or(Value::Empty, |l| Value::Bytes(l.bytes));
    let row = |step: &super::LayerChange| {
        let (before, after) = (step.before.as_ref(), step.after.as_ref());
        let number = |layer: Option<&Layer>| layer.map_or(Value::Empty, |l| Value::Count(l.index as u64));
        let made = after.or(before).map_or_else(String::new, |l| instruction::told(&l.instruction));
        let of = |layer: Option<&Layer>| layer.map_or(0, |l| l.bytes);
        let same = if step.same { "same" } else { "" };
        let change = if step.same { Value::Empty } else { delta(of(before), of(after)) };
        vec![number(before), number(after), bytes(before), bytes(after), change, text(same), text(&made)]
    };
    let columns = ["before", "after", "bytes before", "bytes after", "change", "digest", "instruction"];
    table("Layers", &columns, diff.layers.iter().map(row).collect())
}

fn packages(diff: &Diff) -> Table {
    let row = |p: &PackageChange| {
        vec![
            text(&format!("{} {}", p.manager, p.name)),
            text(p.status.name()),
            text(&p.before.join(", ")),
            text(&p.after.join(", ")),
            Value::Bytes(p.sum.bytes_before),
            Value::Bytes(p.sum.bytes_after),
            delta(p.sum.bytes_before, p.sum.bytes_after),
        ]
    };
    let columns = ["package", "status", "version before", "version after", "bytes before", "bytes after", "change"];
    table("Packages", &columns, diff.packages.iter().map(row).collect())
}

fn directories(diff: &Diff) -> Table {
    let row = |d: &super::DirectoryChange| {
        vec![
            text(&d.path),
            Value::Count(d.sum.files_before),
            Value::Count(d.sum.files_after),
            Value::Bytes(d.sum.bytes_before),
            Value::Bytes(d.sum.bytes_after),
            delta(d.sum.bytes_before, d.sum.bytes_after),
        ]
    };
    let columns = ["directory", "paths before", "paths after", "bytes before", "bytes after", "change"];
    table("Directories", &columns, diff.directories.iter().map(row).collect())
}

fn config(diff: &Diff) -> Table {
    let value = |value: &Option<String>| value.as_deref().map_or(Value::Empty, |v| Value::Code(v.to_owned()));
    let row = |c: &ConfigChange| {
        let field = c.name.as_ref().map_or_else(|| c.field.clone(), |name| format!("{} {name}", c.field));
        vec![text(&field), value(&c.before), value(&c.after)]
    };
    table("Configuration", &["field", "before", "after"], diff.config.iter().map(row).collect())
}
