//! New contents that programs outside of slim made between the scan and the plan: to the plan they are data like any other.

use crate::packages::Sums;
use crate::profile::RuleId;
use crate::tree::{MemberId, NodeId};
use std::collections::HashMap;
use std::ops::Range;

/// All such contents of one image.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The new content of each member.
    pub new: HashMap<MemberId, New>,
    /// The files that stay as they were, in the tree's order.
    pub unchanged: Vec<Unchanged>,
}

/// A content that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    /// The range in bytes of the run's spool file where the content is.
    pub spool: Range<u64>,
    /// The content's checksums.
    pub sums: Sums,
    /// The rule that asked for it.
    pub rule: RuleId,
}

/// A file that stays as it was although a rule asked for a new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchanged {
    /// One of its names.
    pub node: NodeId,
    /// The rule.
    pub rule: RuleId,
    /// The reason.
    pub why: NotMadeReason,
}

/// The reason that a file stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotMadeReason {
    /// The program said that it failed; its message.
    Failed(String),
    /// The command was stopped after this many seconds.
    TimedOut(u64),
    /// The command succeeded and left no regular file with anything in it.
    NoOutput,
    /// The command's output is not smaller than the file.
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
