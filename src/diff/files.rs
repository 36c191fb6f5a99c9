//! The comparison path by path: the files that have to be read, and the differences.

use super::pair::Row;
use super::{Answers, Aspect, Change, Entry, Image, Pair, Questions, Status};
use crate::tar::{Attrs, Kind, Member};
use crate::tree::{InodeId, MemberId, NodeId, Type};
use crate::{Digest, path};
use bstr::{BString, ByteSlice};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// PAX records that are part of a file, before the name of the attribute.
const XATTRS: [&[u8]; 3] = [b"SCHILY.xattr.", b"SCHILY.acl.", b"LIBARCHIVE.xattr."];
/// The number of pairs of files with one content above which renamed ones are paired in order, as looking at every pair would
/// be slow.
const MANY: usize = 1 << 16;

/// A file's data, in one image.
struct File<'a> {
    at: MemberId,
    member: &'a Member,
}

fn member<'a>(image: &Image<'a>, at: MemberId) -> &'a Member {
    &image.layers[at.layer as usize].members[at.member as usize]
}

fn file<'a>(image: &Image<'a>, node: NodeId) -> Option<File<'a>> {
    let at = image.tree.inode_of(node).holder()?;
    let member = member(image, at);
    (member.kind == Kind::File).then_some(File { at, member })
}

/// True if both are one member of layers with one digest, so that they cannot differ.
fn identical(pair: &Pair<'_>, a: MemberId, b: MemberId) -> bool {
    let [before, after] = &pair.images;
    a.member == b.member && before.stored[a.layer as usize].0 == after.stored[b.layer as usize].0
}

/// Returns the files that have to be read.
pub(super) fn ask(pair: &Pair<'_>) -> Questions {
    let [before, after] = &pair.images;
    let mut out = Questions::default();
    let mut lone: [Vec<(u64, MemberId)>; 2] = [Vec::new(), Vec::new()];
    for row in &pair.rows {
        let files = (row.0.and_then(|n| file(before, n)), row.1.and_then(|n| file(after, n)));
        match (row, files) {
            ((Some(_), Some(_)), (Some(a), Some(b))) => {
                let size = a.member.size();
                if size > 0 && size == b.member.size() && !identical(pair, a.at, b.at) {
                    out.pairs.push((a.at, b.at));
                }
            }
            ((Some(_), None), (Some(f), _)) if hashable(f.member) => lone[0].push((f.member.size(), f.at)),
            ((None, Some(_)), (_, Some(f))) if hashable(f.member) => lone[1].push((f.member.size(), f.at)),
            _ => {}
        }
    }
    // Hard links are several paths of one file.
    out.pairs.sort_unstable();
    out.pairs.dedup();
    let sizes = lone.each_ref().map(|list| list.iter().map(|(size, _)| *size).collect::<HashSet<u64>>());
    for (side, list) in lone.into_iter().enumerate() {
        let mut wanted: Vec<MemberId> =
            list.into_iter().filter(|(size, _)| sizes[1 - side].contains(size)).map(|(_, at)| at).collect();
        wanted.sort_unstable();
        wanted.dedup();
        out.lone[side] = wanted;
    }
    out
}

/// True if a file can be known by its content: it has some, and is not sparse, as only a part of a sparse file is stored.
fn hashable(member: &Member) -> bool {
    member.sparse.is_none() && member.size() > 0
}

/// Returns the `package.json` of packages that are not in both images by the same layer.
pub(super) fn unknown(pair: &Pair<'_>, manifests: [Vec<(NodeId, String)>; 2]) -> [Vec<(MemberId, String)>; 2] {
    let opposite = opposites(pair);
    let mut side = 0;
    manifests.map(|list| {
        let (here, there) = (&pair.images[side], &pair.images[1 - side]);
        let known = |node: NodeId, at: MemberId| {
            let other = opposite[side][node.index()].and_then(|n| file(there, n));
            other.is_some_and(
                |other| if side == 0 { identical(pair, at, other.at) } else { identical(pair, other.at, at) },
            )
        };
        let wanted = list.into_iter().filter_map(|(node, name)| {
            let at = file(here, node).filter(|f| f.member.sparse.is_none())?.at;
            (!known(node, at)).then_some((at, name))
        });
        let wanted = wanted.collect();
        side += 1;
        wanted
    })
}

/// Returns for the nodes of each tree those of the other with the same path.
fn opposites(pair: &Pair<'_>) -> [Vec<Option<NodeId>>; 2] {
    let mut out = pair.images.each_ref().map(|image| vec![None; image.tree.len()]);
    for (a, b) in pair.rows.iter().filter_map(|(a, b)| a.zip(*b)) {
        out[0][a.index()] = Some(b);
        out[1][b.index()] = Some(a);
    }
    out
}

/// The differences.
pub(super) struct Found {
    /// The changes, sorted by path.
    pub changes: Vec<Change>,
    /// For each row: true if both images have it, and it differs in more than its time and layer.
    pub real: Vec<bool>,
    /// The number of paths that do not differ, without the root.
    pub same: u64,
}

/// Compares path by path.
pub(super) fn changes(pair: &Pair<'_>, answers: &Answers) -> Found {
    let opposite = opposites(pair);
    let judge = Judge {
        pair,
        answers,
        partners: pair.layers.partners(pair.images[0].layers.len()),
        first: [0, 1].map(|side| first_names(pair, &opposite, side)),
        opposite,
    };
    let renamed = renamed(pair, answers);
    let gone: HashSet<NodeId> = renamed.values().copied().collect();
    let mut out = Found { changes: Vec::new(), real: Vec::with_capacity(pair.rows.len()), same: 0 };
    for &row in &pair.rows {
        let (mut status, mut from) = (None, None);
        let mut aspects = Vec::new();
        match row {
            (Some(a), Some(b)) => {
                aspects = judge.aspects(a, b);
                status = status_of(&aspects);
                out.same += u64::from(status.is_none() && a != NodeId::ROOT);
            }
            (Some(a), None) => status = (!gone.contains(&a)).then_some(Status::Removed),
            (None, Some(b)) => {
                from = renamed.get(&b).copied();
                status = Some(if from.is_some() { Status::Renamed } else { Status::Added });
                if let Some(a) = from {
                    aspects = judge.aspects(a, b);
                    aspects.retain(|a| !matches!(a, Aspect::Links));
                }
            }
            (None, None) => {}
        }
        let real = aspects.iter().any(|a| !matches!(a, Aspect::Mtime | Aspect::Layer));
        out.real.push(real && matches!(row, (Some(_), Some(_))));
        if let Some(status) = status {
            out.changes.push(judge.change(row, status, aspects, from));
        }
    }
    out
}

fn status_of(aspects: &[Aspect]) -> Option<Status> {
    let any = |list: &[Aspect]| aspects.iter().any(|a| list.contains(a));
    if any(&[Aspect::Type, Aspect::Content, Aspect::Target, Aspect::Device]) {
        Some(Status::Changed)
    } else if any(&[Aspect::Mode, Aspect::Owner, Aspect::Xattrs, Aspect::Links, Aspect::Mtime]) {
        Some(Status::Metadata)
    } else {
        any(&[Aspect::Layer]).then_some(Status::Moved)
    }
}

struct Judge<'a> {
    pair: &'a Pair<'a>,
    answers: &'a Answers,
    /// For each layer of the first image, its partner in the second.
    partners: Vec<Option<usize>>,
    opposite: [Vec<Option<NodeId>>; 2],
    /// For each file with several names, the first name that is a file's in both images.
    first: [HashMap<InodeId, NodeId>; 2],
}

/// See [`Judge::first`].
fn first_names(pair: &Pair<'_>, opposite: &[Vec<Option<NodeId>>; 2], side: usize) -> HashMap<InodeId, NodeId> {
    let (here, there) = (pair.images[side].tree, pair.images[1 - side].tree);
    let is_file =
        |name: &NodeId| opposite[side][name.index()].is_some_and(|other| there.inode_of(other).kind == Type::File);
    let several = here.inodes().filter(|(id, _)| here.names(*id).len() > 1);
    several.filter_map(|(id, _)| Some((id, here.names(id).iter().copied().find(is_file)?))).collect()
}

/// Returns the metadata of a directory that only its children imply: 0755 and root's, without a time of its own.
fn implied() -> Arc<Attrs> {
    Arc::new(Attrs { mode: 0o755, ..Attrs::default() })
}

impl Judge<'_> {
    /// Returns the aspects in which two nodes differ, in order.
    fn aspects(&self, a: NodeId, b: NodeId) -> Vec<Aspect> {
        let [before, after] = &self.pair.images;
        let holders = (before.tree.inode_of(a).holder(), after.tree.inode_of(b).holder());
        let mut out = Vec::new();
        if let (Some(x), Some(y)) = holders
            && identical(self.pair, x, y)
        {
            self.links(a, b, &mut out);
            self.layer(x, y, &mut out);
            return out;
        }
        let members = (holders.0.map(|at| member(before, at)), holders.1.map(|at| member(after, at)));
        if let Some(aspect) = self.substance(holders, members) {
            out.push(aspect);
        }
        let none = implied();
        let attrs = |m: Option<&Member>| m.map_or_else(|| none.clone(), |m| Arc::clone(&m.meta.attrs));
        let shared = matches!(members, (Some(x), Some(y)) if Arc::ptr_eq(&x.meta.attrs, &y.meta.attrs));
        if !shared {
            let (x, y) = (attrs(members.0), attrs(members.1));
            // The mode of a symbolic link means nothing.
            let link = matches!(members, (Some(x), Some(y)) if is_link(x) && is_link(y));
            let differ = [
                (Aspect::Mode, x.mode != y.mode && !link),
                (Aspect::Owner, (x.uid, x.gid) != (y.uid, y.gid)),
                (Aspect::Xattrs, xattrs(&x) != xattrs(&y)),
            ];
            out.extend(differ.iter().filter(|(_, differs)| *differs).map(|(aspect, _)| *aspect));
        }
        if !out.contains(&Aspect::Type) {
            self.links(a, b, &mut out);
        }
        if let (Some(x), Some(y)) = members
            && x.meta.mtime != y.meta.mtime
        {
            out.push(Aspect::Mtime);
        }
        if let (Some(x), Some(y)) = holders {
            self.layer(x, y, &mut out);
        }
        out
    }

    /// Compares type, content, target or device.
    fn substance(
        &self,
        at: (Option<MemberId>, Option<MemberId>),
        members: (Option<&Member>, Option<&Member>),
    ) -> Option<Aspect> {
        let kind = |m: Option<&Member>| m.map_or("dir", |m| kind(&m.kind));
        if kind(members.0) != kind(members.1) {
            return Some(Aspect::Type);
        }
        let (x, y) = (members.0?, members.1?);
        let differs = match (&x.kind, &y.kind) {
            (Kind::File, Kind::File) => {
                let read = || at.0.zip(at.1).is_some_and(|pair| self.answers.different.contains(&pair));
                return (x.size() != y.size() || read()).then_some(Aspect::Content);
            }
            (Kind::Symlink(x), Kind::Symlink(y)) => return (x != y).then_some(Aspect::Target),
            (x, y) => x != y && *x != Kind::Dir,
        };
        differs.then_some(Aspect::Device)
    }

    /// Adds an aspect if the two are files with different sets of hard links.
    fn links(&self, a: NodeId, b: NodeId, out: &mut Vec<Aspect>) {
        let [before, after] = &self.pair.images;
        let inodes = (before.tree.node(a).inode, after.tree.node(b).inode);
        let is_file = |at: MemberId| member(after, at).kind == Kind::File;
        if !after.tree.inode_of(b).holder().is_some_and(is_file) {
            return;
        }
        if before.tree.names(inodes.0).len() < 2 && after.tree.names(inodes.1).len() < 2 {
            return;
        }
        let first = |side: usize, inode: InodeId, own: NodeId| *self.first[side].get(&inode).unwrap_or(&own);
        if self.opposite[0][first(0, inodes.0, a).index()] != Some(first(1, inodes.1, b)) {
            out.push(Aspect::Links);
        }
    }

    /// Adds an aspect if the layers are no partners. Directories are in every layer with something below them, so they do not
    /// count.
    fn layer(&self, a: MemberId, b: MemberId, out: &mut Vec<Aspect>) {
        let dir = member(&self.pair.images[1], b).kind == Kind::Dir;
        if !dir && self.partners[a.layer as usize] != Some(b.layer as usize) {
            out.push(Aspect::Layer);
        }
    }

    fn change(&self, row: Row, status: Status, aspects: Vec<Aspect>, from: Option<NodeId>) -> Change {
        let [before, after] = &self.pair.images;
        let entry = |side: usize, node: NodeId| entry(&self.pair.images[side], node, self.pair.sides[side].bytes(node));
        let path = match row {
            (_, Some(b)) => after.tree.path(b),
            (Some(a), None) => before.tree.path(a),
            (None, None) => BString::default(),
        };
        Change {
            path,
            status,
            aspects,
            from: from.map(|a| before.tree.path(a)),
            before: row.0.or(from).map(|a| entry(0, a)),
            after: row.1.map(|b| entry(1, b)),
        }
    }
}

fn is_link(member: &Member) -> bool {
    matches!(member.kind, Kind::Symlink(_))
}

fn xattrs(attrs: &Attrs) -> BTreeMap<&BString, &BString> {
    let kept = attrs.records.iter().filter(|(key, _)| XATTRS.iter().any(|prefix| key.starts_with(prefix)));
    kept.map(|(key, value)| (key, value)).collect()
}

const fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::File | Kind::HardLink(_) => "file",
        Kind::Symlink(_) => "symlink",
        Kind::Dir => "dir",
        Kind::Char(..) => "char",
        Kind::Block(..) => "block",
        Kind::Fifo => "fifo",
    }
}

fn entry(image: &Image<'_>, node: NodeId, bytes: u64) -> Entry {
    let holder = image.tree.inode_of(node).holder();
    let member = holder.map(|at| member(image, at));
    let none = implied();
    let attrs = member.map_or(&none, |m| &m.meta.attrs);
    Entry {
        kind: member.map_or("dir", |m| kind(&m.kind)),
        size: member.map_or(0, Member::size),
        mode: attrs.mode,
        uid: attrs.uid,
        gid: attrs.gid,
        mtime: member.map(|m| m.meta.mtime.secs),
        target: image.tree.target(node).map(BString::from),
        layer: holder.map_or(image.tree.node(node).since(), |at| at.layer) as usize + 1,
        bytes,
    }
}

/// Returns the renamed paths: the new node, and the old one.
fn renamed(pair: &Pair<'_>, answers: &Answers) -> BTreeMap<NodeId, NodeId> {
    let mut groups: BTreeMap<Digest, [Vec<NodeId>; 2]> = BTreeMap::new();
    for row in &pair.rows {
        let (side, node) = match *row {
            (Some(a), None) => (0, a),
            (None, Some(b)) => (1, b),
            _ => continue,
        };
        let hash = file(&pair.images[side], node).and_then(|f| answers.hashes[side].get(&f.at));
        if let Some(hash) = hash {
            groups.entry(*hash).or_default()[side].push(node);
        }
    }
    let [before, after] = &pair.images;
    let mut out = BTreeMap::new();
    for [old, new] in groups.into_values().filter(|[old, new]| !old.is_empty() && !new.is_empty()) {
        if old.len().saturating_mul(new.len()) > MANY {
            out.extend(new.into_iter().zip(old));
            continue;
        }
        let mut old: Vec<(NodeId, BString)> = old.into_iter().map(|id| (id, before.tree.path(id))).collect();
        for node in new {
            let path = after.tree.path(node);
            // Of equally similar ones the first.
            let nearest = (0..old.len()).rev().max_by_key(|&i| nearness(&old[i].1, &path));
            if let Some(nearest) = nearest {
                out.insert(node, old.remove(nearest).0);
            }
        }
    }
    out
}

/// Returns true if the names are equal, and the number of equal bytes at both ends of the paths.
fn nearness(a: &[u8], b: &[u8]) -> (bool, usize) {
    let ends = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let ends = ends + a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    (path::split(a).1 == path::split(b).1, ends)
}
