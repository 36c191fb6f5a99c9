//! Python's compiled modules: which of them an interpreter of this image would use, which of them rules take, and the cost of
//! dropping used ones.
//!
//! Everything doubtful counts as used: a tag that no known interpreter has, a source that lies elsewhere, an interpreter whose
//! version can't be told.

use super::Request;
use super::proposal::Proposals;
use crate::profile::{Action, Mode, RuleId};
use crate::refs::pyc::{CACHE, Header, Name};
use crate::tree::{MemberId, NodeId, Tree, Type};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The state of a compiled module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An interpreter loads it in place of this source.
    Used(NodeId),
    /// It disagrees with this source, which is compiled again at each start.
    Stale(NodeId),
    /// Nothing loads it: its source or its interpreter is not there.
    Orphan,
    /// It is an optimized form, for interpreters that are run with `-O`, beside the usual one.
    Duplicate,
    /// The state can't be told.
    Unknown,
}

/// The cost of dropping compiled modules that interpreters use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// The number of modules whose source stays and which are then compiled at each start that imports them.
    pub modules: u64,
    /// The bytes of bytecode that went with them.
    pub bytes: u64,
}

/// A reader of the compiled modules of an image.
pub struct Look<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    known: &'a Known,
}

/// Facts that hold for all compiled modules of an image.
#[derive(Debug, Default)]
pub struct Known {
    versions: Versions,
    /// By tag: the magic number that most of its modules begin with; modules with another number are for other versions.
    magic: HashMap<Vec<u8>, u16>,
    /// True if the config has interpreters run with `-O`.
    optimizes: bool,
}

/// The versions of Python that are in an image.
#[derive(Debug, Default)]
struct Versions {
    known: BTreeSet<(u32, u32)>,
    /// True if there is an interpreter whose version can't be told.
    unknown: bool,
}

impl Known {
    /// Gathers the facts, by walks of the whole tree.
    #[must_use]
    pub fn new(request: &Request<'_>) -> Self {
        let versions = versions(&request.merged.tree);
        let mut known = Self { versions, magic: HashMap::new(), optimizes: optimizes(request) };
        known.magic = Look::new(request, &known).magics();
        known
    }
}

impl<'a> Look<'a> {
    /// Makes a reader with the facts about the image.
    #[must_use]
    pub fn new(request: &'a Request<'a>, known: &'a Known) -> Self {
        Self { request, tree: &request.merged.tree, known }
    }

    fn at(&self, node: NodeId) -> Option<MemberId> {
        self.tree.inode_of(node).holder()
    }

    fn header(&self, node: NodeId) -> Option<Header> {
        let at = self.at(node)?;
        self.request.layers[at.layer as usize].bytecode.get(&at.member).copied()
    }

    /// Returns for each tag the number that most of its modules have, counting those that agree with their source.
    fn magics(&self) -> HashMap<Vec<u8>, u16> {
        let mut counts: BTreeMap<(&[u8], u16), u32> = BTreeMap::new();
        for node in self.tree.ids() {
            let Some(name) = self.cached(node) else { continue };
            let Some(header) = self.header(node) else { continue };
            let Some(magic) = header.magic() else { continue };
            if let Source::Node(source) = self.source(node, name)
                && self.agrees(header, source)
            {
                *counts.entry((name.tag, magic)).or_default() += 1;
            }
        }
        let mut best: HashMap<Vec<u8>, (u32, u16, bool)> = HashMap::new();
        for (&(tag, magic), &count) in &counts {
            let entry = best.entry(tag.to_vec()).or_insert((0, 0, false));
            match count.cmp(&entry.0) {
                std::cmp::Ordering::Greater => *entry = (count, magic, true),
                // As many of one as of the other: the usual number is not known.
                std::cmp::Ordering::Equal => entry.2 = false,
                std::cmp::Ordering::Less => {}
            }
        }
        best.into_iter().filter(|(_, (.., clear))| *clear).map(|(tag, (_, magic, _))| (tag, magic)).collect()
    }

    /// Returns the name of a compiled module in a directory where interpreters look.
    fn cached(&self, node: NodeId) -> Option<Name<'a>> {
        let parent = self.tree.node(node).parent;
        let here = self.tree.inode_of(node).kind == Type::File && self.tree.name(parent) == CACHE;
        if here { Name::of(self.tree.name(node)) } else { None }
    }

    /// Returns the number that a tag's modules begin with in this image, if most agree.
    #[must_use]
    pub fn usual_magic(&self, name: Name<'_>) -> Option<u16> {
        self.known.magic.get(name.tag).copied()
    }

    fn agrees(&self, header: Header, source: NodeId) -> bool {
        let Some(at) = self.at(source) else { return false };
        let member = self.request.member(at);
        header.agrees(member.meta.mtime.secs, member.size())
    }

    fn source(&self, node: NodeId, name: Name<'_>) -> Source {
        let tree = self.tree;
        let dir = tree.node(tree.node(node).parent).parent;
        if let Some(found) = tree.child(dir, &[name.module, b".py"].concat()) {
            return match tree.follow(found).target.filter(|&t| tree.inode_of(t).kind == Type::File) {
                Some(file) => Source::Node(file),
                // A link that leads out of the image may lead to a volume.
                None if tree.target(found).is_some() => Source::Elsewhere,
                None => Source::Gone,
            };
        }
        // Loaders other than Python's compile other files: `MODULE.hy`, or a script without an extension.
        let start = [name.module, b"."].concat();
        let other = tree.children_from(dir, &start).first().is_some_and(|&s| tree.name(s).starts_with(&start));
        if other || tree.child(dir, name.module).is_some_and(|s| !tree.is_dir(s)) {
            Source::Elsewhere
        } else {
            Source::Gone
        }
    }

    /// Returns the state of one file; `None` if it is no compiled module in a `__pycache__`.
    #[must_use]
    pub fn finding(&self, node: NodeId) -> Option<Finding> {
        let name = self.cached(node)?;
        let found = match self.source(node, name) {
            _ if self.known.versions.lack(name) => Finding::Orphan,
            Source::Gone => Finding::Orphan,
            Source::Elsewhere => Finding::Unknown,
            Source::Node(source) => self.beside(node, name, source),
        };
        Some(found)
    }

    fn beside(&self, node: NodeId, name: Name<'_>, source: NodeId) -> Finding {
        // Before Python 3.7 headers had other formats.
        let modern = name.version().is_some_and(|version| version >= (3, 7));
        let Some(header) = self.header(node).filter(|_| modern) else { return Finding::Unknown };
        let other = self.known.magic.get(name.tag).is_some_and(|usual| header.magic() != Some(*usual));
        if other || !self.agrees(header, source) {
            return Finding::Stale(source);
        }
        if name.optimized.is_none() || self.known.optimizes {
            return Finding::Used(source);
        }
        let usual = [name.module, b".", name.tag, b".pyc"].concat();
        let usual = self.tree.child(self.tree.node(node).parent, &usual);
        match usual.and_then(|usual| self.finding(usual)) {
            Some(Finding::Used(_)) => Finding::Duplicate,
            _ => Finding::Used(source),
        }
    }

    /// True for a module's bytecode beside its source, as Python 2 wrote it and as Python 3 never reads it.
    fn is_beside_source(&self, node: NodeId) -> bool {
        let tree = self.tree;
        let Some(module) = tree.name(node).strip_suffix(b".pyc") else { return false };
        let source = [module, b".py"].concat();
        tree.inode_of(node).kind == Type::File && tree.child(tree.node(node).parent, &source).is_some()
    }
}

/// The place of a module's source.
enum Source {
    Node(NodeId),
    Gone,
    Elsewhere,
}

impl Versions {
    /// True if a module is for a Python that the image does not have. An image without any Python may be a part of another.
    fn lack(&self, name: Name<'_>) -> bool {
        let known = name.version().is_some_and(|version| self.known.contains(&version));
        name.is_cpython() && !self.unknown && !self.known.is_empty() && !known
    }
}

/// Finds the versions of interpreters, by their names, and of libraries and standard libraries of programs that embed one.
fn versions(tree: &Tree) -> Versions {
    let mut out = Versions::default();
    for node in tree.ids() {
        let name = tree.name(node);
        let Some(rest) = name.strip_prefix(b"libpython").or_else(|| name.strip_prefix(b"python")) else { continue };
        let kind = tree.inode_of(node).kind;
        if kind == Type::Dir {
            let library = [&b"os.py"[..], b"os.pyc", b"encodings", b"site.py", b"lib-dynload"];
            if let Some(version) = dotted(rest).filter(|_| library.iter().any(|l| tree.child(node, l).is_some())) {
                out.known.insert(version);
            }
        } else if let Some(version) = dotted(rest).or_else(|| zipped(rest)) {
            out.known.insert(version);
        } else if kind == Type::File && (rest.is_empty() || rest == b"3") {
            out.unknown = true;
        }
    }
    out
}

/// Reads `3.11` at the beginning of a text.
fn dotted(text: &[u8]) -> Option<(u32, u32)> {
    let dot = text.iter().position(|&c| c == b'.')?;
    let minor = &text[dot + 1..];
    let end = minor.iter().position(|c| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((number(&text[..dot])?, number(&minor[..end])?))
}

/// Reads `311.zip`, the name of a standard library.
fn zipped(text: &[u8]) -> Option<(u32, u32)> {
    let digits = text.strip_suffix(b".zip").filter(|digits| digits.len() > 1)?;
    Some((number(&digits[..1])?, number(&digits[1..])?))
}

fn number(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|c| c.is_ascii_digit()))?;
    digits.parse().ok()
}

/// True if the config has Python run with `-O`, as far as the config itself says so.
fn optimizes(request: &Request<'_>) -> bool {
    let set = request.facts.env.iter().any(|(key, value)| key == "PYTHONOPTIMIZE" && !value.is_empty() && value != "0");
    set || request.facts.command_words().any(|word| word == "-O" || word == "-OO")
}

/// Adds the compiled modules that rules about bytecode take to the proposals for dropping.
pub fn propose(request: &Request<'_>, known: &OnceCell<Known>, proposals: &mut Proposals) {
    if proposals.changes.iter().all(|change| change.bytecode.is_none()) {
        return;
    }
    let tree = &request.merged.tree;
    let look = Look::new(request, known.get_or_init(|| Known::new(request)));
    let mut caches = BTreeSet::new();
    for node in tree.ids() {
        let Some(rule) = proposals.change(node).bytecode.filter(|_| proposals.nodes[node.index()].rule.is_none())
        else {
            continue;
        };
        let Action::Bytecode(bytecode) = &request.profile.rule(rule).action else { continue };
        let goes = match (look.finding(node), bytecode.mode) {
            (None, mode) => mode == Mode::Drop && look.is_beside_source(node),
            (Some(Finding::Orphan | Finding::Duplicate), _) => true,
            (Some(Finding::Stale(_)), mode) => mode != Mode::Compile,
            (Some(Finding::Used(_)), mode) => mode == Mode::Drop,
            (Some(Finding::Unknown), _) => false,
        };
        if goes {
            proposals.nodes[node.index()].rule = Some(rule);
            caches.insert((tree.node(node).parent, rule));
        }
    }
    // A cache with nothing left goes as a whole.
    for (dir, rule) in caches {
        let goes = |child: &NodeId| proposals.nodes[child.index()].rule.is_some();
        if tree.name(dir) == CACHE && tree.children(dir).iter().all(goes) {
            proposals.nodes[dir.index()].rule.get_or_insert(rule);
        }
    }
}

/// Returns the cost of dropping these nodes, whatever rule drops them.
#[must_use]
pub fn price(request: &Request<'_>, known: &OnceCell<Known>, dropped: &[Option<RuleId>]) -> Price {
    let mut out = Price::default();
    if request.layers.iter().all(|layer| layer.bytecode.is_empty()) {
        return out;
    }
    let tree = &request.merged.tree;
    let look = Look::new(request, known.get_or_init(|| Known::new(request)));
    for node in tree.ids().filter(|node| dropped[node.index()].is_some()) {
        let Some(Finding::Used(source)) = look.finding(node) else { continue };
        let usual = Name::of(tree.name(node)).is_some_and(|name| name.optimized.is_none() || look.known.optimizes);
        if usual && dropped[source.index()].is_none() {
            out.modules += 1;
            out.bytes += look.at(node).map_or(0, |at| request.member(at).size());
        }
    }
    out
}

#[cfg(test)]
mod tests;
