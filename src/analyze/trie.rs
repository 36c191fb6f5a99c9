//! The tree that dive makes of a layer: names below names, whatever their types. A file may have children here.

use crate::layer::LayerIndex;
use crate::path;
use crate::tar::Kind;
use std::collections::BTreeMap;

/// The prefix of opaque whiteouts and of the names that AUFS keeps for itself: dive leaves them out.
const AUFS: &[u8] = b".wh..wh..";
/// The prefix of whiteouts.
pub const WHITEOUT: &[u8] = b".wh.";
/// The root, which is never visited.
pub const ROOT: u32 = 0;

/// A name in the tree.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The last component.
    pub name: &'a [u8],
    /// The node above.
    pub parent: u32,
    children: BTreeMap<&'a [u8], u32>,
    /// The facts that a member gave; default if only names below it were given.
    pub info: Info,
}

/// The values of a header that dive uses in its sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct Info {
    /// The size that the header states, in bytes.
    pub size: u64,
    /// True if it is a directory's.
    pub is_dir: bool,
    /// The member of the layer, if there is one.
    pub member: Option<u32>,
}

/// A tree of names.
#[derive(Clone, Debug)]
pub struct Trie<'a> {
    nodes: Vec<Node<'a>>,
}

impl Default for Trie<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Trie<'a> {
    /// Makes a tree of the root alone.
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: vec![Node { name: b"", parent: ROOT, children: BTreeMap::new(), info: Info::default() }] }
    }

    /// Makes the tree of a layer.
    #[must_use]
    pub fn of(layer: &'a LayerIndex) -> Self {
        let mut out = Self::new();
        for (number, member) in (0u32..).zip(&layer.members).filter(|(_, m)| !m.path.is_empty()) {
            let info = Info { size: stated(layer, number), is_dir: is_dir(layer, number), member: Some(number) };
            out.add(path::components(&member.path), info);
        }
        out
    }

    /// Returns a node by its number.
    #[must_use]
    pub fn node(&self, id: u32) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    /// Adds a path with all its directories; a node that is there gets the new facts and keeps its children. Returns the number
    /// of the path's node; `None` if it is one of AUFS's names.
    pub fn add(&mut self, parts: impl Iterator<Item = &'a [u8]>, info: Info) -> Option<u32> {
        let mut at = ROOT;
        for part in parts {
            at = match self.node(at).children.get(part) {
                Some(&child) => child,
                None if part.starts_with(AUFS) => return None,
                None => {
                    let id = self.nodes.len() as u32;
                    self.nodes.push(Node { name: part, parent: at, children: BTreeMap::new(), info: Info::default() });
                    self.nodes[at as usize].children.insert(part, id);
                    id
                }
            };
        }
        self.nodes[at as usize].info = info;
        Some(at)
    }

    /// Returns the node of a path.
    #[must_use]
    pub fn find(&self, parts: &[&[u8]]) -> Option<u32> {
        let mut parts = parts.iter().filter(|part| !part.is_empty());
        parts.try_fold(ROOT, |at, part| self.node(at).children.get(part).copied())
    }

    /// Removes a path with everything below it; the root stays.
    fn remove(&mut self, parts: &[&[u8]]) {
        if let Some(id) = self.find(parts).filter(|&id| id != ROOT) {
            let Node { name, parent, .. } = *self.node(id);
            self.nodes[parent as usize].children.remove(name);
        }
    }

    /// True if nothing is below a node.
    #[must_use]
    pub fn is_leaf(&self, id: u32) -> bool {
        self.node(id).children.is_empty()
    }

    /// Returns all nodes below one, children before their parents and sorted by name; the node itself is the last, unless it is
    /// the root.
    #[must_use]
    pub fn below(&self, id: u32) -> Vec<u32> {
        // This visits parents before children and last names first, which is the reverse of the wanted order.
        let mut out = Vec::new();
        let mut todo = vec![id];
        while let Some(at) = todo.pop() {
            out.push(at);
            todo.extend(self.node(at).children.values());
        }
        out.reverse();
        if id == ROOT {
            out.pop();
        }
        out
    }

    /// Returns the components of a path, from the top.
    #[must_use]
    pub fn parts(&self, id: u32) -> Vec<&'a [u8]> {
        let mut out: Vec<&[u8]> = std::iter::successors((id != ROOT).then_some(id), |&at| {
            Some(self.node(at).parent).filter(|&parent| parent != ROOT)
        })
        .map(|at| self.node(at).name)
        .collect();
        out.reverse();
        out
    }

    /// Returns the components of the path that a node stands for: a whiteout stands for the path it hides.
    #[must_use]
    pub fn meant(&self, id: u32) -> Vec<&'a [u8]> {
        let mut parts = self.parts(id);
        if let Some(last) = parts.last_mut() {
            *last = last.strip_prefix(WHITEOUT).unwrap_or(last);
        }
        parts
    }

    /// True if a node is a whiteout.
    #[must_use]
    pub fn is_whiteout(&self, id: u32) -> bool {
        self.node(id).name.starts_with(WHITEOUT)
    }

    /// Lays the tree of a layer on top, name by name: a whiteout removes what is there at that moment.
    pub fn stack(&mut self, upper: &Self) {
        for id in upper.below(ROOT) {
            if upper.is_whiteout(id) {
                self.remove(&upper.meant(id));
            } else {
                self.add(upper.parts(id).into_iter(), upper.node(id).info);
            }
        }
    }
}

/// Returns the size that a member's header states, in bytes: for a sparse file with its holes.
#[must_use]
pub fn stated(layer: &LayerIndex, member: u32) -> u64 {
    let found = &layer.members[member as usize];
    if found.kind == Kind::File { found.size() } else { layer.stated.get(&member).copied().unwrap_or(0) }
}

/// True if Go takes a member for a directory: not if only GNU tar knows its type flag.
#[must_use]
pub fn is_dir(layer: &LayerIndex, member: u32) -> bool {
    let found = &layer.members[member as usize];
    found.kind == Kind::Dir && found.flag != b'D'
}
