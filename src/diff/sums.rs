//! What the paths of each image take, and the sums of that by package and by directory. Each byte that a container sees is
//! counted once.

use super::{DirectoryChange, Image, PackageChange, Pair, Side, Status, Sum};
use crate::analyze::owners::Owners;
use crate::analyze::waste;
use crate::path;
use crate::report::escape;
use crate::tree::NodeId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What belongs to no package.
const NO_PACKAGE: (&str, &str) = ("", "(no package)");

/// What is known of one image's paths.
pub(super) struct Measured {
    owners: Owners,
    /// Bytes of tar for each node.
    bytes: Vec<u64>,
    reclaimable: u64,
}

impl Measured {
    pub(super) fn new(image: &Image<'_>) -> Self {
        let Image { layers, tree, .. } = image;
        let mut needed = waste::needed(layers, tree);
        let mut bytes = vec![0; tree.len()];
        let reclaimable = layers.iter().zip(&needed).flat_map(|(layer, needed)| layer.members.iter().zip(needed));
        let reclaimable = reclaimable.filter(|(_, needed)| !**needed).map(|(member, _)| member.span_bytes()).sum();
        // A member counts for its name; data whose own name is gone, for the first other.
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

    /// Bytes of tar that a path takes.
    pub(super) fn bytes(&self, node: NodeId) -> u64 {
        self.bytes[node.index()]
    }

    /// The `package.json` of npm's packages.
    pub(super) fn manifests(&self) -> Vec<(NodeId, String)> {
        self.owners.manifests().map(|(node, package)| (node, package.name.clone())).collect()
    }

    pub(super) fn side(&self, image: &Image<'_>) -> Side {
        Side {
            head: image.head.clone(),
            bytes: image.layers.iter().map(|l| l.tar_bytes).sum(),
            blob_bytes: image.stored.iter().map(|(_, bytes)| bytes).sum(),
            reclaimable_bytes: self.reclaimable,
            paths: image.tree.len() as u64 - 1,
            layers: image.layers.len(),
        }
    }

    /// The manager and name of a path's package.
    fn package(&self, node: NodeId) -> (&'static str, &str) {
        self.owners.of(node).map_or(NO_PACKAGE, |p| (p.manager, p.name.as_str()))
    }
}

/// Adds up.
pub(super) struct Sums<'a> {
    pair: &'a Pair<'a>,
    /// For each row whether it counts as changed.
    real: &'a [bool],
}

#[derive(Default)]
struct Versions([BTreeSet<String>; 2]);

impl Sum {
    fn add(&mut self, side: usize, bytes: u64) {
        if side == 0 {
            self.files_before += 1;
            self.bytes_before += bytes;
        } else {
            self.files_after += 1;
            self.bytes_after += bytes;
        }
    }

    fn differs(&self) -> bool {
        self.changed > 0 || (self.files_before, self.bytes_before) != (self.files_after, self.bytes_after)
    }

    /// Those that grew or shrank most come first.
    fn rank(&self) -> Reverse<(u64, u64)> {
        Reverse((self.bytes_before.abs_diff(self.bytes_after), self.changed))
    }
}

impl<'a> Sums<'a> {
    pub(super) fn new(pair: &'a Pair<'a>, real: &'a [bool]) -> Self {
        Self { pair, real }
    }

    /// Each node of each row: its side, itself, its bytes, and whether it is in both images and differs.
    fn nodes(&self) -> impl Iterator<Item = (usize, NodeId, u64, bool)> + '_ {
        self.pair.rows.iter().zip(self.real).flat_map(move |(row, real)| {
            let sides = [(0, row.0), (1, row.1)].into_iter();
            sides.filter_map(move |(side, node)| node.map(|n| (side, n, self.pair.sides[side].bytes(n), *real)))
        })
    }

    pub(super) fn packages(&self, npm: &[HashMap<String, Vec<String>>; 2]) -> Vec<PackageChange> {
        let mut all: BTreeMap<(&'static str, &str), (Sum, Versions)> = BTreeMap::new();
        for (side, node, bytes, real) in self.nodes() {
            // Directories belong to many packages.
            if self.pair.images[side].tree.is_dir(node) {
                continue;
            }
            let measured = &self.pair.sides[side];
            let (sum, versions) = all.entry(measured.package(node)).or_default();
            sum.add(side, bytes);
            sum.changed += u64::from(real && side == 1);
            if let Some(package) = measured.owners.of(node).filter(|p| !p.version.is_empty())
                && !versions.0[side].contains(&package.version)
            {
                versions.0[side].insert(package.version.clone());
            }
        }
        let mut out = Vec::new();
        for ((manager, name), (sum, mut versions)) in all {
            if manager == "npm" {
                for (side, known) in npm.iter().enumerate() {
                    versions.0[side].extend(known.get(name).into_iter().flatten().cloned());
                }
            }
            let [before, after] = versions.0.map(|v| v.into_iter().collect::<Vec<_>>());
            if before == after && !sum.differs() {
                continue;
            }
            let status = match (sum.files_before, sum.files_after) {
                (0, _) => Status::Added,
                (_, 0) => Status::Removed,
                _ => Status::Changed,
            };
            out.push(PackageChange { manager, name: name.to_owned(), status, before, after, sum });
        }
        out.sort_by_key(|p| p.sum.rank());
        out
    }

    pub(super) fn directories(&self, depth: usize) -> Vec<DirectoryChange> {
        let mut all: BTreeMap<String, Sum> = BTreeMap::new();
        let (mut path, mut name) = (Vec::new(), String::new());
        for (side, node, bytes, real) in self.nodes() {
            let tree = self.pair.images[side].tree;
            let dir = if tree.is_dir(node) { node } else { tree.node(node).parent };
            tree.path_into(dir, &mut path);
            shorten(&path, depth, &mut name);
            if !all.contains_key(&name) {
                all.insert(name.clone(), Sum::default());
            }
            if let Some(sum) = all.get_mut(&name) {
                sum.add(side, bytes);
                sum.changed += u64::from(real && side == 1);
            }
        }
        let differ = all.into_iter().filter(|(_, sum)| sum.differs());
        let mut out: Vec<_> = differ.map(|(path, sum)| DirectoryChange { path, sum }).collect();
        out.sort_by_key(|d| d.sum.rank());
        out
    }
}

/// At most so many names of a path.
fn shorten(path: &[u8], depth: usize, out: &mut String) {
    out.clear();
    out.push('/');
    for part in path::components(path).take(depth) {
        if out.len() > 1 {
            out.push('/');
        }
        out.push_str(&escape(part));
    }
}
