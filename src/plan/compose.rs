//! Puts one output layer together: ranges of input layers, and headers for members that change their name or place.

use super::edits::Added;
use super::rewrite::Rewrites;
use super::{LayerPlan, Piece, Request};
use crate::tar::{self, Attrs, BLOCK, Kind, Meta, synth};
use crate::tree::{MemberId, NodeId, Tree};
use crate::{elf, path};
use bstr::BString;
use std::collections::HashSet;
use std::ops::Range;

/// The end marker that slim writes: two zero blocks.
const END_MARKER: u64 = 2 * BLOCK;

/// An output layer under construction.
pub struct Composer<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    rewrites: &'a Rewrites,
    /// The input layer whose place this takes; `None` for a squash.
    place: Option<u32>,
    pieces: Vec<Piece>,
    size: u64,
    /// Directories that this layer has an entry for, now or at a member still to come.
    explicit: HashSet<NodeId>,
    /// By node: true if its entry has been written.
    written: Vec<bool>,
    /// Directories that are known to have the entries they need, together with all directories above them.
    settled: HashSet<NodeId>,
    entries: u64,
    synthesized: bool,
}

impl<'a> Composer<'a> {
    /// Makes an empty layer in the `place` of an input layer, or of all layers above the base for a squash. `explicit` are the
    /// directories that will get an entry from a member of that layer.
    pub fn new(
        request: &'a Request<'a>,
        rewrites: &'a Rewrites,
        place: Option<u32>,
        explicit: HashSet<NodeId>,
    ) -> Self {
        Self {
            request,
            tree: &request.merged.tree,
            rewrites,
            place,
            pieces: Vec::new(),
            size: 0,
            explicit,
            written: vec![false; request.merged.tree.len()],
            settled: HashSet::new(),
            entries: 0,
            synthesized: false,
        }
    }

    /// True if nothing has been added.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Copies bytes that are no member of their own: global PAX headers between members that are copied.
    pub fn gap(&mut self, layer: u32, range: Range<u64>) {
        if !range.is_empty() {
            self.copy(layer, range);
        }
    }

    /// Copies a member unchanged, or with the new content or link target that it gets.
    pub fn raw(&mut self, at: MemberId, node: Option<NodeId>) {
        if let Some(node) = node {
            if std::mem::replace(&mut self.written[node.index()], true) && self.tree.is_dir(node) {
                return;
            }
            self.parents(node);
        }
        self.entries += 1;
        let member = self.request.member(at);
        if let Some(target) = self.rewrites.link(at) {
            return self.moved_link(&member.path, target, &member.meta);
        }
        match self.rewrites.of(at) {
            Some(new) => self.rewritten(at.layer, member, &member.path, new),
            None => self.copy(at.layer, member.span()),
        }
    }

    /// Writes the inode of a node under the node's name: its metadata, and the data from the holder.
    pub fn inode(&mut self, node: NodeId) {
        self.synthesized = true;
        self.explicit(node);
    }

    /// Like [`Self::inode`], for a node that the layer's own member describes with a global header's help: that alone is no
    /// reason to give the layer other bytes.
    pub fn explicit(&mut self, node: NodeId) {
        if !self.written[node.index()] {
            self.parents(node);
            self.entry(node);
        }
    }

    /// Writes a hard link to a node that this layer already has. It repeats the metadata of its inode, because docker applies a
    /// link entry's owner and mode to the shared inode.
    pub fn link(&mut self, node: NodeId, first: NodeId) {
        self.synthesized = true;
        self.relink(node, first);
    }

    /// Like [`Self::link`], for a link that the layer's own member describes except for the metadata: that alone is no reason
    /// to give the layer other bytes.
    pub fn relink(&mut self, node: NodeId, first: NodeId) {
        self.parents(node);
        self.bare_link(node, first);
    }

    /// Writes an entry for a directory that was only implied by its contents, with the metadata that engines give such a
    /// directory.
    pub fn implied(&mut self, path: &[u8]) {
        self.push(synth::header(path, &Kind::Dir, &root_dir(), 0, None));
        self.entries += 1;
    }

    /// Like [`Self::relink`], without entries for the directories above: for layers in which all members stay as they are.
    pub fn bare_link(&mut self, node: NodeId, first: NodeId) {
        let kind = Kind::hard_link(self.tree.path(first));
        let meta = self.meta(self.tree.inode_of(node).holder()).cloned().unwrap_or_else(root_dir);
        self.push(synth::header(&self.tree.path(node), &kind, &meta, 0, None));
        self.entries += 1;
    }

    /// Writes a whiteout for a path whose directory is in the tree.
    pub fn whiteout(&mut self, hidden: &[u8]) {
        self.synthesized = true;
        let (dir, name) = path::split(hidden);
        self.parents_of_dir(dir);
        let path = path::join(dir, &[b".wh.", name].concat());
        let meta = Attrs { mode: 0o600, ..Attrs::default() }.into();
        self.push(synth::header(&path, &Kind::File, &meta, 0, None));
        self.entries += 1;
    }

    /// Copies a whiteout unchanged.
    pub fn raw_whiteout(&mut self, at: MemberId) {
        let member = self.request.member(at);
        self.parents_of_dir(path::split(&member.path).0);
        self.raw(at, None);
    }

    fn parents_of_dir(&mut self, dir: &[u8]) {
        if let Some(dir) = self.tree.lookup(dir) {
            self.parents(dir);
            self.parent(dir);
        }
    }

    /// Finishes the layer; returns `None` if nothing is in it. `untouched` says that all members of the layer in whose place
    /// this is have been copied, and that there was nothing else to copy.
    pub fn finish(self, from: u32, untouched: bool) -> Option<LayerPlan> {
        if self.is_empty() {
            return None;
        }
        if untouched && !self.synthesized {
            return Some(LayerPlan::Verbatim(from));
        }
        Some(LayerPlan::Splice { from, pieces: self.pieces, size: self.size + END_MARKER })
    }

    /// Writes entries for the directories above a node that need one. An overlay engine gives a directory that a layer only
    /// implies the mode 0755 of root, whatever a lower layer says about it.
    fn parents(&mut self, node: NodeId) {
        let tree = self.tree;
        let above: Vec<NodeId> = tree.ancestors(node).take_while(|dir| self.settled.insert(*dir)).collect();
        above.into_iter().rev().for_each(|dir| self.parent(dir));
    }

    fn parent(&mut self, dir: NodeId) {
        if dir == NodeId::ROOT || self.written[dir.index()] || (self.place.is_some() && self.explicit.contains(&dir)) {
            return;
        }
        let needed = match (self.tree.inode_of(dir).holder(), self.place) {
            // In a squash every directory gets its entry here: parents go before children.
            (Some(_), None) => true,
            // A higher layer describes the directory; here it may be implied.
            (Some(holder), Some(place)) => holder.layer < place,
            // Only implied: an entry is needed if the base has a described directory in this place, which it must replace.
            (None, _) => {
                let base = self.request.merged.base.as_ref();
                base.is_some_and(|b| b.lookup(&self.tree.path(dir)).is_some_and(|n| b.inode_of(n).holder().is_some()))
            }
        };
        if needed {
            self.synthesized = true;
            self.entry(dir);
        }
    }

    fn entry(&mut self, node: NodeId) {
        self.written[node.index()] = true;
        self.entries += 1;
        let path = self.tree.path(node);
        let holder = self.tree.inode_of(node).holder();
        let member = holder.map(|at| (at, self.request.member(at)));
        let Some((at, member)) = member else {
            return self.push(synth::header(&path, &Kind::Dir, &root_dir(), 0, None));
        };
        if let Some(target) = self.rewrites.link(at) {
            return self.moved_link(&path, target, &member.meta);
        }
        if let Some(new) = self.rewrites.of(at) {
            return self.rewritten(at.layer, member, &path, new);
        }
        let data = member.data();
        let stored = data.end - data.start;
        self.push(synth::header(&path, &member.kind, &member.meta, stored, member.sparse.as_deref()));
        if stored > 0 {
            self.copy(at.layer, data);
            self.push(vec![0; synth::padding(stored) as usize]);
        }
    }

    /// Writes a new file.
    pub fn added(&mut self, added: &Added) {
        self.synthesized = true;
        self.parents_of_dir(path::split(&added.path).0);
        let size = added.text.len() as u64;
        self.push(synth::header(&added.path, &Kind::File, &added.meta, size, None));
        self.push(added.text.clone());
        self.push(vec![0; synth::padding(size) as usize]);
        self.entries += 1;
    }

    /// Writes a symbolic link with a new target.
    fn moved_link(&mut self, path: &[u8], target: &BString, meta: &Meta) {
        self.synthesized = true;
        self.push(synth::header(path, &Kind::symlink(target.clone()), meta, 0, None));
    }

    /// Writes a file with its new content.
    fn rewritten(&mut self, layer: u32, member: &tar::Member, path: &[u8], new: &elf::Recipe) {
        self.synthesized = true;
        self.push(synth::header(path, &Kind::File, &member.meta, new.size, None));
        let start = member.data().start;
        for piece in &new.pieces {
            match piece {
                elf::Piece::Copy(range) => self.copy(layer, start + range.start..start + range.end),
                elf::Piece::Bytes(bytes) => self.push(bytes.clone()),
                elf::Piece::Zeros(count) => self.push(vec![0; *count as usize]),
                elf::Piece::Spooled(range) => self.spooled(range.clone()),
            }
        }
        self.push(vec![0; synth::padding(new.size) as usize]);
    }

    fn meta(&self, at: Option<MemberId>) -> Option<&'a Meta> {
        at.map(|at| &self.request.member(at).meta)
    }

    fn copy(&mut self, layer: u32, range: Range<u64>) {
        self.size += range.end - range.start;
        if let Some(Piece::Copy { layer: last, range: before }) = self.pieces.last_mut()
            && (*last, before.end) == (layer, range.start)
        {
            before.end = range.end;
            return;
        }
        self.pieces.push(Piece::Copy { layer, range });
    }

    fn spooled(&mut self, range: Range<u64>) {
        self.size += range.end - range.start;
        self.pieces.push(Piece::Spooled(range));
    }

    fn push(&mut self, bytes: Vec<u8>) {
        self.size += bytes.len() as u64;
        match self.pieces.last_mut() {
            Some(Piece::Bytes(last)) => last.extend(bytes),
            _ if bytes.is_empty() => {}
            _ => self.pieces.push(Piece::Bytes(bytes)),
        }
    }
}

/// Returns the metadata of a directory that no member describes.
fn root_dir() -> Meta {
    Attrs { mode: 0o755, ..Attrs::default() }.into()
}

/// True if two members give their inode the same mode, owner and time.
pub fn same_attributes(a: &tar::Member, b: &tar::Member) -> bool {
    let fields = |m: &tar::Member| (m.meta.attrs.mode, m.meta.attrs.uid, m.meta.attrs.gid, m.meta.mtime);
    fields(a) == fields(b)
}

/// True if two members give their inode the same metadata, owners' names and xattrs included.
pub fn same_inode(a: &tar::Member, b: &tar::Member) -> bool {
    let (a_attrs, b_attrs) = (&*a.meta.attrs, &*b.meta.attrs);
    let xattrs = |attrs: &Attrs| -> Vec<_> {
        let mut found: Vec<_> =
            attrs.records.iter().filter(|(k, _)| k.starts_with(b"SCHILY.xattr.")).cloned().collect();
        found.sort();
        found
    };
    let names = |attrs: &Attrs| (attrs.uname.clone(), attrs.gname.clone());
    same_attributes(a, b) && names(a_attrs) == names(b_attrs) && xattrs(a_attrs) == xattrs(b_attrs)
}
