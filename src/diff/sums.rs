//! The sizes of the paths of each image, added up by package and by directory. Each byte that a container sees is counted once.

use super::{DirectoryChange, PackageChange, Pair, Status, Sum};
use crate::packages::Manager;
use crate::path;
use crate::report::escape;
use crate::tree::NodeId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Adds up.
pub(super) struct Sums<'a> {
    pair: &'a Pair<'a>,
    /// For each row: true if it counts as changed.
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

    /// Returns a key that sorts those first that grew or shrank most.
    fn rank(&self) -> Reverse<(u64, u64)> {
        Reverse((self.bytes_before.abs_diff(self.bytes_after), self.changed))
    }
}

impl<'a> Sums<'a> {
    pub(super) fn new(pair: &'a Pair<'a>, real: &'a [bool]) -> Self {
        Self { pair, real }
    }

    /// Returns each node of each row: its side, itself, its bytes, and true if it is in both images and differs.
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
            // The database of these does not state versions.
            if Manager::named(manager).is_some_and(|manager| manager.manifest().is_some()) {
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

/// Writes to `out` the first `depth` components of a path.
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
