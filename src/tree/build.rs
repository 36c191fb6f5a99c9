//! A tree under construction: entries added in tar order, layers laid on top, and the finished tree frozen.
//!
//! This is where most memory is in use at once, so a node stores neither its name nor its inode: the name is the end of the
//! path of the member that gave it, and the inode is known by its holder. Children are a linked list, and found through one
//! table for all directories.
//!
//! The methods for layers on top of each other are in `merge.rs`, that which makes the flat tree is in `freeze.rs`.

use super::{MemberId, Origin};
use crate::path;
use crate::tar::{Kind, Member};
use bstr::BString;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The most symbolic links that are followed on one path, as in Linux.
const MAX_LINKS: usize = 40;

/// The index that means: no node.
const NONE: u32 = u32::MAX;

/// A tree under construction; nodes that can no longer be reached stay in it unused.
pub(super) struct Build<'a> {
    pub(super) layers: &'a [&'a [Member]],
    pub(super) nodes: Vec<BuildNode>,
    /// The layer that is being added.
    pub(super) layer: u32,
    /// The names of directories that no member gave.
    implied: HashMap<u32, &'a [u8]>,
    /// All nodes except the root, by directory and name.
    table: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
pub(super) struct BuildNode {
    /// The directory it is in; [`NONE`] if another node has taken its place.
    pub(super) parent: u32,
    pub(super) at: Origin,
    /// The member with the metadata and data: nodes with the same holder are one inode. For a hard link whose target is not
    /// known yet this is the link itself; no member for an implied directory.
    pub(super) holder: Origin,
    first_child: u32,
    /// The next node in the same directory.
    next: u32,
}

impl<'a> Build<'a> {
    pub(super) fn new(layers: &'a [&'a [Member]], layer: u32) -> Self {
        let none = Origin::implied(layer);
        let root = BuildNode { parent: 0, at: none, holder: none, first_child: NONE, next: NONE };
        let (implied, table) = (HashMap::from([(0, &b""[..])]), HashTable::new());
        Self { layers, nodes: vec![root], layer, implied, table, hasher: RandomState::new() }
    }

    /// Makes room for this many more names.
    pub(super) fn reserve(&mut self, more: usize) {
        let mut table = std::mem::take(&mut self.table);
        table.reserve(more, |&n| self.hash_of(n));
        self.table = table;
        self.nodes.reserve_exact(more);
    }

    /// Frees the memory of the table: after this nothing can be found by its name.
    pub(super) fn drop_table(&mut self) {
        self.table = HashTable::new();
    }

    /// True if there is only an implied root.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.len() == 1 && self.nodes[0].at.at().is_none()
    }

    pub(super) fn member(&self, at: MemberId) -> &'a Member {
        &self.layers[at.layer as usize][at.member as usize]
    }

    pub(super) fn kind(&self, node: u32) -> &'a Kind {
        self.nodes[node as usize].holder.at().map_or(&Kind::Dir, |at| &self.member(at).kind)
    }

    pub(super) fn is_dir(&self, node: u32) -> bool {
        *self.kind(node) == Kind::Dir
    }

    pub(super) fn name(&self, node: u32) -> &'a [u8] {
        let given = self.nodes[node as usize].at.at().map(|at| path::split(&self.member(at).path).1);
        given.unwrap_or_else(|| self.implied[&node])
    }

    pub(super) fn child(&self, dir: u32, name: &[u8]) -> Option<u32> {
        self.table.find(self.hash(dir, name), |&n| self.is(n, dir, name)).copied()
    }

    /// Returns the nodes in a directory, in no order.
    pub(super) fn children(&self, dir: u32) -> impl Iterator<Item = u32> {
        let some = |node: u32| (node != NONE).then_some(node);
        let all = std::iter::successors(some(self.nodes[dir as usize].first_child), move |&n| {
            some(self.nodes[n as usize].next)
        });
        all.filter(move |&n| self.nodes[n as usize].parent == dir)
    }

    fn hash(&self, dir: u32, name: &[u8]) -> u64 {
        self.hasher.hash_one((dir, name))
    }

    fn hash_of(&self, node: u32) -> u64 {
        self.hash(self.nodes[node as usize].parent, self.name(node))
    }

    fn is(&self, node: u32, dir: u32, name: &[u8]) -> bool {
        self.nodes[node as usize].parent == dir && self.name(node) == name
    }

    /// Puts a name into a directory, replacing any node of that name and everything below it.
    fn put(&mut self, dir: u32, name: &'a [u8], holder: Origin, at: Origin) -> u32 {
        self.remove(dir, name);
        let id = self.nodes.len() as u32;
        let next = std::mem::replace(&mut self.nodes[dir as usize].first_child, id);
        self.nodes.push(BuildNode { parent: dir, at, holder, first_child: NONE, next });
        if at.at().is_none() {
            self.implied.insert(id, name);
        }
        let mut table = std::mem::take(&mut self.table);
        table.insert_unique(self.hash(dir, name), id, |&n| self.hash_of(n));
        self.table = table;
        id
    }

    pub(super) fn remove(&mut self, dir: u32, name: &[u8]) {
        let mut table = std::mem::take(&mut self.table);
        if let Ok(found) = table.find_entry(self.hash(dir, name), |&n| self.is(n, dir, name)) {
            let (node, _) = found.remove();
            self.nodes[node as usize].parent = NONE;
        }
        self.table = table;
    }

    /// Removes everything from a directory.
    pub(super) fn clear(&mut self, dir: u32) {
        let children: Vec<u32> = self.children(dir).collect();
        children.into_iter().for_each(|child| self.remove(dir, self.name(child)));
        self.nodes[dir as usize].first_child = NONE;
    }

    /// Adds an entry of the layer whose tree this is; returns the member with its data, as far as it is known.
    pub(super) fn add(&mut self, at: MemberId, pending: &mut Vec<u32>) -> Result<MemberId, &'static str> {
        let member = self.member(at);
        let own = Origin::of(at);
        if member.path.is_empty() {
            if member.kind != Kind::Dir {
                return Err("the root is no directory");
            }
            (self.nodes[0].at, self.nodes[0].holder) = (own, own);
            return Ok(at);
        }
        let (dir, name) = path::split(&member.path);
        let dir = self.make_dirs(dir)?;
        let old = self.child(dir, name);
        match (&member.kind, old) {
            (Kind::Dir, Some(old)) if self.is_dir(old) => {
                let node = &mut self.nodes[old as usize];
                (node.at, node.holder) = (own, own);
            }
            (Kind::HardLink(target), _) => {
                let found = self.find(target, true);
                if found.is_some_and(|n| self.is_dir(n)) {
                    return Err("a hard link to a directory");
                }
                let holder = found.map_or(own, |n| self.nodes[n as usize].holder);
                if found.is_none() {
                    pending.push(at.member);
                }
                // A link to itself leaves the entry that was there.
                if found.is_none() || found != old {
                    self.put(dir, name, holder, own);
                }
                return Ok(holder.at().unwrap_or(at));
            }
            _ => {
                self.put(dir, name, own, own);
            }
        }
        Ok(at)
    }

    /// Returns the directory at this path, made if it is missing, with symbolic links followed.
    pub(super) fn make_dirs(&mut self, dir: &'a [u8]) -> Result<u32, &'static str> {
        let mut at = 0;
        let mut links = 0;
        let mut todo: Vec<&'a [u8]> = components_reversed(dir);
        while let Some(part) = todo.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    at = self.nodes[at as usize].parent;
                    continue;
                }
                _ => {}
            }
            let next = self.child(at, part);
            match next.map(|n| (n, self.kind(n))) {
                Some((n, Kind::Dir)) => at = n,
                Some((_, Kind::Symlink(target))) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err("the path leads through a loop of symbolic links");
                    }
                    todo.extend(components_reversed(target));
                    at = if target.starts_with(b"/") { 0 } else { at };
                }
                // Nothing is here, or a file that a directory replaces.
                _ => {
                    let none = Origin::implied(self.layer);
                    at = self.put(at, part, none, none);
                }
            }
        }
        Ok(at)
    }

    /// Returns the node of a path; symbolic links are followed in its parents if `follow`, never at its end.
    pub(super) fn find(&self, wanted: &[u8], follow: bool) -> Option<u32> {
        let (dir, name) = path::split(wanted);
        let dir = if follow { self.find_dir(dir)? } else { self.walk(dir)? };
        if name.is_empty() { Some(dir) } else { self.child(dir, name) }
    }

    pub(super) fn walk(&self, wanted: &[u8]) -> Option<u32> {
        path::components(wanted).try_fold(0, |at, part| self.child(at, part))
    }

    /// True if there is a symbolic link on the way of this path or at its end.
    pub(super) fn leads_through_a_link(&self, dir: &[u8]) -> bool {
        let mut at = 0;
        for part in path::components(dir) {
            let Some(next) = self.child(at, part) else { return false };
            if matches!(self.kind(next), Kind::Symlink(_)) {
                return true;
            }
            at = next;
        }
        false
    }

    /// Returns the directory that a path leads to, with symbolic links followed.
    fn find_dir(&self, dir: &[u8]) -> Option<u32> {
        let canonical = self.canonical(dir)?;
        self.walk(&canonical).filter(|&n| self.is_dir(n))
    }

    /// Returns the path without the symbolic links of this tree; parts that this tree does not have are kept as they are.
    /// Returns `None` if the path leads through a file or a loop.
    pub(super) fn canonical(&self, dir: &[u8]) -> Option<BString> {
        let mut done: Vec<&[u8]> = Vec::new();
        let mut nodes = vec![Some(0u32)];
        let mut links = 0;
        let mut todo = components_reversed(dir);
        while let Some(part) = todo.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    if done.pop().is_some() {
                        nodes.pop();
                    }
                    continue;
                }
                _ => {}
            }
            let here = nodes.last().copied().flatten();
            let next = here.and_then(|n| self.child(n, part));
            match next.map(|n| self.kind(n)) {
                Some(Kind::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        done.clear();
                        nodes.truncate(1);
                    }
                    todo.extend(components_reversed(target));
                }
                None | Some(Kind::Dir) => {
                    done.push(part);
                    nodes.push(next);
                }
                Some(_) => return None,
            }
        }
        Some(bstr::join("/", done).into())
    }

    /// Lays another tree on top; `foreign` has the holders of its links into this one.
    pub(super) fn lay(&mut self, own: &Self, foreign: &HashMap<Origin, Origin>) {
        let mut todo = vec![(0u32, 0u32)];
        while let Some((from, to)) = todo.pop() {
            let source = own.nodes[from as usize];
            if source.at.at().is_some() {
                let node = &mut self.nodes[to as usize];
                (node.at, node.holder) = (source.at, source.holder);
            }
            for child in own.children(from) {
                let node = own.nodes[child as usize];
                let (name, is_dir) = (own.name(child), own.is_dir(child));
                let id = match self.child(to, name) {
                    Some(old) if is_dir && self.is_dir(old) => old,
                    _ => {
                        let holder = foreign.get(&node.holder).copied().unwrap_or(node.holder);
                        self.put(to, name, holder, node.at)
                    }
                };
                if is_dir {
                    todo.push((child, id));
                }
            }
        }
    }
}

/// Returns the components, last first: a stack of those to be walked.
fn components_reversed(path: &[u8]) -> Vec<&[u8]> {
    path.split(|&c| c == b'/').rev().collect()
}
