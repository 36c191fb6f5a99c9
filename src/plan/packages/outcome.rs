//! The outcome for packages.

use crate::packages::Manager;
use crate::plan::HoldReason;
use crate::plan::edits::Edits;
use crate::profile::{Packages, ProtectId, RuleId};
use crate::tree::{MemberId, NodeId};
use bstr::BString;
use std::collections::HashMap;

/// The reason that a package stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The system does not work without it, according to its manager.
    Essential,
    /// The administrator put it on hold.
    OnHold,
    /// A protection of the profile holds this file of it.
    Protected(ProtectId, NodeId),
    /// This file of it lies in a layer of the base.
    Base(NodeId),
    /// There is no list of its files.
    Unlisted,
    /// It came with this package of another manager, or within this other distribution.
    PartOf(u32),
    /// This package needs it.
    Needed(u32),
    /// It has moved files of other packages out of its way.
    Diverts,
    /// This file of it must stay.
    Held(NodeId, HoldReason),
}

/// A package that goes.
#[derive(Clone, Debug)]
pub struct RemovedPackage {
    /// The package manager.
    pub manager: Manager,
    /// The package's name.
    pub name: BString,
    /// The package's version.
    pub version: BString,
    /// The rule that takes it.
    pub rule: RuleId,
    /// True if it goes because only packages that go needed it.
    pub orphan: bool,
    /// The number of its files, links and database files that go.
    pub files: u64,
    /// The bytes of these in the tar.
    pub bytes: u64,
}

/// A package that stays although a rule asked for it.
#[derive(Clone, Debug)]
pub struct KeptPackage {
    /// The package manager.
    pub manager: Manager,
    /// The package's name.
    pub name: BString,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// The reason that it stays.
    pub why: Kept,
    /// The name of the other package, if the reason is one.
    pub other: Option<BString>,
    /// The package's files and links, in the tree's order.
    pub nodes: Vec<NodeId>,
}

/// The decisions about packages.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The packages that go, by manager and name.
    pub removed: Vec<RemovedPackage>,
    /// The packages that stay, by manager and name.
    pub kept: Vec<KeptPackage>,
    /// The packages that lose something they need by `force`, and what they lose: the names of both.
    pub broken: Vec<(BString, BString)>,
    /// Edits of database files.
    pub(in crate::plan) edits: Edits,
    /// Symbolic links that get a new target, by the member that has them.
    pub(in crate::plan) links: HashMap<MemberId, BString>,
}

/// A rule about packages.
pub(super) type Rule<'a> = &'a Packages;
