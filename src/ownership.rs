//! The packages of an image and the paths of its tree that belong to each: the one answer to the question who owns a path, for
//! plans, analyses and comparisons. What a database says is read by [`crate::packages`]; here its paths become nodes.

use crate::layer::LayerIndex;
use crate::packages::{Files, Installed, Manager, Package, Text};
use crate::path;
use crate::tree::{MemberId, NodeId, Tree, Type};
use bstr::BString;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

/// A look-up of the paths that databases list; for consecutive paths of one directory the directory is looked up once.
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

    /// Returns the nodes at paths in the order of a list. A directory of the list that is a link now (`/lib` where `/usr` is
    /// merged) is left out: the link belongs to no package.
    fn listed(&mut self, paths: &[Cow<'_, [u8]>]) -> Vec<NodeId> {
        // The paths that have something below them in the list, wherever in it: dpkg-deb writes symbolic links last.
        let dirs: HashSet<&[u8]> =
            paths.iter().filter_map(|path| Some(&path[..memchr::memrchr(b'/', path)?])).collect();
        let mut out = Vec::new();
        for path in paths {
            let Some(node) = self.get(path) else { continue };
            if !dirs.contains(&path[..]) || self.tree.is_dir(node) {
                out.push(node);
            }
        }
        out
    }
}

/// A file of a database in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first name of the file.
    pub node: NodeId,
    /// The member with its data.
    pub at: MemberId,
}

/// The texts of one manager's database.
#[derive(Clone, Debug)]
pub struct Database<'a> {
    /// The manager.
    pub manager: Manager,
    /// The texts, in the tree's order.
    pub texts: Vec<Text<'a>>,
    /// The place of each text.
    pub places: Vec<Place>,
}

/// A package, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The package.
    pub package: Package,
    /// The name as analyses show it.
    pub name: BString,
    /// The version as analyses show it; empty if the database does not state it.
    pub version: BString,
    /// The database file that has its stanza among others.
    pub shared: Option<NodeId>,
    /// Database files of its own.
    pub own: Vec<NodeId>,
    /// The package's directories, files and links.
    pub files: Vec<NodeId>,
    /// The directory of which everything belongs to it that is in no list and no package's directory below.
    below: Option<NodeId>,
    /// The places to which it has diverted other packages' files.
    pub diverted: Vec<NodeId>,
    /// True if it was installed because others need it.
    pub auto: bool,
    /// True if its files are known.
    pub listed: bool,
    /// The directory that a Python distribution lies in: its neighbours there meet requirements first.
    pub scope: Option<NodeId>,
    /// The package that brought it along, if another manager or distribution did.
    pub owner: Option<u32>,
}

/// The packages to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All that anything is known of.
    All,
    /// Those of the distribution.
    Distribution,
    /// Those that can be removed.
    Removable,
}

impl Wanted {
    fn has(self, manager: Manager) -> bool {
        match self {
            Self::All => true,
            Self::Distribution => manager.is_distribution(),
            Self::Removable => manager.removes(),
        }
    }
}

/// The packages of an image. Directories may belong to many, files to several.
#[derive(Clone, Debug)]
pub struct Ownership<'a> {
    /// The tree that they are installed in.
    pub tree: &'a Tree,
    /// The packages, manager by manager in the order of their table; others refer to them by index.
    pub entries: Vec<Entry>,
    /// The databases, in the same order.
    pub databases: Vec<Database<'a>>,
    /// Names that lists have, each with the packages that have it, in order.
    owners: Vec<(NodeId, u32)>,
    /// For each node, the package that its bytes count for.
    first: OnceCell<Vec<u32>>,
}

impl<'a> Ownership<'a> {
    /// Reads the databases that the scan kept.
    #[must_use]
    pub fn read(layers: &[&'a LayerIndex], tree: &'a Tree, wanted: Wanted) -> Self {
        let databases = databases(layers, tree, wanted);
        let mut out = Self { tree, entries: Vec::new(), databases, owners: Vec::new(), first: OnceCell::new() };
        for database in &out.databases {
            let files = InTree { layers, tree, texts: &database.texts };
            let mut places = Places::new(tree);
            let packages = database.manager.packages(&files).into_iter();
            let packages = packages.filter(|one| one.described || wanted != Wanted::Removable);
            out.entries.extend(packages.map(|one| entry(tree, &mut places, one)));
        }
        for (index, entry) in (0u32..).zip(&out.entries) {
            out.owners.extend(entry.files.iter().map(|&node| (node, index)));
        }
        out.owners.sort_unstable();
        out.owners.dedup();
        let owner_of = |(index, entry): (u32, &Entry)| {
            // Its metadata is among the files of another package.
            let own = entry.own.iter().filter(|_| entry.scope.is_some());
            own.flat_map(|&node| out.owners(node)).find(|&owner| owner != index)
        };
        let owners: Vec<Option<u32>> = (0u32..).zip(&out.entries).map(owner_of).collect();
        out.entries.iter_mut().zip(owners).for_each(|(entry, owner)| entry.owner = owner);
        out
    }

    /// Returns the packages whose list has a name.
    pub fn owners(&self, node: NodeId) -> impl Iterator<Item = u32> {
        let from = self.owners.partition_point(|(n, _)| *n < node);
        self.owners[from..].iter().take_while(move |(n, _)| *n == node).map(|(_, package)| *package)
    }

    /// Returns the names that lists have.
    pub fn listed(&self) -> impl Iterator<Item = NodeId> {
        self.owners.iter().map(|(node, _)| *node)
    }

    /// Returns the texts of databases in a directory, each with its place.
    pub fn texts_in(&self, dir: &[u8]) -> impl Iterator<Item = (Place, &'a [u8])> {
        let texts = self.databases.iter().flat_map(|database| database.texts.iter().zip(&database.places));
        texts.filter(move |((path, _), _)| path::split(path).0 == dir).map(|((_, text), place)| (*place, *text))
    }

    /// Returns the files that state the versions of packages, if the database does not, each with its package.
    pub fn manifests(&self) -> impl Iterator<Item = (NodeId, u32)> {
        (0u32..).zip(&self.entries).filter_map(|(index, entry)| {
            let manifest = entry.package.manager.manifest()?;
            Some((self.tree.child(entry.below?, manifest.as_bytes())?, index))
        })
    }

    /// Returns the package that a path's bytes count for: the first that lists it, or else the one in whose directory it lies,
    /// or that has the source of this bytecode.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<u32> {
        let package = self.first.get_or_init(|| self.first())[node.index()];
        (package != NONE).then_some(package)
    }

    fn first(&self) -> Vec<u32> {
        let tree = self.tree;
        let mut first = vec![NONE; tree.len()];
        for &(node, package) in self.owners.iter().rev().filter(|(node, _)| !tree.is_dir(*node)) {
            first[node.index()] = package;
        }
        let mut below = vec![NONE; tree.len()];
        for (index, entry) in (0u32..).zip(&self.entries) {
            entry.below.into_iter().for_each(|dir| below[dir.index()] = index);
        }
        for id in tree.ids().skip(1) {
            if below[id.index()] == NONE {
                below[id.index()] = below[tree.node(id).parent.index()];
            }
            if first[id.index()] == NONE {
                first[id.index()] = below[id.index()];
            }
        }
        add_bytecode(tree, &mut first);
        first
    }
}

/// The number that means: no package.
const NONE: u32 = u32::MAX;

/// The text of a file, if the scan kept it; an empty file has one.
fn text<'a>(layers: &[&'a LayerIndex], tree: &Tree, node: NodeId) -> Option<(MemberId, &'a [u8])> {
    let inode = tree.inode_of(node);
    let at = inode.holder().filter(|_| inode.kind == Type::File)?;
    let layer = layers[at.layer as usize];
    if layer.members[at.member as usize].stored == 0 {
        return Some((at, b""));
    }
    Some((at, layer.facts.get(&at.member)?.database_text.as_deref()?))
}

/// Finds the databases of the managers.
fn databases<'a>(layers: &[&'a LayerIndex], tree: &Tree, wanted: Wanted) -> Vec<Database<'a>> {
    let managers = Manager::all().filter(|manager| wanted.has(*manager));
    let mut out: Vec<Database<'a>> =
        managers.map(|manager| Database { manager, texts: Vec::new(), places: Vec::new() }).collect();
    let files = tree.inodes().filter(|(_, inode)| inode.kind == Type::File);
    let mut files: Vec<NodeId> = files.map(|(_, inode)| inode.name).collect();
    files.sort_unstable();
    for node in files {
        let Some((at, text)) = text(layers, tree, node) else { continue };
        let path = tree.path(node);
        let manager = Manager::of_file(&path).map(|(manager, _)| manager);
        if let Some(database) = out.iter_mut().find(|database| Some(database.manager) == manager) {
            database.texts.push((path, text));
            database.places.push(Place { node, at });
        }
    }
    out
}

/// The files of one manager.
struct InTree<'l, 'a> {
    layers: &'l [&'a LayerIndex],
    tree: &'a Tree,
    texts: &'l [Text<'a>],
}

impl<'a> Files<'a> for InTree<'_, 'a> {
    fn texts(&self) -> &[Text<'a>] {
        self.texts
    }

    fn text(&self, path: &[u8]) -> Option<&'a [u8]> {
        text(self.layers, self.tree, self.tree.lookup(path)?).map(|(_, text)| text)
    }

    fn names(&self, dir: &[u8]) -> Vec<BString> {
        let dir = self.tree.lookup(dir).into_iter();
        dir.flat_map(|dir| self.tree.children(dir)).map(|&node| self.tree.name(node).to_owned()).collect()
    }

    fn with(&self, name: &[u8]) -> Vec<BString> {
        let has = |&dir: &NodeId| self.tree.is_dir(dir) && self.tree.child(dir, name).is_some();
        self.tree.ids().filter(has).map(|dir| self.tree.path(dir)).collect()
    }
}

/// Finds what belongs to a package in the tree.
fn entry(tree: &Tree, places: &mut Places<'_>, one: Installed<'_>) -> Entry {
    let scope = one.scope.and_then(|path| tree.lookup(&path));
    let mut files = places.listed(one.files.as_deref().unwrap_or_default());
    if let Some(scope) = scope {
        let mut dirs: Vec<NodeId> = files.iter().flat_map(|&node| dirs_below(tree, node, scope)).collect();
        dirs.sort_unstable();
        dirs.dedup();
        files.extend(dirs);
    }
    let (name, version) = one.shown;
    Entry {
        package: one.package,
        name,
        version,
        shared: one.shared.and_then(|path| tree.lookup(&path)),
        own: one.own.iter().filter_map(|path| tree.lookup(path)).flat_map(|node| tree.subtree(node)).collect(),
        listed: one.files.is_some(),
        files,
        below: one.below.and_then(|path| tree.lookup(&path)),
        diverted: one.diverted.iter().filter_map(|path| places.get(path)).collect(),
        auto: one.auto,
        scope,
        owner: None,
    }
}

/// Returns the directories between a Python file and the directory where modules are looked for: `RECORD` lists files alone.
fn dirs_below(tree: &Tree, node: NodeId, site: NodeId) -> Vec<NodeId> {
    let above: Vec<NodeId> = tree.ancestors(node).take_while(|&dir| dir != site).collect();
    // A file elsewhere, such as a script, is not below `site`.
    if above.last() == Some(&NodeId::ROOT) { Vec::new() } else { above }
}

/// Gives bytecode that an installation made to the package of its source.
fn add_bytecode(tree: &Tree, nodes: &mut [u32]) {
    for id in tree.ids() {
        let parent = tree.node(id).parent;
        if nodes[id.index()] != NONE || tree.name(parent) != "__pycache__" {
            continue;
        }
        let stem = tree.name(id).split(|&c| c == b'.').next().unwrap_or_default();
        let source = tree.child(tree.node(parent).parent, &[stem, b".py"].concat());
        nodes[id.index()] = source.map_or(NONE, |source| nodes[source.index()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Facts;
    use crate::tree::merge::{merge, tests::layer};

    #[test]
    fn one_answer_for_every_path() {
        let lists = [
            ("var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.real\nb\n"),
            ("var/lib/dpkg/info/a.list", "/.\n/bin\n/bin/sh\n/lib\n/lib/a.so\n/usr/lib/b.so\n"),
            ("var/lib/dpkg/info/b.list", "/.\n/bin\n/bin/sh\n/usr/lib/b.so\n"),
            ("s/site-packages/p-1.dist-info/RECORD", "p.py,,\n../../bin/sh,,\n../../bin/p,,\n"),
        ];
        let rest = [
            "bin/sh",
            "bin/sh.real",
            "bin/p",
            "lib->usr/lib",
            "usr/lib/a.so",
            "usr/lib/b.so",
            "s/site-packages/p.py",
            "s/site-packages/__pycache__/p.cpython-311.pyc",
            "n/node_modules/a/package.json",
            "n/node_modules/a/node_modules/@s/b/package.json",
            "n/node_modules/a/node_modules/@s/b/lib/x.js",
            "n/own.js",
        ];
        let members = layer(&lists.iter().map(|(path, _)| *path).chain(rest).collect::<Vec<_>>());
        let fact = |text: &str| Facts { database_text: Some(text.as_bytes().into()), ..Facts::default() };
        let facts = (0..).zip(lists).map(|(member, (_, text))| (member, fact(text))).collect();
        let index = LayerIndex { members, facts, ..LayerIndex::default() };
        let tree = merge(&[&index.members], 0).unwrap().tree;
        let owned = Ownership::read(&[&index], &tree, Wanted::All);
        for (path, package) in [
            // The diverted file is the other package's.
            ("bin/sh", "dpkg b"),
            ("bin/sh.real", "dpkg a"),
            // A link in place of a listed directory belongs to no package, and what is listed below it is there.
            ("lib", ""),
            ("usr/lib/a.so", "dpkg a"),
            ("usr/lib/b.so", "dpkg a"),
            ("usr/lib", ""),
            ("bin/p", "pip p"),
            ("s/site-packages/p.py", "pip p"),
            ("s/site-packages/__pycache__/p.cpython-311.pyc", "pip p"),
            ("n/node_modules/a/package.json", "npm a"),
            ("n/node_modules/a/node_modules/@s", "npm a"),
            ("n/node_modules/a/node_modules/@s/b/lib/x.js", "npm @s/b"),
            ("n/own.js", ""),
        ] {
            let entry = owned.of(tree.lookup(path.as_bytes()).unwrap()).map(|index| &owned.entries[index as usize]);
            let found = entry.map(|entry| format!("{} {}", entry.package.manager.name(), entry.name));
            assert_eq!(found.unwrap_or_default(), package, "{path}");
        }
        let both = owned.owners(tree.lookup(b"usr/lib/b.so").unwrap());
        assert_eq!(both.collect::<Vec<_>>(), [0, 1]);
        assert_eq!(owned.manifests().count(), 2);
        let known = |wanted| Ownership::read(&[&index], &tree, wanted).entries.len();
        // Without a stanza or METADATA nothing can be removed.
        assert_eq!([known(Wanted::All), known(Wanted::Distribution), known(Wanted::Removable)], [5, 2, 0]);
    }
}
