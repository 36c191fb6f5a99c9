//! The package that each path belongs to, from package managers' own records: dpkg's lists, apk's database, pip's `RECORD`;
//! npm's packages are known by their directory. The distribution's own manager comes before a language's.

use crate::layer::LayerIndex;
use crate::packages::ledger::Ledger;
use crate::packages::{Document, apk, dpkg};
use crate::path;
use crate::report::escape;
use crate::tree::{NodeId, Tree, Type};
use bstr::ByteSlice;
use std::collections::HashMap;

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// The manager: `dpkg`, `apk`, `pip` or `npm`.
    pub manager: &'static str,
    /// The package's name.
    pub name: String,
    /// The version; empty if the database does not state it, as for npm, of which no file is read.
    pub version: String,
}

impl Package {
    /// Returns the label in breakdowns: `MANAGER NAME`, for pip's with the version.
    #[must_use]
    pub fn label(&self) -> String {
        let Self { manager, name, version } = self;
        if *manager == PIP && !version.is_empty() {
            return format!("{manager} {name} {version}");
        }
        format!("{manager} {name}")
    }
}

/// pip's name: several versions of its packages may be installed side by side, in environments of their own.
const PIP: &str = "pip";
const NPM: &str = "npm";

/// The packages of an image, and the paths of each.
pub struct Owners {
    packages: Vec<Package>,
    ids: HashMap<Package, u32>,
    /// For each node, the number of its package.
    nodes: Vec<u32>,
    /// The `package.json` of each npm package.
    manifests: Vec<(NodeId, u32)>,
}

/// The number that means: no package.
const NONE: u32 = u32::MAX;

impl Owners {
    /// Reads the package managers' records that the scan kept.
    #[must_use]
    pub fn new(layers: &[&LayerIndex], tree: &Tree) -> Self {
        let nodes = vec![NONE; tree.len()];
        let mut out = Self { packages: Vec::new(), ids: HashMap::new(), nodes, manifests: Vec::new() };
        let mut versions = HashMap::new();
        for distribution in [true, false] {
            for (_, inode) in tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
                let text = inode.holder().and_then(|at| {
                    layers[at.layer as usize].facts.get(&at.member).and_then(|facts| facts.database_text.as_deref())
                });
                if let Some(text) = text {
                    let path = tree.path(inode.name);
                    out.record(tree, &path, text, distribution);
                    if distribution && matches!(Document::of(&path), Some(Document::Status | Document::StatusD)) {
                        versions.extend(dpkg::packages(text).map(|p| (escape(&p.name), escape(&p.version))));
                    }
                }
            }
        }
        for package in out.packages.iter_mut().filter(|p| p.manager == "dpkg") {
            package.version = versions.remove(&package.name).unwrap_or_default();
        }
        out.npm(tree);
        out.bytecode(tree);
        out
    }

    /// Returns the package of a path.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<&Package> {
        self.packages.get(self.nodes[node.index()] as usize)
    }

    /// Returns the files that state the versions of npm's packages, each with its package.
    pub fn manifests(&self) -> impl Iterator<Item = (NodeId, &Package)> {
        self.manifests.iter().map(|(node, package)| (*node, &self.packages[*package as usize]))
    }

    fn id(&mut self, manager: &'static str, name: &[u8]) -> u32 {
        self.id_of(manager, name, b"")
    }

    fn id_of(&mut self, manager: &'static str, name: &[u8], version: &[u8]) -> u32 {
        let package = Package { manager, name: escape(name), version: escape(version) };
        let next = self.packages.len() as u32;
        let id = *self.ids.entry(package.clone()).or_insert(next);
        if id == next {
            self.packages.push(package);
        }
        id
    }

    /// Gives a path to a package, unless it has one; directories belong to many.
    fn give(&mut self, tree: &Tree, path: &[u8], package: u32) {
        let node = tree.lookup(path).or_else(|| {
            // dpkg lists /bin/sh even if that is usr/bin/sh now: a directory on the way is a link.
            let (dir, name) = path::split(path);
            tree.resolve(NodeId::ROOT, dir).target.and_then(|dir| tree.child(dir, name))
        });
        if let Some(node) = node.filter(|&node| !tree.is_dir(node)) {
            let slot = &mut self.nodes[node.index()];
            *slot = if *slot == NONE { package } else { *slot };
        }
    }

    fn record(&mut self, tree: &Tree, at: &[u8], text: &[u8], distribution: bool) {
        let (dir, name) = path::split(at);
        match Ledger::of(at) {
            Some(Ledger::ApkInstalled) if distribution => self.apk(tree, text),
            Some(Ledger::Record) if !distribution => {
                let package = path::split(dir).1.strip_suffix(b".dist-info").unwrap_or(dir);
                let end = package.find_byte(b'-').unwrap_or(package.len());
                let id = self.id_of(PIP, &package[..end], package.get(end + 1..).unwrap_or_default());
                Ledger::Record.rows(at, text).for_each(|row| self.give(tree, &row.path, id));
            }
            // Distroless images have no lists, but checksums of the same files.
            Some(Ledger::Md5sums) if distribution && dir.ends_with(b"status.d") => {
                let id = self.id("dpkg", name.strip_suffix(b".md5sums").unwrap_or(name));
                Ledger::Md5sums.rows(at, text).for_each(|row| self.give(tree, &row.path, id));
            }
            None if distribution && Document::of(at) == Some(Document::List) => {
                let package = name.strip_suffix(b".list").unwrap_or(name);
                let id = self.id("dpkg", package.split(|&c| c == b':').next().unwrap_or(package));
                text.lines().for_each(|line| self.give(tree, line.strip_prefix(b"/").unwrap_or(line), id));
            }
            _ => {}
        }
    }

    fn apk(&mut self, tree: &Tree, text: &[u8]) {
        for (package, files) in apk::packages(text) {
            let id = self.id_of("apk", &package.name, &package.version);
            files.iter().for_each(|path| self.give(tree, path, id));
        }
    }

    /// Gives npm's packages the files in their directory in `node_modules`, which has a `package.json`, except those of
    /// packages within.
    fn npm(&mut self, tree: &Tree) {
        let mut inside = vec![NONE; tree.len()];
        for id in tree.ids().skip(1) {
            let parent = tree.node(id).parent;
            inside[id.index()] = inside[parent.index()];
            let manifest = if tree.is_dir(id) { tree.child(id, b"package.json") } else { None };
            if let Some(manifest) = manifest {
                let scoped = tree.name(parent).starts_with(b"@");
                let above = if scoped { tree.node(parent).parent } else { parent };
                if tree.name(above) == "node_modules" {
                    let name = if scoped { path::join(tree.name(parent), tree.name(id)) } else { tree.name(id).into() };
                    let package = self.id(NPM, &name);
                    inside[id.index()] = package;
                    self.manifests.push((manifest, package));
                }
            }
            let slot = &mut self.nodes[id.index()];
            *slot = if *slot == NONE { inside[id.index()] } else { *slot };
        }
    }

    /// Gives bytecode that an installation made to the package of its source.
    fn bytecode(&mut self, tree: &Tree) {
        for id in tree.ids() {
            let parent = tree.node(id).parent;
            if self.nodes[id.index()] != NONE || tree.name(parent) != "__pycache__" {
                continue;
            }
            let stem = tree.name(id).split(|&c| c == b'.').next().unwrap_or_default();
            let source = tree.child(tree.node(parent).parent, &[stem, b".py"].concat());
            self.nodes[id.index()] = source.map_or(NONE, |source| self.nodes[source.index()]);
        }
    }
}
