//! Merges layers into one tree, with the semantics of overlay engines.
//!
//! A layer is unpacked alone, in tar order, into a tree of its own: the last entry of a path wins, and a path below a symbolic
//! link of the same layer follows it. Then the layer's whiteouts hide lower entries, whatever their order in the tar; a
//! directory over a directory merges, anything else replaces.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use super::build::Build;
use super::{MemberId, Origin, Tree};
use crate::path;
use crate::tar::{Kind, Member};
use crate::{Error, ErrorKind, Result};
use bstr::BString;
use std::collections::{HashMap, HashSet};

/// The longest path that Linux takes, in bytes (`PATH_MAX`): no engine can unpack a longer one.
const PATH_MAX: usize = 4096;

/// A whiteout, opaque or not, with symbolic links of its own layer followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whiteout {
    /// The path that it hides: that of a whiteout, or for an opaque whiteout the directory whose lower children are hidden.
    pub path: BString,
    /// True for an opaque whiteout.
    pub opaque: bool,
    /// The number in its layer of the member that is the whiteout.
    pub member: u32,
}

/// All layers on top of each other.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The tree that a container sees.
    pub tree: Tree,
    /// The tree of the base layers alone, if there are any.
    pub base: Option<Tree>,
    /// The whiteouts of each layer, opaque ones too.
    pub whiteouts: Vec<Vec<Whiteout>>,
    /// The hard links of each layer: the member, and the member of the same layer that has its data.
    pub links: Vec<HashMap<u32, u32>>,
}

/// The meaning of a member, by its name.
#[derive(Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// An entry of the tree.
    Entry,
    /// Hides this name in its directory.
    Whiteout(&'a [u8]),
    /// Hides all lower children of its directory.
    OpaqueWhiteout,
    /// AUFS bookkeeping, a member below a whiteout, or a whiteout of something that has no name: never in the tree.
    Nothing,
}

/// Tells entries from whiteouts by the name alone, as engines do.
#[must_use]
pub fn role(member_path: &[u8]) -> Role<'_> {
    let (dir, name) = path::split(member_path);
    if path::components(dir).any(|part| part.starts_with(b".wh.")) {
        return Role::Nothing;
    }
    match name.strip_prefix(b".wh.") {
        None => Role::Entry,
        Some(b".wh..opq") => Role::OpaqueWhiteout,
        Some(b"" | b"." | b"..") => Role::Nothing,
        Some(hidden) if hidden.starts_with(b".wh.") => Role::Nothing,
        Some(hidden) => Role::Whiteout(hidden),
    }
}

/// True if a member's name is that of the whiteout of exactly this path.
#[must_use]
pub fn is_whiteout_of(member_path: &[u8], hidden: &[u8]) -> bool {
    let (dir, name) = path::split(hidden);
    path::split(member_path).0 == dir && role(member_path) == Role::Whiteout(name)
}

/// Merges the members of all layers, bottom first; the first `base` of them also into a tree of their own.
///
/// # Errors
/// Returns an error of kind [`ErrorKind::Layer`], with layer and member: for a hard link without a target or to a directory, a
/// loop of symbolic links on an entry's path, or a path that is too long.
pub fn merge(layers: &[&[Member]], base: usize) -> Result<Merged> {
    let mut all = Build::new(layers, 0);
    let mut whiteouts = Vec::with_capacity(layers.len());
    let mut links = Vec::with_capacity(layers.len());
    let mut base_tree = None;
    for (index, members) in layers.iter().enumerate() {
        let fail = |e: Error| e.layer(format!("layer {} of {}", index + 1, layers.len()));
        let own = unpack(index as u32, layers).map_err(fail)?;
        let (own, found) = (own.build, own.found);
        all.layer = index as u32;
        all.overlay(own, &found, members).map_err(fail)?;
        whiteouts.push(found.whiteouts);
        links.push(found.links);
        if index + 1 == base {
            base_tree = Some(all.freeze()?);
        }
    }
    // The base tree above was frozen with the table, which later layers still needed. Now its memory is free for the flat tree.
    all.drop_table();
    Ok(Merged { tree: all.freeze()?, base: base_tree, whiteouts, links })
}

/// One layer, unpacked alone.
struct Own<'a> {
    build: Build<'a>,
    found: Found,
}

/// Everything that a layer says beside its tree.
#[derive(Default)]
struct Found {
    whiteouts: Vec<Whiteout>,
    /// Hard links whose target this layer does not have, by their number in the layer.
    foreign: Vec<u32>,
    /// Hard links within this layer: the number of the link, and that of the member with the data.
    links: HashMap<u32, u32>,
}

fn bad(members: &[Member], index: u32, what: impl Into<String>) -> Error {
    let member = &members[index as usize];
    Error::new(ErrorKind::Layer, what).member(&member.path).offset(member.start)
}

fn unpack<'a>(layer: u32, layers: &'a [&'a [Member]]) -> Result<Own<'a>> {
    let members = layers[layer as usize];
    let mut own = Own { build: Build::new(layers, layer), found: Found::default() };
    own.build.reserve(members.len());
    let mut whiteouts = Vec::new();
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
                let at = MemberId { layer, member: index };
                let holder = own.build.add(at, &mut pending).map_err(|what| bad(members, index, what))?;
                if matches!(member.kind, Kind::HardLink(_)) {
                    linked.push((index, holder.member));
                }
            }
            Role::Nothing => {}
            Role::Whiteout(name) => whiteouts.push((index, Some(name))),
            Role::OpaqueWhiteout => whiteouts.push((index, None)),
        }
    }
    for (index, name) in whiteouts {
        // Only after all entries: a whiteout counts whatever its place in the tar.
        let (dir, _) = path::split(&members[index as usize].path);
        if let Some(dir) = own.build.canonical(dir) {
            let path = name.map_or_else(|| dir.clone(), |name| path::join(&dir, name));
            own.found.whiteouts.push(Whiteout { path, opaque: name.is_none(), member: index });
        }
    }
    let settled = own.settle(&pending, members);
    let data = |(link, holder): (u32, u32)| (link, settled.get(&holder).copied().unwrap_or(holder));
    let has_data = |&(_, holder): &(u32, u32)| !matches!(members[holder as usize].kind, Kind::HardLink(_));
    own.found.links = linked.into_iter().map(data).filter(has_data).collect();
    Ok(own)
}

/// Returns the length of a link's target, in bytes.
fn target_length(member: &Member) -> usize {
    match &member.kind {
        Kind::Symlink(target) | Kind::HardLink(target) => target.len(),
        _ => 0,
    }
}

impl Own<'_> {
    /// Gives hard links that came before their targets the holders that they mean, and returns these. A chain of links that
    /// ends at a name which this layer does not have is one inode of a lower layer; the last link stands for it.
    fn settle(&mut self, pending: &[u32], members: &[Member]) -> HashMap<u32, u32> {
        let mut settled: HashMap<u32, u32> = HashMap::new();
        if pending.is_empty() {
            return settled;
        }
        let links: HashSet<u32> = pending.iter().copied().collect();
        // Each link is followed to the end of its chain. It is its own holder while it is being followed, so that a loop of
        // links ends, and all links of the chain get the holder at its end.
        for &first in pending {
            let mut trail = Vec::new();
            let mut holder = first;
            while links.contains(&holder) && !settled.contains_key(&holder) {
                trail.push(holder);
                settled.insert(holder, holder);
                let Kind::HardLink(target) = &members[holder as usize].kind else {
                    break;
                };
                // A directory that came after the link is not its target; a lower layer may have that.
                let found = self.build.find(target, true).filter(|&node| !self.build.is_dir(node));
                let Some(at) = found.and_then(|node| self.build.nodes[node as usize].holder.at()) else {
                    break;
                };
                holder = at.member;
            }
            let end = settled.get(&holder).copied().unwrap_or(holder);
            settled.extend(trail.into_iter().map(|link| (link, end)));
        }
        // One inode has one holder: names that were added before their targets get the final one.
        for node in &mut self.build.nodes {
            if let Some(MemberId { layer, member }) = node.holder.at()
                && let Some(&member) = settled.get(&member)
            {
                node.holder = Origin::of(MemberId { layer, member });
            }
        }
        // A link that a later entry of the layer replaced needs no target.
        let mut wanted: HashSet<u32> = HashSet::new();
        let mut todo = vec![0u32];
        while let Some(node) = todo.pop() {
            let holder = self.build.nodes[node as usize].holder.at();
            wanted.extend(holder.map(|at| at.member).filter(|member| links.contains(member)));
            todo.extend(self.build.children(node));
        }
        let foreign = |link: &u32| settled[link] == *link && wanted.contains(link);
        self.found.foreign = pending.iter().copied().filter(foreign).collect();
        settled
    }
}

impl<'a> Build<'a> {
    /// Lays a layer on top.
    fn overlay(&mut self, mut own: Build<'a>, found: &Found, members: &'a [Member]) -> Result<()> {
        let mut holders = HashMap::new();
        // Targets are looked up before this layer's whiteouts are applied: a link keeps the data of a lower file that its own
        // layer hides. A path that exists as it is written comes before one that symbolic links lead to.
        for &link in &found.foreign {
            let Kind::HardLink(target) = &members[link as usize].kind else {
                continue;
            };
            let found = self.find(target, false).or_else(|| self.find(target, true));
            let found = found.ok_or_else(|| {
                let what = format!("a hard link to {target}, which neither this layer nor a lower one has");
                bad(members, link, what)
            })?;
            if self.is_dir(found) {
                return Err(bad(members, link, "a hard link to a directory"));
            }
            let at = MemberId { layer: self.layer, member: link };
            holders.insert(Origin::of(at), self.nodes[found as usize].holder);
        }
        // Below the first layer with entries there is nothing to hide or to merge with.
        if self.is_empty() {
            *self = own;
            return Ok(());
        }
        // All whiteouts come before all entries, as they hide only what lower layers have.
        for whiteout in &found.whiteouts {
            if whiteout.opaque {
                if let Some(dir) = self.walk(&whiteout.path) {
                    self.clear(dir);
                }
            } else {
                let (dir, name) = path::split(&whiteout.path);
                if let Some(dir) = self.walk(dir) {
                    self.remove(dir, name);
                }
            }
        }
        // Engines make the directories on the way to a whiteout, and so replace a symbolic link that a lower layer has there.
        // Measured with docker 20.10 and podman 4. In other places no directories are made, as nobody means that.
        for whiteout in &found.whiteouts {
            let dir = if whiteout.opaque { &whiteout.path[..] } else { path::split(&whiteout.path).0 };
            if self.leads_through_a_link(dir) {
                let (dir, _) = path::split(&members[whiteout.member as usize].path);
                own.make_dirs(dir).map_err(|what| bad(members, whiteout.member, what))?;
            }
        }
        // `lay` walks the layer's tree by its lists of children, so the table can go before this tree needs more memory.
        own.drop_table();
        self.reserve(own.nodes.len());
        self.lay(&own, &holders);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
