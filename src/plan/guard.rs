//! The guard of Python rules: which paths a Python file's imports and literals lead to.
//!
//! A rule with `guard = "python"` proposes to drop what is never imported in practice, such as test directories; whatever a
//! file that stays imports or names is kept, and what that needs in turn. Computed names cannot be seen here.

use super::Request;
use crate::path;
use crate::profile::{self, Profile};
use crate::refs::{Reference, Target};
use crate::tree::{NodeId, Tree};
use bstr::ByteSlice;
use std::collections::{BTreeSet, HashSet};

/// The named set of directories that Python looks for modules in.
const MODULE_ROOTS: &str = "python-path";

/// The last components of guarded patterns, such as `tests`: what a reference must mention to lead below them.
#[must_use]
pub fn words(profile: &Profile) -> Vec<Vec<u8>> {
    let guarded = profile.rules.iter().filter(|r| r.enabled && r.guard == Some(profile::Guard::Python));
    let patterns = guarded.flat_map(|r| r.paths.iter().flat_map(|glob| &glob.expanded));
    let parts = patterns.flat_map(|pattern| pattern.split('/').map(str::to_owned));
    let literal = parts.filter(|part| !part.is_empty() && !part.contains(['*', '?', '[', '{', '\\']));
    // The parts of named sets, such as `site-packages`, are no words of guarded rules: only the last literal part is.
    let roots = profile.sets.values().flatten().flat_map(|p| p.split('/'));
    let roots: BTreeSet<&str> = roots.collect();
    let words: BTreeSet<String> = literal.filter(|part| !roots.contains(part.as_str())).collect();
    words.into_iter().map(String::into_bytes).collect()
}

/// The directories that Python looks for modules in.
#[must_use]
pub fn module_roots(tree: &Tree, profile: &Profile) -> Vec<NodeId> {
    let mut builder = globset::GlobSetBuilder::new();
    for pattern in profile.sets.get(MODULE_ROOTS).into_iter().flatten() {
        // What a wrong pattern would name is no root; as a part of a rule it was an error.
        if let Ok(glob) = globset::GlobBuilder::new(pattern.trim_start_matches('/')).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    let set = builder.build().unwrap_or_default();
    let is_root =
        |id: &NodeId| tree.is_dir(*id) && set.is_match_candidate(&globset::Candidate::from_bytes(&tree.path(*id)));
    tree.ids().filter(is_root).collect()
}

/// Whether a directory that a guarded rule names is Python code at all: in a package, or where modules are looked for, and with
/// modules in it. Templates, and data that a program finds by scanning directories, are often named `tests` too.
#[must_use]
pub fn is_code(tree: &Tree, dir: NodeId, roots: &[NodeId]) -> bool {
    let parent = tree.node(dir).parent;
    let in_package = tree.child(parent, b"__init__.py").is_some() || roots.contains(&parent);
    in_package && tree.subtree(dir).any(|id| tree.name(id).ends_with(b".py"))
}

/// Resolves references in one tree.
pub struct Guard<'a> {
    tree: &'a Tree,
    roots: Vec<NodeId>,
    words: Vec<Vec<u8>>,
}

impl<'a> Guard<'a> {
    /// Finds the directories that modules are looked for in.
    #[must_use]
    pub fn new(request: &Request<'a>) -> Self {
        let tree = &request.merged.tree;
        let words = words(request.profile);
        let roots = if words.is_empty() { Vec::new() } else { module_roots(tree, request.profile) };
        Self { tree, roots, words }
    }

    /// The nodes that the references of `file` lead to, each with the line that says so.
    #[must_use]
    pub fn targets(&self, file: NodeId, references: &[Reference]) -> Vec<(NodeId, u32)> {
        let mut out = Vec::new();
        // The word and file names that literals of this file give: together they may name a file of a test directory.
        let literals = references.iter().filter_map(|r| match &r.target {
            Target::Literal(text) => Some(text.as_str()),
            Target::Import { .. } => None,
        });
        let literals: BTreeSet<&str> = literals.collect();
        let mut seen = HashSet::new();
        let mut named = HashSet::new();
        for reference in references.iter().filter(|r| seen.insert(&r.target)) {
            let mut found = Vec::new();
            match &reference.target {
                Target::Import { level, module, names } => self.import(file, *level, module, names, &mut found),
                Target::Literal(text) => self.literal(file, text, &literals, &mut found),
            }
            out.extend(found.into_iter().filter(|id| named.insert(*id)).map(|id| (id, reference.line)));
        }
        out
    }

    fn import(&self, file: NodeId, level: u32, module: &str, names: &[String], out: &mut Vec<NodeId>) {
        if level > 0 {
            let package = self.tree.ancestors(file).nth(level as usize - 1);
            if let Some(package) = package {
                self.module(package, module, names, out);
            }
            return;
        }
        // A program finds modules beside itself as well, and a package may be run from any directory above it.
        for root in self.roots.iter().copied().chain(self.tree.ancestors(file)) {
            self.module(root, module, names, out);
        }
    }

    /// The files of `module` below `root`, of the packages on the way, and of those `names` that are modules in it.
    fn module(&self, root: NodeId, module: &str, names: &[String], out: &mut Vec<NodeId>) {
        let mut at = root;
        let mut found = Vec::new();
        for part in module.split('.').filter(|part| !part.is_empty()) {
            self.files_of(at, part, &mut found);
            match self.tree.child(at, part.as_bytes()).and_then(|dir| self.tree.resolve(at, self.tree.name(dir)).target)
            {
                Some(dir) if self.tree.is_dir(dir) => {
                    self.files_of(dir, "__init__", &mut found);
                    at = dir;
                }
                // The last part may be a module or a name in one; a module that is not there is no target at all.
                _ if found.is_empty() => return,
                _ => {
                    out.append(&mut found);
                    return;
                }
            }
        }
        for name in names {
            self.files_of(at, name, &mut found);
            if let Some(dir) = self.tree.child(at, name.as_bytes()).filter(|&dir| self.tree.is_dir(dir)) {
                self.files_of(dir, "__init__", &mut found);
            }
        }
        out.append(&mut found);
    }

    /// The files in `dir` that Python would load for the module `name`: source, extension, bytecode.
    fn files_of(&self, dir: NodeId, name: &str, out: &mut Vec<NodeId>) {
        let prefix = [name.as_bytes(), b"."].concat();
        let mut add = |dir: NodeId| {
            let children = self.tree.children(dir);
            let from = children.partition_point(|&c| self.tree.name(c) < prefix.as_slice());
            let matching = children[from..].iter().take_while(|&&c| self.tree.name(c).starts_with(&prefix));
            out.extend(matching.filter(|&&c| !self.tree.is_dir(c)));
        };
        add(dir);
        if let Some(cache) = self.tree.child(dir, b"__pycache__") {
            add(cache);
        }
    }

    /// What a string may name: a module, a path beside the file, or with a word (`"tests"`) any file below that directory whose
    /// name is another literal of the file.
    fn literal(&self, file: NodeId, text: &str, literals: &BTreeSet<&str>, out: &mut Vec<NodeId>) {
        let dir = self.tree.node(file).parent;
        if self.words.iter().any(|w| w == text.as_bytes()) {
            let Some(below) = self.tree.child(dir, text.as_bytes()) else {
                return;
            };
            let named = |id: &NodeId| self.tree.name(*id).to_str().is_ok_and(|name| literals.contains(name));
            out.extend(self.tree.subtree(below).filter(|id| !self.tree.is_dir(*id) && named(id)));
            return;
        }
        if !text.contains('/') && text.contains('.') {
            self.import(file, 0, text, &[], out);
        }
        // A directory is meant only where the string says which: "tests/data", never "..".
        let mentions = path::split(text.as_bytes()).1 != b".."
            && path::components(text.as_bytes()).any(|part| self.words.iter().any(|w| w == part));
        let found = self.tree.resolve(dir, text.as_bytes()).target.filter(|&id| mentions || !self.tree.is_dir(id));
        out.extend(found.into_iter().flat_map(|id| self.tree.subtree(id)));
    }
}
