//! The comparison as Markdown, for a comment on a change or a summary of a pipeline.

use super::Comparison;
use super::rows::{self, Row};
use crate::report::markdown::{code, text};
use crate::report::units;

/// Writes the comparison.
#[must_use]
pub fn render(all: &Comparison) -> String {
    let names: Vec<String> = all.columns.iter().map(|c| code(&c.name)).collect();
    let mut out = format!("### {} {}\n\n", code(&all.image.path), text(&all.image.platform));
    table(&mut out, "", &names, &rows::figures(all), false);
    let commands = rows::commands(all);
    if !commands.is_empty() {
        out.push_str("\n#### Commands, median time\n\n");
        table(&mut out, "command", &names, &commands, true);
    }
    let rules = rows::rules(all);
    if !rules.is_empty() {
        out.push_str("\n#### What rules take\n\n");
        table(&mut out, "rule", &names[1..], &rules, true);
    }
    for (column, name) in all.columns.iter().zip(&names) {
        let Some(only) = column.only.as_ref().filter(|o| o.files > 0) else { continue };
        let sum = format!("{} in {}", units::bytes(only.bytes), units::files(only.files));
        out.push_str(&format!("\n#### Only {name} removes: {sum}\n\n| bytes | files | directory |\n|--:|--:|:--|\n"));
        for one in only.directories.iter().take(8) {
            let (bytes, files) = (units::bytes(one.bytes), units::count(one.files));
            out.push_str(&format!("| {bytes} | {files} | {} |\n", code(&one.name)));
        }
    }
    out
}

fn table(out: &mut String, corner: &str, names: &[String], rows: &[Row], is_code: bool) {
    out.push_str(&format!("| {corner} | {} |\n|:--|{}\n", names.join(" | "), "--:|".repeat(names.len())));
    for (name, cells) in rows {
        let name = if is_code { code(name) } else { text(name.trim()) };
        let cells: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
        out.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
}
