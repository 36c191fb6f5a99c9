//! All that is decided before new contents are made.

use super::proposal::Proposals;
use super::stated::Pinned;
use super::{bytecode, hold, packages};
use crate::Warning;
use std::cell::OnceCell;

/// What the rules ask for, and what of it is granted: all that is to be known before new contents are made.
pub struct Verdicts {
    /// What the rules ask for.
    pub proposals: Proposals,
    /// What is dropped and held.
    pub decided: hold::Decided,
    /// What becomes of packages.
    pub packages: packages::Outcome,
    /// What is known of compiled modules, once it has been asked for.
    pub bytecode: OnceCell<bytecode::Known>,
    /// What keeps its bytes because its checksum stands elsewhere, once that has been looked for.
    pub pinned: Pinned,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}
