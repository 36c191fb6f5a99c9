//! The files meant by a string that reads like a path, a file's name or a kind of files. Such a string counts within the
//! package of its file: names such as `data.csv` mean another file in every package.

use super::index::within;
use super::names::extension;
use super::state::Guard;
use crate::tree::NodeId;
use bstr::{BStr, ByteSlice};

/// Names that so many packages use, and so many texts mention, that a mention alone says nothing.
const GENERIC: &str = "\
    index main test tests setup conftest utils config settings data default readme changes changelog history news authors \
    contributing todo notes license licence notice makefile manifest version requirements package package-lock tsconfig \
    pyproject dockerfile style styles base example examples demo out output input result results log tmp temp file \
    foo bar baz spam a b c x y z module script code text sample template metadata record";

/// True if a component matches a pattern in which `*` stands for any bytes.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|&c| c == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = memchr::memmem::find(rest, part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// Returns the parts of a pattern up to the first and from the last `*`; without one, the pattern itself.
fn ends(pattern: &[u8]) -> (&[u8], &[u8]) {
    let (first, last) = (memchr::memchr(b'*', pattern), memchr::memrchr(b'*', pattern));
    (&pattern[..first.unwrap_or(pattern.len())], &pattern[last.map_or(0, |at| at + 1)..])
}

fn is_generic(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    stem.is_empty() || GENERIC.split(' ').any(|generic| generic == stem)
}

/// True for Python's own modules, which are loaded by import, not by kind or name.
fn is_module(name: &[u8]) -> bool {
    matches!(extension(name), b"py" | b"pyc" | b"pyo")
}

impl Guard<'_> {
    /// Adds the files that a path may name. `joined` says that it stands where paths do, so that a single word counts.
    pub(super) fn path(&self, file: NodeId, text: &str, joined: bool, out: &mut Vec<NodeId>) {
        if text.starts_with('/') && !text.contains('*') {
            // `/usr/bin` is no reference to everything in it: a directory counts only if all of it would go.
            let target = self.tree.resolve(NodeId::ROOT, text.as_bytes()).target;
            self.named(target.filter(|&id| self.goes_whole(id)), out);
        }
        self.relative(file, text, joined, out);
        let is_path = joined || text.contains('/');
        let mut parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
        while parts.first() == Some(&"*") {
            parts.remove(0);
        }
        if let Some(last) = parts.last()
            && let Some(kind) = kind_of(last, is_path)
        {
            self.kind(file, kind.as_bytes(), out);
            if !joined {
                return;
            }
        }
        while parts.last() == Some(&"*") {
            parts.pop();
        }
        let Some(last) = parts.last() else { return };
        self.files(file, &parts, last, is_path, out);
        if is_path {
            self.directories(file, &parts, last, out);
            self.elsewhere(&parts, out);
        }
    }

    /// Adds the files whose paths end with `parts`.
    fn files(&self, file: NodeId, parts: &[&str], last: &str, is_path: bool, out: &mut Vec<NodeId>) {
        let glob = last.contains('*');
        if !glob && !self.index.files.contains_key(last.as_bytes().as_bstr()) {
            return;
        }
        let Some(scope) = self.scope(file) else { return };
        if glob {
            let letters = last.bytes().filter(u8::is_ascii_alphanumeric).count();
            let letters = letters.saturating_sub(extension(last.as_bytes()).len());
            if letters < 3 {
                return;
            }
        }
        let candidates = if glob {
            self.index.below(scope)
        } else {
            within(self.tree, &self.index.files[last.as_bytes().as_bstr()], scope)
        };
        let (single, generic) = (parts.len() == 1, is_generic(last));
        let dir = self.tree.node(file).parent;
        // Most candidates fail this check, so it comes before slower ones.
        let (first, end) = ends(last.as_bytes());
        let looks_so = |id: &NodeId| self.tree.name(*id).starts_with(first) && self.tree.name(*id).ends_with(end);
        // A lone name that is generic or a Python module's counts only beside the file, where a path is put together.
        let beside = |id: NodeId| self.tree.node(id).parent == dir && is_path;
        let counts = |id: &NodeId| !single || beside(*id) || !(generic || is_module(self.tree.name(*id)));
        let found = candidates.iter().copied().filter(looks_so).filter(|id| self.ends_with(*id, parts));
        out.extend(found.filter(counts).filter(|id| self.same_root(*id, file)));
    }

    /// Adds the contents of the directories that a path names.
    fn directories(&self, file: NodeId, parts: &[&str], last: &str, out: &mut Vec<NodeId>) {
        let Some(dirs) = self.index.dirs.get(last.as_bytes().as_bstr()) else { return };
        let Some(scope) = self.scope(file) else { return };
        for &dir in within(self.tree, dirs, scope) {
            // A lone word is a directory beside the file, or beside one above it.
            let near = parts.len() > 1 || self.tree.ancestors(file).any(|above| above == self.tree.node(dir).parent);
            if near && dir != scope && self.ends_with(dir, parts) && self.same_root(dir, file) {
                self.directory(dir, out);
            }
        }
    }

    /// Adds a path in another package: `get_data("pkg.sub", "data/x.csv")`.
    fn elsewhere(&self, parts: &[&str], out: &mut Vec<NodeId>) {
        let last = parts.last().map_or(BStr::new(b""), |last| last.as_bytes().as_bstr());
        if parts.len() < 2 || !(self.index.files.contains_key(last) || self.index.dirs.contains_key(last)) {
            return;
        }
        for root in &self.roots.dirs {
            let mut parts = parts[0].split('.').chain(parts[1..].iter().copied());
            let found = parts.try_fold(*root, |dir, part| self.tree.child(dir, part.as_bytes()));
            self.named(found, out);
        }
    }

    /// True if nothing would stay of a directory; always true of a file.
    pub(super) fn goes_whole(&self, id: NodeId) -> bool {
        let goes = |below| self.tree.is_dir(below) || self.index.has(below);
        !self.tree.is_dir(id) || self.index.has(id) || self.tree.subtree(id).all(goes)
    }

    /// Adds a file or directory that is named in full.
    pub(super) fn named(&self, target: Option<NodeId>, out: &mut Vec<NodeId>) {
        match target {
            Some(dir) if self.tree.is_dir(dir) => self.directory(dir, out),
            Some(file) if self.index.has(file) => out.push(file),
            _ => {}
        }
    }

    /// Adds what would go of a named directory: all of it, except that a test suite adds nothing, and modules are added only if
    /// the directory itself goes.
    pub(super) fn directory(&self, dir: NodeId, out: &mut Vec<NodeId>) {
        let below = self.index.below(dir);
        if below.is_empty() || self.index.is_suite(dir) {
            return;
        }
        let whole = self.index.has(dir);
        out.extend(below.iter().copied().filter(|&id| whole || !is_module(self.tree.name(id))));
    }

    /// Adds all files of a kind in the package of `file`.
    pub(super) fn kind(&self, file: NodeId, kind: &[u8], out: &mut Vec<NodeId>) {
        if matches!(kind, b"py" | b"pyc" | b"pyo") {
            return;
        }
        if let Some(files) = self.index.kinds.get(kind)
            && let Some(scope) = self.scope(file)
        {
            out.extend(within(self.tree, files, scope).iter().copied().filter(|&id| self.same_root(id, file)));
        }
    }

    pub(super) fn ends_with(&self, id: NodeId, parts: &[&str]) -> bool {
        let up = std::iter::once(id).chain(self.tree.ancestors(id));
        let mut pairs = parts.iter().rev().zip(up);
        pairs.all(|(part, node)| matches(part.as_bytes(), self.tree.name(node)))
    }

    /// Returns the directory of the package that a file belongs to: below a directory where Python looks for modules, or a
    /// package of Node; for an application the directory that its packages are in.
    pub(super) fn scope(&self, file: NodeId) -> Option<NodeId> {
        if self.is_node(file) {
            return self.node_package(file);
        }
        let parent = self.tree.node(file).parent;
        if self.roots.contains(parent) {
            return None;
        }
        let in_root = self.tree.ancestors(file).find(|&dir| self.roots.contains(self.tree.node(dir).parent));
        if in_root.is_some() {
            return in_root.filter(|&dir| dir != NodeId::ROOT);
        }
        let is_package = |dir: &NodeId| self.tree.child(*dir, b"__init__.py").is_some();
        let above = self.tree.ancestors(file).find(|dir| !is_package(dir))?;
        Some(if above == NodeId::ROOT { parent } else { above }).filter(|&dir| dir != NodeId::ROOT)
    }

    /// True if both lie below the same directory of modules, or both below none.
    fn same_root(&self, one: NodeId, other: NodeId) -> bool {
        self.roots.above(one) == self.roots.above(other)
    }
}

/// Returns the kind of files that `.ttf`, `*.rst` and `ttf` name.
fn kind_of(last: &str, joined: bool) -> Option<&str> {
    match last.rsplit_once('.') {
        Some((stem, kind)) if !kind.is_empty() && stem.bytes().all(|c| c == b'*' || c == b'-' || c == b'_') => {
            Some(kind)
        }
        None if !joined => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_bytes() {
        assert_eq!(ends(b"a*b*c.x"), (&b"a"[..], &b"c.x"[..]));
        assert_eq!(ends(b"abc"), (&b"abc"[..], &b"abc"[..]));
        for (pattern, name, wanted) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "axxbyc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("grammar*.txt", "grammar311.txt", true),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_kind_is_named_in_three_ways() {
        for (text, kind) in [
            (".ttf", Some("ttf")),
            ("*.rst", Some("rst")),
            ("ttf", Some("ttf")),
            ("a.ttf", None),
            ("a*.ttf", None),
            (".", None),
        ] {
            assert_eq!(kind_of(text, false), kind, "{text}");
        }
        assert_eq!(kind_of("data", true), None);
        assert!(is_generic("README.md") && is_generic("index.html") && !is_generic("iris.rst"));
    }
}
