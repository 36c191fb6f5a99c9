//! Everything that will be kept, dropped and written, decided before the first byte is written.
//!
//! A plan is pure: it sees the merged tree, the members of the layers and a profile, and does no I/O. [`verdict`] lets rules
//! propose, [`hold`] lets protection and references veto, [`layers`] turns the result into byte ranges to copy and headers to
//! write, and [`account`] counts what each rule takes.

use crate::profile::RuleId;
use crate::{Result, Warning};
use links::Links;
use made::Made;
use matched::Named;
use output::is_shadowed;
use rewrite::Rewrites;
use stated::Pinned;
use std::cell::OnceCell;

pub mod account;
pub mod bytecode;
pub mod compose;
pub mod cut;
mod edits;
pub mod emission;
pub mod excludes;
pub mod guard;
pub mod hold;
pub mod layers;
pub mod links;
pub mod made;
pub mod matched;
mod only;
mod output;
pub mod packages;
pub mod programs;
pub mod proposal;
mod records;
mod request;
pub mod rewrite;
pub mod stated;
pub mod verdict;
mod verdicts;
pub mod wanted;
mod why;

pub use output::{LayerPlan, Piece, Removed, TakenBy};
pub use request::Request;
pub use rewrite::SkipReason;
pub use verdict::propose_path;
pub use verdicts::Verdicts;
pub use why::{Held, HoldReason};

/// The whole plan for one image.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For each node of the tree: the rule that drops it.
    pub dropped: Vec<Option<RuleId>>,
    /// The paths that stay although a rule asked for them, in the tree's order.
    pub held: Vec<Held>,
    /// For each rule of the profile: true if any path matched it.
    pub matched: Vec<bool>,
    /// The output layers, bottom first.
    pub outputs: Vec<LayerPlan>,
    /// All members that go.
    pub removed: Vec<Removed>,
    /// The files that get a new content.
    pub rewrites: Rewrites,
    /// The files that become hard links.
    pub links: Links,
    /// The cost of dropping bytecode.
    pub price: bytecode::Price,
    /// The packages that go and stay.
    pub packages: packages::Outcome,
    /// Everything that the user should know.
    pub warnings: Vec<Warning>,
}

/// Plans an image for which no content has to be made by other programs. `pinned` returns the files that keep their bytes
/// because a text has their checksum.
///
/// # Errors
/// Returns the errors of [`decide`] and of `pinned`.
pub fn plan_with(request: &Request<'_>, pinned: impl FnOnce(&Verdicts) -> Result<Pinned>) -> Result<Plan> {
    let mut verdicts = decide(request)?;
    verdicts.pinned = pinned(&verdicts)?;
    let rewrites = rewrites(request, &verdicts, &Made::default());
    Ok(finish(request, verdicts, rewrites, Links::default()))
}

/// Decides what is dropped.
///
/// # Errors
/// Returns the errors of [`packages::decide`].
pub fn decide(request: &Request<'_>) -> Result<Verdicts> {
    let mut proposals = match request.named {
        Some(named) => verdict::propose(request, named),
        None => verdict::propose(request, &Named::new(&request.merged.tree, request.matcher)),
    };
    let bytecode = OnceCell::new();
    bytecode::propose(request, &bytecode, &mut proposals);
    let mut warnings = Vec::new();
    let (decided, packages) = packages::decide(request, &mut proposals, &mut warnings)?;
    Ok(Verdicts { proposals, decided, packages, bytecode, pinned: Pinned::default(), warnings })
}

/// Decides which files get a new content.
#[must_use]
pub fn rewrites(request: &Request<'_>, verdicts: &Verdicts, made: &Made) -> Rewrites {
    rewrite::decide(request, verdicts, made)
}

/// Decides what is written in which layer.
#[must_use]
pub fn finish(request: &Request<'_>, mut verdicts: Verdicts, rewrites: Rewrites, links: Links) -> Plan {
    // The largest list, one proposal for each name, is no longer needed.
    verdicts.proposals.nodes = Vec::new();
    let Verdicts { proposals, decided, packages, bytecode, warnings, .. } = verdicts;
    let shadowed = request.profile.numbered_rules().find(|(_, rule)| is_shadowed(rule)).map(|(id, _)| id);
    let names = emission::Names::new(request.layers, &request.merged.tree);
    let changes = layers::Changes { dropped: &decided.dropped, rewrites: &rewrites, links: &links };
    let composed = layers::compose(request, changes, &names, shadowed.is_some());
    let removed = account::removed(request, &decided.dropped, &names, &composed.gone, shadowed);
    Plan {
        price: bytecode::price(request, &bytecode, &decided.dropped),
        dropped: decided.dropped,
        held: decided.held,
        matched: proposals.matched,
        outputs: composed.outputs,
        removed,
        rewrites,
        links,
        packages,
        warnings,
    }
}

/// Like [`plan_with`], for an image in which no text has a checksum.
#[cfg(test)]
pub fn plan(request: &Request<'_>) -> Result<Plan> {
    plan_with(request, |_| Ok(Pinned::default()))
}

#[cfg(test)]
mod tests;
