//! What becomes of packages.

use crate::package::Manager;
use crate::plan::HoldReason;
use crate::plan::edits::Edits;
use crate::profile::Packages;
use crate::tree::{MemberId, NodeId};
use bstr::BString;
use std::collections::HashMap;

/// Why a package stays though a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The system does not work without it, says its manager.
    Essential,
    /// The administrator put it on hold.
    OnHold,
    /// A protection of the profile holds this file of it.
    Protected(u16, NodeId),
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
    /// Its manager.
    pub manager: Manager,
    /// Its name.
    pub name: BString,
    /// Its version.
    pub version: BString,
    /// The rule that takes it, by index in the profile.
    pub rule: u16,
    /// Whether it goes because only what goes needed it.
    pub orphan: bool,
    /// Files, links and database files of it that go.
    pub files: u64,
    /// Their bytes in the tar.
    pub bytes: u64,
}

/// A package that stays though a rule asked for it.
#[derive(Clone, Debug)]
pub struct KeptPackage {
    /// Its manager.
    pub manager: Manager,
    /// Its name.
    pub name: BString,
    /// The rule that asked for it, by index in the profile.
    pub rule: u16,
    /// Why it stays.
    pub why: Kept,
    /// The name of the other package, where the reason is one.
    pub other: Option<BString>,
    /// Its files and links, in the tree's order.
    pub nodes: Vec<NodeId>,
}

/// What was decided about packages.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What goes, by manager and name.
    pub removed: Vec<RemovedPackage>,
    /// What stays, by manager and name.
    pub kept: Vec<KeptPackage>,
    /// Who lost what it needs by `force`: the names of both.
    pub broken: Vec<(BString, BString)>,
    /// Edits of database files.
    pub(in crate::plan) edits: Edits,
    /// Symbolic links that lead elsewhere now, by the member that has them.
    pub(in crate::plan) links: HashMap<MemberId, BString>,
}

/// A rule about packages.
pub(super) type Rule<'a> = &'a Packages;
