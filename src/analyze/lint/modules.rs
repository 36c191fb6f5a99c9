//! The search for a Python module: in the directories that Python looks in, beside the program, and in directories above it.

use super::look::Look;
use super::rules::PythonRules;
use crate::plan::{guard, programs};
use crate::refs::Target;
use crate::tree::{NodeId, Tree};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The most directories named by a file that are searched for modules.
const MOST_BESIDE: usize = 1000;

/// A module: a file, a package with its `__init__`, or a directory of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Module {
    /// The file that is loaded; `None` for a namespace.
    pub(super) file: Option<NodeId>,
    /// The directory with the submodules.
    pub(super) dir: Option<NodeId>,
}

/// All places where modules are looked for.
pub(super) struct Modules<'a> {
    tree: &'a Tree,
    rules: &'a PythonRules,
    /// The directories; those of programs that come first on PATH are first.
    roots: Vec<NodeId>,
    is_root: HashSet<NodeId>,
    workdir: NodeId,
    /// Modules that editable installations provide by code.
    editable: HashSet<&'a [u8]>,
    /// For each module found so far, the root that has it.
    provided: RefCell<HashMap<&'a str, Option<NodeId>>>,
    /// For each directory asked for so far: true if there is Python below it.
    namespaces: RefCell<HashMap<NodeId, bool>>,
}

impl<'a> Modules<'a> {
    /// Gathers the places; returns `None` if there is no Python in the image.
    pub(super) fn new(look: &Look<'a>) -> Option<Self> {
        let tree = look.tree;
        let mut roots = guard::module_dirs(&look.request.plan);
        let rules = &look.rules().python;
        let more = roots.iter().filter_map(|&root| tree.child(root, rules.extensions.as_bytes()));
        roots.extend(more.filter(|&dir| tree.is_dir(dir)).collect::<Vec<_>>());
        roots.iter().find(|&&root| tree.child(root, rules.marker.as_bytes()).is_some())?;
        let facts = look.request.plan.facts;
        let homes: Vec<NodeId> = programs::path_dirs(tree, facts)
            .iter()
            .filter_map(|dir| dir.target)
            .map(|dir| tree.node(dir).parent)
            .filter(|&home| home != NodeId::ROOT)
            .collect();
        let rank = |root: NodeId| homes.iter().position(|&home| tree.ancestors(root).any(|above| above == home));
        roots.sort_by_key(|&root| (rank(root).unwrap_or(usize::MAX), root));
        let mut out = Self {
            tree,
            rules,
            is_root: roots.iter().copied().collect(),
            roots,
            workdir: tree.resolve(NodeId::ROOT, facts.workdir.as_bytes()).target.unwrap_or(NodeId::ROOT),
            editable: HashSet::new(),
            provided: RefCell::default(),
            namespaces: RefCell::default(),
        };
        out.editable = out.editable(look);
        Some(out)
    }

    /// Returns the modules that finders of editable installations map to directories.
    fn editable(&self, look: &Look<'a>) -> HashSet<&'a [u8]> {
        let files = self.roots.iter().flat_map(|&root| self.tree.children(root)).copied();
        let finders = files.filter(|&id| self.tree.name(id).starts_with(b"__editable__"));
        let facts = finders.filter_map(|id| look.facts(id));
        let paths = facts.flat_map(|facts| facts.references.iter()).filter_map(|reference| match &reference.target {
            Target::Text(text) | Target::Join(text) if text.starts_with('/') => Some(text.as_bytes()),
            _ => None,
        });
        paths.map(super::look::base).map(|name| name.strip_suffix(b".py").unwrap_or(name)).collect()
    }

    /// Returns the directory this many levels above that of a file.
    pub(super) fn above(&self, file: NodeId, levels: usize) -> Option<NodeId> {
        self.tree.ancestors(file).nth(levels)
    }

    /// True if Python looks for modules there.
    pub(super) fn is_root(&self, dir: NodeId) -> bool {
        self.is_root.contains(&dir)
    }

    /// Returns the root that a file lies below.
    pub(super) fn root(&self, file: NodeId) -> Option<NodeId> {
        self.tree.ancestors(file).find(|dir| self.is_root.contains(dir))
    }

    /// Returns the module of that name in a directory.
    pub(super) fn module(&self, dir: NodeId, name: &str) -> Option<Module> {
        let below = self.directory(dir, name);
        if let Some(package) = below
            && let Some(init) = guard::module_files(self.tree, package, "__init__").next()
        {
            return Some(Module { file: Some(init), dir: below });
        }
        if let Some(file) = guard::module_files(self.tree, dir, name).next() {
            return Some(Module { file: Some(file), dir: None });
        }
        below.filter(|&dir| self.has_python(dir)).map(|dir| Module { file: None, dir: Some(dir) })
    }

    fn directory(&self, dir: NodeId, name: &str) -> Option<NodeId> {
        let found = self.tree.child(dir, name.as_bytes())?;
        self.tree.follow(found).target.filter(|&found| self.tree.is_dir(found))
    }

    fn has_python(&self, dir: NodeId) -> bool {
        *self.namespaces.borrow_mut().entry(dir).or_insert_with(|| {
            let is_code = |id: NodeId| {
                let name = self.tree.name(id);
                name.ends_with(b".py") || name.ends_with(b".so")
            };
            self.tree.subtree(dir).any(is_code)
        })
    }

    /// Returns the directory with the top-level module `top`, as `file` sees it.
    pub(super) fn home(&self, file: NodeId, top: &'a str) -> Option<NodeId> {
        // A directory without `__init__` counts only if nothing else has the name.
        let whole = |dir: &NodeId| self.module(*dir, top).is_some_and(|found| found.file.is_some());
        let any = |dir: &NodeId| self.module(*dir, top).is_some();
        let provided = || {
            let find = || self.roots.iter().copied().find(whole).or_else(|| self.roots.iter().copied().find(any));
            *self.provided.borrow_mut().entry(top).or_insert_with(find)
        };
        if let Some(own) = self.root(file) {
            // A package's own root comes first. Code beside a file counts only if the file is a script and in no package.
            let script = |dir: &NodeId| self.tree.child(*dir, b"__init__.py").is_none();
            let beside = || self.tree.ancestors(file).filter(script).find(any);
            return if whole(&own) { Some(own) } else { provided().or_else(beside) };
        }
        let near = || self.tree.ancestors(file).chain([self.workdir]);
        near().find(whole).or_else(provided).or_else(|| near().find(any))
    }

    /// True if something provides the top-level module `top` for `file`, with or without a file.
    pub(super) fn provides(&self, file: NodeId, top: &'a str) -> bool {
        self.rules.known.contains(top)
            || self.home(file, top).is_some()
            || self.editable.contains(top.as_bytes())
            || self
                .rules
                .stand_ins
                .get(top)
                .is_some_and(|other| self.roots.iter().any(|&root| self.module(root, other).is_some()))
    }

    /// Returns the directories that `file` names in strings, as programs put such directories on their path; only as many as
    /// are likely to be meant.
    pub(super) fn beside(&self, file: NodeId, named: impl Iterator<Item = &'a str>) -> Vec<NodeId> {
        let parent = self.tree.node(file).parent;
        let dirs = named.flat_map(|text| {
            let text = text.trim_start_matches("*/");
            [NodeId::ROOT, parent, self.tree.node(parent).parent].map(|from| self.tree.resolve(from, text.as_bytes()))
        });
        let dirs: BTreeSet<NodeId> =
            dirs.filter_map(|found| found.target).filter(|&dir| self.tree.is_dir(dir)).collect();
        dirs.into_iter().take(MOST_BESIDE).collect()
    }

    /// Adds the files that an import loads, in the order of loading.
    pub(super) fn loads(&self, file: NodeId, level: u32, module: &'a str, names: &str, out: &mut Vec<NodeId>) {
        let mut parts = module.split('.').filter(|part| !part.is_empty());
        let mut at = match level {
            0 => match module.split('.').next().and_then(|top| self.home(file, top)) {
                Some(home) => Some(home),
                None => return,
            },
            level => self.tree.ancestors(file).nth(level as usize - 1),
        };
        for part in parts.by_ref() {
            let Some(found) = at.and_then(|dir| self.module(dir, part)) else { return };
            out.extend(found.file);
            at = found.dir;
        }
        if let Some(dir) = at {
            let submodules = names.split(',').filter(|name| !name.is_empty()).filter_map(|name| self.module(dir, name));
            out.extend(submodules.filter_map(|found| found.file));
        }
    }

    /// Checks that all modules on the way of a dotted name are there, as far as directories tell: `Err` is the first that is
    /// not.
    pub(super) fn walk(&self, from: NodeId, module: &str) -> Result<(), String> {
        let mut at = Some(from);
        let mut passed = String::new();
        for part in module.split('.').filter(|part| !part.is_empty()) {
            passed = if passed.is_empty() { part.to_owned() } else { format!("{passed}.{part}") };
            // A name that a file defines is no module, and may be anything.
            let Some(dir) = at else { return Ok(()) };
            match self.module(dir, part) {
                Some(found) => at = found.dir,
                None => return Err(passed),
            }
        }
        Ok(())
    }

    /// True if a file is an application's own code: not part of the system or of a package.
    pub(super) fn is_application(&self, file: NodeId, path: &[u8]) -> bool {
        let environment = |dir: NodeId| self.tree.child(dir, self.rules.environment.as_bytes()).is_some();
        self.root(file).is_none()
            && !self.tree.ancestors(file).any(environment)
            && !self.rules.system.is_match_candidate(&globset::Candidate::from_bytes(path))
    }

    /// Returns the directory or file that a file's findings are counted for: its package below a root, its directory elsewhere.
    pub(super) fn package(&self, file: NodeId) -> NodeId {
        let mut own = std::iter::once(file).chain(self.tree.ancestors(file));
        let of_root = |&id: &NodeId| id != NodeId::ROOT && self.is_root.contains(&self.tree.node(id).parent);
        own.find(of_root).unwrap_or(self.tree.node(file).parent)
    }

    /// Returns the names of modules that lie anywhere except in roots.
    pub(super) fn elsewhere(&self) -> HashSet<&'a [u8]> {
        let mut out = HashSet::new();
        for id in self.tree.ids() {
            let name = self.tree.name(id);
            if let Some(stem) = name.strip_suffix(b".py")
                && self.root(id).is_none()
            {
                out.insert(if stem == b"__init__" { &**self.tree.name(self.tree.node(id).parent) } else { stem });
            }
        }
        out
    }
}

/// Returns the first part of a dotted name.
pub(super) fn top(module: &str) -> &str {
    module.split('.').next().unwrap_or(module)
}

/// True if a name is a Python source's.
pub(super) fn is_source(name: &[u8]) -> bool {
    name.ends_with(b".py") || name.ends_with(b".pyw")
}
