//! The guard: a rule proposes, references veto. Which paths that rules would drop are needed by files that stay, as far as
//! their imports, literals and dynamic sections tell; [`super::hold`] asks for each file that stays, and so for all that it
//! needs in turn.
//!
//! Only what rules would drop is looked for, so a reference to anything else costs a hash or two. What is doubtful is kept,
//! within bounds: a name counts in its own package only, a test suite is not needed because somebody names its directory.

use super::{Request, Why};
use crate::layer::Facts;
use crate::profile::{Action, Guard as Kind, Profile};
use crate::refs::Target;
use crate::tree::{NodeId, Tree};
use index::Index;
use relative::Tops;
use roots::Roots;
use std::collections::{BTreeSet, HashSet};

mod index;
mod node;
mod paths;
mod python;
mod relative;
mod roots;
mod shared;

pub use python::module_files;
pub use roots::{all as module_dirs, is_code, module_roots};
pub use shared::{dirs as library_dirs, own_dirs as own_library_dirs};

/// The names in the last components of guarded patterns, such as `tests`, and `ttf` of `*.{ttf,woff}`: what a file refers to by
/// mere mention.
#[must_use]
pub fn words(profile: &Profile) -> Vec<Vec<u8>> {
    let guarded = profile.rules.iter().filter(|r| r.enabled && r.guard != Kind::None);
    let patterns = guarded.flat_map(|r| r.paths.iter().flat_map(|glob| &glob.expanded));
    let last = patterns.filter_map(|pattern| pattern.rsplit('/').next());
    let parts = last.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'));
    let words: BTreeSet<&str> = parts.filter(|part| part.len() > 2).collect();
    words.into_iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Whether any rule asks what kept files refer to: Python's alone, and all.
#[must_use]
pub fn asks(profile: &Profile) -> (bool, bool) {
    let of = |kind: Kind| profile.rules.iter().any(|r| r.enabled && r.guard == kind);
    (of(Kind::Python) || of(Kind::References), of(Kind::References))
}

/// What says that a module is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Speaker {
    /// A statement.
    Import,
    /// A string of Python code.
    Text,
    /// A string of JavaScript.
    JavaScript,
}

/// Finds what is needed of what rules would drop.
pub struct Guard<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    index: Index<'a>,
    /// What would go at the top of packages of Node's.
    tops: Tops,
    /// What would go with a package: to mention a path of a compiler is not to need it, to import or to link it is.
    packaged: HashSet<NodeId>,
    /// Where Python looks for modules.
    roots: Roots,
    /// Where the dynamic loader looks for libraries.
    library_dirs: Vec<NodeId>,
    /// Absolute imports that have been looked for in all roots, and by whom: not all are listened to.
    imported: HashSet<(&'a str, &'a str, Speaker)>,
}

impl<'a> Guard<'a> {
    /// Prepares for what `dropped` says, by node: the rule that would drop it.
    #[must_use]
    pub fn new(request: &'a Request<'a>, dropped: &[Option<u16>]) -> Self {
        let tree = &request.merged.tree;
        let guarded = |rule: u16| request.profile.rules[usize::from(rule)].guard != Kind::None;
        let index = Index::new(tree, |id| dropped[id.index()].is_some_and(guarded));
        let of_package = |rule: u16| request.profile.rules[usize::from(rule)].action == Action::RemovePackage;
        let packaged = index.all.iter().copied().filter(|id| dropped[id.index()].is_some_and(of_package)).collect();
        let (roots, library_dirs, imported) = (Roots::default(), Vec::new(), HashSet::new());
        let tops = Tops::new(tree, |id| index.has(id));
        let mut guard = Self { request, tree, index, tops, packaged, roots, library_dirs, imported };
        if !guard.index.is_empty() {
            guard.roots = Roots::new(tree, roots::all(request));
            guard.library_dirs = shared::dirs(request);
        }
        guard
    }

    /// What `file`, which stays, needs of what would go. Whether the rule in question listens to such a file is told by
    /// [`listens`].
    pub fn needs(&mut self, file: NodeId, facts: &'a Facts) -> Vec<(NodeId, Why)> {
        // Stubs are read by tools, and at run time only where a module says so.
        if self.index.is_empty() || self.tree.name(file).ends_with(b".pyi") {
            return Vec::new();
        }
        let mut out = self.references(file, facts);
        out.extend(self.tops(file, facts));
        if let Some(needed) = &facts.needed {
            out.extend(self.libraries(file, needed).into_iter().map(|id| (id, Why::Needed(file))));
        }
        out
    }

    fn references(&mut self, file: NodeId, facts: &'a Facts) -> Vec<(NodeId, Why)> {
        let mut out = Vec::new();
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for reference in facts.references.iter() {
            match &reference.target {
                Target::Import { level, module, names } => {
                    self.import(file, Speaker::Import, *level, module, names, &mut found);
                }
                Target::Text(text) => {
                    self.text(file, text, &mut found);
                    found.retain(|id| !self.packaged.contains(id));
                }
                Target::Join(text) => {
                    self.path(file, text, true, &mut found);
                    found.retain(|id| !self.packaged.contains(id));
                }
                Target::Require(text) => self.require(file, text, &mut found),
                Target::Stub => {
                    if let Some(stub) = self.stub(file) {
                        found.push(stub);
                        let facts = facts_of(self.request, stub);
                        out.extend(facts.into_iter().flat_map(|facts| self.references(stub, facts)));
                    }
                }
            }
            let fresh = found.drain(..).filter(|id| seen.insert(*id));
            out.extend(fresh.map(|id| (id, Why::Referenced(file, reference.line))));
        }
        out
    }

    /// The files that the image's config runs as modules: what follows `-m`, and names such as `app.main:app`.
    pub fn config_modules(&mut self) -> Vec<NodeId> {
        let mut found = Vec::new();
        if self.index.is_empty() {
            return found;
        }
        let facts = self.request.facts;
        let workdir = self.tree.resolve(NodeId::ROOT, facts.workdir.as_bytes()).target.unwrap_or(NodeId::ROOT);
        let mut after_m = false;
        for word in facts.command_words().take(super::hold::MOST_WORDS) {
            let module = word.split(':').next().unwrap_or_default();
            if after_m || module.contains('.') {
                for root in self.roots.dirs.iter().copied().chain([workdir]) {
                    self.module(root, module, "__main__", &mut found);
                }
            }
            after_m = word == "-m";
        }
        found
    }
}

/// Whether a rule with this guard lets `file` veto.
#[must_use]
pub fn listens(kind: Kind, tree: &Tree, file: NodeId, why: Why) -> bool {
    match kind {
        Kind::References => true,
        Kind::Python => matches!(why, Why::Referenced(..)) && !node::is_javascript(tree.name(file)),
        Kind::None => false,
    }
}

/// What is known of a file's content.
#[must_use]
pub fn facts_of<'a>(request: &Request<'a>, file: NodeId) -> Option<&'a Facts> {
    let at = request.merged.tree.inode_of(file).holder()?;
    request.facts_at(at)
}
