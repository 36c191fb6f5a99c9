//! The patterns that name each path.

use crate::profile::Matcher;
use crate::tree::{NodeId, Tree};
use rayon::prelude::*;

/// The number of paths that one thread matches at a time.
const BATCH: usize = 1 << 12;

/// For each path of a tree, the patterns that name it itself: those of one profile, or of several that were compiled together.
#[derive(Debug)]
pub struct Named {
    /// By node: the index in `patterns` of the end of its patterns; they begin where those of the node before end.
    ends: Vec<u32>,
    patterns: Vec<u32>,
}

impl Named {
    /// Matches every path of `tree`.
    #[must_use]
    pub fn new(tree: &Tree, matcher: &Matcher) -> Self {
        let starts = (0..tree.len().div_ceil(BATCH)).into_par_iter();
        let batches: Vec<Self> = starts.map(|number| Self::batch(tree, matcher, number * BATCH)).collect();
        let mut out = Self { ends: Vec::with_capacity(tree.len()), patterns: Vec::new() };
        for Self { ends, patterns } in batches {
            let before = out.patterns.len() as u32;
            out.ends.extend(ends.into_iter().map(|end| before + end));
            out.patterns.extend(patterns);
        }
        out
    }

    /// Matches a batch of paths, from the one with the number `start`.
    fn batch(tree: &Tree, matcher: &Matcher, start: usize) -> Self {
        let (mut path, mut found) = (Vec::new(), Vec::new());
        let mut out = Self { ends: Vec::with_capacity(BATCH), patterns: Vec::new() };
        for index in start..tree.len().min(start + BATCH) {
            tree.path_into(NodeId(index as u32), &mut path);
            matcher.patterns(&path, &mut found);
            out.patterns.extend(found.iter().map(|&pattern| pattern as u32));
            out.ends.push(out.patterns.len() as u32);
        }
        out
    }

    /// Returns the patterns that name a path.
    pub(super) fn of(&self, id: NodeId) -> &[u32] {
        let end = |index: usize| self.ends[index] as usize;
        &self.patterns[id.index().checked_sub(1).map_or(0, end)..end(id.index())]
    }
}
