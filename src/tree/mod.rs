//! The file system that a container sees: what is left when all layers lie on top of each other.
//!
//! A [`Tree`] is flat and in pre-order: a parent comes before its children, children are sorted by name, and a subtree is a
//! range. It is made by [`merge`] and never changes afterwards; later phases keep their findings in vectors beside it.

use crate::path;
use crate::tar::Kind;
use bstr::{BStr, BString, ByteSlice};
use std::ops::Range;

mod build;
pub mod merge;

/// A member of a layer: which layer, counted from 0 at the bottom, and which member of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// Index of the layer.
    pub layer: u32,
    /// Index in that layer's members.
    pub member: u32,
}

/// A name in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root directory.
    pub const ROOT: Self = Self(0);

    /// As an index into what lies beside the tree.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What one or several names (hard links) stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeId(pub u32);

/// A name.
#[derive(Clone, Debug)]
pub struct Node {
    /// The directory it is in; the root is in itself.
    pub parent: NodeId,
    /// The last component of its path; empty for the root.
    pub name: BString,
    /// What it stands for.
    pub inode: InodeId,
    /// The member that gave it this name; none for a directory that only its children imply.
    pub at: Option<At>,
    /// The layer that made it: for an implied directory the one with the first of its children.
    pub since: u32,
    /// One past the last node below it.
    pub end: u32,
    children: Vec<NodeId>,
}

/// A file, directory, link or device.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Its type; never [`Kind::HardLink`].
    pub kind: Kind,
    /// The member with its metadata and data; none for an implied directory, which is 0755 and root's.
    pub holder: Option<At>,
    /// Its names in the tree's order.
    pub names: Vec<NodeId>,
}

/// The merged tree.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    inodes: Vec<Inode>,
}

/// Where a path leads, with all symbolic links on the way followed.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The symbolic links passed.
    pub links: Vec<NodeId>,
    /// Where it ends; none where it leads nowhere.
    pub target: Option<NodeId>,
}

impl Tree {
    /// The number of names, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// A name by its id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All ids, parents before children.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The ids of `id` and all below it.
    pub fn subtree(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let range: Range<u32> = id.0..self.node(id).end;
        range.map(NodeId)
    }

    /// An inode by its id.
    #[must_use]
    pub fn inode(&self, id: InodeId) -> &Inode {
        &self.inodes[id.0 as usize]
    }

    /// All inodes with their ids.
    pub fn inodes(&self) -> impl Iterator<Item = (InodeId, &Inode)> {
        (0..).map(InodeId).zip(&self.inodes)
    }

    /// What a name stands for.
    #[must_use]
    pub fn inode_of(&self, id: NodeId) -> &Inode {
        self.inode(self.node(id).inode)
    }

    /// Whether a name is a directory's.
    #[must_use]
    pub fn is_dir(&self, id: NodeId) -> bool {
        self.inode_of(id).kind == Kind::Dir
    }

    /// The children of a directory, sorted by name.
    #[must_use]
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        &self.node(id).children
    }

    /// The child of that name.
    #[must_use]
    pub fn child(&self, dir: NodeId, name: &[u8]) -> Option<NodeId> {
        let children = self.children(dir);
        let found = children.binary_search_by(|&c| self.node(c).name.as_slice().cmp(name)).ok()?;
        Some(children[found])
    }

    /// The directories above a name, nearest first, the root last and included; none for the root.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |&n| (n != NodeId::ROOT).then(|| self.node(n).parent)).skip(1)
    }

    /// The path of a name from the root, without a leading slash.
    #[must_use]
    pub fn path(&self, id: NodeId) -> BString {
        let mut parts: Vec<&BStr> = vec![self.node(id).name.as_bstr()];
        parts.extend(self.ancestors(id).filter(|&a| a != NodeId::ROOT).map(|a| self.node(a).name.as_bstr()));
        parts.reverse();
        bstr::join("/", parts).into()
    }

    /// Every id with its path, in the tree's order.
    #[must_use]
    pub fn paths(&self) -> Vec<BString> {
        let mut out: Vec<BString> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let joined = if node.name.is_empty() {
                BString::default()
            } else {
                path::join(&out[node.parent.index()], &node.name)
            };
            out.push(joined);
        }
        out
    }

    /// The name with exactly this path; symbolic links are not followed.
    #[must_use]
    pub fn lookup(&self, path: &[u8]) -> Option<NodeId> {
        path::components(path).try_fold(NodeId::ROOT, |dir, part| self.child(dir, part))
    }

    /// Where `path` leads for a process whose current directory is `from`, as the kernel resolves it: all symbolic links
    /// are followed, the last one too, `..` at the root stays there, and more than 40 links are a loop.
    #[must_use]
    pub fn resolve(&self, from: NodeId, path: &[u8]) -> Resolved {
        let mut out = Resolved::default();
        let mut at = if path.starts_with(b"/") { NodeId::ROOT } else { from };
        let mut todo: Vec<&[u8]> = path.split(|&c| c == b'/').rev().collect();
        while let Some(part) = todo.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    at = self.node(at).parent;
                    continue;
                }
                _ => {}
            }
            let Some(next) = self.child(at, part) else { return out };
            if let Kind::Symlink(target) = &self.inode_of(next).kind {
                out.links.push(next);
                if out.links.len() > 40 {
                    return out;
                }
                if target.starts_with(b"/") {
                    at = NodeId::ROOT;
                }
                todo.extend(target.split(|&c| c == b'/').rev());
            } else {
                at = next;
            }
        }
        out.target = Some(at);
        out
    }

    /// Where a symbolic link leads; its own id is not among the links passed.
    #[must_use]
    pub fn follow(&self, link: NodeId) -> Resolved {
        match &self.inode_of(link).kind {
            Kind::Symlink(target) => self.resolve(self.node(link).parent, target),
            _ => Resolved { links: Vec::new(), target: Some(link) },
        }
    }
}
