//! The file system that a container sees: the result of laying all layers on top of each other.
//!
//! A [`Tree`] is flat and in pre-order: a parent comes before its children, children are sorted by name, and a subtree is a
//! range. It is made by [`merge`] and never changes afterwards; later phases keep their findings in vectors beside it.
//! Its methods are here, but for the one that fills in its ranges when it is made, which is in `freeze.rs`.

use crate::path;
use bstr::{BStr, BString};
use std::collections::HashMap;
use std::ops::Range;

mod build;
mod freeze;
pub mod merge;

/// A member of a layer: the number of the layer, counted from 0 at the bottom, and of the member in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId {
    /// The number of the layer.
    pub layer: u32,
    /// The number in that layer's members.
    pub member: u32,
}

/// A node: a name in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root directory.
    pub const ROOT: Self = Self(0);

    /// Returns it as an index into vectors beside the tree.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An inode: the file that one or several names (hard links) stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeId(pub u32);

/// A member, or no member but a layer all the same, in the space of a member id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Origin(MemberId);

impl Origin {
    /// No layer has so many members.
    const NONE: u32 = u32::MAX;

    const fn of(at: MemberId) -> Self {
        Self(at)
    }

    /// Makes the origin of a directory that is not a member but implied by an entry of this layer.
    const fn implied(layer: u32) -> Self {
        Self(MemberId { layer, member: Self::NONE })
    }

    fn at(self) -> Option<MemberId> {
        (self.0.member != Self::NONE).then_some(self.0)
    }
}

/// A name in the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// The directory it is in; the root is in itself.
    pub parent: NodeId,
    /// The offset of its last component in the tree's names; it ends where the next one begins.
    name: u32,
    /// The inode that it is a name of.
    pub inode: InodeId,
    origin: Origin,
    /// One past the last node below it.
    pub end: u32,
    /// The index of its first child in the tree's children; they end where those of the next node begin.
    first_child: u32,
}

impl Node {
    /// Returns the member that gave it this name; `None` for a directory that only its children imply.
    #[must_use]
    pub fn at(&self) -> Option<MemberId> {
        self.origin.at()
    }

    /// Returns the layer that gave it this name: for an implied directory the one with the first of its children.
    #[must_use]
    pub const fn since(&self) -> u32 {
        self.origin.0.layer
    }
}

/// The type of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A device or a named pipe.
    Other,
}

/// A file, directory, link or device.
#[derive(Clone, Debug)]
pub struct Inode {
    /// The inode's type.
    pub kind: Type,
    origin: Origin,
    /// The first of its names.
    pub name: NodeId,
}

impl Inode {
    /// Returns the member with its metadata and data; `None` for an implied directory, which is 0755 and root's.
    #[must_use]
    pub fn holder(&self) -> Option<MemberId> {
        self.origin.at()
    }
}

/// The merged tree. Values that most nodes lack are kept in lists beside the nodes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    inodes: Vec<Inode>,
    /// The last components of all paths, in the order of the nodes.
    names: Vec<u8>,
    /// The children of all directories, in the order of the directories.
    children: Vec<NodeId>,
    /// The first bytes of the children's names, by [`key`].
    keys: Vec<u64>,
    /// All names of each inode that has several.
    links: HashMap<InodeId, Vec<NodeId>>,
    /// The targets of symbolic links.
    targets: HashMap<InodeId, Box<BStr>>,
}

/// The result of resolving a path, with all symbolic links on the way followed.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The symbolic links that were followed.
    pub links: Vec<NodeId>,
    /// The node where it ends; `None` if it leads nowhere.
    pub target: Option<NodeId>,
}

impl Tree {
    /// Returns the number of names, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True if there is nothing but the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Returns a node by its id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Returns the last component of a path; empty for the root.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &BStr {
        let start = |index: usize| self.nodes.get(index).map_or(self.names.len(), |n| n.name as usize);
        BStr::new(&self.names[start(id.index())..start(id.index() + 1)])
    }

    /// Returns all ids, parents before children.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Returns `id` and the ids of all nodes below it.
    pub fn subtree(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let range: Range<u32> = id.0..self.node(id).end;
        range.map(NodeId)
    }

    /// Returns an inode by its id.
    #[must_use]
    pub fn inode(&self, id: InodeId) -> &Inode {
        &self.inodes[id.0 as usize]
    }

    /// Returns all inodes with their ids.
    pub fn inodes(&self) -> impl ExactSizeIterator<Item = (InodeId, &Inode)> {
        self.inodes.iter().enumerate().map(|(index, inode)| (InodeId(index as u32), inode))
    }

    /// Returns all names of an inode, in the tree's order.
    #[must_use]
    pub fn names(&self, id: InodeId) -> &[NodeId] {
        self.links.get(&id).map_or(std::slice::from_ref(&self.inode(id).name), Vec::as_slice)
    }

    /// Returns the inode that a name stands for.
    #[must_use]
    pub fn inode_of(&self, id: NodeId) -> &Inode {
        self.inode(self.node(id).inode)
    }

    /// True if the name is a directory's.
    #[must_use]
    pub fn is_dir(&self, id: NodeId) -> bool {
        self.inode_of(id).kind == Type::Dir
    }

    /// Returns the target of a symbolic link; `None` for anything else.
    #[must_use]
    pub fn target(&self, id: NodeId) -> Option<&BStr> {
        let inode = self.node(id).inode;
        if self.inode(inode).kind == Type::Symlink { self.targets.get(&inode).map(|target| &**target) } else { None }
    }

    /// Returns the children of a directory, sorted by name.
    #[must_use]
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        &self.children[self.range(id)]
    }

    /// Returns the range of a directory's children in the tree's children.
    fn range(&self, id: NodeId) -> Range<usize> {
        let start = |index: usize| self.nodes.get(index).map_or(self.children.len(), |n| n.first_child as usize);
        start(id.index())..start(id.index() + 1)
    }

    /// Returns the child of that name.
    #[must_use]
    pub fn child(&self, dir: NodeId, name: &[u8]) -> Option<NodeId> {
        self.children_from(dir, name).first().copied().filter(|&child| self.name(child) == name)
    }

    /// Returns the children of a directory whose names do not come before `name`. This is called millions of times, so the
    /// names themselves, which are anywhere in memory, are compared only if their first bytes are equal.
    #[must_use]
    pub fn children_from(&self, dir: NodeId, name: &[u8]) -> &[NodeId] {
        let range = self.range(dir);
        let (children, keys, wanted) = (&self.children[range.clone()], &self.keys[range], key(name));
        let first = keys.partition_point(|&key| key < wanted);
        let equal = keys[first..].partition_point(|&key| key == wanted);
        let before = children[first..first + equal].partition_point(|&child| self.name(child) < BStr::new(name));
        &children[first + before..]
    }

    /// Returns the directories above a name, nearest first, the root last and included; none for the root.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |&n| (n != NodeId::ROOT).then(|| self.node(n).parent)).skip(1)
    }

    /// Returns the path of a name from the root, without a leading slash.
    #[must_use]
    pub fn path(&self, id: NodeId) -> BString {
        let mut path = Vec::new();
        self.path_into(id, &mut path);
        path.into()
    }

    /// Like [`Tree::path`], into a buffer that may be used again.
    pub fn path_into(&self, id: NodeId, path: &mut Vec<u8>) {
        let parts =
            || std::iter::once(id).chain(self.ancestors(id)).filter(|&n| n != NodeId::ROOT).map(|n| self.name(n));
        let mut at = parts().map(|name| name.len() + 1).sum::<usize>().saturating_sub(1);
        path.clear();
        path.resize(at, b'/');
        for name in parts() {
            path[at - name.len()..at].copy_from_slice(name);
            at = at.saturating_sub(name.len() + 1);
        }
    }

    /// True if this is the path of the name.
    #[must_use]
    pub fn is_at(&self, id: NodeId, path: &[u8]) -> bool {
        let (mut at, mut rest) = (id, path);
        while at != NodeId::ROOT {
            let Some(above) = rest.strip_suffix(&**self.name(at)) else { return false };
            at = self.node(at).parent;
            rest = match above.strip_suffix(b"/") {
                Some(above) if at != NodeId::ROOT => above,
                None if at == NodeId::ROOT => above,
                _ => return false,
            };
        }
        rest.is_empty()
    }

    /// Returns the name with exactly this path; symbolic links are not followed.
    #[must_use]
    pub fn lookup(&self, path: &[u8]) -> Option<NodeId> {
        path::components(path).try_fold(NodeId::ROOT, |dir, part| self.child(dir, part))
    }

    /// Resolves `path` for a process whose current directory is `from`, as the kernel does: all symbolic links are followed,
    /// the last one too, `..` at the root stays there, and more than 40 links are a loop.
    #[must_use]
    pub fn resolve(&self, from: NodeId, path: &[u8]) -> Resolved {
        let mut out = Resolved::default();
        let mut at = if path.starts_with(b"/") { NodeId::ROOT } else { from };
        // The parts of the path still to come: those of a link, then the rest of the path that named it.
        let (mut rest, mut later) = (Some(path), Vec::new());
        while let Some(path) = rest.or_else(|| later.pop()) {
            let (part, more) = match memchr::memchr(b'/', path) {
                Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
                None => (path, None),
            };
            rest = more;
            match part {
                b"" | b"." => continue,
                b".." => {
                    at = self.node(at).parent;
                    continue;
                }
                _ => {}
            }
            let Some(next) = self.child(at, part) else { return out };
            if let Some(target) = self.target(next) {
                out.links.push(next);
                if out.links.len() > 40 {
                    return out;
                }
                if target.starts_with(b"/") {
                    at = NodeId::ROOT;
                }
                later.extend(rest.replace(target));
            } else {
                at = next;
            }
        }
        out.target = Some(at);
        out
    }

    /// Resolves a symbolic link; its own id is not among the links that were followed.
    #[must_use]
    pub fn follow(&self, link: NodeId) -> Resolved {
        match self.target(link) {
            Some(target) => self.resolve(self.node(link).parent, target),
            None => Resolved { links: Vec::new(), target: Some(link) },
        }
    }
}

/// Returns the first bytes of a name as a number whose order never contradicts that of the names.
fn key(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}
