//! The guard: a rule proposes, references veto. It finds the paths that rules would drop and that files which stay need, as far
//! as their imports, literals and dynamic sections tell. [`super::hold`] asks for each file that stays, and so for everything
//! that is needed in turn.
//!
//! Only paths that rules would drop are looked for, so a reference to anything else costs a hash or two. Doubtful paths are
//! kept, within bounds: a name counts in its own package only, and a test suite is not needed because a file names its
//! directory.
//!
//! The methods of [`Guard`] are in several files, by the kind of reference that they follow: here are those that the holding of
//! paths calls, in `python.rs` imports, in `node.rs` what Node loads, in `shared.rs` libraries, in `paths.rs` and `relative.rs`
//! strings that read like paths, in `named.rs` paths in full, in `config.rs` the image's config, in `asked.rs` what rules
//! themselves say of readers. `state.rs` has the type, and what has been held already.

use super::{HoldReason, Request};
use crate::layer::Facts;
use crate::path;
use crate::profile::{Action, Guard as Kind, Profile, RuleId};
use crate::refs::{Reference, Target};
use crate::tree::{NodeId, Tree};
use index::{Index, Tops};
use roots::Roots;
use state::{Done, Speaker};
use std::collections::{BTreeSet, HashSet};

mod asked;
mod config;
mod index;
mod named;
mod names;
mod node;
mod paths;
mod prepared;
mod python;
mod relative;
mod roots;
mod shared;
mod state;
mod wanted;

pub use prepared::Prepared;
pub use python::module_files;
pub use roots::{all as module_dirs, is_code, module_roots};
pub use shared::{dirs as library_dirs, own_dirs as own_library_dirs};
pub use state::Guard;
pub use wanted::searched;

/// Returns the names in the last components of guarded patterns, such as `tests`, and `ttf` of `*.{ttf,woff}`: words whose mere
/// mention in a file counts as a reference.
#[must_use]
pub fn words(profile: &Profile) -> Vec<Vec<u8>> {
    let guarded =
        profile.rules.iter().filter(|r| r.enabled && matches!(r.action.guard(), Kind::Python | Kind::References));
    let patterns = guarded.flat_map(|r| r.paths.iter().flat_map(|glob| &glob.expanded));
    let last = patterns.filter_map(|pattern| pattern.rsplit('/').next());
    let parts = last.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'));
    let words: BTreeSet<&str> = parts.filter(|part| part.len() > 2).collect();
    words.into_iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// True for each of two: if any rule asks for the references of kept Python files, and if any asks for those of all files.
#[must_use]
pub fn asks(profile: &Profile) -> (bool, bool) {
    let of = |kind: Kind| profile.actions().any(|action| action.guard() == kind);
    let others = of(Kind::References) || of(Kind::Paths);
    (of(Kind::Python) || others, others)
}

/// The most places per file that are combined with its other strings.
const MOST_PLACES: usize = 128;

impl<'a> Guard<'a> {
    /// Prepares for what `dropped` says, by node: the rule that would drop it.
    #[must_use]
    pub fn new(request: &'a Request<'a>, prepared: &'a Prepared, dropped: &[Option<RuleId>]) -> Self {
        let tree = &request.merged.tree;
        let guarded = |rule: RuleId| request.profile.rule(rule).action.guard() != Kind::None;
        let index = Index::new(tree, |id| dropped[id.index()].is_some_and(guarded));
        let of_package = |rule: RuleId| matches!(request.profile.rule(rule).action, Action::RemovePackage(_));
        let packaged = index.all.iter().copied().filter(|id| dropped[id.index()].is_some_and(of_package)).collect();
        let mut guard = Self {
            request,
            tree,
            rules: dropped.to_vec(),
            prepared,
            mapped: Self::maps_followed(request, dropped),
            done: Done::default(),
            tops: Tops::new(tree, |id| index.has(id)),
            index,
            packaged,
            roots: Roots::default(),
            library_dirs: Vec::new(),
            imported: HashSet::new(),
        };
        if !guard.index.is_empty() {
            guard.roots = Roots::new(tree, roots::all(request));
            guard.library_dirs = shared::dirs(request);
        }
        guard
    }

    /// Returns the paths that `file`, which stays, needs of those that would go. [`listens`] tells if the rule in question
    /// listens to such a file.
    pub fn needs(&mut self, file: NodeId, facts: &'a Facts) -> Vec<(NodeId, HoldReason)> {
        // Stubs are read by tools, and at run time only if a module says so.
        if self.index.is_empty() || self.tree.name(file).ends_with(b".pyi") {
            return Vec::new();
        }
        let mut out = self.references(file, facts);
        out.extend(self.tops(file, facts));
        if let Some(needed) = &facts.needed {
            out.extend(self.libraries(file, needed).into_iter().map(|id| (id, HoldReason::Needed(file))));
        }
        out
    }

    fn references(&mut self, file: NodeId, facts: &'a Facts) -> Vec<(NodeId, HoldReason)> {
        let mut out = self.by_constants(file, facts);
        let (mut found, mut named) = (Vec::new(), Vec::new());
        // Some rules listen to only one of the two kinds of references.
        let (mut seen, mut seen_in_full) = (HashSet::new(), HashSet::new());
        for reference in facts.references.iter() {
            self.in_full(file, reference, &mut named);
            out.extend(named.drain(..).filter(|(id, _)| seen_in_full.insert(*id)));
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
                        let facts = self.request.facts_of(stub);
                        out.extend(facts.into_iter().flat_map(|facts| self.references(stub, facts)));
                    }
                }
                _ => {}
            }
            let fresh = found.drain(..).filter(|id| seen.insert(*id));
            out.extend(fresh.map(|id| (id, HoldReason::Referenced(file, reference.line))));
        }
        out
    }

    /// Returns the files that `file` names in two strings, one with a place that a rule is about and another with the path from
    /// there: `DOC = "/usr/share/doc"`, and later `os.path.join(DOC, "x", "y.sql")`.
    fn by_constants(&self, file: NodeId, facts: &'a Facts) -> Vec<(NodeId, HoldReason)> {
        let mut out = Vec::new();
        let text = |reference: &'a Reference| match &reference.target {
            Target::Text(text) | Target::Join(text) => Some((&**text, reference.line)),
            _ => None,
        };
        let texts = || facts.references.iter().filter_map(text);
        let mut dirs: Vec<NodeId> = texts().filter_map(|(text, _)| self.place_of(text)).collect();
        dirs.dedup();
        dirs.truncate(MOST_PLACES);
        for (dir, (text, line)) in dirs.iter().flat_map(|&dir| texts().map(move |text| (dir, text))) {
            let mut found = Vec::new();
            self.in_place(dir, text, &mut found);
            out.extend(found.into_iter().map(|id| (id, HoldReason::Named(file, line))));
        }
        out.retain(|(id, _)| {
            self.rules[id.index()].is_some_and(|rule| !self.prepared.deaf.is_to(self.tree, rule, file))
        });
        out
    }

    /// Adds what a reference names in full, with the reason to keep it.
    fn in_full(&self, file: NodeId, reference: &Reference, out: &mut Vec<(NodeId, HoldReason)>) {
        let line = reference.line;
        self.done.speaker.set(Some(file));
        let (mut found, mut why) = (Vec::new(), HoldReason::Named(file, line));
        match &reference.target {
            Target::Path(path) if self.prepared.search.as_ref().is_some_and(|search| search.is_for(path)) => {
                // In a program there are no lines.
                let naming = if line == 0 { named::Naming::Data } else { named::Naming::Text };
                self.full(path, naming, &mut found);
                let libraries = self.library(path.rsplit('/').next().unwrap_or_default());
                out.extend(libraries.into_iter().map(|id| (id, HoldReason::Loaded(file))));
            }
            Target::Path(_) => {}
            Target::Text(text) | Target::Join(text) if text.starts_with('/') || text.starts_with("~/") => {
                self.full(text, named::Naming::Code, &mut found);
                let libraries = self.library(text.rsplit('/').next().unwrap_or_default());
                out.extend(libraries.into_iter().map(|id| (id, HoldReason::Loaded(file))));
            }
            Target::Text(name) if name.ends_with(".so") && !name.contains('/') => {
                (why, found) = (HoldReason::Loaded(file), self.library(name.rsplit('/').next().unwrap_or_default()));
            }
            Target::Text(text) => self.exact(file, text, false, &mut found),
            Target::Join(text) => self.exact(file, text, true, &mut found),
            Target::Library(name) => (why, found) = (HoldReason::Loaded(file), self.library(name)),
            Target::Domain(name) if self.opens_catalogues(file) => self.domain(name, &mut found),
            Target::Suites => {
                let scope = self.scope(file);
                scope.into_iter().for_each(|scope| self.suites_of(scope, &mut found));
            }
            Target::Map(url) => {
                why = HoldReason::Mapped(file, line);
                self.map(file, url, &mut found);
                found.retain(|id| self.rules[id.index()].is_some_and(|rule| self.mapped[rule.index()]));
            }
            Target::Import { level, module, names } => {
                self.imported_with(file, module, names, &mut found);
                if *level == 0 && self.tree.name(file) == "entry_points.txt" {
                    self.entry_point(module, &mut found);
                }
            }
            other => self.plain(other, &mut found),
        }
        let counts = |id: &NodeId| self.counts(*id, file, reference, why);
        out.extend(found.into_iter().filter(counts).map(|id| (id, why)));
    }

    /// True if a reference in a file, which names a node and is the reason `why`, holds that node.
    fn counts(&self, id: NodeId, file: NodeId, reference: &Reference, why: HoldReason) -> bool {
        let rule = self.rules[id.index()];
        // The packages of the distribution depend on the programs that its own scripts run, so only other scripts count.
        let started = || self.prepared.started.iter().any(|found| found.target == Some(file));
        let own = || started() || path::is_own(&self.tree.path(file));
        let runs = || matches!(reference.target, Target::Command(_)) && own();
        let uses = matches!(why, HoldReason::Loaded(_)) || runs();
        let mentioned = self.packaged.contains(&id) && !uses;
        // A file that opens translations does more than mention them.
        let opens = matches!(reference.target, Target::Domain(_));
        !mentioned && rule.is_some_and(|rule| opens || !self.prepared.deaf.is_to(self.tree, rule, file))
    }
}

/// True if a rule with this guard lets `file` veto.
#[must_use]
pub fn listens(kind: Kind, tree: &Tree, file: NodeId, why: HoldReason) -> bool {
    match kind {
        Kind::None => false,
        // All other guards listen to a file that names a path in full.
        _ if matches!(why, HoldReason::Named(..) | HoldReason::Loaded(_) | HoldReason::Mapped(..)) => true,
        Kind::References => true,
        Kind::Paths => false,
        Kind::Python => matches!(why, HoldReason::Referenced(..)) && !names::is_javascript(tree.name(file)),
    }
}
