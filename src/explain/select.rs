//! The selection of paths: all, those that globs or directories name, or those with some verdict.

use super::{Entry, Explain, Place, Verdict};
use crate::path;
use crate::plan::TakenBy;
use crate::report::unescape;
use crate::tree::NodeId;
use globset::{GlobBuilder, GlobMatcher};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The paths and verdicts that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    paths: Vec<Pattern>,
    only: Vec<Verdict>,
}

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: String,
    /// The path, if it is one.
    literal: Vec<u8>,
    /// The glob, if it is one.
    glob: Option<GlobMatcher>,
}

impl Pattern {
    pub(super) fn new(source: &str) -> Self {
        let trimmed = source.trim_start_matches("./").trim_matches('/');
        let literal = unescape(if trimmed == "." { "" } else { trimmed });
        let is_glob = trimmed.contains(['*', '?', '[', '{']);
        let build = || GlobBuilder::new(trimmed).literal_separator(true).build().ok();
        let glob = is_glob.then(build).flatten().map(|glob| glob.compile_matcher());
        Self { source: source.to_owned(), literal, glob }
    }

    /// True if it is a glob that can be compiled.
    pub(super) const fn is_glob(&self) -> bool {
        self.glob.is_some()
    }

    /// True if it names this path.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let glob = |glob: &GlobMatcher| glob.is_match_candidate(&globset::Candidate::from_bytes(path));
        self.literal == path || self.glob.as_ref().is_some_and(glob)
    }
}

impl Selection {
    /// Makes a selection of paths and globs, which are rooted unless they begin with `**/` and where a directory means
    /// everything below it, and of verdicts. An empty list of either means all.
    #[must_use]
    pub fn new(paths: &[String], only: &[Verdict]) -> Self {
        Self { paths: paths.iter().map(|p| Pattern::new(p)).collect(), only: only.to_vec() }
    }

    /// Returns the patterns as given.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|p| p.source.as_str())
    }
}

/// The selection on one image.
pub struct Chosen<'a> {
    /// The image.
    pub(super) explain: &'a Explain<'a>,
    /// By node: true if it is chosen by its path; `None` if all are.
    nodes: Option<Vec<bool>>,
    /// By hidden member: true if it is chosen by its path; `None` if all are.
    hidden: Option<Vec<bool>>,
    /// The verdicts that are chosen, as bits; 0 for all.
    pub(super) only: u8,
    /// For each pattern: true if it named anything.
    pub used: Vec<bool>,
}

impl<'a> Chosen<'a> {
    /// Applies a selection to an image.
    #[must_use]
    pub fn new(explain: &'a Explain<'a>, selection: &Selection) -> Self {
        let only = selection.only.iter().fold(0, |bits, v| bits | v.bit());
        let mut chosen = Self { explain, nodes: None, hidden: None, only, used: vec![false; selection.paths.len()] };
        if selection.paths.is_empty() {
            return chosen;
        }
        let used = &mut chosen.used;
        let mut matches = |path: &[u8]| {
            let hits = selection.paths.iter().zip(&mut *used).filter(|(pattern, _)| pattern.matches(path));
            hits.fold(false, |_, (_, used)| {
                *used = true;
                true
            })
        };
        let tree = explain.image.tree;
        let mut nodes = vec![false; tree.len()];
        let mut path = Vec::new();
        for id in tree.ids() {
            tree.path_into(id, &mut path);
            nodes[id.index()] = nodes[tree.node(id).parent.index()] | matches(&path);
        }
        let hidden = explain.hidden.iter().map(|h| {
            let path = &explain.member(h.at).path;
            let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
            std::iter::once(0).chain(ends).any(|end| matches(&path[..end]))
        });
        chosen.hidden = Some(hidden.collect());
        chosen.nodes = Some(nodes);
        chosen
    }

    /// True if a node's path is chosen.
    pub(super) fn has_node(&self, id: NodeId) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes[id.index()])
    }

    /// True if the path of a hidden member is chosen.
    pub(super) fn has_hidden(&self, index: usize) -> bool {
        self.hidden.as_ref().is_none_or(|hidden| hidden[index])
    }

    /// True if paths were chosen.
    pub(super) const fn by_path(&self) -> bool {
        self.nodes.is_some()
    }

    /// True if a verdict is chosen.
    pub(super) const fn has(&self, verdict: Verdict) -> bool {
        self.only == 0 || self.only & verdict.bit() != 0
    }

    /// Returns the chosen entries, in the order of [`Explain::entries`].
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let first_hidden = self.explain.image.tree.len() - 1;
        let chosen = move |&(index, entry): &(usize, Entry)| {
            let by_path = match entry.place {
                Place::Node(id) => self.has_node(id),
                Place::Member(_) => self.has_hidden(index - first_hidden),
            };
            by_path && self.has(entry.verdict)
        };
        self.explain.entries().enumerate().filter(chosen).map(|(_, entry)| entry)
    }

    /// Returns for each verdict, in the order of [`Verdict::ALL`], the number of entries that have it, and the bytes that go
    /// with them.
    #[must_use]
    pub fn totals(&self) -> [(Verdict, u64, u64); 6] {
        let mut totals = Verdict::ALL.map(|v| (v, 0, 0));
        for entry in self.entries() {
            for total in totals.iter_mut().filter(|t| t.0 == entry.verdict) {
                *total = (total.0, total.1 + 1, total.2 + entry.bytes);
            }
        }
        totals
    }

    /// Returns for each rule, or what else takes entries, the number of them and their bytes, most bytes first.
    #[must_use]
    pub fn by_rule(&self) -> Vec<(TakenBy, u64, u64)> {
        let mut totals: BTreeMap<TakenBy, (u64, u64)> = BTreeMap::new();
        for entry in self.entries().filter(|entry| entry.bytes > 0) {
            let Some(rule) = entry.rule else { continue };
            let total = totals.entry(rule).or_default();
            *total = (total.0 + 1, total.1 + entry.bytes);
        }
        let mut totals: Vec<_> = totals.into_iter().map(|(rule, (paths, bytes))| (rule, paths, bytes)).collect();
        totals.sort_by_key(|(rule, _, bytes)| (Reverse(*bytes), *rule));
        totals
    }
}

/// Returns a path as it was typed, in the spelling of the image; `None` if `..` leads out of the root.
pub(super) fn typed(text: &str) -> Option<Vec<u8>> {
    path::normalize(text.as_bytes()).ok().map(Vec::from)
}
