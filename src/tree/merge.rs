//! From layers to one tree, with the semantics of overlay engines.
//!
//! A layer is unpacked alone, in tar order, into a tree of its own: the last entry of a path wins, and a path below a
//! symbolic link of the same layer follows it. Then the layer's whiteouts and opaque markers hide lower entries, whatever
//! their order in the tar; a directory over a directory merges, anything else replaces.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use super::build::Build;
use super::{At, Tree};
use crate::path;
use crate::tar::{Kind, Member};
use crate::{Error, ErrorKind, Result};
use bstr::{BString, ByteSlice};
use std::collections::{HashMap, HashSet};

/// The longest path that Linux takes, in bytes (`PATH_MAX`): no engine can unpack a longer one.
const PATH_MAX: usize = 4096;

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
    /// The hard links of each layer: the member, and the member of the same layer that has its data.
    pub links: Vec<HashMap<u32, u32>>,
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

/// Whether a member's own name spells the whiteout of exactly this path.
#[must_use]
pub fn is_marker_of(member_path: &[u8], hidden: &[u8]) -> bool {
    let (dir, name) = path::split(hidden);
    path::split(member_path).0 == dir && role(member_path) == Role::Whiteout(name)
}

/// Merges the members of all layers, bottom first; the first `base` of them also into a tree of their own.
///
/// # Errors
/// Of kind [`ErrorKind::Layer`], with layer and member: a hard link without a target or to a directory, a loop of
/// symbolic links on an entry's path, a path that is too long.
pub fn merge(layers: &[&[Member]], base: usize) -> Result<Merged> {
    let mut all = Build::new();
    let mut marks = Vec::with_capacity(layers.len());
    let mut links = Vec::with_capacity(layers.len());
    let mut base_tree = None;
    for (index, members) in layers.iter().enumerate() {
        let fail = |e: Error| e.layer(format!("layer {} of {}", index + 1, layers.len()));
        let own = unpack(index as u32, members).map_err(fail)?;
        all.layer = index as u32;
        all.overlay(&own, members).map_err(fail)?;
        marks.push(own.marks);
        links.push(own.links);
        if index + 1 == base {
            base_tree = Some(all.freeze());
        }
    }
    Ok(Merged { tree: all.freeze(), base: base_tree, marks, links })
}

/// One layer unpacked alone.
struct Own {
    build: Build,
    marks: Vec<Mark>,
    /// Hard links whose target this layer does not have, by inode.
    foreign: Vec<(u32, u32)>,
    /// Hard links within this layer: member and the member with the data.
    links: HashMap<u32, u32>,
}

fn bad(members: &[Member], index: u32, what: impl Into<String>) -> Error {
    let member = &members[index as usize];
    Error::new(ErrorKind::Layer, what).member(&member.path).offset(member.span.start)
}

fn unpack(layer: u32, members: &[Member]) -> Result<Own> {
    let mut own = Own { build: Build::new(), marks: Vec::new(), foreign: Vec::new(), links: HashMap::new() };
    let mut markers = Vec::new();
    let mut pending = Vec::new();
    let mut linked = Vec::new();
    for (index, member) in (0u32..).zip(members) {
        let longest = member.path.len().max(target_length(member));
        if longest >= PATH_MAX {
            let what = "the path or the link's target is too long for Linux";
            return Err(bad(members, index, what).expected("less than 4096 bytes", format!("{longest} bytes")));
        }
        match role(&member.path) {
            Role::Entry => {
                let at = At { layer, member: index };
                let inode = own.build.add(member, at, &mut pending).map_err(|what| bad(members, index, what))?;
                if matches!(member.kind, Kind::HardLink(_)) {
                    linked.push((index, inode));
                }
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
    let settled = own.settle(&pending, members);
    let data = |inode: &u32| own.build.inodes[settled.get(inode).copied().unwrap_or(*inode) as usize].holder;
    own.links = linked.iter().filter_map(|(index, inode)| Some((*index, data(inode)?.member))).collect();
    Ok(own)
}

/// The length of what a link names, in bytes.
fn target_length(member: &Member) -> usize {
    match &member.kind {
        Kind::Symlink(target) | Kind::HardLink(target) => target.len(),
        _ => 0,
    }
}

impl Own {
    /// Gives links that came before their targets the inodes that they mean. A chain of links that ends at a name which this
    /// layer does not have is one inode of a lower layer.
    fn settle(&mut self, pending: &[(u32, u32)], members: &[Member]) -> HashMap<u32, u32> {
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
                // A directory that came after the link is not what it means; a lower layer may have that.
                let found = self.build.find(target, true).filter(|&node| *self.build.kind(node) != Kind::Dir);
                let Some(node) = found else {
                    break;
                };
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
        settled
    }
}

impl Build {
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
}

#[cfg(test)]
pub(crate) mod tests;
