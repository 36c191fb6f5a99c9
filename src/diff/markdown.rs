//! A diff as a comment on a pull request.

use super::text::{counts, layer, lines, name, sizes, sum, versions};
use super::{Diff, Status};
use crate::report::markdown::{self, Document, code, cut};
use crate::report::units;

/// The number of rows of the tables that are shown at once.
const OPEN: usize = 10;
/// The number of rows of the tables that are folded.
const CLOSED: usize = 200;
/// The number of characters of a value.
const VALUE: usize = 300;

/// Renders the whole diff as Markdown, shorter than 60,000 characters.
#[must_use]
pub fn render(diff: &Diff) -> String {
    let mut out = Document::default();
    let (a, b) = (diff.before.bytes, diff.after.bytes);
    let change = if !diff.differs() {
        "nothing differs".to_owned()
    } else if a == b {
        format!("{}, as before", units::bytes(b))
    } else {
        format!("{} ({}), {} before", units::change(a, b), units::change_percent(a, b), units::bytes(a))
    };
    let [before, after] = [&diff.before, &diff.after].map(|side| markdown::text(&name(side)));
    out.paragraph(&format!("### Image diff: {change}\n\n{before} → {after}"));
    if !diff.differs() {
        return out.finish();
    }
    let rows: Vec<Vec<String>> = sizes(diff).into_iter().map(|row| row.to_vec()).collect();
    out.table(None, "<>>>>", &["", "before", "after", "change", ""], &rows);
    let mut told: Vec<String> = counts(diff).into_iter().map(|(_, text)| format!("- {text}")).collect();
    told.push(format!("- {} equal", units::count(diff.same)));
    out.paragraph(&format!("Paths:\n{}", told.join("\n")));
    packages(diff, &mut out);
    config(diff, &mut out);
    details(diff, &mut out);
    out.finish()
}

fn packages(diff: &Diff, out: &mut Document) {
    let row = |p: &super::PackageChange| {
        let title = format!("{} {}", p.manager, p.name);
        let change = units::change(p.sum.bytes_before, p.sum.bytes_after);
        let versions = versions(p).replace(" -> ", " → ");
        vec![change, p.status.name().to_owned(), markdown::text(title.trim()), markdown::text(&cut(&versions, VALUE))]
    };
    let rows: Vec<Vec<String>> = diff.packages.iter().map(row).collect();
    let header = ["change", "", "package", "version"];
    out.table(None, "><<<", &header, &rows[..rows.len().min(OPEN)]);
    if rows.len() > OPEN {
        let summary = format!("{} more packages", units::count((rows.len() - OPEN) as u64));
        out.table(Some(&summary), "><<<", &header, &rows[OPEN..rows.len().min(OPEN + CLOSED)]);
    }
}

fn config(diff: &Diff, out: &mut Document) {
    let value = |v: &Option<String>| v.as_ref().map_or_else(|| "-".to_owned(), |v| code(&cut(v, VALUE)));
    let field =
        |c: &super::ConfigChange| c.name.as_ref().map_or_else(|| c.field.clone(), |n| format!("{} {n}", c.field));
    // A port or a volume has a name and no value.
    let value = |v: &Option<String>| if v.as_deref() == Some("") { "set".to_owned() } else { value(v) };
    let row = |c: &super::ConfigChange| vec![markdown::text(&cut(&field(c), VALUE)), value(&c.before), value(&c.after)];
    let rows: Vec<Vec<String>> = diff.config.iter().take(CLOSED).map(row).collect();
    let summary = format!("{} differences in the configuration", units::count(diff.config.len() as u64));
    out.table(
        Some(&summary).filter(|_| rows.len() > OPEN).map(String::as_str),
        "<<<",
        &["configuration", "before", "after"],
        &rows,
    );
}

/// Adds the tables that are folded until they are opened.
fn details(diff: &Diff, out: &mut Document) {
    let layers: Vec<Vec<String>> = diff
        .layers
        .iter()
        .take(CLOSED)
        .map(|l| {
            let [before, after, size, step] = layer(l);
            vec![before, after, size, code(&cut(&step, VALUE))]
        })
        .collect();
    let same = diff.layers.iter().filter(|l| l.same).count();
    let summary = format!("layers: {same} in common, {} not", diff.layers.len() - same);
    out.table(Some(&summary), ">>><", &["before", "after", "change", "instruction"], &layers);
    let directories: Vec<Vec<String>> = diff
        .directories
        .iter()
        .take(CLOSED / 4)
        .map(|d| {
            let (change, paths) = sum(&d.sum);
            vec![change, paths, units::count(d.sum.changed), code(&d.path)]
        })
        .collect();
    out.table(Some("directories"), ">>><", &["change", "paths", "changed", "directory"], &directories);
    let told = lines(diff);
    let told = told.iter().filter(|l| !matches!(l.change.status, Status::Moved | Status::Metadata)).take(CLOSED);
    let paths: Vec<Vec<String>> = told
        .map(|l| {
            let change = units::change(l.before, l.after);
            let note = markdown::text(&cut(&l.note(), VALUE));
            vec![change, units::count(l.files), l.change.status.name().to_owned(), code(&cut(&l.path(), VALUE)), note]
        })
        .collect();
    out.table(Some("paths"), ">><<<", &["change", "paths", "", "path", ""], &paths);
}
