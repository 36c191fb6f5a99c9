//! Files whose checksum is in a text that stays: a program may compare them when it runs, so no rule gives them other bytes.
//!
//! The lists of package managers are written anew and don't count. Of the files that rules would change, few have to be hashed:
//! files that pip installed have their SHA-256 in a `RECORD`, and other kinds of checksums are looked for only in texts that
//! name a file or lie above it. This module says what has to be hashed; the hashes are computed elsewhere and handed back as
//! data.

use super::{Request, records};
use crate::Digest;
use crate::elf::Outcome;
use crate::layer::Facts;
use crate::ownership::Places;
use crate::path;
use crate::profile::RuleId;
use crate::refs::digests::{self, Digests, Kind, start};
use crate::tree::{MemberId, NodeId, Tree, Type};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

/// The most levels between a file and a directory above it whose checksum is looked for.
const MOST_LEVELS: usize = 3;
/// The most names in such a directory: it is one small package.
const MOST_NAMES: usize = 256;

/// The most names in a directory whose texts may have a checksum of any file in it: it is one package, not all that is
/// installed.
const MOST_NEAR: u32 = 4096;

/// Extensions of programs' sources, which are compiled or loaded by other programs.
const SOURCES: [&[u8]; 16] = [
    b"py", b"pyi", b"pyx", b"pxd", b"pxi", b"c", b"h", b"cc", b"cpp", b"cxx", b"hpp", b"cu", b"rs", b"go", b"java",
    b"f90",
];

/// Checksums of files as they are in the input.
#[derive(Clone, Debug, Default)]
pub struct Hashes(HashMap<(MemberId, Kind), Vec<u8>>);

impl Hashes {
    /// Adds the checksum of a member's file.
    pub fn add(&mut self, at: MemberId, kind: Kind, digest: Vec<u8>) {
        self.0.insert((at, kind), digest);
    }

    /// Adds all checksums of another set.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn get(&self, at: MemberId, kind: Kind) -> Option<&[u8]> {
        self.0.get(&(at, kind)).map(Vec::as_slice)
    }
}

/// Returns the checksums that are known without reading again, whatever the profile: those of objects in compressed layers, and
/// those that a `RECORD` lists.
#[must_use]
pub fn known(request: &Request<'_>) -> Hashes {
    let mut out = Hashes::default();
    let mut names: HashSet<&[u8]> = HashSet::new();
    let tree = &request.merged.tree;
    if !any_digests(request) {
        return out;
    }
    for node in objects(request) {
        let Some(at) = tree.inode_of(node).holder() else { continue };
        match request.facts_at(at).and_then(|facts| facts.sha256.as_deref()) {
            Some(sha256) => out.add(at, Kind::Sha256, sha256.to_vec()),
            None => names.extend(tree.names(tree.node(node).inode).iter().map(|&name| &**tree.name(name))),
        }
    }
    if !names.is_empty() {
        add_recorded(request, &names, &mut out);
    }
    out
}

/// Returns the digests in the config's environment, commands and labels.
fn of_config(request: &Request<'_>) -> Option<Box<Digests>> {
    let facts = request.facts;
    let env = facts.env.iter().map(|(_, value)| value.as_str());
    let labels = facts.labels.iter().map(|(_, value)| value.as_str());
    let texts: Vec<&str> = env.chain(facts.commands()).chain(labels).collect();
    Digests::of(b"config", texts.join("\n").as_bytes())
}

fn any_digests(request: &Request<'_>) -> bool {
    of_config(request).is_some() || any_in_files(request)
}

fn any_in_files(request: &Request<'_>) -> bool {
    request.layers.iter().any(|layer| layer.facts.values().any(|facts| facts.digests.is_some()))
}

/// Returns one name of each object that stripping would change.
#[must_use]
pub fn objects(request: &Request<'_>) -> Vec<NodeId> {
    let replaced = |facts: &Facts| facts.strip.iter().any(|strip| matches!(strip.outcome, Outcome::Replaced(_)));
    let files = request.merged.tree.inodes().filter(|(_, inode)| inode.kind == Type::File);
    let above = files.filter(|(_, i)| i.holder().is_some_and(|at| at.layer as usize >= request.base));
    above
        .filter(|(_, i)| i.holder().and_then(|at| request.facts_at(at)).is_some_and(replaced))
        .map(|(_, i)| i.name)
        .collect()
}

/// Adds the checksums that `RECORD` states for files with these names, if the size is right, too.
fn add_recorded(request: &Request<'_>, names: &HashSet<&[u8]>, out: &mut Hashes) {
    let tree = &request.merged.tree;
    let mut places = Places::new(tree);
    for records::List { at: list, path: place, ledger, text } in records::kept(request, &vec![None; tree.len()]) {
        if !ledger.manager().forgets_files() {
            continue;
        }
        for row in ledger.rows(&place, text).filter(|row| names.contains(path::split(&row.path).1)) {
            let digest = ledger.manager().sha256(&text[row.checksum.clone()]);
            let holder = places.get(&row.path).and_then(|node| tree.inode_of(node).holder());
            // A file that another layer brought is no longer the one that was installed.
            let holder = holder.filter(|holder| holder.layer == list.layer);
            let (Some(digest), Some(holder)) = (digest, holder) else { continue };
            if text[row.size] == *request.member(holder).stored.to_string().as_bytes() {
                out.add(holder, Kind::Sha256, digest.to_vec());
            }
        }
    }
}

/// A text with digests that count only for files near it or named in it.
struct Other<'a> {
    node: NodeId,
    /// The directories of the text's names.
    dirs: Vec<NodeId>,
    /// The kinds of its digests.
    kinds: BTreeSet<Kind>,
    digests: &'a Digests,
}

impl Other<'_> {
    /// True if the text has this digest of its kind. A kind that cannot be computed may be of any file.
    fn states(&self, kind: Kind, digest: Option<&[u8]>) -> bool {
        // The list is sorted.
        let has = |start: u64| self.digests.stated.binary_search(&digests::Stated { kind, start }).is_ok();
        kind == Kind::Unknown || digest.is_some_and(|digest| has(start(digest)))
    }
}

/// The digests that the texts which stay state, and the files that they may be of.
pub struct Stated<'a> {
    request: &'a Request<'a>,
    /// By the first bytes of a digest: a text that has it.
    sha256: HashMap<u64, NodeId>,
    directories: HashMap<u64, NodeId>,
    others: Vec<Other<'a>>,
    /// One name of each file that a rule would change, and its member.
    files: Vec<(NodeId, MemberId)>,
}

/// The files that keep their bytes because a text has their checksum.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    of: HashMap<MemberId, NodeId>,
    sha256: HashMap<u64, NodeId>,
}

impl Pinned {
    /// Returns the text that has the checksum of a member's file; the root if the config has it.
    #[must_use]
    pub fn by(&self, at: MemberId) -> Option<NodeId> {
        self.of.get(&at).copied()
    }

    /// True if a text has this SHA-256.
    #[must_use]
    pub fn has(&self, sha256: &[u8; 32]) -> bool {
        self.sha256.contains_key(&start(sha256))
    }
}

impl<'a> Stated<'a> {
    /// Gathers the digests for `files`, one name of each that a rule would change.
    #[must_use]
    pub fn new(request: &'a Request<'a>, dropped: &[Option<RuleId>], files: &[NodeId]) -> Self {
        let tree = &request.merged.tree;
        let at = |&node: &NodeId| Some((node, tree.inode_of(node).holder()?));
        let files = files.iter().filter_map(at).collect();
        let (sha256, directories) = (HashMap::new(), HashMap::new());
        let mut out = Self { request, sha256, directories, others: Vec::new(), files };
        if !any_digests(request) {
            return out;
        }
        for (id, inode) in tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
            let facts = inode.holder().and_then(|at| request.facts_at(at));
            let Some(digests) = facts.and_then(|facts| facts.digests.as_deref()) else { continue };
            let stays: Vec<NodeId> = tree.names(id).iter().copied().filter(|n| dropped[n.index()].is_none()).collect();
            out.text(digests, &stays);
        }
        out.config();
        out
    }

    /// Adds the digests that the config states: `ENV TOOL_SHA256=…` is compared when the container starts.
    fn config(&mut self) {
        let sha256 = of_config(self.request).into_iter().flat_map(|digests| digests.stated.into_vec());
        for stated in sha256.filter(|stated| stated.kind == Kind::Sha256) {
            self.sha256.entry(stated.start).or_insert(NodeId::ROOT);
        }
    }

    fn text(&mut self, digests: &'a Digests, names: &[NodeId]) {
        let Some(&node) = names.first() else { return };
        let mut others = false;
        for stated in &digests.stated {
            match stated.kind {
                Kind::Sha256 => _ = self.sha256.entry(stated.start).or_insert(node),
                Kind::Directory => _ = self.directories.entry(stated.start).or_insert(node),
                _ => others = true,
            }
        }
        if others {
            let dirs = names.iter().map(|&name| self.tree().node(name).parent).collect();
            let kinds = digests.stated.iter().map(|stated| stated.kind).collect();
            self.others.push(Other { node, dirs, kinds, digests });
        }
    }

    fn tree(&self) -> &'a Tree {
        &self.request.merged.tree
    }

    fn names(&self, node: NodeId) -> &'a [NodeId] {
        self.tree().names(self.tree().node(node).inode)
    }

    /// Returns the texts that may have a checksum of a file other than SHA-256: those that name it, or lie above it in a
    /// directory of their own.
    fn near(&self, file: NodeId) -> impl Iterator<Item = &Other<'a>> {
        let tree = self.tree();
        let names = self.names(file);
        let above = move |dir: NodeId| {
            let end = tree.node(dir).end;
            dir != NodeId::ROOT && end - dir.0 <= MOST_NEAR && names.iter().any(|n| (dir.0..end).contains(&n.0))
        };
        let near = move |other: &&Other<'a>| {
            other.dirs.iter().any(|&dir| above(dir)) || names.iter().any(|&name| other.digests.names(tree.name(name)))
        };
        self.others.iter().filter(near)
    }

    /// True if a text's digest of this kind may be that of a file. The short ones are often something else, such as a commit,
    /// so the text has to name the file, or lie beside it or just above.
    fn counts(&self, other: &Other<'_>, file: NodeId, kind: Kind) -> bool {
        const LEVELS: usize = 2;
        let tree = self.tree();
        // A program's source has digests of other things, such as its own commit.
        let source = SOURCES.contains(&path::extension(tree.name(other.node)));
        let near = |name: NodeId| !source && tree.ancestors(name).take(LEVELS).any(|dir| other.dirs.contains(&dir));
        let names = |name: NodeId| other.digests.names(tree.name(name));
        match kind {
            Kind::Directory => false,
            Kind::Md5 | Kind::Sha1 => self.names(file).iter().any(|&name| near(name) || names(name)),
            Kind::Unknown => self.names(file).iter().any(|&name| names(name)),
            Kind::Sha256 | Kind::Sha384 | Kind::Sha512 => true,
        }
    }

    /// Returns the directories whose checksum may be stated, with the files in them; a directory is left out if one of its
    /// files can't be told.
    fn directories(&self) -> Vec<(NodeId, Vec<(NodeId, MemberId)>)> {
        if self.directories.is_empty() {
            return Vec::new();
        }
        let tree = self.tree();
        let above = |&(file, _): &(NodeId, MemberId)| {
            let names = self.names(file).iter();
            names.flat_map(|&name| tree.ancestors(name).take(MOST_LEVELS)).collect::<Vec<_>>()
        };
        let small = |dir: &NodeId| *dir != NodeId::ROOT && (tree.node(*dir).end - dir.0) as usize <= MOST_NAMES;
        let dirs: BTreeSet<NodeId> = self.files.iter().flat_map(above).filter(small).collect();
        dirs.into_iter().filter_map(|dir| Some((dir, self.below(dir)?))).collect()
    }

    /// Returns the files below a directory, each by its name there; symbolic links count as the files they lead to.
    fn below(&self, dir: NodeId) -> Option<Vec<(NodeId, MemberId)>> {
        let tree = self.tree();
        let leaves = tree.subtree(dir).filter(|&node| !tree.is_dir(node));
        let file = |node: NodeId| {
            let inode = tree.inode_of(tree.follow(node).target?);
            let at = inode.holder().filter(|_| inode.kind == Type::File)?;
            self.request.member(at).sparse.is_none().then_some((node, at))
        };
        leaves.map(file).collect()
    }

    /// Returns the files that have to be hashed, beside those already known, and the kinds of checksums.
    #[must_use]
    pub fn wanted(&self, known: &Hashes) -> Vec<(MemberId, Vec<Kind>)> {
        let mut all: BTreeSet<(MemberId, Kind)> = BTreeSet::new();
        for &(file, at) in &self.files {
            if !self.sha256.is_empty() {
                all.insert((at, Kind::Sha256));
            }
            for other in self.near(file) {
                let kinds = other.kinds.iter().copied();
                let kinds = kinds.filter(|&kind| kind != Kind::Unknown && self.counts(other, file, kind));
                all.extend(kinds.map(|kind| (at, kind)));
            }
        }
        all.extend(self.directories().into_iter().flat_map(|(_, files)| files).map(|(_, at)| (at, Kind::Sha256)));
        let mut out: Vec<(MemberId, Vec<Kind>)> = Vec::new();
        for (at, kind) in all.into_iter().filter(|&(at, kind)| known.get(at, kind).is_none()) {
            match out.last_mut() {
                Some((last, kinds)) if *last == at => kinds.push(kind),
                _ => out.push((at, vec![kind])),
            }
        }
        out
    }

    /// Returns the files that keep their bytes.
    #[must_use]
    pub fn pinned(self, hashes: &[&Hashes]) -> Pinned {
        let get = |at: MemberId, kind: Kind| hashes.iter().find_map(|known| known.get(at, kind));
        let mut out = HashMap::new();
        for &(file, at) in &self.files {
            let sha256 = get(at, Kind::Sha256).and_then(|digest| self.sha256.get(&start(digest)).copied());
            let states =
                |kind: Kind, other: &Other<'_>| self.counts(other, file, kind) && other.states(kind, get(at, kind));
            let near = || self.near(file).find(|other| other.kinds.iter().any(|&kind| states(kind, other)));
            let text = sha256.or_else(|| near().map(|other| other.node));
            out.extend(text.map(|text| (at, text)));
        }
        for (dir, files) in self.directories() {
            let text = self.sum(dir, &files, &get).and_then(|sum| self.directories.get(&start(&sum)));
            out.extend(text.into_iter().flat_map(|&text| files.iter().map(move |&(_, at)| (at, text))));
        }
        Pinned { of: out, sha256: self.sha256 }
    }

    /// Returns the checksum of a directory, as Go's `dirhash.Hash1` makes it: SHA-256 of a line for each file, sorted by name.
    fn sum<'h>(
        &self,
        dir: NodeId,
        files: &[(NodeId, MemberId)],
        get: &dyn Fn(MemberId, Kind) -> Option<&'h [u8]>,
    ) -> Option<[u8; 32]> {
        let skip = self.tree().path(dir).len() + 1;
        let mut names: Vec<(Vec<u8>, MemberId)> =
            files.iter().map(|&(node, at)| (self.tree().path(node)[skip..].to_vec(), at)).collect();
        names.sort();
        let mut list = Vec::new();
        for (name, at) in names {
            let digest = get(at, Kind::Sha256)?;
            let hex = digest.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            list.extend([hex.as_bytes(), b"  ", &name, b"\n"].concat());
        }
        Some(*Digest::of(&list).as_bytes())
    }
}
