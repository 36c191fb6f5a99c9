//! From layers to one tree, with the semantics of overlay engines.
//!
//! A layer is unpacked alone, in tar order, into a tree of its own: the last entry of a path wins, and a path below a
//! symbolic link of the same layer follows it. Then the layer's whiteouts and opaque markers hide lower entries, whatever
//! their order in the tar; a directory over a directory merges, anything else replaces.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use super::{At, Inode, InodeId, Node, NodeId, Tree};
use crate::path;
use crate::tar::{Kind, Member};
use crate::{Error, ErrorKind, Result};
use bstr::{BString, ByteSlice};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The longest path that Linux takes, in bytes (`PATH_MAX`): no engine can unpack a longer one.
const PATH_MAX: usize = 4096;
/// Symbolic links followed on one path, as in Linux.
const MAX_LINKS: usize = 40;

/// A whiteout or an opaque marker, with symbolic links of its own layer followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it hides: the path itself of a whiteout, the children of this directory for an opaque marker.
    pub path: BString,
    /// Whether it is an opaque marker.
    pub opaque: bool,
    /// The member that says so.
    pub member: u32,
}

/// All layers on top of each other.
#[derive(Clone, Debug)]
pub struct Merged {
    /// What a container sees.
    pub tree: Tree,
    /// The same after the base layers alone, where there are any.
    pub base: Option<Tree>,
    /// The whiteouts and opaque markers of each layer.
    pub marks: Vec<Vec<Mark>>,
}

/// What a member's name makes of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// An entry of the tree.
    Entry,
    /// Hides this name in its directory.
    Whiteout(&'a [u8]),
    /// Hides all lower children of its directory.
    Opaque,
    /// AUFS bookkeeping, below a whiteout, or a whiteout of nothing nameable: never in the tree.
    Nothing,
}

/// Tells entries from markers by the name alone, as engines do.
#[must_use]
pub fn role(member_path: &[u8]) -> Role<'_> {
    let (dir, name) = path::split(member_path);
    if path::components(dir).any(|part| part.starts_with(b".wh.")) {
        return Role::Nothing;
    }
    match name.strip_prefix(b".wh.") {
        None => Role::Entry,
        Some(b".wh..opq") => Role::Opaque,
        Some(b"" | b"." | b"..") => Role::Nothing,
        Some(hidden) if hidden.starts_with(b".wh.") => Role::Nothing,
        Some(hidden) => Role::Whiteout(hidden),
    }
}

/// Merges the members of all layers, bottom first; the first `base` of them also into a tree of their own.
///
/// # Errors
/// Of kind [`ErrorKind::Layer`], with layer and member: a hard link without a target or to a directory, a loop of
/// symbolic links on an entry's path, a path that is too long.
pub fn merge(layers: &[&[Member]], base: usize) -> Result<Merged> {
    let mut all = Build::new();
    let mut marks = Vec::with_capacity(layers.len());
    let mut base_tree = None;
    for (index, members) in layers.iter().enumerate() {
        let fail = |e: Error| e.layer(format!("layer {} of {}", index + 1, layers.len()));
        let own = unpack(index as u32, members).map_err(fail)?;
        all.layer = index as u32;
        all.overlay(&own, members).map_err(fail)?;
        marks.push(own.marks);
        if index + 1 == base {
            base_tree = Some(all.freeze());
        }
    }
    Ok(Merged { tree: all.freeze(), base: base_tree, marks })
}

/// A tree under construction; nodes and inodes that nothing leads to any more stay in it unused.
struct Build {
    nodes: Vec<BuildNode>,
    inodes: Vec<BuildInode>,
    /// The layer that is being added.
    layer: u32,
}

#[derive(Clone)]
struct BuildNode {
    parent: u32,
    inode: u32,
    at: Option<At>,
    since: u32,
    children: BTreeMap<BString, u32>,
}

#[derive(Clone)]
struct BuildInode {
    kind: Kind,
    holder: Option<At>,
}

/// One layer unpacked alone.
struct Own {
    build: Build,
    marks: Vec<Mark>,
    /// Hard links whose target this layer does not have, by inode.
    foreign: Vec<(u32, u32)>,
}

fn bad(members: &[Member], index: u32, what: impl Into<String>) -> Error {
    let member = &members[index as usize];
    Error::new(ErrorKind::Layer, what).member(&member.path).offset(member.span.start)
}

fn unpack(layer: u32, members: &[Member]) -> Result<Own> {
    let mut own = Own { build: Build::new(), marks: Vec::new(), foreign: Vec::new() };
    let mut markers = Vec::new();
    let mut pending = Vec::new();
    for (index, member) in (0u32..).zip(members) {
        if member.path.len() >= PATH_MAX {
            let found = format!("{} bytes", member.path.len());
            return Err(bad(members, index, "the path is too long for Linux").expected("less than 4096 bytes", found));
        }
        match role(&member.path) {
            Role::Entry => {
                let at = At { layer, member: index };
                own.build.add(member, at, &mut pending).map_err(|what| bad(members, index, what))?;
            }
            Role::Nothing => {}
            Role::Whiteout(name) => markers.push((index, Some(name))),
            Role::Opaque => markers.push((index, None)),
        }
    }
    for (index, name) in markers {
        // Only now: a marker counts whatever its place in the tar.
        let (dir, _) = path::split(&members[index as usize].path);
        if let Some(dir) = own.build.canonical(dir) {
            let path = name.map_or_else(|| dir.clone(), |name| path::join(&dir, name));
            own.marks.push(Mark { path, opaque: name.is_none(), member: index });
        }
    }
    own.settle(&pending, members)?;
    Ok(own)
}

impl Own {
    /// Gives links that came before their targets the inodes that they mean. A chain of links that ends at a name which this
    /// layer does not have is one inode of a lower layer.
    fn settle(&mut self, pending: &[(u32, u32)], members: &[Member]) -> Result<()> {
        let links: HashMap<u32, u32> = pending.iter().copied().collect();
        let mut settled: HashMap<u32, u32> = HashMap::new();
        for &(first, _) in pending {
            let mut trail = Vec::new();
            let mut inode = first;
            while let (Some(&index), None) = (links.get(&inode), settled.get(&inode)) {
                trail.push(inode);
                settled.insert(inode, inode);
                let Kind::HardLink(target) = &members[index as usize].kind else {
                    break;
                };
                let Some(node) = self.build.find(target, true) else {
                    break;
                };
                if *self.build.kind(node) == Kind::Dir {
                    return Err(bad(members, index, "a hard link to a directory"));
                }
                inode = self.build.nodes[node as usize].inode;
            }
            let end = settled.get(&inode).copied().unwrap_or(inode);
            settled.extend(trail.into_iter().map(|inode| (inode, end)));
        }
        for node in &mut self.build.nodes {
            node.inode = settled.get(&node.inode).copied().unwrap_or(node.inode);
        }
        // A link that a later entry of the layer replaced needs no target.
        let mut wanted: HashSet<u32> = HashSet::new();
        let mut todo = vec![0u32];
        while let Some(node) = todo.pop() {
            wanted.insert(self.build.nodes[node as usize].inode);
            todo.extend(self.build.nodes[node as usize].children.values());
        }
        let foreign = |(inode, _): &(u32, u32)| settled[inode] == *inode && wanted.contains(inode);
        self.foreign = pending.iter().copied().filter(foreign).collect();
        Ok(())
    }
}

impl Build {
    fn new() -> Self {
        let root = BuildNode { parent: 0, inode: 0, at: None, since: 0, children: BTreeMap::new() };
        Self { nodes: vec![root], inodes: vec![BuildInode { kind: Kind::Dir, holder: None }], layer: 0 }
    }

    fn inode(&mut self, kind: Kind, holder: Option<At>) -> u32 {
        self.inodes.push(BuildInode { kind, holder });
        self.inodes.len() as u32 - 1
    }

    fn kind(&self, node: u32) -> &Kind {
        &self.inodes[self.nodes[node as usize].inode as usize].kind
    }

    /// Puts a name into a directory, in place of any other of that name and all below it.
    fn put(&mut self, dir: u32, name: &[u8], inode: u32, at: Option<At>) -> u32 {
        let id = self.nodes.len() as u32;
        self.nodes.push(BuildNode { parent: dir, inode, at, since: self.layer, children: BTreeMap::new() });
        self.nodes[dir as usize].children.insert(name.into(), id);
        id
    }

    /// Adds an entry of the layer that this is the tree of.
    fn add(&mut self, member: &Member, at: At, pending: &mut Vec<(u32, u32)>) -> Result<(), &'static str> {
        if member.path.is_empty() {
            if member.kind != Kind::Dir {
                return Err("the root is no directory");
            }
            self.nodes[0].at = Some(at);
            self.nodes[0].inode = self.inode(Kind::Dir, Some(at));
            return Ok(());
        }
        let (dir, name) = path::split(&member.path);
        let dir = self.make_dirs(dir)?;
        let old = self.nodes[dir as usize].children.get(name.as_bstr()).copied();
        match (&member.kind, old) {
            (Kind::Dir, Some(old)) if *self.kind(old) == Kind::Dir => {
                self.nodes[old as usize].inode = self.inode(Kind::Dir, Some(at));
                self.nodes[old as usize].at = Some(at);
            }
            (Kind::HardLink(target), _) => {
                let found = self.find(target, true);
                let inode = match found.map(|n| (self.nodes[n as usize].inode, self.kind(n))) {
                    Some((_, Kind::Dir)) => return Err("a hard link to a directory"),
                    // A link to itself leaves what was there.
                    Some((inode, _)) => inode,
                    None => {
                        let inode = self.inode(member.kind.clone(), None);
                        pending.push((inode, at.member));
                        inode
                    }
                };
                if found.is_none() || found != old {
                    self.put(dir, name, inode, Some(at));
                }
            }
            (kind, _) => {
                let inode = self.inode(kind.clone(), Some(at));
                self.put(dir, name, inode, Some(at));
            }
        }
        Ok(())
    }

    /// The directory of this path, made where it is missing, with symbolic links followed.
    fn make_dirs(&mut self, dir: &[u8]) -> Result<u32, &'static str> {
        let mut at = 0;
        let mut links = 0;
        let mut todo: Vec<BString> = path::components(dir).rev_collect();
        while let Some(part) = todo.pop() {
            if part == "." || part.is_empty() {
                continue;
            }
            if part == ".." {
                at = self.nodes[at as usize].parent;
                continue;
            }
            let next = self.nodes[at as usize].children.get(&part).copied();
            match next.map(|n| (n, self.kind(n))) {
                Some((n, Kind::Dir)) => at = n,
                Some((_, Kind::Symlink(target))) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err("the path leads through a loop of symbolic links");
                    }
                    let absolute = target.starts_with(b"/");
                    todo.extend(target.split(|&c| c == b'/').rev_collect());
                    at = if absolute { 0 } else { at };
                }
                // Nothing, or a file that a directory replaces.
                _ => {
                    let inode = self.inode(Kind::Dir, None);
                    at = self.put(at, &part, inode, None);
                }
            }
        }
        Ok(at)
    }

    /// The node of a path; symbolic links are followed in its parents if `follow`, never at its end.
    fn find(&self, wanted: &[u8], follow: bool) -> Option<u32> {
        let (dir, name) = path::split(wanted);
        let dir = if follow { self.find_dir(dir)? } else { self.walk(dir)? };
        if name.is_empty() { Some(dir) } else { self.nodes[dir as usize].children.get(name.as_bstr()).copied() }
    }

    fn walk(&self, wanted: &[u8]) -> Option<u32> {
        path::components(wanted).try_fold(0, |at, part| self.nodes[at as usize].children.get(part.as_bstr()).copied())
    }

    /// The directory that a path leads to, with symbolic links followed.
    fn find_dir(&self, dir: &[u8]) -> Option<u32> {
        let canonical = self.canonical(dir)?;
        self.walk(&canonical).filter(|&n| *self.kind(n) == Kind::Dir)
    }

    /// The path without the symbolic links of this tree; what this tree does not have is taken as it is. `None` where the
    /// path leads through a file or a loop.
    fn canonical(&self, dir: &[u8]) -> Option<BString> {
        let mut done: Vec<BString> = Vec::new();
        let mut nodes = vec![Some(0u32)];
        let mut links = 0;
        let mut todo: Vec<BString> = path::components(dir).rev_collect();
        while let Some(part) = todo.pop() {
            if part == "." || part.is_empty() {
                continue;
            }
            if part == ".." {
                if done.pop().is_some() {
                    nodes.pop();
                }
                continue;
            }
            let here = nodes.last().copied().flatten();
            let next = here.and_then(|n| self.nodes[n as usize].children.get(&part).copied());
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
                    todo.extend(target.split(|&c| c == b'/').rev_collect());
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

    /// Lays a layer on top.
    fn overlay(&mut self, own: &Own, members: &[Member]) -> Result<()> {
        let mut inodes: HashMap<u32, u32> = HashMap::new();
        for &(inode, index) in &own.foreign {
            let Kind::HardLink(target) = &members[index as usize].kind else {
                continue;
            };
            let found = self.find(target, false).or_else(|| self.find(target, true));
            let found = found.ok_or_else(|| {
                let what = format!("a hard link to {}, which neither this layer nor a lower one has", target.as_bstr());
                bad(members, index, what)
            })?;
            if *self.kind(found) == Kind::Dir {
                return Err(bad(members, index, "a hard link to a directory"));
            }
            inodes.insert(inode, self.nodes[found as usize].inode);
        }
        for mark in &own.marks {
            if mark.opaque {
                if let Some(dir) = self.walk(&mark.path) {
                    self.nodes[dir as usize].children.clear();
                }
            } else {
                let (dir, name) = path::split(&mark.path);
                if let Some(dir) = self.walk(dir) {
                    self.nodes[dir as usize].children.remove(name.as_bstr());
                }
            }
        }
        self.lay(&own.build, inodes);
        Ok(())
    }

    fn lay(&mut self, own: &Self, mut inodes: HashMap<u32, u32>) {
        let mut todo = vec![(0u32, 0u32)];
        while let Some((from, to)) = todo.pop() {
            let source = &own.nodes[from as usize];
            if source.at.is_some() && own.inodes[source.inode as usize].kind == Kind::Dir {
                self.nodes[to as usize].at = source.at;
                let holder = own.inodes[source.inode as usize].holder;
                self.nodes[to as usize].inode = self.inode(Kind::Dir, holder);
            }
            for (name, &child) in &source.children {
                let node = &own.nodes[child as usize];
                let kind = &own.inodes[node.inode as usize].kind;
                let old = self.nodes[to as usize].children.get(name).copied();
                let id = match old {
                    Some(old) if *kind == Kind::Dir && *self.kind(old) == Kind::Dir => old,
                    _ => {
                        let inode = *inodes.entry(node.inode).or_insert_with(|| {
                            self.inodes.push(own.inodes[node.inode as usize].clone());
                            self.inodes.len() as u32 - 1
                        });
                        self.put(to, name, inode, node.at)
                    }
                };
                if *kind == Kind::Dir {
                    todo.push((child, id));
                }
            }
        }
    }

    /// The tree as it is now, flat, without what nothing leads to.
    fn freeze(&self) -> Tree {
        let mut nodes: Vec<Node> = Vec::new();
        let mut inodes: Vec<Inode> = Vec::new();
        let mut ids: HashMap<u32, InodeId> = HashMap::new();
        // Children pushed in reverse come out in order; a node's end is known when its parent's next child begins.
        let mut todo = vec![(0u32, NodeId::ROOT, BString::default())];
        while let Some((from, parent, name)) = todo.pop() {
            let source = &self.nodes[from as usize];
            let id = NodeId(nodes.len() as u32);
            let inode = *ids.entry(source.inode).or_insert_with(|| {
                let old = &self.inodes[source.inode as usize];
                inodes.push(Inode { kind: old.kind.clone(), holder: old.holder, names: Vec::new() });
                InodeId(inodes.len() as u32 - 1)
            });
            inodes[inode.0 as usize].names.push(id);
            let (at, since) = (source.at, source.since);
            nodes.push(Node { parent, name, inode, at, since, end: id.0 + 1, children: Vec::new() });
            if id != NodeId::ROOT {
                nodes[parent.index()].children.push(id);
            }
            todo.extend(source.children.iter().rev().map(|(name, &child)| (child, id, name.clone())));
        }
        for index in (1..nodes.len()).rev() {
            let (end, parent) = (nodes[index].end, nodes[index].parent.index());
            nodes[parent].end = nodes[parent].end.max(end);
        }
        Tree { nodes, inodes }
    }
}

/// Components as owned values, last first: a stack of what is to be walked.
trait RevCollect {
    fn rev_collect(self) -> Vec<BString>;
}

impl<'a, I: Iterator<Item = &'a [u8]>> RevCollect for I {
    fn rev_collect(self) -> Vec<BString> {
        let mut parts: Vec<BString> = self.map(Into::into).collect();
        parts.reverse();
        parts
    }
}

#[cfg(test)]
pub(crate) mod tests;
