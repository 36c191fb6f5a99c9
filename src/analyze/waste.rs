//! The waste of an image: bytes that are stored and pulled, and that no path of the final tree needs. These are overwritten
//! files, files and directories that were deleted later, files that were stored again only because their owner or mode changed,
//! and the whiteouts. Each is reported with the layer that carries it and the instruction that made it waste.

use crate::explain::{Hiders, How};
use crate::layer::LayerIndex;
use crate::path;
use crate::tar::{Kind, Member};
use crate::tree::merge::{Merged, Role, role};
use crate::tree::{MemberId, NodeId, Tree};
use bstr::{BStr, BString};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The way in which bytes became waste.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A later layer deletes it, or a directory above it.
    Deleted,
    /// A later layer, or a later member of the same one, has something else at the path.
    Replaced,
    /// A later layer has the same file with other metadata: size and modification time are equal.
    Touched,
    /// It is a whiteout, which is of use only above a base of other images.
    Marker,
}

/// Bytes in one layer.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The layer that carries them, from 1 at the bottom.
    pub layer: usize,
    /// The number of members.
    pub files: u64,
    /// Bytes of its tar: headers, data, padding.
    pub bytes: u64,
}

/// The waste of one step with one cause, or the part of it at one path.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Waste {
    /// The cause.
    pub cause: Cause,
    /// The layer that made it waste, from 1 at the bottom; `None` if that is not known.
    pub by: Option<usize>,
    /// The path that was deleted or replaced, without a leading slash; for a whole step the one with most bytes.
    #[serde(serialize_with = "crate::report::escape::serialize")]
    pub path: BString,
    /// The layers in which the bytes are, from the bottom up.
    pub parts: Vec<Part>,
}

impl Waste {
    /// Returns the bytes of tar.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.bytes).sum()
    }

    /// Returns the number of members.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.parts.iter().map(|p| p.files).sum()
    }
}

/// All waste of an image.
#[derive(Clone, Debug, Default)]
pub struct Wasted {
    /// Bytes of tar in each layer.
    pub layers: Vec<u64>,
    /// By step and cause, most bytes first.
    pub steps: Vec<Waste>,
    /// By path, most bytes first.
    pub paths: Vec<Waste>,
}

impl Wasted {
    /// Returns the bytes of tar that no path of the final tree needs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers.iter().sum()
    }
}

/// Returns for each layer and member: true if a path of the final tree needs it.
#[must_use]
pub fn needed(layers: &[&LayerIndex], tree: &Tree) -> Vec<Vec<bool>> {
    let mut out: Vec<Vec<bool>> = layers.iter().map(|l| vec![false; l.members.len()]).collect();
    let mut need = |at: MemberId| out[at.layer as usize][at.member as usize] = true;
    tree.ids().filter_map(|id| tree.node(id).at()).for_each(&mut need);
    tree.inodes().filter_map(|(_, inode)| inode.holder()).for_each(&mut need);
    for (layer, index) in layers.iter().enumerate() {
        for (number, member) in index.members.iter().enumerate() {
            // A layer's files need the directories above them, even if an upper layer describes those again.
            out[layer][number] |= member.kind == Kind::Dir
                && role(&member.path) == Role::Entry
                && tree.lookup(&member.path).is_some_and(|n: NodeId| tree.is_dir(n));
        }
    }
    out
}

/// Finds the waste and the layers that made it.
#[must_use]
pub fn find(layers: &[&LayerIndex], merged: &Merged, needed: &[Vec<bool>]) -> Wasted {
    let hidden = |needed: &Vec<bool>| (0u32..).zip(needed).filter(|(_, n)| !**n).map(|(m, _)| m).collect::<Vec<u32>>();
    let all = || {
        let each = (0u32..).zip(needed).map(move |(layer, n)| (layer, hidden(n)));
        each.flat_map(|(layer, members)| members.into_iter().map(move |member| MemberId { layer, member }))
    };
    let finder = Finder {
        layers,
        hiders: Hiders::new(layers, &merged.whiteouts, all()),
        deleted: merged.whiteouts.iter().map(|m| m.iter().map(|m| &**m.path).collect()).collect(),
        later: later(layers, all()),
    };
    let mut sums = Sums { out: Wasted { layers: vec![0; layers.len()], ..Wasted::default() }, ..Sums::default() };
    all().for_each(|at| sums.add(at, &finder));
    sums.finish()
}

/// Returns the files of upper layers that have the path of a hidden one.
fn later<'a>(layers: &[&'a LayerIndex], hidden: impl Iterator<Item = MemberId>) -> HashMap<(u32, &'a BStr), u32> {
    let files = hidden.map(|at| &layers[at.layer as usize].members[at.member as usize]);
    let wanted: HashSet<&BStr> = files.filter(|m| m.kind == Kind::File).map(|m| &*m.path).collect();
    let mut out = HashMap::new();
    for (layer, index) in (0u32..).zip(layers).skip(1) {
        for (number, member) in (0u32..).zip(&index.members) {
            if member.kind == Kind::File && wanted.contains(&*member.path) {
                out.insert((layer, &*member.path), number);
            }
        }
    }
    out
}

struct Finder<'a> {
    layers: &'a [&'a LayerIndex],
    hiders: Hiders<'a>,
    /// For each layer, the paths that its whiteouts hide.
    deleted: Vec<HashSet<&'a [u8]>>,
    later: HashMap<(u32, &'a BStr), u32>,
}

impl<'a> Finder<'a> {
    fn member(&self, at: MemberId) -> &'a Member {
        &self.layers[at.layer as usize].members[at.member as usize]
    }

    /// Returns the cause of a member's waste, the layer that made it waste, and the path that this layer deletes or replaces.
    fn cause(&self, at: MemberId) -> (Cause, Option<u32>, &'a [u8]) {
        let member = self.member(at);
        let own: &[u8] = &member.path;
        if role(own) != Role::Entry {
            return (Cause::Marker, Some(at.layer), own);
        }
        let Some(hider) = self.hiders.of(at, own) else { return (Cause::Replaced, None, own) };
        let by = Some(hider.layer);
        match hider.how {
            How::Deleted | How::Opaque => {
                let whiteouts = &self.deleted[hider.layer as usize];
                let mut above = std::iter::successors(Some(own), |p| (!p.is_empty()).then(|| path::split(p).0));
                (Cause::Deleted, by, above.find(|p| whiteouts.contains(p)).unwrap_or(own))
            }
            How::Replaced if self.is_touched(at, hider.layer) => (Cause::Touched, by, own),
            How::Replaced => (Cause::Replaced, by, own),
        }
    }

    /// True if the layer has the same file again: by size and modification time, like rsync's quick check.
    fn is_touched(&self, at: MemberId, by: u32) -> bool {
        let old = self.member(at);
        let Some(&new) = self.later.get(&(by, &*old.path)).filter(|_| by > at.layer && old.kind == Kind::File) else {
            return false;
        };
        let new = self.member(MemberId { layer: by, member: new });
        new.size() == old.size() && new.meta.mtime == old.meta.mtime && new.meta.attrs != old.meta.attrs
    }
}

type Parts = BTreeMap<usize, (u64, u64)>;

#[derive(Default)]
struct Sums<'a> {
    out: Wasted,
    paths: HashMap<(Cause, Option<u32>, &'a [u8]), Parts>,
}

impl<'a> Sums<'a> {
    fn add(&mut self, at: MemberId, finder: &Finder<'a>) {
        let bytes = finder.member(at).span_bytes();
        self.out.layers[at.layer as usize] += bytes;
        let part = self.paths.entry(finder.cause(at)).or_default().entry(at.layer as usize + 1).or_default();
        *part = (part.0 + 1, part.1 + bytes);
    }

    fn finish(self) -> Wasted {
        let mut out = self.out;
        let waste = |cause, by, path, parts: Parts| {
            let parts = parts.into_iter().map(|(layer, (files, bytes))| Part { layer, files, bytes }).collect();
            Waste { cause, by, path, parts }
        };
        let paths = self.paths.into_iter();
        let paths =
            paths.map(|((cause, by, path), parts)| waste(cause, by.map(|by| by as usize + 1), path.into(), parts));
        out.paths = paths.collect();
        sort(&mut out.paths);
        let mut steps: BTreeMap<(Cause, Option<usize>), (BString, Parts)> = BTreeMap::new();
        for one in &out.paths {
            // The first path of a step is the one with most bytes.
            let (_, parts) = steps.entry((one.cause, one.by)).or_insert_with(|| (one.path.clone(), Parts::new()));
            for part in &one.parts {
                let sum = parts.entry(part.layer).or_default();
                *sum = (sum.0 + part.files, sum.1 + part.bytes);
            }
        }
        out.steps = steps.into_iter().map(|((cause, by), (path, parts))| waste(cause, by, path, parts)).collect();
        sort(&mut out.steps);
        out
    }
}

/// Sorts by bytes, most first.
fn sort(list: &mut [Waste]) {
    list.sort_by(|a, b| (b.bytes(), &a.path, a.cause, a.by).cmp(&(a.bytes(), &b.path, b.cause, b.by)));
}
