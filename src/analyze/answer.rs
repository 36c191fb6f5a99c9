//! The head of an analysis as a page: what the image costs now, what it would cost with each risk, and the steps to a size.

use super::Analysis;
use super::advice::{Advice, Step};
use super::breakdown::Share;
use crate::page::{Choice, Column, Summary, Table, Target, Value};
use crate::report::units;

/// The bandwidth of a pull, in bits per second.
const BITS_PER_SECOND: u64 = 100_000_000;

/// Returns the sizes before and after; `None` if no profile was planned.
pub(super) fn summary(analysis: &Analysis) -> Option<Summary> {
    if analysis.savings.is_empty() {
        return None;
    }
    let (plain, compressed) = (analysis.bytes(), analysis.compressed_bytes());
    let pull = compressed.unwrap_or_else(|| analysis.blob_bytes());
    let as_it_is = Choice {
        name: "as it is".to_owned(),
        bytes: plain,
        pull_bytes: pull,
        is_about: compressed.is_none(),
        ..Choice::default()
    };
    let choice = |saving: &super::savings::Saving| Choice {
        name: saving.profile.clone(),
        risk: saving.risk.name().to_owned(),
        bytes: saving.output_bytes,
        // What is left is taken to compress as well as the whole.
        pull_bytes: scaled(pull, saving.output_bytes, plain),
        is_about: true,
        costs: saving.costs.join("; "),
        command: super::text::command(&analysis.head.path, &saving.profile),
        ..Choice::default()
    };
    let levels = analysis.levels().into_iter().map(choice);
    Some(Summary {
        choices: std::iter::once(as_it_is).chain(levels).collect(),
        bits_per_second: BITS_PER_SECOND,
        basis: basis(analysis, compressed),
    })
}

fn scaled(bytes: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(bytes) * u128::from(part) / u128::from(whole)) as u64 }
}

fn basis(analysis: &Analysis, compressed: Option<u64>) -> String {
    let scaled = "The figures after it are estimates: they shrink as the layers do.";
    match compressed {
        Some(bytes) => format!("A pull moves {} of compressed layers now. {scaled}", units::bytes(bytes)),
        None => {
            let plain = analysis.layers.iter().filter(|l| l.compressed_bytes.is_none()).count();
            let (all, stored) = (analysis.layers.len(), units::bytes(analysis.blob_bytes()));
            format!(
                "Times and storage are for the layers as stored in this file, {stored}. {plain} of {all} layers are stored \
                 without compression; a registry compresses them, so real figures are lower: `--compress` measures that. \
                 {scaled}"
            )
        }
    }
}

/// Returns the steps to the size that is wanted, for a page.
pub(super) fn target(advice: &Advice, input: &str) -> Target {
    let row = |step: &Step| {
        vec![
            Value::Text(step.name.clone()),
            Value::Risk(step.risk.name().to_owned()),
            Value::Bytes(step.bytes),
            Value::Bytes(step.left_bytes),
            Value::words(&step.costs),
        ]
    };
    let share = |share: &Share| {
        let part = share.bytes as f64 * 100.0 / advice.after_bytes.max(1) as f64;
        vec![
            Value::Text(share.name.clone()),
            Value::Bytes(share.bytes),
            Value::Percent(part),
            Value::Count(share.files),
        ]
    };
    let steps = table("Steps", &["Step", "Risk", "Saves", "Leaves", "What it costs"], "Saves");
    let holds = table("What holds the rest", &["Package", "Bytes", "Share", "Files"], "Bytes");
    let tables = [
        Table { rows: advice.steps.iter().map(row).collect(), ..steps },
        Table { rows: advice.holds.iter().map(share).collect(), ..holds },
    ];
    Target {
        sentence: advice.sentence(),
        met: advice.met,
        command: advice.command(input),
        tables: tables.into_iter().filter(|table| !table.rows.is_empty()).collect(),
    }
}

/// Returns a table without rows; the column `bar` has bars.
fn table(title: &str, columns: &[&str], bar: &str) -> Table {
    let columns = columns.iter().map(|title| Column { title: (*title).to_owned(), bar: *title == bar }).collect();
    Table { title: title.to_owned(), columns, ..Table::default() }
}
