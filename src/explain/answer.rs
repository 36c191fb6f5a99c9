//! `--why`: the verdict on one path, in sentences, with the files that lead to it and its contents; or suggestions for a
//! path that the image does not have.

use super::select::{Pattern, typed};
use super::{Entry, Explain, Verdict};
use crate::path;
use crate::plan::TakenBy;
use crate::report::table::Table;
use crate::report::{escape, paint::Paint, printable, unescape, units};
use crate::tree::{NodeId, Tree};
use bstr::{BString, ByteSlice};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The most steps of a chain of reasons that are told.
const STEPS: usize = 8;

/// The most paths that are listed of those that a glob or the end of a path names.
pub const MOST_LISTED: usize = 50;

/// The most paths that are suggested.
const MOST_SUGGESTED: usize = 3;

/// The length in bytes of the shortest name that may mean a longer one.
const LEAST_MEANT: usize = 3;

/// The answer about a path.
#[derive(Debug)]
pub struct Answer {
    /// The path as it was typed.
    pub asked: String,
    /// The verdict and its reason. The first sentence tells where the path leads, if it is a link or behind one.
    pub sentences: Vec<String>,
    /// The entries that the sentences are about: the path itself, the path it leads to, the links on the way, members hidden
    /// under its name.
    pub entries: Vec<Entry>,
    /// The contents, if it is a directory: most bytes first.
    pub below: Option<Vec<Below>>,
}

/// Paths in a directory with one verdict and rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule.
    pub rule: Option<TakenBy>,
    /// The number of paths.
    pub paths: u64,
    /// Bytes of tar that go with them.
    pub bytes: u64,
    /// Bytes of tar that they have.
    pub of: u64,
}

/// The result of following a path.
struct Found {
    /// The node with exactly this name, all directories above it resolved.
    node: Option<NodeId>,
    links: Vec<NodeId>,
    target: Option<NodeId>,
}

impl Explain<'_> {
    /// Returns the answer about a path as it was typed; `None` if the image has no such path.
    #[must_use]
    pub fn answer(&self, asked: &str) -> Option<Answer> {
        let literal = typed(asked)?;
        self.answer_of(asked, &literal).or_else(|| {
            // Reports escape names that do not fit on a line; the user may have typed such a name.
            let plain = unescape(asked);
            let plain = (plain != asked.as_bytes()).then(|| path::normalize(&plain).ok())??;
            self.answer_of(asked, &plain)
        })
    }

    /// Returns paths of the image that may be meant by one that it does not have, best first.
    #[must_use]
    pub fn near(&self, asked: &str) -> Vec<String> {
        let paths = typed(asked).map_or_else(Vec::new, |path| near(self.image.tree, &path));
        paths.iter().map(|path| escape(path)).collect()
    }

    /// Returns the paths that a glob names, or that end like a path, most bytes first: `markdown/README.md` is short for
    /// `**/markdown/README.md`.
    #[must_use]
    pub fn matching(&self, asked: &str) -> Vec<Entry> {
        let tree = self.image.tree;
        let pattern = Pattern::new(asked);
        let parts = typed(asked).unwrap_or_default();
        let parts: Vec<&[u8]> = path::components(&parts).collect();
        let mut found: Vec<NodeId> = if pattern.is_glob() {
            tree.ids().filter(|&id| pattern.matches(&tree.path(id))).collect()
        } else {
            tree.ids().filter(|&id| ends_with(tree, id, &parts)).collect()
        };
        found.retain(|&id| id != NodeId::ROOT);
        let mut entries: Vec<Entry> = found.into_iter().map(|id| self.node(id)).collect();
        let hidden = (0..self.hidden.len()).filter(|&index| {
            let path = &self.member(self.hidden[index].at).path;
            let own: Vec<&[u8]> = path::components(path).collect();
            if pattern.is_glob() { pattern.matches(path) } else { !parts.is_empty() && own.ends_with(&parts) }
        });
        let hidden = hidden.map(|index| self.hidden(index)).filter(|entry| !self.is_described_anew(entry));
        entries.extend(hidden);
        entries.sort_by_key(|entry| Reverse(entry.size));
        entries
    }

    /// Returns the path of an entry, escaped as reports do it.
    #[must_use]
    pub fn shown_path(&self, entry: &Entry) -> String {
        escape(&self.path(entry))
    }

    /// Writes the list of the paths that `asked` names, at most [`MOST_LISTED`] of them.
    ///
    /// # Errors
    /// Returns an error if writing to `out` fails.
    pub fn write_matching(&self, asked: &str, entries: &[Entry], paint: Paint, out: &mut dyn Write) -> io::Result<()> {
        let count = units::count(entries.len() as u64);
        writeln!(out, "{count} paths match `{}`, largest first:", printable(asked, false))?;
        let mut table = Table::new("><<<").header(&["size", "verdict", "rule", "path"]);
        for entry in entries.iter().take(MOST_LISTED) {
            let size = if entry.is_dir() { "-".to_owned() } else { units::bytes(entry.size) };
            let rule = entry.rule.map_or("", |rule| self.rule_id(rule)).to_owned();
            table.row([size, entry.verdict.name().to_owned(), rule, self.shown_path(entry)]);
        }
        write!(out, "{}", table.render(2, usize::MAX, paint))?;
        if entries.len() > MOST_LISTED {
            let more = units::count((entries.len() - MOST_LISTED) as u64);
            let glob = if Pattern::new(asked).is_glob() { "" } else { "**/" };
            let glob = format!("{glob}{}", printable(asked, false));
            writeln!(out, "  {more} more; `slim plan` with `{glob}` as PATH, in place of --why, lists all.")?;
        }
        Ok(())
    }

    fn answer_of(&self, asked: &str, path: &[u8]) -> Option<Answer> {
        let tree = self.image.tree;
        let found = self.find(path);
        let real = found.node.map(|node| tree.path(node));
        let named = |h: &super::hidden::Hidden| {
            let own: &[u8] = &self.member(h.at).path;
            own == path || real.as_ref().is_some_and(|real| own == &***real)
        };
        let hidden = (0..self.hidden.len()).filter(|&i| named(&self.hidden[i])).map(|i| self.hidden(i));
        let hidden: Vec<Entry> = hidden.filter(|e| !self.is_described_anew(e)).collect();
        let mut nodes: Vec<NodeId> = Vec::new();
        let of_tree = found.node.into_iter().chain(found.target).chain(found.links.iter().copied());
        of_tree.for_each(|id| {
            if !nodes.contains(&id) {
                nodes.push(id)
            }
        });
        if nodes.is_empty() && hidden.is_empty() {
            return None;
        }
        let mut sentences = Vec::new();
        sentences.extend(self.leads(path, &found));
        let dir = found.target.or(found.node).filter(|&id| tree.is_dir(id));
        let dir = dir.map(|id| Vec::from(tree.path(id)));
        let dir = dir.or_else(|| hidden.iter().any(Entry::is_dir).then(|| path.to_vec()));
        let mut entries: Vec<Entry> = nodes.iter().map(|&id| self.node(id)).collect();
        for entry in &entries {
            sentences.push(self.sentence(entry));
            self.chain(entry, &mut sentences);
        }
        sentences.extend(hidden.iter().map(|e| self.sentence(e)));
        entries.extend(hidden);
        let below = dir.map(|dir| self.below(&dir));
        Some(Answer { asked: asked.to_owned(), sentences, entries, below })
    }

    /// Follows a path as the kernel does.
    fn find(&self, path: &[u8]) -> Found {
        let tree = self.image.tree;
        let (dir, name) = path::split(path);
        if name.is_empty() {
            return Found { node: Some(NodeId::ROOT), links: Vec::new(), target: None };
        }
        let above = tree.resolve(NodeId::ROOT, dir);
        let node = above.target.and_then(|dir| tree.child(dir, name));
        let Some(node) = node else { return Found { node: None, links: Vec::new(), target: None } };
        let mut links = above.links;
        let target = match tree.target(node) {
            None => None,
            Some(_) => {
                let followed = tree.follow(node);
                links.extend(followed.links);
                followed.target
            }
        };
        Found { node: Some(node), links, target }
    }

    /// Returns where a path leads, unless it leads to itself.
    fn leads(&self, path: &[u8], found: &Found) -> Option<String> {
        let (tree, node) = (self.image.tree, found.node?);
        let shown = |id: NodeId| if id == NodeId::ROOT { "/".to_owned() } else { escape(&tree.path(id)) };
        if tree.target(node).is_none() && tree.path(node) == path {
            return None;
        }
        let mut by: Vec<String> = found.links.iter().map(|&id| shown(id)).collect();
        if tree.target(node).is_some() && tree.path(node) != path {
            by.push(shown(node));
        }
        by.dedup();
        let by = if by.is_empty() { String::new() } else { format!(", by way of {}", by.join(", ")) };
        let asked = escape(path);
        Some(match (tree.target(node), found.target) {
            (Some(target), None) => format!("{asked} is a link to {}, which leads nowhere{by}.", escape(target)),
            (_, target) => format!("{asked} leads to {}{by}.", shown(target.unwrap_or(node))),
        })
    }

    /// Adds the reasons that the file which holds an entry stays, and so on.
    fn chain(&self, entry: &Entry, sentences: &mut Vec<String>) {
        let mut entry = *entry;
        for step in 1..=STEPS {
            let Some(by) = self.told(&entry).and_then(|told| told.by) else { return };
            entry = self.node(by);
            sentences.push(format!("{}{}", "  ".repeat(step), self.sentence(&entry)));
        }
    }

    /// Returns the contents of a directory, hidden members included.
    fn below(&self, dir: &[u8]) -> Vec<Below> {
        let tree = self.image.tree;
        let slash: &[u8] = if dir.is_empty() { b"" } else { b"/" };
        let prefix = [dir, slash].concat();
        let hidden = (0..self.hidden.len()).filter(|&i| self.member(self.hidden[i].at).path.starts_with(&prefix));
        let nodes = tree.lookup(dir).into_iter().flat_map(|dir| tree.subtree(dir).skip(1)).map(|id| self.node(id));
        let mut sums: BTreeMap<(Verdict, Option<TakenBy>), Below> = BTreeMap::new();
        for entry in nodes.chain(hidden.map(|i| self.hidden(i))) {
            let (verdict, rule) = (entry.verdict, entry.rule);
            let sum = sums.entry((verdict, rule)).or_insert(Below { verdict, rule, paths: 0, bytes: 0, of: 0 });
            sum.paths += 1;
            sum.bytes += entry.bytes;
            sum.of += entry.span;
        }
        let mut sums: Vec<Below> = sums.into_values().collect();
        sums.sort_by_key(|b| (std::cmp::Reverse(b.bytes), b.verdict, b.rule));
        sums
    }

    /// Writes an answer as text.
    ///
    /// # Errors
    /// Returns an error if writing to `out` fails.
    pub fn write_answer(&self, answer: &Answer, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
        for sentence in &answer.sentences {
            writeln!(out, "{sentence}")?;
        }
        let Some(below) = answer.below.as_ref().filter(|b| !b.is_empty()) else { return Ok(()) };
        let mut table = Table::new(">>><<").header(&["goes", "of", "paths", "verdict", "rule"]);
        for sum in below {
            let rule = sum.rule.map_or("", |rule| self.rule_id(rule)).to_owned();
            let (goes, of) = (units::bytes(sum.bytes), units::bytes(sum.of));
            table.row([goes, of, units::count(sum.paths), sum.verdict.name().to_owned(), rule]);
        }
        write!(out, "In it:\n{}", table.render(2, usize::MAX, paint))
    }
}

/// True if the last components of a node's path are these.
fn ends_with(tree: &Tree, id: NodeId, parts: &[&[u8]]) -> bool {
    let own = std::iter::once(id).chain(tree.ancestors(id)).map(|n| tree.name(n).as_bytes());
    !parts.is_empty() && own.take(parts.len()).eq(parts.iter().rev().copied())
}

/// Returns paths that end like the one that was asked for; or else those in its last known directory with the most similar
/// names.
fn near(tree: &Tree, asked: &[u8]) -> Vec<BString> {
    let parts: Vec<&[u8]> = path::components(asked).collect();
    let same: Vec<BString> =
        tree.ids().filter(|&id| ends_with(tree, id, &parts)).take(MOST_SUGGESTED).map(|id| tree.path(id)).collect();
    if !same.is_empty() {
        return same;
    }
    let mut dir = NodeId::ROOT;
    let mut missing: &[u8] = b"";
    for part in parts {
        match tree.resolve(dir, part).target.filter(|&n| tree.is_dir(n)) {
            Some(next) => dir = next,
            None => {
                missing = part;
                break;
            }
        }
    }
    let wanted = missing.to_str_lossy();
    let likeness = |&id: &NodeId| {
        let name = tree.name(id).to_str_lossy();
        let distance = strsim::damerau_levenshtein(&wanted, &name);
        let starts = name.starts_with(&*wanted) || (name.len() >= LEAST_MEANT && wanted.starts_with(&*name));
        let close = distance <= (wanted.chars().count().max(name.chars().count()) / 3).max(1);
        (close || starts).then_some((distance, id))
    };
    let mut found: Vec<(usize, NodeId)> = tree.children(dir).iter().filter_map(likeness).collect();
    found.sort();
    found.into_iter().take(MOST_SUGGESTED).map(|(_, id)| tree.path(id)).collect()
}
