//! What a plan is made from.

use super::cut::Cut;
use super::matched::Named;
use crate::image::ImageFacts;
use crate::layer::{Facts, LayerIndex};
use crate::profile::{Matcher, Profile};
use crate::tar::Member;
use crate::tree::MemberId;
use crate::tree::merge::Merged;

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
    pub fn member(&self, at: MemberId) -> &'a Member {
        &self.layers[at.layer as usize].members[at.member as usize]
    }

    /// What the scan found in a member's file.
    #[must_use]
    pub fn facts_at(&self, at: MemberId) -> Option<&'a Facts> {
        self.layers[at.layer as usize].facts.get(&at.member)
    }
}
