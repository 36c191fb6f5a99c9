//! The things in an image that a sweep can try, found among its files.

use crate::engine::subject::Files;
use crate::tree::{NodeId, Type};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One thing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The module, or the path.
    pub name: String,
    /// The file or directory that must be there for it.
    pub path: String,
}

impl Item {
    fn file(path: String) -> Self {
        Self { name: path.clone(), path }
    }
}

/// Programs that do harm if they do not know `--version`.
const DANGEROUS: [&str; 20] = [
    "blkdiscard",
    "fsfreeze",
    "fstrim",
    "halt",
    "init",
    "kexec",
    "killall5",
    "login",
    "mkswap",
    "pivot_root",
    "poweroff",
    "reboot",
    "runlevel",
    "shutdown",
    "sulogin",
    "switch_root",
    "systemctl",
    "telinit",
    "umount",
    "wipefs",
];

fn text(files: &Files, id: NodeId) -> Option<&str> {
    std::str::from_utf8(files.tree().name(id)).ok()
}

/// Returns every Python, with the directories of its modules. One of a virtual environment goes by its own name, which tells
/// the environment.
pub(super) fn pythons(files: &Files) -> BTreeMap<String, Vec<String>> {
    let tree = files.tree();
    let mut dirs = BTreeSet::new();
    for id in tree.ids().filter(|id| tree.is_dir(*id)) {
        let Some(version) = text(files, id).and_then(|name| name.strip_prefix("python")) else { continue };
        let lib = tree.node(id).parent;
        let digits = version.starts_with(|c: char| c.is_ascii_digit());
        if !digits || !version.chars().all(|c| c.is_ascii_digit() || c == '.') {
            continue;
        }
        if !matches!(text(files, lib), Some("lib" | "lib64")) {
            continue;
        }
        let (Some(home), Some(above)) = (files.text(id), files.text(tree.node(lib).parent)) else { continue };
        let prefix = above.trim_end_matches('/').to_owned();
        let inside = ["site-packages", "dist-packages", "lib-dynload"].into_iter();
        for name in inside.filter(|name| tree.child(id, name.as_bytes()).is_some_and(|c| tree.is_dir(c))) {
            dirs.insert((prefix.clone(), version.to_owned(), format!("{home}/{name}")));
        }
        if ["os.py", "os.pyc"].into_iter().any(|name| tree.child(id, name.as_bytes()).is_some()) {
            dirs.insert((prefix, version.to_owned(), home));
        }
    }
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (prefix, version, dir) in dirs {
        let system = ["/usr", "/usr/local"].contains(&prefix.as_str());
        let own = ["", "3", &version].map(|end| format!("{prefix}/bin/python{end}"));
        let others = ["/usr/local/bin/python", "/usr/bin/python"].map(|p| format!("{p}{version}"));
        let more = if system { [others.as_slice(), &["/usr/bin/python3".to_owned()]].concat() } else { Vec::new() };
        let found = own.iter().rev().chain(&more).find(|path| files.is_program(path));
        let Some(found) = found else { continue };
        let real = files.resolve(found).and_then(|id| files.text(id)).filter(|_| system);
        out.entry(real.unwrap_or_else(|| found.clone())).or_default().push(dir);
    }
    out
}

/// Returns the modules in these directories and below, each with the first of its files.
pub(super) fn modules(files: &Files, dirs: &[String]) -> Vec<Item> {
    let tree = files.tree();
    let roots: HashMap<NodeId, &String> = dirs.iter().filter_map(|d| Some((files.resolve(d)?, d))).collect();
    let mut out = BTreeMap::new();
    for &root in roots.keys() {
        let mut todo = vec![(root, String::new())];
        while let Some((dir, package)) = todo.pop() {
            for &child in tree.children(dir) {
                let Some(name) = text(files, child) else { continue };
                let join = |name: &str| if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") };
                if tree.is_dir(child) {
                    // A directory that is a root itself belongs to that root.
                    if name != "__pycache__" && identifier(name) && !roots.contains_key(&child) {
                        todo.push((child, join(name)));
                    }
                    continue;
                }
                let stem = name.split('.').next().unwrap_or_default();
                let library = name.ends_with(".so");
                let source = [".py", ".pyc"].iter().any(|e| name.ends_with(e)) && name.matches('.').count() == 1;
                if tree.inode_of(child).kind != Type::File || !identifier(stem) || !(library || source) {
                    continue;
                }
                let module = if stem == "__init__" { package.clone() } else { join(stem) };
                if let Some(path) = files.text(child).filter(|_| !module.is_empty()) {
                    let first: &mut String = out.entry(module).or_insert_with(|| path.clone());
                    if path < *first {
                        *first = path;
                    }
                }
            }
        }
    }
    out.into_iter().map(|(name, path)| Item { name, path }).collect()
}

fn identifier(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic());
    first && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}

/// Returns the files that may be shared objects: the helper looks into them.
pub(super) fn objects(files: &Files) -> Vec<Item> {
    let tree = files.tree();
    let may = |id: &NodeId| match files.file(*id) {
        Some((mode, size)) => size > 64 && (mode & 0o111 != 0 || text(files, *id).is_some_and(|n| n.contains(".so"))),
        None => false,
    };
    tree.ids().filter(may).filter_map(|id| files.text(id)).map(Item::file).collect()
}

/// Returns the programs of `PATH`, each once for the directory that it is in.
pub(super) fn programs(files: &Files) -> Vec<Item> {
    let mut seen = BTreeSet::new();
    let mut out = BTreeSet::new();
    for dir in &files.path {
        let Some(id) = files.resolve(dir).filter(|id| seen.insert(*id)) else { continue };
        for &child in files.tree().children(id) {
            let Some(name) = text(files, child).filter(|n| !n.contains(['\n', '\t', '\r'])) else { continue };
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            if !DANGEROUS.contains(&name) && !name.starts_with("mkfs") && files.is_program(&path) {
                out.insert(path);
            }
        }
    }
    out.into_iter().map(Item::file).collect()
}

/// Returns the directories of packages below each `node_modules`, and of Debian's.
pub(super) fn node_packages(files: &Files) -> Vec<Item> {
    let tree = files.tree();
    let is_package = |id: &NodeId| {
        let name = |id: NodeId| text(files, id).unwrap_or_default();
        if !tree.is_dir(*id) || tree.child(*id, b"package.json").is_none() || name(*id).starts_with(['.', '@']) {
            return false;
        }
        let mut above = tree.node(*id).parent;
        if name(above).starts_with('@') {
            above = tree.node(above).parent;
        }
        name(above) == "node_modules" || files.text(above).as_deref() == Some("/usr/share/nodejs")
    };
    tree.ids().filter(is_package).filter_map(|id| files.text(id)).map(Item::file).collect()
}

/// Returns the dynamic loader.
pub(super) fn loader(files: &Files) -> Option<String> {
    let tree = files.tree();
    let dirs = ["/lib64", "/lib", "/usr/lib64", "/usr/lib"].into_iter().filter_map(|dir| files.resolve(dir));
    let is = |name: &str| (name.starts_with("ld-linux") || name.starts_with("ld-musl")) && name.contains(".so");
    let mut all = dirs.flat_map(|dir| tree.children(dir)).filter(|id| text(files, **id).is_some_and(is));
    all.find_map(|id| files.text(*id))
}
