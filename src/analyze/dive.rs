//! Efficiency and wasted bytes as dive 0.13.1 computes them, to the last byte, so that a gate may change tools and keep its figures.
//!
//! The algorithm of dive, found in its `filetree/efficiency.go` and by comparing: it makes a tree of names of each layer
//! ([`Trie`]) and visits the nodes that have nothing below them, children first, by name: files, links, empty directories,
//! whiteouts. For each path it adds up the sizes that it had in all layers (*cumulative*), and takes the least of them
//! (*minimum*) and the number of layers that have it.
//!
//! - `efficiency` = sum of all minima / sum of all cumulative sizes; 1 if there is nothing.
//! - `wasted bytes` = the sum of cumulative sizes of those paths that were there twice or more.
//! - A whiteout counts for the path that it hides: with the size of everything below if that was a directory, else with 0. So a
//!   deleted file makes its path wasted. But a deleted directory is one mention of a path that was never a leaf, so nothing is
//!   wasted, and `rm -rf` of a directory is not counted. slim counts it as reclaimable.
//! - That size is looked up in the lower layers, stacked in the same order of visits, in which a whiteout removes what its own
//!   layer has added before. Below the lowest layer lies that layer itself.
//! - A whiteout of nothing ends the visit of its layer, and its path has the minimum -1 unless it was met before.
//! - Opaque whiteouts and AUFS's names are left out. A directory that no header describes is no directory.
//! - Hard links count the size that their header states, which is 0 except with odd writers.

use super::trie::{Info, ROOT, Trie};
use crate::layer::LayerIndex;
use bstr::{BString, ByteSlice};
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// The metric of dive for an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The size of each layer: the sum of all sizes that headers state, in bytes.
    pub layer_bytes: Vec<u64>,
    /// 0 to 1; a little below 0 is possible.
    pub efficiency: f64,
    /// The wasted bytes.
    pub wasted_bytes: u64,
    /// The wasted bytes as a share of the bytes of all layers except the lowest; infinite or NaN if these have none.
    pub user_wasted: f64,
    /// The paths that are there more than once, most bytes first, then by path. dive leaves the order of equals to chance.
    pub inefficient: Vec<Inefficient>,
}

/// A path that is there more than once.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Inefficient {
    /// The number of times that it is there, as a file or a whiteout.
    pub count: u64,
    /// The sum of the sizes in bytes.
    #[serde(rename = "sizeBytes")]
    pub size: u64,
    /// The path from `/`.
    #[serde(serialize_with = "lossy")]
    pub file: BString,
}

/// Serializes a path as Go writes strings: bytes that are not UTF-8 are replaced.
fn lossy<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_str_lossy())
}

impl Metric {
    /// Returns the size of the image: the sum of all sizes that headers state, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        sum(self.layer_bytes.iter().copied())
    }
}

/// The facts about one path.
struct Seen {
    count: u64,
    cumulative: u64,
    /// The least size in bytes; `None` if the only mention is a whiteout of nothing.
    least: Option<u64>,
}

/// Computes the metric.
#[must_use]
pub fn metric(layers: &[&LayerIndex]) -> Metric {
    let mut visits = Visits::default();
    // The stack matters only below the last whiteout.
    let last = layers.iter().rposition(|layer| has_whiteout(layer));
    let mut stacked: Option<Trie<'_>> = None;
    let mut layer_bytes = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let own = Trie::of(layer);
        layer_bytes.push(sum((0..layer.members.len() as u32).map(|m| super::trie::stated(layer, m))));
        visits.layer(&own, stacked.as_ref().unwrap_or(&own));
        if last.is_some_and(|last| index < last) {
            let mut below = stacked.take().unwrap_or_else(|| own.clone());
            below.stack(&own);
            stacked = Some(below);
        }
    }
    visits.finish(layer_bytes)
}

fn has_whiteout(layer: &LayerIndex) -> bool {
    layer.members.iter().any(|m| memchr::memmem::find(&m.path, super::trie::WHITEOUT).is_some())
}

#[derive(Default)]
struct Visits<'a> {
    /// All paths of all layers.
    names: Trie<'a>,
    seen: HashMap<u32, Seen>,
}

impl<'a> Visits<'a> {
    fn layer(&mut self, own: &Trie<'a>, below: &Trie<'_>) {
        for id in own.below(ROOT) {
            if own.is_leaf(id) && !self.leaf(own, id, below) {
                return;
            }
        }
    }

    /// Counts a leaf; returns false for a whiteout of nothing.
    fn leaf(&mut self, own: &Trie<'a>, id: u32, below: &Trie<'_>) -> bool {
        let meant = own.meant(id);
        let size = if own.is_whiteout(id) { hidden(below, &meant) } else { Some(own.node(id).info.size) };
        let Some(name) = self.names.add(meant.into_iter(), Info::default()) else { return true };
        let seen = self.seen.entry(name).or_insert(Seen { count: 0, cumulative: 0, least: None });
        let Some(size) = size else { return false };
        seen.count += 1;
        seen.cumulative = seen.cumulative.saturating_add(size);
        seen.least = Some(seen.least.map_or(size, |least| least.min(size)));
        true
    }

    fn finish(self, layer_bytes: Vec<u64>) -> Metric {
        let least: i128 = self.seen.values().map(|s| s.least.map_or(-1, i128::from)).sum();
        let cumulative: i128 = self.seen.values().map(|s| i128::from(s.cumulative)).sum();
        let mut inefficient: Vec<Inefficient> = self
            .seen
            .iter()
            .filter(|(_, s)| s.count > 1)
            .map(|(&name, s)| Inefficient { count: s.count, size: s.cumulative, file: self.path(name) })
            .collect();
        inefficient.sort_by(|a, b| (b.size, &a.file).cmp(&(a.size, &b.file)));
        let wasted_bytes = sum(inefficient.iter().map(|i| i.size));
        let user: u64 = sum(layer_bytes.iter().skip(1).copied());
        Metric {
            layer_bytes,
            efficiency: if cumulative == 0 { 1.0 } else { least as f64 / cumulative as f64 },
            wasted_bytes,
            user_wasted: wasted_bytes as f64 / user as f64,
            inefficient,
        }
    }

    fn path(&self, name: u32) -> BString {
        let mut path = b"/".to_vec();
        path.extend(bstr::join("/", self.names.parts(name)));
        path.into()
    }
}

/// Returns the size of the path that a whiteout hides, in bytes; `None` if there is no such path.
fn hidden(below: &Trie<'_>, meant: &[&[u8]]) -> Option<u64> {
    let node = below.find(meant)?;
    if !below.node(node).info.is_dir {
        return Some(0);
    }
    Some(sum(below.below(node).into_iter().map(|id| below.node(id).info.size)))
}

/// Adds up sizes without overflow, as headers may state any size.
fn sum(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}
