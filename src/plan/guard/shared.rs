//! The files that the dynamic loader opens for the libraries that an object needs. Source: ld.so(8).

use super::state::Guard;
use crate::plan::Request;
use crate::refs::Target;
use crate::refs::needed::Needed;
use crate::tree::{NodeId, Tree};
use bstr::{BStr, ByteSlice};

/// The directories in which every loader looks, that of musl too; directories in these, such as `x86_64-linux-gnu`, count as
/// well.
const DIRS: [&str; 5] = ["lib", "usr/lib", "lib64", "usr/lib64", "usr/local/lib"];

/// Returns the directories in which the dynamic loader looks for every object.
#[must_use]
pub fn dirs(request: &Request<'_>) -> Vec<NodeId> {
    let tree = &request.merged.tree;
    let resolve = |path: &[u8]| tree.resolve(NodeId::ROOT, path).target.filter(|&dir| tree.is_dir(dir));
    let mut out: Vec<NodeId> = DIRS.iter().filter_map(|dir| resolve(dir.as_bytes())).collect();
    let is_triplet = |id: &NodeId| tree.is_dir(*id) && tree.name(*id).contains_str("-linux-");
    let below: Vec<NodeId> = out.iter().flat_map(|&dir| tree.children(dir)).copied().filter(is_triplet).collect();
    out.extend(below);
    let variable = request.facts.env.iter().filter(|(key, _)| key == "LD_LIBRARY_PATH");
    out.extend(variable.flat_map(|(_, value)| value.split([':', ';'])).filter_map(|dir| resolve(dir.as_bytes())));
    let main = tree.lookup(b"etc/ld.so.conf");
    let more = tree.lookup(b"etc/ld.so.conf.d").into_iter().flat_map(|dir| tree.children(dir)).copied();
    for file in main.into_iter().chain(more) {
        for reference in request.facts_of(file).into_iter().flat_map(|facts| facts.references.iter()) {
            if let Target::Join(dir) = &reference.target {
                out.extend(resolve(dir.as_bytes()));
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Returns the directories that an object itself names, for all names of its file.
#[must_use]
pub fn own_dirs(tree: &Tree, file: NodeId, needed: &Needed) -> Vec<NodeId> {
    let mut out = Vec::new();
    for &own in tree.names(tree.node(file).inode) {
        let origin = tree.node(own).parent;
        for dir in &needed.dirs {
            let dir = dir.replace("${ORIGIN}", "$ORIGIN");
            let relative = dir.strip_prefix(b"$ORIGIN");
            let path = relative.map_or(dir.clone(), |rest| [b".", rest].concat());
            out.extend(tree.resolve(origin, &path).target);
        }
    }
    out
}

impl Guard<'_> {
    /// Returns the libraries that would go and that `file` needs, with the links on the way to them.
    pub(super) fn libraries(&self, file: NodeId, needed: &Needed) -> Vec<NodeId> {
        let mut out = Vec::new();
        let own = own_dirs(self.tree, file, needed);
        for name in &needed.names {
            let base = crate::path::split(name).1;
            let Some(candidates) = self.index.files.get(BStr::new(base)) else { continue };
            if name.contains(&b'/') {
                self.open(self.tree.node(file).parent, name, &mut out);
                continue;
            }
            let mut found = false;
            for &dir in own.iter().chain(&self.library_dirs) {
                found |= self.open(dir, name, &mut out);
            }
            // The library was loaded before by another object, or is found by the path of the program that loads this object.
            if !found {
                out.extend(candidates);
            }
        }
        out
    }

    /// Looks up a library by its path from `dir`; returns true if it is there. Adds those that would go of it and of the links
    /// to it.
    fn open(&self, dir: NodeId, name: &[u8], out: &mut Vec<NodeId>) -> bool {
        let resolved = self.tree.resolve(dir, name);
        let Some(target) = resolved.target else { return false };
        out.extend(resolved.links.iter().copied().chain([target]).filter(|&id| self.index.has(id)));
        true
    }
}
