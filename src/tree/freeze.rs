//! Turns a tree under construction into the flat one.

use super::build::Build;
use super::{Inode, InodeId, MemberId, Node, NodeId, Tree, Type, key};
use crate::tar::Kind;
use crate::{Error, ErrorKind, Result};
use std::collections::HashMap;

impl Build<'_> {
    /// Makes the flat tree of the present state, without nodes that can no longer be reached.
    ///
    /// # Errors
    /// Returns an error of kind [`ErrorKind::Unsupported`] if all names together are longer than 4 GiB.
    pub(super) fn freeze(&self) -> Result<Tree> {
        // Room for unreachable nodes as well: less of a waste than to grow.
        let (most, names) = (self.nodes.len(), Vec::with_capacity(self.nodes.len() * 16));
        let (nodes, inodes) = (Vec::with_capacity(most), Vec::with_capacity(most));
        let mut tree = Tree { nodes, inodes, names, ..Tree::default() };
        // Hard links are few: only their inodes have to be found again.
        let linked = self.nodes.iter().filter(|n| n.at != n.holder).filter_map(|n| n.holder.at());
        let mut linked: HashMap<MemberId, Option<InodeId>> = linked.map(|holder| (holder, None)).collect();
        // Children pushed in reverse come out in order.
        let mut todo = vec![(0u32, NodeId::ROOT)];
        let mut sorted: Vec<(&[u8], u32)> = Vec::new();
        while let Some((from, parent)) = todo.pop() {
            let source = self.nodes[from as usize];
            let id = NodeId(tree.nodes.len() as u32);
            let name = tree.names.len() as u32;
            tree.names.extend_from_slice(self.name(from));
            let inode = match source.holder.at().and_then(|holder| linked.get_mut(&holder)) {
                None => self.add_inode(&mut tree, from, id),
                Some(known) => {
                    let inode = *known.get_or_insert_with(|| self.add_inode(&mut tree, from, id));
                    tree.links.entry(inode).or_default().push(id);
                    inode
                }
            };
            tree.nodes.push(Node { parent, name, inode, origin: source.at, end: id.0 + 1, first_child: 0 });
            sorted.extend(self.children(from).map(|child| (self.name(child), child)));
            sorted.sort_unstable();
            todo.extend(sorted.drain(..).rev().map(|(_, child)| (child, id)));
        }
        if u32::try_from(tree.names.len()).is_err() {
            return Err(Error::new(ErrorKind::Unsupported, "the names of all files are together longer than 4 GiB"));
        }
        tree.nodes.shrink_to_fit();
        tree.inodes.shrink_to_fit();
        tree.names.shrink_to_fit();
        tree.link_up();
        Ok(tree)
    }

    fn add_inode(&self, tree: &mut Tree, node: u32, name: NodeId) -> InodeId {
        let id = InodeId(tree.inodes.len() as u32);
        let kind = match self.kind(node) {
            Kind::Dir => Type::Dir,
            Kind::File => Type::File,
            Kind::Symlink(target) => {
                tree.targets.insert(id, target.to_vec().into_boxed_slice().into());
                Type::Symlink
            }
            _ => Type::Other,
        };
        tree.inodes.push(Inode { kind, origin: self.nodes[node as usize].holder, name });
        id
    }
}

impl Tree {
    /// Fills in the end of each subtree and the children of each directory, which follow from the parents.
    fn link_up(&mut self) {
        for index in (1..self.nodes.len()).rev() {
            let (end, parent) = (self.nodes[index].end, self.nodes[index].parent.index());
            self.nodes[parent].end = self.nodes[parent].end.max(end);
            self.nodes[parent].first_child += 1;
        }
        // Turns the number of children into the offset of their end; as they are put there last first, this becomes the offset
        // of their beginning.
        let mut end = 0;
        for node in &mut self.nodes {
            end += node.first_child;
            node.first_child = end;
        }
        self.children = vec![NodeId::ROOT; end as usize];
        for index in (1..self.nodes.len()).rev() {
            let parent = self.nodes[index].parent.index();
            self.nodes[parent].first_child -= 1;
            self.children[self.nodes[parent].first_child as usize] = NodeId(index as u32);
        }
        self.keys = self.children.iter().map(|&child| key(self.name(child))).collect();
    }
}
