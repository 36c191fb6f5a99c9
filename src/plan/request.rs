//! The input of a plan.

use super::cut::Cut;
use super::matched::Named;
use crate::image::ImageFacts;
use crate::layer::{Facts, LayerIndex};
use crate::profile::{Matcher, Profile};
use crate::tar::Member;
use crate::tree::merge::Merged;
use crate::tree::{MemberId, NodeId};

/// The input of a plan.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The programs and environment of the config.
    pub facts: &'a ImageFacts,
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The merged layers; with a tree of the base if `base` is not 0.
    pub merged: &'a Merged,
    /// The rules.
    pub profile: &'a Profile,
    /// The rules' patterns, compiled.
    pub matcher: &'a Matcher,
    /// The patterns that name each path, if known: for plans of several profiles they are found once.
    pub named: Option<&'a Named>,
    /// True if all layers above the base become one.
    pub squash: bool,
    /// The number of layers from the bottom that stay as they are, except for the cut.
    pub base: usize,
    /// The members that go from these layers all the same, as no image that shares them needs them.
    pub cut: &'a Cut,
}

impl<'a> Request<'a> {
    /// Returns a member by its id.
    #[must_use]
    pub fn member(&self, at: MemberId) -> &'a Member {
        &self.layers[at.layer as usize].members[at.member as usize]
    }

    /// Returns the facts that the scan found in a member's file.
    #[must_use]
    pub fn facts_at(&self, at: MemberId) -> Option<&'a Facts> {
        self.layers[at.layer as usize].facts.get(&at.member)
    }

    /// Returns the facts that the scan found in the file of a name.
    #[must_use]
    pub fn facts_of(&self, file: NodeId) -> Option<&'a Facts> {
        self.facts_at(self.merged.tree.inode_of(file).holder()?)
    }
}
