//! What will be kept, dropped and written, decided before the first byte is.
//!
//! A plan is pure: it sees the merged tree, the members of the layers and a profile, and does no I/O. [`verdict`] lets rules
//! propose, [`hold`] lets protection and references veto, [`layers`] turns what is left into byte ranges to copy and headers to
//! write, and [`account`] says what each rule takes.

use crate::image::ImageFacts;
use crate::layer::{Facts, LayerIndex};
use crate::profile::{Action, Matcher, Profile, Rule};
use crate::tar::Member;
use crate::tree::merge::Merged;
use crate::tree::{At, NodeId};
use crate::{Result, Warning};
use std::cell::OnceCell;
use std::ops::Range;

pub mod account;
pub mod bytecode;
pub mod compose;
pub mod cut;
pub mod excludes;
pub mod guard;
mod hidden;
pub mod hold;
pub mod layers;
pub mod links;
pub mod made;
mod only;
pub mod packages;
mod places;
mod records;
pub mod rewrite;
pub mod script;
pub mod stated;
pub mod verdict;
pub mod wanted;

use cut::Cut;
use links::Links;
use made::Made;
use rewrite::Rewrites;
use stated::Pinned;
use verdict::{Named, Proposals};

pub use rewrite::Left;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the config says of programs and environment.
    pub facts: &'a ImageFacts,
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The layers on top of each other; with a tree of the base if `base` is not 0.
    pub merged: &'a Merged,
    /// The rules.
    pub profile: &'a Profile,
    /// The rules' patterns, compiled.
    pub matcher: &'a Matcher,
    /// Which of them name which paths, where that is known: of plans for several profiles it is found once.
    pub named: Option<&'a Named>,
    /// Whether all layers above the base become one.
    pub squash: bool,
    /// How many layers from the bottom stay as they are, but for the cut.
    pub base: usize,
    /// What goes from these layers all the same, as no image that shares them needs it.
    pub cut: &'a Cut,
}

impl<'a> Request<'a> {
    /// A member by its place.
    #[must_use]
    pub fn member(&self, at: At) -> &'a Member {
        &self.layers[at.layer as usize].members[at.member as usize]
    }

    /// What the scan found in a member's file.
    #[must_use]
    pub fn facts_at(&self, at: At) -> Option<&'a Facts> {
        self.layers[at.layer as usize].facts.get(&at.member)
    }
}

/// Why a path stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A protection of the profile, by index.
    Protected(u16),
    /// A symbolic or hard link that stays leads to it, or it is a link on the way.
    LinkedFrom(NodeId),
    /// The image's config names it.
    Config,
    /// It is, or leads to, the interpreter of a script or program that stays.
    Interprets(NodeId),
    /// A source text that stays refers to it in this line.
    Referenced(NodeId, u32),
    /// An ELF object that stays needs it as a library.
    Needed(NodeId),
    /// A text or program that stays names it, or a directory above it, in full; the line is 0 where there are none.
    Named(NodeId, u32),
    /// A text or program that stays loads it as a library by this name.
    Loaded(NodeId),
    /// A script or style that stays names it as its source map, in this line, and a program follows such names.
    Mapped(NodeId, u32),
    /// It lies in a layer of the base.
    Base,
}

impl Why {
    /// The file for whose sake, where it is one.
    #[must_use]
    pub const fn by(self) -> Option<NodeId> {
        match self {
            Self::LinkedFrom(by)
            | Self::Interprets(by)
            | Self::Referenced(by, _)
            | Self::Needed(by)
            | Self::Named(by, _)
            | Self::Loaded(by)
            | Self::Mapped(by, _) => Some(by),
            Self::Protected(_) | Self::Config | Self::Base => None,
        }
    }
}

/// A path that stays although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which path.
    pub node: NodeId,
    /// The rule that asked for it, by index in the profile.
    pub rule: u16,
    /// Why it stays.
    pub why: Why,
}

/// A part of an output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A range of an input layer's decompressed tar.
    Copy {
        /// Index of the input layer.
        layer: u32,
        /// Bytes of it.
        range: Range<u64>,
    },
    /// Bytes made by the plan: headers and padding.
    Bytes(Vec<u8>),
    /// A range of the run's spool file, where other programs' new contents are: [`made`].
    Spooled(Range<u64>),
}

/// An output layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerPlan {
    /// The input layer of this index, its blob unchanged.
    Verbatim(u32),
    /// A new tar.
    Splice {
        /// The input layer whose place and history entry it takes.
        from: u32,
        /// Its parts without the end marker.
        pieces: Vec<Piece>,
        /// Its size in bytes with the end marker.
        size: u64,
    },
}

impl LayerPlan {
    /// The input layer whose place it takes.
    #[must_use]
    pub const fn from(&self) -> u32 {
        match self {
            Self::Verbatim(from) | Self::Splice { from, .. } => *from,
        }
    }
}

/// A member that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Which layer.
    pub layer: u32,
    /// Which member of it.
    pub member: u32,
    /// Bytes of the tar that go with it.
    pub bytes: u64,
    /// The rule that takes it, by index in the profile; [`SHADOWED`] for what later layers hide.
    pub rule: u16,
    /// Whether it is a marker (a whiteout) rather than a path of the image.
    pub marker: bool,
}

/// Stands for the rule `shadowed` in [`Removed`] where a squash drops what is hidden though the profile has no such rule.
pub const SHADOWED: u16 = u16::MAX;

/// The whole plan for one image.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For each node of the tree: the rule that drops it.
    pub dropped: Vec<Option<u16>>,
    /// What stays although a rule asked for it, in the tree's order.
    pub held: Vec<Held>,
    /// For each rule of the profile: whether any path matched it.
    pub matched: Vec<bool>,
    /// For each protection of the profile: the same.
    pub protects_matched: Vec<bool>,
    /// The output layers, bottom first.
    pub outputs: Vec<LayerPlan>,
    /// All members that go.
    pub removed: Vec<Removed>,
    /// What gets a new content.
    pub rewrites: Rewrites,
    /// What becomes a hard link.
    pub links: Links,
    /// What it costs that bytecode goes.
    pub price: bytecode::Price,
    /// What became of packages.
    pub packages: packages::Outcome,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

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

/// Decides everything about one image for which nothing has to be made. `pinned` says what keeps its bytes because its checksum
/// stands elsewhere.
///
/// # Errors
/// Those of [`decide`] and of `pinned`.
pub fn plan_with(request: &Request<'_>, pinned: impl FnOnce(&Verdicts) -> Result<Pinned>) -> Result<Plan> {
    let mut verdicts = decide(request)?;
    verdicts.pinned = pinned(&verdicts)?;
    let rewrites = rewrites(request, &verdicts, &Made::default());
    Ok(finish(request, verdicts, rewrites, Links::default()))
}

/// Decides what is dropped.
///
/// # Errors
/// Those of [`packages::decide`].
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

/// Decides what gets a new content.
#[must_use]
pub fn rewrites(request: &Request<'_>, verdicts: &Verdicts, made: &Made) -> Rewrites {
    rewrite::decide(request, verdicts, made)
}

/// Decides what is written where.
#[must_use]
pub fn finish(request: &Request<'_>, mut verdicts: Verdicts, rewrites: Rewrites, links: Links) -> Plan {
    // One for each name, and the end of its use.
    verdicts.proposals.nodes = Vec::new();
    let Verdicts { proposals, decided, packages, bytecode, warnings, .. } = verdicts;
    let shadowed = request.profile.rules.iter().position(is_shadowed);
    let names = script::Names::new(request.layers, &request.merged.tree);
    let changes = layers::Changes { dropped: &decided.dropped, rewrites: &rewrites, links: &links };
    let composed = layers::compose(request, changes, &names, shadowed.is_some());
    let shadowed = shadowed.map_or(SHADOWED, |r| r as u16);
    let removed = account::removed(request, &decided.dropped, &names, &composed.gone, shadowed);
    Plan {
        price: bytecode::price(request, &bytecode, &decided.dropped),
        dropped: decided.dropped,
        held: decided.held,
        matched: proposals.matched,
        protects_matched: proposals.protects_matched,
        outputs: composed.outputs,
        removed,
        rewrites,
        links,
        packages,
        warnings,
    }
}

/// Whether a rule is on and takes what later layers hide.
fn is_shadowed(rule: &Rule) -> bool {
    rule.enabled && rule.action == Action::DropShadowed
}

/// The same where no checksum stands anywhere.
#[cfg(test)]
pub fn plan(request: &Request<'_>) -> Result<Plan> {
    plan_with(request, |_| Ok(Pinned::default()))
}

#[cfg(test)]
mod tests;
