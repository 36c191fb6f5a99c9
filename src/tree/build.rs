//! A tree under construction: entries added in tar order, layers laid on top, and the finished tree frozen.

use super::{At, Inode, InodeId, Node, NodeId, Tree};
use crate::path;
use crate::tar::{Kind, Member};
use bstr::{BString, ByteSlice};
use std::collections::{BTreeMap, HashMap};

/// Symbolic links followed on one path, as in Linux.
const MAX_LINKS: usize = 40;

/// A tree under construction; nodes and inodes that nothing leads to any more stay in it unused.
pub(super) struct Build {
    pub(super) nodes: Vec<BuildNode>,
    pub(super) inodes: Vec<BuildInode>,
    /// The layer that is being added.
    pub(super) layer: u32,
}

#[derive(Clone)]
pub(super) struct BuildNode {
    pub(super) parent: u32,
    pub(super) inode: u32,
    pub(super) at: Option<At>,
    pub(super) since: u32,
    pub(super) children: BTreeMap<BString, u32>,
}

#[derive(Clone)]
pub(super) struct BuildInode {
    pub(super) kind: Kind,
    pub(super) holder: Option<At>,
}

impl Build {
    pub(super) fn new() -> Self {
        let root = BuildNode { parent: 0, inode: 0, at: None, since: 0, children: BTreeMap::new() };
        Self { nodes: vec![root], inodes: vec![BuildInode { kind: Kind::Dir, holder: None }], layer: 0 }
    }

    pub(super) fn inode(&mut self, kind: Kind, holder: Option<At>) -> u32 {
        self.inodes.push(BuildInode { kind, holder });
        self.inodes.len() as u32 - 1
    }

    pub(super) fn kind(&self, node: u32) -> &Kind {
        &self.inodes[self.nodes[node as usize].inode as usize].kind
    }

    /// Puts a name into a directory, in place of any other of that name and all below it.
    pub(super) fn put(&mut self, dir: u32, name: &[u8], inode: u32, at: Option<At>) -> u32 {
        let id = self.nodes.len() as u32;
        self.nodes.push(BuildNode { parent: dir, inode, at, since: self.layer, children: BTreeMap::new() });
        self.nodes[dir as usize].children.insert(name.into(), id);
        id
    }

    /// Adds an entry of the layer that this is the tree of; returns its inode.
    pub(super) fn add(&mut self, member: &Member, at: At, pending: &mut Vec<(u32, u32)>) -> Result<u32, &'static str> {
        if member.path.is_empty() {
            if member.kind != Kind::Dir {
                return Err("the root is no directory");
            }
            self.nodes[0].at = Some(at);
            self.nodes[0].inode = self.inode(Kind::Dir, Some(at));
            return Ok(self.nodes[0].inode);
        }
        let (dir, name) = path::split(&member.path);
        let dir = self.make_dirs(dir)?;
        let old = self.nodes[dir as usize].children.get(name.as_bstr()).copied();
        Ok(match (&member.kind, old) {
            (Kind::Dir, Some(old)) if *self.kind(old) == Kind::Dir => {
                self.nodes[old as usize].inode = self.inode(Kind::Dir, Some(at));
                self.nodes[old as usize].at = Some(at);
                self.nodes[old as usize].inode
            }
            (Kind::HardLink(target), _) => {
                let found = self.find(target, true);
                let inode = match found.map(|n| (self.nodes[n as usize].inode, self.kind(n))) {
                    Some((_, Kind::Dir)) => return Err("a hard link to a directory"),
                    // A link to itself leaves what was there.
                    Some((inode, _)) => inode,
                    None => {
                        let inode = self.inode(member.kind.clone(), None);
                        pending.push((inode, at.member));
                        inode
                    }
                };
                if found.is_none() || found != old {
                    self.put(dir, name, inode, Some(at));
                }
                inode
            }
            (kind, _) => {
                let inode = self.inode(kind.clone(), Some(at));
                self.put(dir, name, inode, Some(at));
                inode
            }
        })
    }

    /// The directory of this path, made where it is missing, with symbolic links followed.
    pub(super) fn make_dirs(&mut self, dir: &[u8]) -> Result<u32, &'static str> {
        let mut at = 0;
        let mut links = 0;
        let mut todo: Vec<BString> = path::components(dir).rev_collect();
        while let Some(part) = todo.pop() {
            if part == "." || part.is_empty() {
                continue;
            }
            if part == ".." {
                at = self.nodes[at as usize].parent;
                continue;
            }
            let next = self.nodes[at as usize].children.get(&part).copied();
            match next.map(|n| (n, self.kind(n))) {
                Some((n, Kind::Dir)) => at = n,
                Some((_, Kind::Symlink(target))) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err("the path leads through a loop of symbolic links");
                    }
                    let absolute = target.starts_with(b"/");
                    todo.extend(target.split(|&c| c == b'/').rev_collect());
                    at = if absolute { 0 } else { at };
                }
                // Nothing, or a file that a directory replaces.
                _ => {
                    let inode = self.inode(Kind::Dir, None);
                    at = self.put(at, &part, inode, None);
                }
            }
        }
        Ok(at)
    }

    /// The node of a path; symbolic links are followed in its parents if `follow`, never at its end.
    pub(super) fn find(&self, wanted: &[u8], follow: bool) -> Option<u32> {
        let (dir, name) = path::split(wanted);
        let dir = if follow { self.find_dir(dir)? } else { self.walk(dir)? };
        if name.is_empty() { Some(dir) } else { self.nodes[dir as usize].children.get(name.as_bstr()).copied() }
    }

    pub(super) fn walk(&self, wanted: &[u8]) -> Option<u32> {
        path::components(wanted).try_fold(0, |at, part| self.nodes[at as usize].children.get(part.as_bstr()).copied())
    }

    /// The directory that a path leads to, with symbolic links followed.
    pub(super) fn find_dir(&self, dir: &[u8]) -> Option<u32> {
        let canonical = self.canonical(dir)?;
        self.walk(&canonical).filter(|&n| *self.kind(n) == Kind::Dir)
    }

    /// The path without the symbolic links of this tree; what this tree does not have is taken as it is. `None` where the
    /// path leads through a file or a loop.
    pub(super) fn canonical(&self, dir: &[u8]) -> Option<BString> {
        let mut done: Vec<BString> = Vec::new();
        let mut nodes = vec![Some(0u32)];
        let mut links = 0;
        let mut todo: Vec<BString> = path::components(dir).rev_collect();
        while let Some(part) = todo.pop() {
            if part == "." || part.is_empty() {
                continue;
            }
            if part == ".." {
                if done.pop().is_some() {
                    nodes.pop();
                }
                continue;
            }
            let here = nodes.last().copied().flatten();
            let next = here.and_then(|n| self.nodes[n as usize].children.get(&part).copied());
            match next.map(|n| self.kind(n)) {
                Some(Kind::Symlink(target)) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        done.clear();
                        nodes.truncate(1);
                    }
                    todo.extend(target.split(|&c| c == b'/').rev_collect());
                }
                None | Some(Kind::Dir) => {
                    done.push(part);
                    nodes.push(next);
                }
                Some(_) => return None,
            }
        }
        Some(bstr::join("/", done).into())
    }

    pub(super) fn lay(&mut self, own: &Self, mut inodes: HashMap<u32, u32>) {
        let mut todo = vec![(0u32, 0u32)];
        while let Some((from, to)) = todo.pop() {
            let source = &own.nodes[from as usize];
            if source.at.is_some() && own.inodes[source.inode as usize].kind == Kind::Dir {
                self.nodes[to as usize].at = source.at;
                let holder = own.inodes[source.inode as usize].holder;
                self.nodes[to as usize].inode = self.inode(Kind::Dir, holder);
            }
            for (name, &child) in &source.children {
                let node = &own.nodes[child as usize];
                let kind = &own.inodes[node.inode as usize].kind;
                let old = self.nodes[to as usize].children.get(name).copied();
                let id = match old {
                    Some(old) if *kind == Kind::Dir && *self.kind(old) == Kind::Dir => old,
                    _ => {
                        let inode = *inodes.entry(node.inode).or_insert_with(|| {
                            self.inodes.push(own.inodes[node.inode as usize].clone());
                            self.inodes.len() as u32 - 1
                        });
                        self.put(to, name, inode, node.at)
                    }
                };
                if *kind == Kind::Dir {
                    todo.push((child, id));
                }
            }
        }
    }

    /// The tree as it is now, flat, without what nothing leads to.
    pub(super) fn freeze(&self) -> Tree {
        let mut nodes: Vec<Node> = Vec::new();
        let mut inodes: Vec<Inode> = Vec::new();
        let mut ids: HashMap<u32, InodeId> = HashMap::new();
        // Children pushed in reverse come out in order; a node's end is known when its parent's next child begins.
        let mut todo = vec![(0u32, NodeId::ROOT, BString::default())];
        while let Some((from, parent, name)) = todo.pop() {
            let source = &self.nodes[from as usize];
            let id = NodeId(nodes.len() as u32);
            let inode = *ids.entry(source.inode).or_insert_with(|| {
                let old = &self.inodes[source.inode as usize];
                inodes.push(Inode { kind: old.kind.clone(), holder: old.holder, names: Vec::new() });
                InodeId(inodes.len() as u32 - 1)
            });
            inodes[inode.0 as usize].names.push(id);
            let (at, since) = (source.at, source.since);
            nodes.push(Node { parent, name, inode, at, since, end: id.0 + 1, children: Vec::new() });
            if id != NodeId::ROOT {
                nodes[parent.index()].children.push(id);
            }
            todo.extend(source.children.iter().rev().map(|(name, &child)| (child, id, name.clone())));
        }
        for index in (1..nodes.len()).rev() {
            let (end, parent) = (nodes[index].end, nodes[index].parent.index());
            nodes[parent].end = nodes[parent].end.max(end);
        }
        Tree { nodes, inodes }
    }
}

/// Components as owned values, last first: a stack of what is to be walked.
trait RevCollect {
    fn rev_collect(self) -> Vec<BString>;
}

impl<'a, I: Iterator<Item = &'a [u8]>> RevCollect for I {
    fn rev_collect(self) -> Vec<BString> {
        let mut parts: Vec<BString> = self.map(Into::into).collect();
        parts.reverse();
        parts
    }
}
