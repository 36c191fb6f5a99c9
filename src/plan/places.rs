//! Finds the paths that databases list in the tree.

use crate::path;
use crate::tree::{NodeId, Tree};

/// A look-up of paths; for consecutive paths of one directory the directory is looked up once.
pub struct Places<'a> {
    tree: &'a Tree,
    dir: Vec<u8>,
    found: Option<NodeId>,
}

impl<'a> Places<'a> {
    /// Makes a look-up for a tree.
    #[must_use]
    pub const fn new(tree: &'a Tree) -> Self {
        Self { tree, dir: Vec::new(), found: Some(NodeId::ROOT) }
    }

    /// Returns the node at a path from the root, with or without a slash before it. Links on the way are followed, a link that
    /// the path itself names is not.
    pub fn get(&mut self, path: &[u8]) -> Option<NodeId> {
        let (dir, name) = path::split(path.strip_prefix(b"/").unwrap_or(path));
        if name.is_empty() || name == b"." || name == b".." {
            return None;
        }
        if self.dir != dir {
            self.dir = dir.to_vec();
            self.found = self.tree.resolve(NodeId::ROOT, dir).target;
        }
        self.tree.child(self.found?, name)
    }
}
