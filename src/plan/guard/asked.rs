//! The rules' own lists of programs that read their paths, and references that are no paths: a program, a package whose tests
//! are run, a language, a text domain, a library, a source map.

use super::index::within;
use super::state::{Guard, What};
use crate::layer::Facts;
use crate::path;
use crate::plan::programs;
use crate::profile::{Action, Guard as Kind, RuleId};
use crate::refs::Target;
use crate::tree::NodeId;
use bstr::BStr;

impl Guard<'_> {
    /// Adds the test suites of a package or module that a command runs by its name.
    pub(super) fn suite(&self, name: &str, out: &mut Vec<NodeId>) {
        self.directories_of(name).into_iter().for_each(|dir| self.suites_of(dir, out));
    }

    /// Adds the test suite that an entry point names a module of: a program that loads the module goes on to scan the
    /// directory.
    pub(super) fn entry_point(&self, module: &str, out: &mut Vec<NodeId>) {
        self.directories_of(module)
            .into_iter()
            .filter(|&dir| self.index.has(dir))
            .for_each(|dir| self.suites_of(dir, out));
    }

    /// Returns the directories that a dotted name leads to, if there are any.
    fn directories_of(&self, name: &str) -> Vec<NodeId> {
        let find = |root: NodeId| self.deepest(root, name);
        self.roots.dirs.iter().copied().chain(self.prepared.workdir).filter_map(find).collect()
    }

    /// Returns the last directory on the way of a dotted name from `root`, if there is one.
    fn deepest(&self, root: NodeId, name: &str) -> Option<NodeId> {
        let child = |dir: &NodeId, part: &str| self.tree.child(*dir, part.as_bytes()).filter(|&d| self.tree.is_dir(d));
        let mut last = None;
        for part in name.split('.') {
            match child(&last.unwrap_or(root), part) {
                Some(dir) => last = Some(dir),
                None => break,
            }
        }
        last
    }

    /// Adds everything that rules about Python code would take of a directory; if the directory goes as a part of another one,
    /// of that one.
    pub(super) fn suites_of(&self, dir: NodeId, out: &mut Vec<NodeId>) {
        let dir = self.tree.ancestors(dir).take_while(|&above| self.index.has(above)).last().unwrap_or(dir);
        if !self.is_new(What::Suites(dir), self.index.below(dir).len()) {
            return;
        }
        // A suite goes as a directory; stubs and headers that other rules name one by one are no suites.
        let suite = |id: NodeId| self.index.has(self.tree.node(id).parent);
        let is_python = |rule: RuleId| self.guard_of(rule) == Kind::Python;
        let python = |id: &&NodeId| suite(**id) && self.rules[id.index()].is_some_and(is_python);
        out.extend(self.index.below(dir).iter().filter(python));
    }

    /// Adds all paths of rules that list this program as a reader, and the program itself if it would go with a package.
    pub(super) fn read_by(&self, program: &str, out: &mut Vec<NodeId>) {
        out.extend(self.tool(program));
        if !self.is_new(What::Program(program.to_owned()), self.index.all.len()) {
            return;
        }
        let reads = |id: &&NodeId| {
            let rule = self.rules[id.index()].map(|rule| self.rule(rule));
            rule.is_some_and(|rule| rule.action.read_by().iter().any(|name| name == program))
        };
        out.extend(self.index.all.iter().filter(reads));
    }

    /// Returns a program that would go with its package, and the links that lead to it.
    fn tool(&self, name: &str) -> Vec<NodeId> {
        if self.packaged.is_empty() {
            return Vec::new();
        }
        let found = programs::on_path(self.tree, name.as_bytes(), &self.prepared.path);
        let all = found.into_iter().flat_map(|found| found.links.into_iter().chain(found.target));
        let runs = |rule: RuleId| runs(&self.rule(rule).action, name);
        all.filter(|id| self.packaged.contains(id) && self.rules[id.index()].is_some_and(runs)).collect()
    }

    /// Adds the translations for a language, in all domains.
    pub(super) fn language(&self, value: &str, out: &mut Vec<NodeId>) {
        let wanted: Vec<&str> = value.split(':').map(programs::language).collect();
        out.extend(programs::of_languages(self.tree, |name| wanted.contains(&name)).filter(|&id| self.index.has(id)));
    }

    /// True if a file needs the text domains in its strings in every language. Python code does, as it may open a domain by its
    /// name, and so do the application's own scripts. A script of the distribution speaks the language that is set.
    pub(super) fn opens_catalogues(&self, file: NodeId) -> bool {
        if let Some((_, opens)) = self.done.opens.get().filter(|(known, _)| *known == file) {
            return opens;
        }
        let facts = self.request.facts_of(file);
        let imports = |facts: &Facts| facts.references.iter().any(|r| matches!(r.target, Target::Import { .. }));
        let opens = facts.is_some_and(imports) || path::is_own(&self.tree.path(file));
        self.done.opens.set(Some((file, opens)));
        opens
    }

    /// Adds the catalogues of a text domain, in all languages.
    pub(super) fn domain(&self, name: &str, out: &mut Vec<NodeId>) {
        let files = self.index.files.get(BStr::new(format!("{name}.mo").as_bytes()));
        out.extend(files.into_iter().flatten());
    }

    /// Returns the links by which a library is loaded without a version number, which come with packages for developers.
    pub(super) fn library(&self, name: &str) -> Vec<NodeId> {
        if name.is_empty() || name.contains(['*', '$']) {
            return Vec::new();
        }
        let names = if name.contains(".so") {
            vec![name.to_owned()]
        } else {
            vec![format!("lib{name}.so"), format!("{name}.so")]
        };
        let files = |name: &String| self.index.files.get(BStr::new(name.as_bytes())).into_iter().flatten().copied();
        let found = names.iter().filter(|name| name.ends_with(".so")).flat_map(files);
        found.filter(|&id| self.tree.target(id).is_some() && self.packaged.contains(&id)).collect()
    }

    /// Adds the source map that a script or style names, relative to its own directory.
    pub(super) fn map(&self, file: NodeId, url: &str, out: &mut Vec<NodeId>) {
        // A URL from the root of a site is relative to some directory above the file.
        const MOST_LEVELS: usize = 10;
        let url = url.replace("%20", " ");
        let dirs = if url.starts_with('/') { MOST_LEVELS } else { 1 };
        let parts: Vec<&str> = url.split('/').filter(|part| !part.is_empty()).collect();
        let ends = if url.starts_with('/') { parts.len() } else { 1 };
        for dir in self.tree.ancestors(file).take(dirs) {
            for from in 0..ends.min(MOST_LEVELS) {
                let resolved = self.tree.resolve(dir, parts[from..].join("/").as_bytes());
                out.extend(resolved.links.iter().copied().chain(resolved.target).filter(|&id| self.index.has(id)));
            }
        }
    }

    /// Adds the paths in the package of `file` that a rule says are read where this module is imported.
    pub(super) fn imported_with(&self, file: NodeId, module: &str, names: &str, out: &mut Vec<NodeId>) {
        for (number, rule) in self.request.profile.numbered_rules() {
            let says = |wanted: &String| imports(wanted, module, names);
            if rule.action.reading().is_some_and(|reading| reading.imported_with.iter().any(says))
                && let Some(scope) = self.scope(file)
                && self.is_new(What::Package(scope, number), self.index.all.len())
            {
                let own = |id: &&NodeId| self.rules[id.index()] == Some(number);
                out.extend(within(self.tree, &self.index.all, scope).iter().filter(own));
            }
        }
    }
}

/// True if an import of `names`, separated by commas, from `module` loads the module `wanted`.
fn imports(wanted: &str, module: &str, names: &str) -> bool {
    let below = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let whole = |name: &str| wanted.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')) == Some(name);
    module == wanted || below(wanted, module) || names.split(',').any(whole)
}

/// True if a rule about packages says that its package has this program, which an application's script may run.
fn runs(action: &Action, program: &str) -> bool {
    matches!(action, Action::RemovePackage(packages) if packages.runs.iter().any(|name| name == program))
}
