//! The sizes of the paths of one image.

use super::{Image, Side};
use crate::analyze::owners::Owners;
use crate::analyze::waste;
use crate::image::Record;
use crate::tree::NodeId;

/// The manager and name for paths that belong to no package.
const NO_PACKAGE: (&str, &str) = ("", "(no package)");

/// The sizes and packages of one image's paths.
pub(super) struct Measured<'a> {
    pub(super) owners: Owners<'a>,
    /// Bytes of tar for each node.
    bytes: Vec<u64>,
    reclaimable: u64,
}

impl<'a> Measured<'a> {
    pub(super) fn new(image: &Image<'a>) -> Self {
        let Image { layers, tree, .. } = image;
        let mut needed = waste::needed(layers, tree);
        let mut bytes = vec![0; tree.len()];
        let reclaimable = layers.iter().zip(&needed).flat_map(|(layer, needed)| layer.members.iter().zip(needed));
        let reclaimable = reclaimable.filter(|(_, needed)| !**needed).map(|(member, _)| member.span_bytes()).sum();
        // A member counts for its name; data whose own name is gone counts for the first other name.
        let nodes = tree.ids().filter_map(|id| Some((id, tree.node(id).at()?)));
        let holders = tree.inodes().filter_map(|(_, inode)| Some((inode.name, inode.holder()?)));
        for (node, at) in nodes.chain(holders) {
            let mine = &mut needed[at.layer as usize][at.member as usize];
            if std::mem::take(mine) {
                bytes[node.index()] += layers[at.layer as usize].members[at.member as usize].span_bytes();
            }
        }
        Self { owners: Owners::new(layers, tree), bytes, reclaimable }
    }

    /// Returns the bytes of tar that a path takes.
    pub(super) fn bytes(&self, node: NodeId) -> u64 {
        self.bytes[node.index()]
    }

    /// Returns the `package.json` of npm's packages.
    pub(super) fn manifests(&self) -> Vec<(NodeId, String)> {
        self.owners.manifests().map(|(node, package)| (node, package.name.clone())).collect()
    }

    pub(super) fn side(&self, image: &Image<'_>) -> Side {
        Side {
            head: image.head.clone(),
            record: Record::of(image.facts).map(|record| record.sentence()),
            bytes: image.layers.iter().map(|l| l.tar_bytes).sum(),
            blob_bytes: image.stored.iter().map(|(_, bytes)| bytes).sum(),
            reclaimable_bytes: self.reclaimable,
            paths: image.tree.len() as u64 - 1,
            layers: image.layers.len(),
        }
    }

    /// Returns the manager and name of a path's package.
    pub(super) fn package(&self, node: NodeId) -> (&'static str, &str) {
        self.owners.of(node).map_or(NO_PACKAGE, |p| (p.manager.name(), p.name.as_str()))
    }
}
