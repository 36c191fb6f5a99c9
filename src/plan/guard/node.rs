//! The files that Node loads for `require` and `import`. Source: <https://nodejs.org/api/modules.html#all-together>, with more
//! extensions for programs that run TypeScript.

use super::names::{EXTENSIONS, is_javascript};
use super::state::Guard;
use crate::layer::Facts;
use crate::tree::NodeId;
use bstr::BStr;

impl Guard<'_> {
    /// True if a file is JavaScript, by its name or by the interpreter that it names.
    pub(super) fn is_node(&self, file: NodeId) -> bool {
        let runs = |facts: &Facts| {
            let script = facts.script.as_ref();
            script.is_some_and(|s| {
                s.interpreter.ends_with(b"/node") || s.env_program().is_some_and(|program| program == "node")
            })
        };
        is_javascript(self.tree.name(file)) || self.request.facts_of(file).is_some_and(runs)
    }

    /// Adds the files that a module's name may mean.
    pub(super) fn require(&self, file: NodeId, name: &str, out: &mut Vec<NodeId>) {
        let dir = self.tree.node(file).parent;
        if name.starts_with(['.', '/']) {
            self.load(dir, name, out);
            return;
        }
        let end = if name.starts_with('@') { name.match_indices('/').nth(1) } else { name.match_indices('/').next() };
        let (package, rest) = end.map_or((name, ""), |(at, _)| name.split_at(at));
        for above in self.tree.ancestors(file) {
            let modules = self.tree.child(above, b"node_modules");
            let Some(found) = modules.and_then(|m| self.tree.resolve(m, package.as_bytes()).target) else { continue };
            let before = out.len();
            self.load(found, &format!(".{rest}"), out);
            if before == out.len() && !rest.is_empty() {
                self.exported(found, rest, out);
            }
        }
    }

    /// Adds the files that a name under `exports` may stand for: a file of that name anywhere in the package.
    fn exported(&self, package: NodeId, rest: &str, out: &mut Vec<NodeId>) {
        let last = rest.rsplit('/').next().unwrap_or_default();
        let names = EXTENSIONS.iter().map(|e| format!("{last}.{e}")).chain([last.to_owned()]);
        for name in names {
            if let Some(files) = self.index.files.get(BStr::new(name.as_bytes())) {
                out.extend(super::index::within(self.tree, files, package));
            }
        }
    }

    /// Adds a file, with or without its extension, or the index of a directory.
    fn load(&self, dir: NodeId, path: &str, out: &mut Vec<NodeId>) {
        if !self.index.javascript && !path.contains('.') {
            return;
        }
        let (above, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
        let last = last.split(['?', '#']).next().unwrap_or_default();
        if matches!(last, "" | "." | "..") {
            self.index_of(self.tree.resolve(dir, path.as_bytes()).target, out);
            return;
        }
        let above = if above.is_empty() && path.starts_with('/') { "/" } else { above };
        let Some(parent) = self.tree.resolve(dir, above.as_bytes()).target else { return };
        let stem = EXTENSIONS.iter().find_map(|e| last.strip_suffix(e)?.strip_suffix('.'));
        let add = |name: &str, out: &mut Vec<NodeId>| {
            let found = self.tree.child(parent, name.as_bytes());
            out.extend(found.filter(|&id| self.index.has(id) && !self.tree.is_dir(id)));
        };
        add(last, out);
        let mut name = String::new();
        for stem in [Some(last), stem].into_iter().flatten() {
            for extension in EXTENSIONS {
                name.clear();
                name.extend([stem, ".", extension]);
                add(&name, out);
            }
        }
        self.index_of(self.tree.resolve(parent, last.as_bytes()).target, out);
    }

    fn index_of(&self, dir: Option<NodeId>, out: &mut Vec<NodeId>) {
        let Some(dir) = dir.filter(|&dir| self.tree.is_dir(dir)) else { return };
        let names = EXTENSIONS.iter().map(|e| format!("index.{e}")).chain(["package.json".to_owned()]);
        let found = names.filter_map(|name| self.tree.child(dir, name.as_bytes()));
        out.extend(found.filter(|&id| self.index.has(id)));
    }

    /// Returns the directory of the package that a file belongs to.
    pub(super) fn node_package(&self, file: NodeId) -> Option<NodeId> {
        let parent = |dir: NodeId| self.tree.node(dir).parent;
        let is_package = |&dir: &NodeId| {
            let (above, name) = (parent(dir), self.tree.name(dir));
            let scoped = self.tree.name(above).starts_with(b"@") && self.tree.name(parent(above)) == "node_modules";
            scoped || (self.tree.name(above) == "node_modules" && !name.starts_with(b"@"))
        };
        let has_package = |dir: &NodeId| self.tree.child(*dir, b"package.json").is_some();
        let mut above = self.tree.ancestors(file);
        let found = above.find(is_package).or_else(|| self.tree.ancestors(file).find(has_package));
        Some(found.unwrap_or(parent(file))).filter(|&dir| dir != NodeId::ROOT)
    }
}
