//! New contents that programs outside of slim made between the scan and the plan: to the plan they are data, as all else.

use crate::ledger::Sums;
use crate::tree::{MemberId, NodeId};
use std::collections::HashMap;
use std::ops::Range;

/// All such contents of one image.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// By member.
    pub new: HashMap<MemberId, New>,
    /// What stays as it was, in the tree's order.
    pub unchanged: Vec<Unchanged>,
}

/// A content that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// Where it lies in the run's spool file.
    pub spool: Range<u64>,
    /// Its checksums.
    pub sums: Sums,
    /// The rule that asked for it, by index in the profile.
    pub rule: u16,
}

/// A file that stays as it was though a rule asked for a new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// One of its names.
    pub node: NodeId,
    /// The rule, by index in the profile.
    pub rule: u16,
    /// Why.
    pub why: NotMadeReason,
}

/// Why a file stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotMadeReason {
    /// The program said that it failed, and how.
    Failed(String),
    /// It took too long: so many seconds.
    TimedOut(u64),
    /// It ended well and left no regular file with anything in it.
    NoOutput,
    /// Its output is not smaller.
    NotSmaller,
    /// A protection of the profile.
    Protected,
    /// A program verifies the file's bytes.
    Verified,
    /// This text has its checksum.
    Stated(NodeId),
    /// A package manager's checksum of it cannot be written anew.
    Recorded,
}
