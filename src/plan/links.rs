//! Equal files of one output layer become hard links of each other, if a rule asks for it: an unpacker finds the same content,
//! mode, owner, time and xattrs under each name, and the layer has the bytes once.
//!
//! Only simple cases are linked: files of one name, in the layer that holds them, that no protection covers. Sizes and metadata
//! tell which files may be equal, so few have to be read for their hashes.

use super::Request;
use super::proposal::Proposals;
use super::rewrite::{Rewrites, is_verified};
use super::stated::Pinned;
use crate::digest::Digest;
use crate::packages::Ledger;
use crate::profile::RuleId;
use crate::tar::{Attrs, BLOCK, Kind, Member, padded, synth};
use crate::tree::{InodeId, MemberId, NodeId, Type};
use std::collections::HashMap;

/// The size in bytes of the smallest file that is linked: a link still takes a header, which is a block too.
pub const LEAST: u64 = 512;

/// Files that are equal as far as sizes and metadata tell, the first in the layer first.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    groups: Vec<Vec<Candidate>>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: MemberId,
    node: NodeId,
    rule: RuleId,
    /// The SHA-256 of a content that another program made or stripping produced.
    made: Option<[u8; 32]>,
}

/// A file that becomes a hard link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The file's member.
    pub at: MemberId,
    /// The file's name.
    pub node: NodeId,
    /// The name of the file that it is linked to, earlier in the same output layer.
    pub first: NodeId,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// The bytes of tar that the link saves.
    pub bytes: u64,
}

/// All files that become hard links.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// By layer and member.
    pub all: Vec<Linked>,
    of: HashMap<NodeId, NodeId>,
}

impl Candidates {
    /// Returns the members whose content has to be hashed to find equal ones: those that keep their content.
    #[must_use]
    pub fn unknown(&self) -> Vec<MemberId> {
        let mut out: Vec<MemberId> = self.groups.iter().flatten().filter(|c| c.made.is_none()).map(|c| c.at).collect();
        out.sort_unstable();
        out
    }
}

impl Links {
    /// Returns the name of the file that this node becomes a link to.
    #[must_use]
    pub fn first_of(&self, node: NodeId) -> Option<NodeId> {
        self.of.get(&node).copied()
    }

    /// True if anything in a layer becomes a link.
    #[must_use]
    pub fn touch(&self, layer: u32) -> bool {
        self.all.iter().any(|linked| linked.at.layer == layer)
    }
}

/// The values that must be the same for two files to become one: the output layer, size, time and all other metadata.
type Key<'a> = (u32, u64, (i64, u32), &'a Attrs);

/// Finds the files that rules would link and that may have an equal.
#[must_use]
pub fn candidates(
    request: &Request<'_>,
    proposals: &Proposals,
    dropped: &[Option<RuleId>],
    rewrites: &Rewrites,
) -> Candidates {
    if proposals.changes.iter().all(|change| change.hardlink.is_none()) {
        return Candidates::default();
    }
    let mut groups: HashMap<Key<'_>, Vec<Candidate>> = HashMap::new();
    for (id, inode) in request.merged.tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
        let (Some(at), None) = (inode.holder(), dropped[inode.name.index()]) else { continue };
        let member = request.member(at);
        let Some((key, made)) = key(request, id, at, member, rewrites) else { continue };
        let (change, protect) = (proposals.change(inode.name), proposals.nodes[inode.name.index()].protect);
        if let (Some(rule), None, None) = (change.hardlink, protect, change.content) {
            groups.entry(key).or_default().push(Candidate { at, node: inode.name, rule, made });
        }
    }
    let mut groups: Vec<Vec<Candidate>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable_by_key(|c| c.at));
    groups.sort_unstable_by_key(|group| group[0].at);
    Candidates { groups }
}

/// Returns the key that a file must share with another one, and the hash of its content if that is new; `None` if the file is
/// to be left alone.
fn key<'a>(
    request: &Request<'a>,
    id: InodeId,
    at: MemberId,
    member: &'a Member,
    rewrites: &Rewrites,
) -> Option<(Key<'a>, Option<[u8; 32]>)> {
    let tree = &request.merged.tree;
    let [name] = tree.names(id) else { return None };
    let plain = tree.node(*name).at() == Some(at) && member.sparse.is_none() && *member.path == tree.path(*name);
    if !plain || (at.layer as usize) < request.base || Ledger::of(&member.path).is_some() {
        return None;
    }
    let (size, made) = match rewrites.of(at) {
        Some(new) => (new.size, Some(rewrites.sums(at)?.sha256)),
        None => (member.stored, None),
    };
    let layer = if request.squash { u32::MAX } else { at.layer };
    let time = (member.meta.mtime.secs, member.meta.mtime.nanos);
    (size >= LEAST).then_some(((layer, size, time, &*member.meta.attrs), made))
}

/// Links equal files. `hashes` are those of the members that [`Candidates::unknown`] names. A file without a hash stays, and so
/// does one whose checksum a text has, as a program that writes to the other name would change it.
#[must_use]
pub fn links(
    request: &Request<'_>,
    candidates: &Candidates,
    rewrites: &Rewrites,
    hashes: &HashMap<MemberId, Digest>,
    pinned: &Pinned,
) -> Links {
    let tree = &request.merged.tree;
    let mut out = Links::default();
    for group in &candidates.groups {
        let mut firsts: HashMap<[u8; 32], NodeId> = HashMap::new();
        for candidate in group {
            let known = candidate.made.or_else(|| hashes.get(&candidate.at).map(|digest| *digest.as_bytes()));
            let Some(hash) = known.filter(|hash| !pinned.has(hash)) else { continue };
            let Some(&first) = firsts.get(&hash) else {
                firsts.insert(hash, candidate.node);
                continue;
            };
            let &Candidate { at, node, rule, .. } = candidate;
            if is_verified(tree, node) {
                continue;
            }
            if is_verified(tree, first) {
                firsts.insert(hash, node);
                continue;
            }
            let member = request.member(at);
            let size = rewrites.of(at).map_or(member.stored, |new| new.size);
            let kind = Kind::hard_link(tree.path(first));
            let link = synth::header(&member.path, &kind, &member.meta, 0, None).len() as u64;
            let now = u64::from(member.head) * BLOCK + padded(size);
            if let Some(bytes) = now.checked_sub(link).filter(|bytes| *bytes > 0) {
                out.all.push(Linked { at, node, first, rule, bytes });
                out.of.insert(node, first);
            }
        }
    }
    out.all.sort_unstable_by_key(|linked| linked.at);
    out
}

#[cfg(test)]
mod tests;
