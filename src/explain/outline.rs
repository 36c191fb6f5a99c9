//! The data of a printed tree: a line for each path, in pre-order, with the bytes that go at and below it. One outline is the
//! tree that containers see, and there is one for each layer with its hidden members.

use super::{Chosen, Entry, Kind, Verdict};
use crate::path;
use crate::tree::NodeId;
use bstr::BStr;
use std::collections::BTreeSet;

/// A path of an outline.
pub(super) struct Line<'a> {
    /// The last component; empty for the root.
    pub(super) name: &'a BStr,
    parent: u32,
    /// One past the last line below it.
    end: u32,
    /// The hidden member's index; in the outline of the tree the line's own index is the node.
    hidden: u32,
    /// Bytes that go at and below it, of the chosen paths.
    pub(super) goes: u64,
    /// Bytes of the chosen paths at and below it.
    pub(super) of: u64,
    /// The verdicts at and below it, as bits; those of directories count only if the directories are empty.
    pub(super) mask: u8,
    /// True if its own path and verdict are chosen.
    pub(super) chosen: bool,
    /// True if it is the topmost line that a path on the command line names.
    pub(super) hit: bool,
    /// True if it is such a line, or has one below it.
    pub(super) leads: bool,
    /// True if it may stand for everything below it.
    pub(super) folds: bool,
}

/// The value for no hidden member: a directory that is only above some.
const NONE: u32 = u32::MAX;

pub(super) struct Outline<'a> {
    chosen: &'a Chosen<'a>,
    pub(super) lines: Vec<Line<'a>>,
    /// The layer of the hidden members; `None` for the tree that containers see.
    pub(super) layer: Option<u32>,
}

/// A summary of a folded part of an outline.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The number of paths that are no directories.
    pub(super) files: u64,
    /// The reasons, one clause each.
    pub(super) notes: BTreeSet<String>,
    /// For each verdict of [`Verdict::ALL`], the number of paths that have it and are no directories.
    pub(super) verdicts: [u64; 6],
}

impl<'a> Outline<'a> {
    /// Makes the outline of the tree that containers see.
    pub(super) fn tree(chosen: &'a Chosen<'a>) -> Self {
        let tree = chosen.explain.image.tree;
        let line = |id: NodeId| {
            let entry = chosen.explain.node(id);
            let by_path = chosen.has_node(id);
            let is_chosen = by_path && chosen.has(entry.verdict) && id != NodeId::ROOT;
            let leaf = tree.children(id).is_empty();
            let parent = tree.node(id).parent;
            Line {
                name: tree.name(id),
                parent: parent.0,
                end: id.0 + 1,
                hidden: NONE,
                goes: if is_chosen { entry.bytes } else { 0 },
                of: if is_chosen { entry.span } else { 0 },
                mask: if is_chosen && leaf { entry.verdict.bit() } else { 0 },
                chosen: is_chosen,
                hit: chosen.by_path() && by_path && (id == NodeId::ROOT || !chosen.has_node(parent)),
                leads: false,
                folds: true,
            }
        };
        let mut out = Self { chosen, lines: tree.ids().map(line).collect(), layer: None };
        out.add_up();
        out
    }

    /// Makes the outline of a layer's hidden members; whiteouts, and directories that a later layer describes again, only with
    /// `all`.
    pub(super) fn hidden(chosen: &'a Chosen<'a>, layer: u32, all: bool) -> Self {
        let explain = chosen.explain;
        let mut out = Self { chosen, lines: vec![dir(BStr::new(""), 0, 0)], layer: Some(layer) };
        // The open directories, with the lengths of their paths in the last path.
        let mut open: Vec<(u32, usize)> = vec![(0, 0)];
        let mut last: &[u8] = b"";
        let from = explain.hidden.partition_point(|h| h.at.layer < layer);
        let to = explain.hidden.partition_point(|h| h.at.layer <= layer);
        for index in (from..to).filter(|&i| chosen.has_hidden(i) && chosen.has(Verdict::Hidden)) {
            let path: &'a [u8] = &explain.member(explain.hidden[index].at).path;
            let entry = explain.hidden(index);
            if !all && (entry.kind == Kind::Whiteout || explain.is_described_anew(&entry)) {
                continue;
            }
            let above = path::split(path).0;
            let is_open = |&(_, end): &(u32, usize)| {
                end == 0 || (above.get(..end) == last.get(..end) && matches!(above.get(end), None | Some(b'/')))
            };
            open.truncate(open.iter().take_while(|o| is_open(o)).count());
            let mut at = open.last().map_or(0, |o| o.1);
            while at < above.len() {
                let start = if at == 0 { 0 } else { at + 1 };
                at = memchr::memchr(b'/', &above[start..]).map_or(above.len(), |i| start + i);
                let parent = open.last().map_or(0, |o| o.0);
                let folds = !explain.image.tree.lookup(&above[..at]).is_some_and(|n| explain.image.tree.is_dir(n));
                open.push((out.lines.len() as u32, at));
                out.lines.push(Line { folds, ..dir(BStr::new(&above[start..at]), parent, out.lines.len()) });
            }
            let parent = open.last().map_or(0, |o| o.0);
            if entry.is_dir() && !path.is_empty() {
                open.push((out.lines.len() as u32, path.len()));
            }
            last = path;
            out.lines.push(Line {
                hidden: index as u32,
                goes: entry.bytes,
                of: entry.span,
                mask: Verdict::Hidden.bit(),
                chosen: true,
                ..dir(BStr::new(path::split(path).1), parent, out.lines.len())
            });
        }
        out.add_up();
        out
    }

    /// Adds to each line everything below it.
    fn add_up(&mut self) {
        for index in (1..self.lines.len()).rev() {
            let line = &mut self.lines[index];
            line.leads |= line.hit && (line.mask != 0 || line.chosen);
            let Line { parent, end, goes, of, mask, leads, .. } = *line;
            let above = &mut self.lines[parent as usize];
            above.end = above.end.max(end);
            above.goes += goes;
            above.of += of;
            above.mask |= mask;
            above.leads |= leads;
        }
    }

    /// Returns the lines directly in a directory.
    pub(super) fn children(&self, line: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.lines[line].end as usize;
        let next = move |&child: &usize| Some(self.lines[child].end as usize).filter(|&n| n < end);
        std::iter::successors(Some(line + 1).filter(|&n| n < end), next)
    }

    pub(super) fn is_leaf(&self, line: usize) -> bool {
        self.lines[line].end as usize == line + 1
    }

    /// Returns the number of levels of a line below the root.
    pub(super) fn level(&self, line: usize) -> u32 {
        let above = std::iter::successors(Some(line), |&l| (l != 0).then(|| self.lines[l].parent as usize));
        above.count() as u32 - 1
    }

    /// Returns the entry of a line; `None` for a directory that is only above hidden members.
    pub(super) fn entry(&self, line: usize) -> Option<Entry> {
        let explain = self.chosen.explain;
        match (self.layer, self.lines[line].hidden) {
            (None, _) => Some(explain.node(NodeId(line as u32))),
            (Some(_), NONE) => None,
            (Some(_), hidden) => Some(explain.hidden(hidden as usize)),
        }
    }

    /// True if a line is a directory.
    pub(super) fn is_dir(&self, line: usize) -> bool {
        self.entry(line).is_none_or(|e| e.is_dir())
    }

    /// True if a directory itself has the verdict of everything in it.
    pub(super) fn is_whole(&self, line: usize) -> bool {
        self.entry(line).is_none_or(|e| e.verdict.bit() == self.lines[line].mask)
    }

    /// Adds the chosen lines at and below a line to a summary.
    pub(super) fn summarize(&self, line: usize, into: &mut Summary) {
        let explain = self.chosen.explain;
        let mut last = None;
        for below in (line..self.lines[line].end as usize).filter(|&l| self.lines[l].chosen) {
            let Some(entry) = self.entry(below) else { continue };
            let empty = self.is_leaf(below);
            if !entry.is_dir() {
                into.files += 1;
                into.verdicts[entry.verdict as usize] += 1;
            }
            // Most lines have the same key as the one before. A directory's reason is given by its contents.
            let key = (entry.verdict, entry.rule, entry.hider, entry.held.map(|h| h.why), entry.package);
            if last != Some(key) && (empty || !entry.is_dir()) {
                into.notes.extend(Some(explain.class(&entry)).filter(|n| !n.is_empty()));
                last = Some(key);
            }
        }
    }
}

/// Makes the line of a directory that is only above something.
fn dir(name: &BStr, parent: u32, index: usize) -> Line<'_> {
    Line {
        name,
        parent,
        end: index as u32 + 1,
        hidden: NONE,
        goes: 0,
        of: 0,
        mask: 0,
        chosen: false,
        hit: false,
        leads: false,
        folds: true,
    }
}
