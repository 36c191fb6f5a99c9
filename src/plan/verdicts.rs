//! Everything that is decided before new contents are made.

use super::proposal::Proposals;
use super::stated::Pinned;
use super::{bytecode, hold, packages};
use crate::Warning;
use std::cell::OnceCell;

/// The proposals of the rules, and the verdicts on them: everything that must be known before new contents are made.
pub struct Verdicts {
    /// The proposals of the rules.
    pub proposals: Proposals,
    /// The nodes that are dropped and held.
    pub decided: hold::Decided,
    /// The decisions about packages.
    pub packages: packages::Outcome,
    /// The facts about compiled modules, once they have been asked for.
    pub bytecode: OnceCell<bytecode::Known>,
    /// The files that keep their bytes because a text has their checksum, once those have been looked for.
    pub pinned: Pinned,
    /// Everything that the user should know.
    pub warnings: Vec<Warning>,
}
