//! One HTML page about an image, about the changes between two, or about profiles side by side: self-contained, without
//! network, for a CI artefact or a mail. This module knows nothing of analyses: the caller fills a [`Page`], and [`render`]
//! puts it as JSON beside the script that draws it. A section whose list is empty is not on the page.
//!
//! Indices into a list ([`File::layer`] and so on) count from 0, and numbers that people read ([`Layer::number`]) count from 1.
//! A number that points at nothing is shown as unknown, and never makes the page fail.

use bstr::BString;
use serde::Serialize;

mod columns;
mod file;
mod html;
mod summary;
mod table;
#[cfg(test)]
mod tests;

pub use file::{Change, File};
pub use html::{render, write};
pub use summary::{Choice, Summary, Target};
pub use table::{Column, Table, Value};

use table::path;

/// The content of a page.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The subject of the page.
    pub view: View,
    /// The heading: the image's name, or the names of both.
    pub title: String,
    /// A line below the heading: the platform and so on.
    pub subtitle: String,
    /// The digest by which engines know the image, for the last line; may be empty.
    pub id: String,
    /// The command that made this page, for its last line; empty if that is of no use.
    pub command: String,
    /// The sizes before and after, which come first; `None` if there is nothing to choose.
    pub summary: Option<Summary>,
    /// The steps to a size; `None` if none is wanted.
    pub target: Option<Target>,
    /// The figures below them, in this order.
    pub facts: Vec<Fact>,
    /// Sentences below the figures, such as warnings.
    pub notes: Vec<String>,
    /// The layers, bottom first; for two images, those of the first come before those of the second.
    pub layers: Vec<Layer>,
    /// Names of kinds of files.
    pub kinds: Vec<String>,
    /// Names of packages, with their manager's name before their own.
    pub packages: Vec<String>,
    /// The verdicts that files can have.
    pub verdicts: Vec<Verdict>,
    /// The profile that the verdicts belong to; empty without verdicts.
    pub profile: String,
    /// The files, in any order, for the treemap and the table.
    #[serde(serialize_with = "columns::serialize")]
    pub files: Vec<File>,
    /// The waste of each step, the largest first.
    pub waste: Vec<Waste>,
    /// The savings of each profile, those with the lowest risk first.
    pub profiles: Vec<Profile>,
    /// The findings of lint, the most severe first.
    pub findings: Vec<Finding>,
    /// Bars of any other kind.
    pub bars: Vec<Bars>,
    /// Tables of any other kind.
    pub tables: Vec<Table>,
}

/// The subject of a page, which decides the order of its sections.
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

/// A figure at the top of the page.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// The name of the figure, in two or three words.
    pub label: String,
    /// The value.
    pub value: Value,
    /// The value in the first of two images.
    pub was: Option<Value>,
    /// A few words more, or nothing.
    pub note: String,
}

/// The image of two that something belongs to.
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
    /// The image that it belongs to.
    pub side: Side,
    /// The number, from 1 at the bottom of its image.
    pub number: usize,
    /// The instruction that made it; empty if the history does not say.
    pub instruction: String,
    /// The size of the tar in bytes.
    pub bytes: u64,
    /// The size as stored, in bytes.
    pub blob_bytes: u64,
    /// The number of members that are files, directories or links; 0 if it is not known.
    pub files: u64,
    /// The number of whiteouts: members that only hide what lower layers have.
    pub whiteouts: u64,
    /// Bytes of the tar that no container sees.
    pub wasted_bytes: u64,
    /// The largest paths of these.
    pub wasted: Vec<Wasted>,
}

/// A path with wasted bytes.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Wasted {
    /// The path, without a leading slash.
    #[serde(serialize_with = "path")]
    pub path: BString,
    /// Bytes of tar.
    pub bytes: u64,
    /// The reason, in a few words: `deleted in layer 9`.
    pub how: String,
}

/// The waste of a step of the build.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// A sentence about it. Text between backticks is shown as code.
    pub sentence: String,
    /// Bytes of tar.
    pub bytes: u64,
    /// The number of members.
    pub files: u64,
    /// The largest paths of these.
    pub paths: Vec<Wasted>,
}

/// The fate of a file.
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

/// A verdict on files, and its reason. Many files share one.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The fate.
    pub fate: Fate,
    /// The rule's id; empty if no rule is about it.
    pub rule: String,
    /// The rule's risk: `none`, `low` or `opt-in`; empty if no rule is about it.
    pub risk: String,
    /// The reason, in a sentence; may be empty.
    pub why: String,
}

/// The savings of one profile.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// What it costs; may be empty.
    pub about: String,
    /// The risk: `none`, `low` or `opt-in`.
    pub risk: String,
    /// The size of all layers as plain tars, in bytes.
    pub input_bytes: u64,
    /// The size that they would have, in bytes.
    pub output_bytes: u64,
    /// The command to run.
    pub command: String,
    /// The bytes that each rule would take, most first.
    pub rules: Vec<Rule>,
}

/// The files and bytes that one rule would take.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The rule's id.
    pub id: String,
    /// The purpose.
    pub about: String,
    /// `none`, `low` or `opt-in`.
    pub risk: String,
    /// The number of files that go or are changed.
    pub files: u64,
    /// The number of bytes that go.
    pub bytes: u64,
}

/// The severity of a finding.
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

/// A finding of lint.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The check's id.
    pub id: String,
    /// The path, without a leading slash; empty if it is about none.
    #[serde(serialize_with = "path")]
    pub path: BString,
    /// The layer's number, from 1 at the bottom.
    pub layer: Option<usize>,
    /// The message, in a sentence.
    pub message: String,
    /// A suggestion for mending it; may be empty.
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
    /// The name of the bar.
    pub label: String,
    /// The value; anything that is no number has no bar.
    pub value: Value,
    /// A second, thinner bar: the earlier value.
    pub was: Option<Value>,
    /// A few words more, or nothing.
    pub note: String,
}
