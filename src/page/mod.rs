//! One HTML page that tells people of an image, of what changed between two, or of profiles side by side: self-contained, without
//! network, for a CI artefact or a mail. This module knows nothing of analyses: whoever has one fills a [`Page`], and
//! [`render`] puts it as JSON beside the script that draws it. A section whose list is empty is not on the page.
//!
//! Numbers that point into a list ([`File::layer`] and so on) count from 0; numbers that people read ([`Layer::number`]) from 1.
//! What points at nothing is told as unknown, and never makes the page fail.

use bstr::BString;
use serde::{Serialize, Serializer};

mod columns;
mod file;
mod html;
#[cfg(test)]
mod tests;

pub use file::{Change, File};
pub use html::{render, write};

/// All that a page tells.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// What the page is about.
    pub view: View,
    /// The heading: the image's name, or those of both.
    pub title: String,
    /// A line below the heading: platform, digest and so on.
    pub subtitle: String,
    /// How this page was made, for its last line; empty where that is of no use.
    pub command: String,
    /// The figures at the top, in this order.
    pub facts: Vec<Fact>,
    /// Sentences below the figures, such as warnings.
    pub notes: Vec<String>,
    /// The layers, bottom first; of two images those of the first before those of the second.
    pub layers: Vec<Layer>,
    /// Names of kinds of files.
    pub kinds: Vec<String>,
    /// Names of packages, with their manager's before their own.
    pub packages: Vec<String>,
    /// What can become of a file.
    pub verdicts: Vec<Verdict>,
    /// The profile that the verdicts are of; empty without verdicts.
    pub profile: String,
    /// The files, in any order: treemap and table are made of these.
    #[serde(serialize_with = "columns::serialize")]
    pub files: Vec<File>,
    /// What each step wastes, most first.
    pub waste: Vec<Waste>,
    /// What each profile would save, most first.
    pub profiles: Vec<Profile>,
    /// What lint has found, the gravest first.
    pub findings: Vec<Finding>,
    /// Bars of any other kind.
    pub bars: Vec<Bars>,
    /// Tables of any other kind.
    pub tables: Vec<Table>,
}

/// What a page is about: the order of its sections depends on it.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// One image.
    #[default]
    Analyze,
    /// Two images.
    Diff,
    /// Profiles side by side.
    Compare,
}

/// A value, which the page writes in the unit and sorts by the number.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Nothing is known, or it does not apply.
    #[default]
    Empty,
    /// Words.
    Text(String),
    /// A path of the image, without a leading slash.
    Path(#[serde(serialize_with = "path")] BString),
    /// What to type into a shell.
    Code(String),
    /// A size in bytes.
    Bytes(u64),
    /// A change of size in bytes, shown with its sign.
    Delta(i64),
    /// A number of things.
    Count(u64),
    /// A share: 12.5 is shown as 12.5%.
    Percent(f64),
    /// Seconds.
    Seconds(f64),
    /// Whether something passed.
    Pass(bool),
}

/// A figure at the top of the page.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// What it is, in two or three words.
    pub label: String,
    /// How much.
    pub value: Value,
    /// How much it was in the first of two images.
    pub was: Option<Value>,
    /// A few words more, or nothing.
    pub note: String,
}

/// Which of two images something is of.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The second, or the only one.
    #[default]
    After,
    /// The first of two.
    Before,
}

/// A layer.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The image that it is of.
    pub side: Side,
    /// From 1 at the bottom of its image.
    pub number: usize,
    /// The instruction that made it; empty where the history does not say.
    pub instruction: String,
    /// The size of its tar in bytes.
    pub bytes: u64,
    /// Its size as stored, in bytes.
    pub blob_bytes: u64,
    /// Members.
    pub files: u64,
    /// Bytes of its tar that no container sees.
    pub wasted_bytes: u64,
    /// What of that weighs most.
    pub wasted: Vec<Wasted>,
}

/// A path of which bytes are wasted.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Wasted {
    /// The path, without a leading slash.
    #[serde(serialize_with = "path")]
    pub path: BString,
    /// Bytes of tar.
    pub bytes: u64,
    /// How, in a few words: `deleted in layer 9`.
    pub how: String,
}

/// What a step of the build wastes.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// The whole in a sentence. What is between backticks is set as code.
    pub sentence: String,
    /// Bytes of tar.
    pub bytes: u64,
    /// Members.
    pub files: u64,
    /// What of that weighs most.
    pub paths: Vec<Wasted>,
}

/// What becomes of a file.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It stays.
    #[default]
    Keep,
    /// A rule asked for it and something holds it.
    Held,
    /// It gets another content of about the same size.
    Rewrite,
    /// It loses symbols or debug data.
    Strip,
    /// It goes.
    Drop,
    /// No container sees it, and it goes.
    Hidden,
}

/// What can become of a file, and why. Many files share one.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What becomes of it.
    pub fate: Fate,
    /// The rule's id; empty where none is about it.
    pub rule: String,
    /// Why, in a sentence; may be empty.
    pub why: String,
}

/// What one profile would save.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub about: String,
    /// What all layers are as plain tars, in bytes.
    pub input_bytes: u64,
    /// What they would be, in bytes.
    pub output_bytes: u64,
    /// The command to run.
    pub command: String,
    /// What each rule would take, most first.
    pub rules: Vec<Rule>,
}

/// What one rule would take.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub about: String,
    /// `none`, `low` or `opt-in`.
    pub risk: String,
    /// Files that go or are changed.
    pub files: u64,
    /// Bytes that go.
    pub bytes: u64,
}

/// How grave a finding is.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Note,
    /// Likely wrong.
    Warning,
    /// Wrong.
    Error,
}

/// What lint has found.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The check's id.
    pub id: String,
    /// The path, without a leading slash; empty where it is about none.
    #[serde(serialize_with = "path")]
    pub path: BString,
    /// The layer's number, from 1 at the bottom.
    pub layer: Option<usize>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// A way out; may be empty.
    pub help: String,
}

/// Bars below each other, all to one scale.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bars {
    /// The heading.
    pub title: String,
    /// A sentence below it; may be empty.
    pub about: String,
    /// The bars, in this order.
    pub rows: Vec<Bar>,
}

/// A bar.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// What it is of.
    pub label: String,
    /// Its length; what is no number has none.
    pub value: Value,
    /// A second, thinner bar: what it was.
    pub was: Option<Value>,
    /// A few words more, or nothing.
    pub note: String,
}

/// A table, sortable by each column.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The heading.
    pub title: String,
    /// A sentence below it; may be empty.
    pub about: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, in this order; each as long as there are columns.
    pub rows: Vec<Vec<Value>>,
}

/// A column of a table.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The heading.
    pub title: String,
    /// Whether its numbers have bars, to one scale in the column.
    pub bar: bool,
}

/// Serializes a path as reports write it.
fn path<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::report::escape(path))
}
