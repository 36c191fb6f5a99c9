//! The packages that are installed in the tree, of all managers, and the names of the tree that belong to them.

use crate::packages::ledger::Ledger;
use crate::packages::{Document, Manager, Package, apk, dpkg, pip};
use crate::path;
use crate::plan::Request;
use crate::plan::places::Places;
use crate::tree::{MemberId, NodeId, Tree, Type};
use bstr::{BString, ByteSlice};
use std::collections::{HashMap, HashSet};

/// A database file of the tree, with its text.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub node: NodeId,
    pub at: MemberId,
    pub kind: Document,
    pub text: &'a [u8],
}

/// Everything that is known of a package beside its stanza.
#[derive(Default)]
pub struct Entry {
    /// The database file that has its stanza among others.
    pub shared: Option<NodeId>,
    /// Database files of its own.
    pub own: Vec<NodeId>,
    /// The package's directories, files and links.
    pub files: Vec<NodeId>,
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

/// All packages of an image.
pub struct Inventory<'a> {
    pub tree: &'a Tree,
    pub packages: Vec<Package>,
    /// One for each package.
    pub entries: Vec<Entry>,
    /// Names and the packages that have them, in order.
    owners: Vec<(NodeId, u32)>,
    /// The other database files.
    pub texts: Vec<Text<'a>>,
}

impl<'a> Inventory<'a> {
    /// Reads all databases of the tree.
    #[must_use]
    pub fn read(request: &Request<'a>) -> Self {
        let tree = &request.merged.tree;
        let mut reader = Reader { request, tree, places: Places::new(tree), packages: Vec::new(), entries: Vec::new() };
        let texts = reader.texts();
        reader.dpkg(&texts);
        reader.apk(&texts);
        reader.pip(&texts);
        let Reader { packages, mut entries, .. } = reader;
        let each = |(index, entry): (usize, &Entry)| {
            entry.files.iter().map(move |&node| (node, index as u32)).collect::<Vec<_>>()
        };
        let mut owners: Vec<(NodeId, u32)> = entries.iter().enumerate().flat_map(each).collect();
        owners.sort_unstable();
        owners.dedup();
        for (index, entry) in entries.iter_mut().enumerate().filter(|(i, _)| packages[*i].manager == Manager::Pip) {
            // Its metadata is among the files of another package.
            let found = entry.own.iter().flat_map(|&node| of(&owners, node)).find(|&p| p != index as u32);
            entry.owner = found;
        }
        Self { tree, packages, entries, owners, texts }
    }

    /// Returns the packages that have a name.
    pub fn owners(&self, node: NodeId) -> impl Iterator<Item = u32> {
        of(&self.owners, node)
    }

    /// Returns the database files of one kind.
    pub fn of_kind(&self, kind: Document) -> impl Iterator<Item = &Text<'a>> {
        self.texts.iter().filter(move |text| text.kind == kind)
    }
}

fn of(owners: &[(NodeId, u32)], node: NodeId) -> impl Iterator<Item = u32> {
    let from = owners.partition_point(|(n, _)| *n < node);
    owners[from..].iter().take_while(move |(n, _)| *n == node).map(|(_, package)| *package)
}

struct Reader<'r, 'a> {
    request: &'r Request<'a>,
    tree: &'a Tree,
    places: Places<'a>,
    packages: Vec<Package>,
    entries: Vec<Entry>,
}

impl<'a> Reader<'_, 'a> {
    /// Returns the text of a file, if it was read; an empty file has none.
    fn text(&self, node: NodeId) -> Option<(MemberId, &'a [u8])> {
        let inode = self.tree.inode_of(node);
        let at = inode.holder().filter(|_| inode.kind == Type::File)?;
        if self.request.member(at).stored == 0 {
            return Some((at, b""));
        }
        Some((at, self.request.facts_at(at)?.database_text.as_deref()?))
    }

    fn texts(&self) -> Vec<Text<'a>> {
        let files = self.tree.inodes().filter(|(_, inode)| inode.kind == Type::File);
        let one = |node: NodeId| {
            let (at, text) = self.text(node)?;
            let kind = Document::of(&self.tree.path(node))?;
            Some(Text { node, at, kind, text })
        };
        let mut all: Vec<Text<'a>> = files.filter_map(|(_, inode)| one(inode.name)).collect();
        all.sort_by_key(|text| text.node);
        all
    }

    fn add(&mut self, package: Package, entry: Entry) {
        self.packages.push(package);
        self.entries.push(entry);
    }

    /// Returns the names at paths in the order of a list. A directory of the list that is a link now (`/lib` where `/usr` is
    /// merged) is left out: the link belongs to no package.
    fn nodes<'p>(&mut self, paths: impl Iterator<Item = &'p [u8]>) -> Vec<NodeId> {
        let paths: Vec<&[u8]> = paths.collect();
        // The paths that have something below them in the list, wherever in it: dpkg-deb writes symbolic links last.
        let parent = |path: &&'p [u8]| memchr::memrchr(b'/', path).map(|at| &path[..at]);
        let dirs: HashSet<&[u8]> = paths.iter().filter_map(parent).collect();
        let mut out = Vec::new();
        for path in paths {
            let Some(node) = self.places.get(path) else { continue };
            if !dirs.contains(path) || self.tree.is_dir(node) {
                out.push(node);
            }
        }
        out
    }

    fn dpkg(&mut self, texts: &[Text<'a>]) {
        let of_kind = |kind: Document| texts.iter().filter(move |t| t.kind == kind);
        let auto = of_kind(Document::ExtendedStates).flat_map(|t| dpkg::extended_states(t.text));
        let mut auto_of: HashMap<BString, HashSet<BString>> = HashMap::new();
        for (name, arch, ..) in auto.filter(|s| s.2) {
            auto_of.entry(name).or_default().insert(arch);
        }
        let mut diverted_from: HashMap<&[u8], dpkg::Diversion<'_>> = HashMap::new();
        let mut diverted_by: HashMap<&[u8], Vec<dpkg::Diversion<'_>>> = HashMap::new();
        for diversion in of_kind(Document::Diversions).flat_map(|t| dpkg::diversions(t.text)) {
            diversion.by.into_iter().for_each(|by| diverted_by.entry(by).or_default().push(diversion.clone()));
            diverted_from.entry(diversion.from).or_insert(diversion);
        }
        let mut info = self.info();
        for text in of_kind(Document::Status) {
            for package in dpkg::packages(text.text) {
                let keys = [[&package.name[..], b":", &package.arch].concat(), package.name.to_vec()];
                let own = keys.iter().find_map(|key| info.remove(key)).unwrap_or_default();
                let list = own.iter().find(|&&node| self.tree.name(node).ends_with(b".list"));
                let list = list.and_then(|&list| self.text(list));
                let lines: Vec<&[u8]> = list.into_iter().flat_map(|(_, text)| text.lines()).collect();
                let moved = |path: &'a [u8]| {
                    // dpkg knows one diversion of each path.
                    let known = diverted_from.get(path);
                    known.filter(|d| d.by != Some(&package.name[..])).map_or(path, |d| d.to)
                };
                let files = self.nodes(lines.into_iter().map(moved));
                let own_diversions = diverted_by.get(&package.name[..]).into_iter().flatten();
                let diverted = own_diversions.filter_map(|d| self.places.get(d.to)).collect();
                let (listed, shared) = (list.is_some(), Some(text.node));
                // For packages for all architectures apt states the machine's.
                let auto = auto_of.get(&package.name);
                let auto = auto.is_some_and(|archs| package.arch == "all" || archs.contains(&package.arch));
                self.add(package, Entry { shared, own, files, diverted, auto, listed, ..Entry::default() });
            }
        }
        for text in of_kind(Document::StatusD) {
            let sums = [self.tree.name(text.node).as_bytes(), b".md5sums"].concat();
            let sums = self.tree.child(self.tree.node(text.node).parent, &sums);
            let rows = sums.and_then(|node| self.text(node)).map(|(_, text)| Ledger::Md5sums.rows(b"", text));
            let paths: Vec<Vec<u8>> = rows.into_iter().flatten().map(|row| row.path).collect();
            let files = self.nodes(paths.iter().map(Vec::as_slice));
            let own = std::iter::once(text.node).chain(sums).collect();
            if let Some(package) = dpkg::packages(text.text).next() {
                self.add(package, Entry { own, files, listed: sums.is_some(), ..Entry::default() });
            }
        }
    }

    /// Returns the files in dpkg's `info`, by the package that they are named for.
    fn info(&self) -> HashMap<Vec<u8>, Vec<NodeId>> {
        let mut out: HashMap<Vec<u8>, Vec<NodeId>> = HashMap::new();
        let dir = self.tree.lookup(b"var/lib/dpkg/info");
        for &node in dir.into_iter().flat_map(|dir| self.tree.children(dir)) {
            if let Some((stem, _)) = self.tree.name(node).rsplit_once_str(".") {
                out.entry(stem.to_vec()).or_default().push(node);
            }
        }
        out
    }

    fn apk(&mut self, texts: &[Text<'a>]) {
        let world = texts.iter().filter(|t| t.kind == Document::World).flat_map(|t| apk::world(t.text));
        let world: HashSet<BString> = world.map(|(name, _)| name).collect();
        let databases = [&b"lib/apk/db/installed"[..], b"usr/lib/apk/db/installed"];
        let found: HashSet<NodeId> =
            databases.iter().filter_map(|p| self.tree.resolve(NodeId::ROOT, p).target).collect();
        let mut found: Vec<NodeId> = found.into_iter().collect();
        found.sort_unstable();
        for node in found {
            let Some((_, text)) = self.text(node) else { continue };
            for (package, paths) in apk::packages(text) {
                let files = self.nodes(paths.iter().map(|p| p.as_slice()));
                let provided = package.provides.iter().map(|(name, _)| name);
                let auto = !std::iter::once(&package.name).chain(provided).any(|name| world.contains(name));
                self.add(package, Entry { shared: Some(node), files, auto, listed: true, ..Entry::default() });
            }
        }
    }

    /// Returns the directories between a Python file and the directory where modules are looked for: `RECORD` lists files
    /// alone.
    fn dirs_below(&self, node: NodeId, site: NodeId) -> Vec<NodeId> {
        let above: Vec<NodeId> = self.tree.ancestors(node).take_while(|&dir| dir != site).collect();
        // A file elsewhere, such as a script, is not below `site`.
        if above.last() == Some(&NodeId::ROOT) { Vec::new() } else { above }
    }

    fn pip(&mut self, texts: &[Text<'a>]) {
        let mut found = Vec::new();
        let mut entries = Vec::new();
        for text in texts.iter().filter(|t| t.kind == Document::Metadata) {
            let dir = self.tree.node(text.node).parent;
            let site = self.tree.node(dir).parent;
            let site_path = self.tree.path(site);
            let Some(one) = pip::distribution(text.text, pip::python_of(&site_path)) else { continue };
            let record = self.tree.child(dir, b"RECORD").and_then(|node| Some((node, self.text(node)?.1)));
            let rows = record.map(|(node, text)| {
                let at = self.tree.path(node);
                Ledger::Record.rows(&at, text).map(|row| row.path).collect::<Vec<_>>()
            });
            let listed = rows.is_some();
            let mut files = self.nodes(rows.iter().flatten().map(Vec::as_slice));
            let mut dirs: Vec<NodeId> = files.iter().flat_map(|&node| self.dirs_below(node, site)).collect();
            dirs.sort_unstable();
            dirs.dedup();
            files.extend(dirs);
            let own = self.tree.subtree(dir).collect();
            found.push(one);
            entries.push(Entry { own, files, listed, scope: Some(site), ..Entry::default() });
        }
        pip::settle(&mut found);
        found.into_iter().zip(entries).for_each(|(one, entry)| self.add(one.package, entry));
    }
}

/// True for the bytecode that goes with a module: `a.cpython-311.pyc` with `a.py`.
#[must_use]
pub fn is_bytecode_of(bytecode: &[u8], module: &[u8]) -> bool {
    let stem = module.strip_suffix(b".py");
    let rest = stem.and_then(|stem| bytecode.strip_prefix(stem));
    rest.is_some_and(|rest| rest.starts_with(b".") && rest.ends_with(b".pyc"))
}

/// True if the image has a database of rpm's, which is not read.
#[must_use]
pub fn has_rpm(tree: &Tree) -> bool {
    let dirs = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
    let files = ["Packages", "Packages.db", "rpmdb.sqlite"];
    let mut all = dirs.iter().flat_map(|dir| files.map(|file| path::join(dir.as_bytes(), file.as_bytes())));
    all.any(|path| tree.resolve(NodeId::ROOT, &path).target.is_some())
}
