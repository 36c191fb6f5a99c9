//! The paths that guarded rules would drop, by name, by kind and by module; and those at the top of packages of Node.

use super::names::{EXTENSIONS, extension};
use crate::tree::{NodeId, Tree};
use bstr::BStr;
use std::collections::{HashMap, HashSet};

/// The paths that guarded rules would drop.
pub(super) struct Index<'a> {
    tree: &'a Tree,
    /// By node: true if it would be dropped.
    dropped: Vec<bool>,
    /// All files, in the tree's order.
    pub(super) all: Vec<NodeId>,
    /// Files by name.
    pub(super) files: HashMap<&'a BStr, Vec<NodeId>>,
    /// Files that a rule names themselves, not a directory above them, by extension.
    pub(super) kinds: HashMap<&'a [u8], Vec<NodeId>>,
    /// Directories that would lose something, by name.
    pub(super) dirs: HashMap<&'a BStr, Vec<NodeId>>,
    /// The last parts of the names of modules that would go.
    modules: HashSet<&'a [u8]>,
    /// True if any file that would go is JavaScript, or is loaded by Node like it.
    pub(super) javascript: bool,
}

impl<'a> Index<'a> {
    pub(super) fn new(tree: &'a Tree, guarded: impl Fn(NodeId) -> bool) -> Self {
        let dropped: Vec<bool> = tree.ids().map(&guarded).collect();
        let mut index = Self {
            tree,
            all: Vec::new(),
            files: HashMap::new(),
            kinds: HashMap::new(),
            dirs: HashMap::new(),
            modules: HashSet::new(),
            javascript: false,
            dropped,
        };
        let mut losing = vec![false; tree.len()];
        for id in tree.ids() {
            if !index.has(id) {
                continue;
            }
            if tree.is_dir(id) {
                losing[id.index()] = true;
            } else {
                index.add(id);
            }
            for dir in tree.ancestors(id) {
                if std::mem::replace(&mut losing[dir.index()], true) {
                    break;
                }
            }
        }
        for id in tree.ids().filter(|id| losing[id.index()]) {
            index.dirs.entry(tree.name(id)).or_default().push(id);
        }
        index
    }

    fn add(&mut self, id: NodeId) {
        let name = self.tree.name(id);
        let parent = self.tree.node(id).parent;
        self.all.push(id);
        self.files.entry(name).or_default().push(id);
        let extension = extension(name);
        if !extension.is_empty() && !self.dropped[parent.index()] {
            self.kinds.entry(extension).or_default().push(id);
        }
        if matches!(extension, b"py" | b"pyw" | b"pyc" | b"so") {
            let stem = name.split(|&c| c == b'.').next().unwrap_or_default();
            self.modules.insert(if stem == b"__init__" { self.tree.name(parent) } else { BStr::new(stem) });
        }
        self.javascript |= extension == b"wasm" || EXTENSIONS.iter().any(|e| e.as_bytes() == extension);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// True if the node would be dropped.
    pub(super) fn has(&self, id: NodeId) -> bool {
        self.dropped[id.index()]
    }

    /// True if one of the parts may be a module that would go.
    pub(super) fn any_module<'t>(&self, mut parts: impl Iterator<Item = &'t str>) -> bool {
        parts.any(|part| self.modules.contains(part.as_bytes()))
    }

    /// Returns the files below `dir` that would be dropped.
    pub(super) fn below(&self, dir: NodeId) -> &[NodeId] {
        within(self.tree, &self.all, dir)
    }

    /// True if a directory holds a test suite: one that is found by scanning the directory, not by the names of its files.
    pub(super) fn is_suite(&self, dir: NodeId) -> bool {
        let is_test = |name: &BStr| {
            name == "conftest.py"
                || (name.starts_with(b"test_") && name.ends_with(b".py"))
                || name.ends_with(b"_test.py")
        };
        self.tree.subtree(dir).any(|id| is_test(self.tree.name(id)))
    }
}

/// Returns those of `ids`, which are sorted, that are `dir` or below it.
pub(super) fn within<'i>(tree: &Tree, ids: &'i [NodeId], dir: NodeId) -> &'i [NodeId] {
    let end = tree.node(dir).end;
    let from = ids.partition_point(|id| *id < dir);
    let to = ids.partition_point(|id| id.0 < end);
    &ids[from..to]
}

/// Files that rules would drop at the top of packages, beside their `package.json`: by name in small letters, and `README.md`
/// also by `README`, as a word in capitals is hardly anything but the name of a file.
#[derive(Default)]
pub(super) struct Tops(pub(super) HashMap<Vec<u8>, Vec<NodeId>>);

impl Tops {
    pub(super) fn new(tree: &Tree, goes: impl Fn(NodeId) -> bool) -> Self {
        let mut tops: HashMap<Vec<u8>, Vec<NodeId>> = HashMap::new();
        let is_top = |id: &NodeId| goes(*id) && tree.child(tree.node(*id).parent, b"package.json").is_some();
        for id in tree.ids().filter(is_top) {
            let name = tree.name(id);
            tops.entry(name.to_ascii_lowercase()).or_default().push(id);
            let stem = name.split(|&c| c == b'.').next().unwrap_or_default();
            if stem.len() < name.len()
                && stem.iter().any(u8::is_ascii_uppercase)
                && !stem.iter().any(u8::is_ascii_lowercase)
            {
                tops.entry(stem.to_vec()).or_default().push(id);
            }
        }
        Self(tops)
    }

    /// Returns those with the name that a path ends with, whatever their case; none for a path with more in it than that name.
    pub(super) fn named(&self, text: &str) -> [&[NodeId]; 2] {
        let name = text.rsplit('/').next().unwrap_or_default();
        let above = text[..text.len() - name.len()].split('/');
        if self.0.is_empty() || !above.into_iter().all(|part| matches!(part, "" | "." | ".." | "*")) {
            return [&[], &[]];
        }
        let lower = name.to_ascii_lowercase();
        let list = |name: &str| self.0.get(name.as_bytes()).map_or(&[][..], Vec::as_slice);
        [list(&lower), if lower == name { &[] } else { list(name) }]
    }
}
