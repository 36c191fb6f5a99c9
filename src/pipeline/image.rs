//! One image on its way through the phases.

use super::profiles::Profiles;
use super::request::Request;
use crate::Digest;
use crate::emit;
use crate::explain;
use crate::layer::LayerIndex;
use crate::plan::{LayerPlan, Plan};
use crate::profile::Profile;
use crate::scan::Scanned;
use crate::source::{BlobRef, Image, Input, LayerRef};
use crate::tree::merge::Whiteout;
use crate::tree::{NodeId, Tree};
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

/// The identity of a layer: layers are the same if all of this is equal.
pub type LayerKey = (BlobRef, Digest, Option<Digest>);

/// Returns the identity of a layer.
#[must_use]
pub fn key(layer: &LayerRef) -> LayerKey {
    (layer.blob.clone(), layer.diff_id, layer.digest)
}

/// The results of the scan for each layer of an input.
pub type Scans = HashMap<LayerKey, Scanned>;

/// The input of plans.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The request.
    pub request: &'a Request,
    /// The profiles of the request.
    pub profiles: &'a Profiles<'a>,
    /// The images.
    pub input: &'a Input,
    /// The results of the scan for their layers.
    pub scans: &'a Scans,
}

/// An image with its plan, not written yet.
pub struct Planned<'a> {
    /// The image as it is in the input.
    pub image: &'a Image,
    /// The layers as they were scanned, bottom first.
    pub layers: Vec<&'a LayerIndex>,
    /// The tree that a container sees, before the plan.
    pub tree: Tree,
    /// The whiteouts of each layer.
    pub whiteouts: Vec<Vec<Whiteout>>,
    /// The rules for this image.
    pub profile: Arc<Profile>,
    /// The plan.
    pub plan: Plan,
    /// The number of layers that stay as they are.
    pub base: usize,
    /// The number of layers whose blobs stay as they are because the user asked for that, or nothing can be done with them.
    pub kept: usize,
    pub(super) digests: Vec<Digest>,
    pub(super) tar_bytes: Vec<u64>,
}

impl Planned<'_> {
    pub(super) fn job<'a>(&'a self, spool: Option<&'a File>) -> emit::Job<'a> {
        let (layers, outputs) = (&self.image.layers, &self.plan.outputs);
        emit::Job { layers, digests: &self.digests, tar_bytes: &self.tar_bytes, outputs, spool, base: self.kept }
    }

    /// Returns the plan for `slim plan` to explain; `instructions` are those that made the layers, bottom first.
    #[must_use]
    pub fn explained<'a>(&'a self, platform: &'a str, instructions: &'a [&'a str]) -> explain::Planned<'a> {
        explain::Planned {
            tags: &self.image.tags,
            platform,
            instructions,
            layers: &self.layers,
            tree: &self.tree,
            whiteouts: &self.whiteouts,
            plan: &self.plan,
            profile: &self.profile,
            base: self.base,
        }
    }

    /// Returns the decompressed size of each layer that the plan writes, in bytes.
    pub fn layer_bytes(&self) -> impl Iterator<Item = u64> {
        self.plan.outputs.iter().map(|out| match out {
            LayerPlan::Verbatim(from) => self.tar_bytes[*from as usize],
            LayerPlan::Splice { size, .. } => *size,
        })
    }

    /// Returns all paths that are no directories, before the plan.
    pub fn file_ids(&self) -> impl Iterator<Item = NodeId> {
        self.tree.ids().filter(|id| !self.tree.is_dir(*id))
    }

    /// Returns the decompressed size of everything that the plan writes, in bytes.
    pub fn output_bytes(&self) -> u64 {
        self.layer_bytes().sum()
    }
}
