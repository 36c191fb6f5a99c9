//! The file that an import leads to, in Python and in Node: the simplest search that tells whether there is one.

use super::member::Kind;
use super::replay::{Found, Tree};
use crate::path::{join, split};
use bstr::{BString, ByteSlice};

/// Kinds of files that Python loads for a module.
const KINDS: [&[u8]; 4] = [b".py", b".so", b".pyc", b".pyw"];
/// The suffixes that Node tries behind a path.
const ENDS: [&str; 7] = ["", ".js", ".json", ".node", ".mjs", ".cjs", "/index.js"];

/// The rank of the file found for a name: a directory alone is a namespace, which anything in it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A directory.
    Dir,
    /// A file that can be loaded.
    File,
}

/// Returns the directories in which Python looks for modules, by their names.
pub fn roots(tree: &Tree<'_>, env: &[(String, String)], workdir: &str) -> Vec<BString> {
    let mut out = Vec::new();
    for (path, &inode) in &tree.names {
        let (dir, name) = split(path);
        let library = name.starts_with(b"python") && [&b"lib"[..], b"lib64"].contains(&split(dir).1);
        let is_root = library || [&b"site-packages"[..], b"dist-packages", b"lib-dynload"].contains(&name);
        if is_root && tree.kind(inode) == Kind::Dir {
            out.push(path.clone());
        }
    }
    let variable = env.iter().filter(|(key, _)| key == "PYTHONPATH").flat_map(|(_, value)| value.split(':'));
    for dir in variable.chain([workdir]).filter(|dir| dir.starts_with('/')) {
        out.extend(tree.resolve(b"", dir.as_bytes()).map(|found| found.path));
    }
    out.dedup();
    out
}

/// Returns the file that Python would load for the parts of a module's name below `root`.
pub fn python<'p>(tree: &Tree<'_>, root: &[u8], parts: impl Iterator<Item = &'p str>) -> Option<(Rank, BString)> {
    let mut at: BString = root.into();
    let mut found = (Rank::Dir, at.clone());
    let mut parts = parts.filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let dir = tree.resolve(&at, part.as_bytes()).filter(|found| tree.kind(found.inode) == Kind::Dir);
        let package = dir.as_ref().and_then(|dir| file(tree, &dir.path, "__init__"));
        found = match (package, file(tree, &at, part), &dir) {
            (Some(init), ..) => (Rank::File, init),
            (None, Some(module), _) => (Rank::File, module),
            (None, None, Some(dir)) => (Rank::Dir, dir.path.clone()),
            (None, None, None) => return None,
        };
        match dir {
            Some(Found { path, .. }) => at = path,
            None if parts.peek().is_some() => return None,
            None => {}
        }
    }
    Some(found)
}

/// Returns the file of a module in a directory.
fn file(tree: &Tree<'_>, dir: &[u8], name: &str) -> Option<BString> {
    let prefix = join(dir, format!("{name}.").as_bytes());
    let all = tree.names.range::<BString, _>(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
    let mut files = all.filter(|(path, inode)| {
        !path[prefix.len()..].contains(&b'/')
            && KINDS.iter().any(|kind| path.ends_with(kind))
            && tree.kind(**inode) != Kind::Dir
    });
    files.next().map(|(path, _)| path.clone())
}

/// Returns the file that Node would load for `text`, required by the file at `by`.
pub fn node(tree: &Tree<'_>, by: &[u8], text: &str) -> Option<BString> {
    let (dir, _) = split(by);
    if text.starts_with(['.', '/']) {
        return loaded(tree, dir, text);
    }
    let mut above = Some(dir);
    while let Some(dir) = above {
        if let Some(found) = loaded(tree, dir, &format!("node_modules/{text}")) {
            return Some(found);
        }
        above = (!dir.is_empty()).then(|| split(dir).0);
    }
    None
}

fn loaded(tree: &Tree<'_>, dir: &[u8], path: &str) -> Option<BString> {
    let here = |end: &str| {
        let found = tree.resolve(dir, format!("{path}{end}").as_bytes())?;
        (tree.kind(found.inode) != Kind::Dir).then_some(found.path)
    };
    ENDS.iter().find_map(|end| here(end)).or_else(|| here("/package.json"))
}

/// Returns the part of a file's or directory's name by which modules name it.
pub fn stem(path: &[u8]) -> &[u8] {
    let (dir, name) = split(path);
    let stem = name.find_byte(b'.').filter(|at| *at > 0).map_or(name, |at| &name[..at]);
    if stem == b"__init__" || name == b"package.json" || stem == b"index" { split(dir).1 } else { stem }
}
