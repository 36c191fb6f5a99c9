//! The head of a page: the size before and after, in figures for those who decide.

use super::table::Table;
use serde::Serialize;

/// The sizes that come first on a page, as one row for each choice. The script adds the time of a pull and the storage of some
/// number of tags.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The image as it is, then the choices.
    pub choices: Vec<Choice>,
    /// The bandwidth of a pull, in bits per second.
    pub bits_per_second: u64,
    /// Sentences that say what the time of a pull is of. Text between backticks is shown as code.
    pub basis: String,
}

/// One row of the head.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The name: of a profile, or `as it is`.
    pub name: String,
    /// The risk: `none`, `low` or `opt-in`; empty if it has none, as for the image as it is.
    pub risk: String,
    /// The size of all layers as plain tars, in bytes.
    pub bytes: u64,
    /// The bytes that a pull moves.
    pub pull_bytes: u64,
    /// True if `pull_bytes` is an estimate.
    pub is_about: bool,
    /// What stops working, in half a sentence; may be empty.
    pub costs: String,
    /// What was tried and failed, in a few words; empty if nothing did.
    pub failed: String,
    /// The command to run; may be empty.
    pub command: String,
}

/// The steps to a size that is wanted.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// A sentence: whether the size can be reached.
    pub sentence: String,
    /// True if it can.
    pub met: bool,
    /// The command that does all steps.
    pub command: String,
    /// The steps, then what holds the rest, if anything does.
    pub tables: Vec<Table>,
}
