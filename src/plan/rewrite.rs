//! New contents for files that stay: executables and shared objects without symbols, and package managers' lists with the
//! checksums of those. Each is a list of pieces of the old content, so nothing is held in memory or computed again when it is
//! written.

use super::edits::{Added, Edit, Edits};
use super::excludes::{self, Written};
use super::made::{Made, NotMadeReason, Unchanged};
use super::proposal::Proposals;
use super::records::List;
use super::stated::Pinned;
use super::{Request, Verdicts, records};
use crate::elf::{self, Outcome as Stripping, Piece, Reason, Recipe};
use crate::layer::Strip;
use crate::packages::Sums;
use crate::path;
use crate::profile::{Action, ProtectId, RuleId};
use crate::tar::{Member, padded};
use crate::tree::{InodeId, MemberId, NodeId, Tree, Type};
use bstr::{BString, ByteSlice};
use std::collections::{HashMap, HashSet};

/// A file that is stripped, or gets another new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripped {
    /// The member with its data.
    pub at: MemberId,
    /// One of its names.
    pub node: NodeId,
    /// The rule that asked for it.
    pub rule: RuleId,
}

/// The reason that a file is not stripped although a rule asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The contents of the file itself.
    Elf(Reason),
    /// A protection of the profile.
    Protected,
    /// A protection of its content.
    Content(ProtectId),
    /// This text has its checksum.
    Stated(NodeId),
    /// A package manager's checksum of it that cannot be written anew.
    Recorded,
}

/// All new contents of one image.
#[derive(Clone, Debug, Default)]
pub struct Rewrites {
    /// The recipe by member; ranges are within its data.
    of: HashMap<MemberId, Recipe>,
    /// The new target of a symbolic link, by member.
    links: HashMap<MemberId, BString>,
    /// A new file.
    pub added: Option<Added>,
    /// The files that are stripped, in the tree's order.
    pub stripped: Vec<Stripped>,
    /// The files that are not stripped although a rule asked for it, with the reason, in the tree's order.
    pub left: Vec<(NodeId, SkipReason)>,
    /// The files that get a content which another program made, in the tree's order.
    pub made: Vec<Stripped>,
    /// The files that stay as they were although a rule asked for such a content.
    pub unchanged: Vec<Unchanged>,
    /// The checksums of new contents, except for those of edited lists of checksums.
    sums: HashMap<MemberId, Sums>,
}

impl Rewrites {
    /// Returns the new content of a member's file.
    #[must_use]
    pub fn of(&self, at: MemberId) -> Option<&Recipe> {
        self.of.get(&at)
    }

    /// Returns the checksums of a new content; `None` for a file that no rule named.
    #[must_use]
    pub fn sums(&self, at: MemberId) -> Option<&Sums> {
        self.sums.get(&at)
    }

    /// True if any member of a layer gets a new content or target, or a file is added to it.
    #[must_use]
    pub fn touch(&self, layer: u32) -> bool {
        let added = self.added.as_ref().is_some_and(|added| added.layer == layer);
        added || self.of.keys().chain(self.links.keys()).any(|at| at.layer == layer)
    }

    /// Returns the new target of a member's symbolic link, if it has one.
    #[must_use]
    pub fn link(&self, at: MemberId) -> Option<&BString> {
        self.links.get(&at)
    }

    /// Returns the bytes by which a member shrinks in the tar.
    #[must_use]
    pub fn shrinks(&self, at: MemberId, member: &Member) -> u64 {
        let data = member.data();
        self.of(at).map_or(0, |new| padded(data.end - data.start).saturating_sub(padded(new.size)))
    }
}

/// Decides about every file that stays. The rows of packages that go are cut out of their databases, too.
#[must_use]
pub fn decide(request: &Request<'_>, verdicts: &Verdicts, made: &Made) -> Rewrites {
    let Verdicts { proposals, decided, packages, pinned, .. } = verdicts;
    let dropped = &decided.dropped;
    let out = Rewrites { unchanged: made.unchanged.clone(), ..Rewrites::default() };
    let mut deciding = Deciding { request, proposals, dropped, made, pinned, out, sums: HashMap::new() };
    for (id, inode) in request.merged.tree.inodes() {
        if inode.kind == Type::File {
            deciding.file(id);
        }
    }
    // Package managers' files are edited for three reasons: packages that go, files that go, and files with a new content.
    let mut edits = packages.edits.clone();
    edits.extend(records::edits(request, dropped));
    if !deciding.sums.is_empty() {
        deciding.ledgers(&mut edits);
    }
    edits.into_iter().for_each(|(at, edits)| deciding.edit(at, edits));
    deciding.out.links = packages.links.clone();
    match excludes::written(request, dropped) {
        Written::Nothing => {}
        Written::Longer(at, recipe) => _ = deciding.out.of.insert(at, recipe),
        Written::New(added) => deciding.out.added = Some(added),
    }
    deciding.out.sums = deciding.sums;
    deciding.out
}

/// Returns one name of each file that would be stripped, as far as is known without hashing.
#[must_use]
pub fn candidates(request: &Request<'_>, verdicts: &Verdicts) -> Vec<NodeId> {
    let Verdicts { proposals, decided, pinned, .. } = verdicts;
    let made = Made::default();
    let (out, dropped) = (Rewrites::default(), &decided.dropped);
    let mut deciding = Deciding { request, proposals, dropped, made: &made, pinned, out, sums: HashMap::new() };
    if proposals.nodes.iter().any(|proposal| proposal.strip.is_some()) {
        request.merged.tree.inodes().filter(|(_, i)| i.kind == Type::File).for_each(|(id, _)| deciding.file(id));
    }
    deciding.out.stripped.iter().map(|stripped| stripped.node).collect()
}

struct Deciding<'a> {
    request: &'a Request<'a>,
    proposals: &'a Proposals,
    dropped: &'a [Option<RuleId>],
    made: &'a Made,
    pinned: &'a Pinned,
    out: Rewrites,
    /// By member with a new content: its new checksums.
    sums: HashMap<MemberId, Sums>,
}

impl<'a> Deciding<'a> {
    fn tree(&self) -> &'a Tree {
        &self.request.merged.tree
    }

    /// Returns the names of a file that stay.
    fn staying(&self, id: InodeId) -> Vec<NodeId> {
        let names = self.tree().names(id).iter().copied();
        names.filter(|n| self.dropped[n.index()].is_none()).collect()
    }

    fn file(&mut self, id: InodeId) {
        // The layers of the base are not rewritten.
        let at = self.tree().inode(id).holder().filter(|at| at.layer as usize >= self.request.base);
        let Some(at) = at else { return };
        let facts = self.request.facts_at(at).filter(|f| !f.strip.is_empty());
        // Most files stay as they are.
        if facts.is_none() && !self.made.new.contains_key(&at) {
            return;
        }
        let names = self.staying(id);
        if names.is_empty() {
            return;
        }
        // A content that another program made comes before stripping.
        if let Some(new) = self.made.new.get(&at) {
            let mut recipe = Recipe::default();
            recipe.push(Piece::Spooled(new.spool.clone()));
            self.out.of.insert(at, recipe);
            self.out.made.push(Stripped { at, node: names[0], rule: new.rule });
            self.sums.insert(at, new.sums);
            return;
        }
        let Some(facts) = facts else { return };
        // A file is stripped only if a rule asks for all its names: an exception for one of them is one for the file. Of
        // several rules the last, which is nearest to the user, decides the level.
        let rules: Option<Vec<RuleId>> = names.iter().map(|n| self.proposals.nodes[n.index()].strip).collect();
        let Some(rule) = rules.and_then(|rules| rules.into_iter().max()) else { return };
        let left = match self.strip_of(at, &facts.strip, rule, &names) {
            Ok((Stripping::Replaced(recipe), Some(sums))) => {
                self.out.of.insert(at, recipe.clone());
                self.out.stripped.push(Stripped { at, node: names[0], rule });
                self.sums.insert(at, *sums);
                return;
            }
            Ok((Stripping::Replaced(_), None)) => SkipReason::Elf(Reason::Unreadable),
            Ok((Stripping::Unchanged(reason), _)) => SkipReason::Elf(*reason),
            Err(left) => left,
        };
        self.out.left.push((names[0], left));
    }

    /// Returns the result of stripping a file with these names.
    fn strip_of<'f>(
        &self,
        at: MemberId,
        found: &'f [Strip],
        rule: RuleId,
        names: &[NodeId],
    ) -> Result<(&'f Stripping, Option<&'f Sums>), SkipReason> {
        // If stripping would not change the file, that is the reason to report, so it is checked before protections.
        let Action::Strip(asked) = &self.request.profile.rule(rule).action else {
            return Err(SkipReason::Elf(Reason::Nothing));
        };
        let strip = found.iter().find(|s| s.level == asked.level).ok_or(SkipReason::Elf(Reason::Nothing))?;
        if matches!(strip.outcome, Stripping::Unchanged(_)) {
            return Ok((&strip.outcome, None));
        }
        if names.iter().any(|n| self.proposals.nodes[n.index()].protect.is_some()) {
            return Err(SkipReason::Protected);
        }
        if let Some(protect) = names.iter().find_map(|&n| self.proposals.change(n).content) {
            return Err(SkipReason::Content(protect));
        }
        if names.iter().any(|&n| is_verified(self.tree(), n)) {
            return Err(SkipReason::Elf(Reason::SelfChecking));
        }
        if let Some(text) = self.pinned.by(at) {
            return Err(SkipReason::Stated(text));
        }
        Ok((&strip.outcome, strip.sums.as_ref()))
    }

    /// Adds edits that write the new checksums where package managers recorded the old ones.
    fn ledgers(&mut self, all: &mut Edits) {
        let ledgers = records::kept(self.request, self.dropped);
        let sealed = records::sealed(self.request, &ledgers);
        let mut edits = Edits::new();
        let mut recorded: HashSet<MemberId> = HashSet::new();
        let names: HashSet<&[u8]> = self
            .out
            .stripped
            .iter()
            .chain(&self.out.made)
            .flat_map(|s| self.names(s.node))
            .map(|&n| self.tree().name(n).as_bytes())
            .collect();
        for List { at, path, ledger, text } in ledgers {
            for row in ledger.rows(&path, text) {
                // Resolving a path is slow: rows of other names are skipped first.
                if !names.contains(path::split(&row.path).1) {
                    continue;
                }
                let target = self.tree().resolve(NodeId::ROOT, &row.path).target;
                let target = target.and_then(|node| self.tree().inode_of(node).holder());
                let Some((target, sums)) = target.and_then(|t| Some((t, self.sums.get(&t)?))) else { continue };
                let size = self.out.of(target).map_or(0, |new| new.size);
                let edits = edits.entry(at).or_default();
                if !row.size.is_empty() {
                    edits.push((row.size, size.to_string().into_bytes()));
                }
                match ledger.manager().checksum(sums, &text[row.checksum.clone()]) {
                    // A row in the base can't be changed, nor one in a list whose own checksum is recorded: the file must keep its
                    // bytes.
                    _ if sealed.contains(&at) => _ = recorded.insert(target),
                    _ if (at.layer as usize) < self.request.base => _ = recorded.insert(target),
                    _ if row.checksum.is_empty() => {}
                    Some(checksum) => edits.push((row.checksum, checksum)),
                    None => _ = recorded.insert(target),
                }
            }
        }
        if recorded.is_empty() {
            edits.into_iter().for_each(|(at, edits)| all.entry(at).or_default().extend(edits));
            return;
        }
        // A file whose row can't be changed stays as it is. As the edits above include its other rows, they are made again
        // without it.
        self.leave(&recorded);
        self.ledgers(all);
    }

    fn leave(&mut self, recorded: &HashSet<MemberId>) {
        self.sums.retain(|at, _| !recorded.contains(at));
        self.out.of.retain(|at, _| !recorded.contains(at));
        let (left, stripped) = self.out.stripped.drain(..).partition(|s: &Stripped| recorded.contains(&s.at));
        self.out.stripped = stripped;
        self.out.left.extend(Vec::into_iter(left).map(|s: Stripped| (s.node, SkipReason::Recorded)));
        let (left, made) = self.out.made.drain(..).partition(|s: &Stripped| recorded.contains(&s.at));
        self.out.made = made;
        let unchanged = |s: Stripped| Unchanged { node: s.node, rule: s.rule, why: NotMadeReason::Recorded };
        self.out.unchanged.extend(Vec::into_iter(left).map(unchanged));
    }

    fn names(&self, node: NodeId) -> &'a [NodeId] {
        self.tree().names(self.tree().node(node).inode)
    }

    fn edit(&mut self, at: MemberId, mut edits: Vec<Edit>) {
        // Larger ranges come first, so that edits within a row that is cut out are skipped.
        edits.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let data = self.request.member(at).data();
        let end = data.end - data.start;
        let mut new = Recipe::default();
        let mut from = 0;
        for (range, bytes) in edits {
            if (range.start as u64) < from {
                continue;
            }
            new.push(Piece::Copy(from..range.start as u64));
            new.push(Piece::Bytes(bytes));
            from = range.end as u64;
        }
        new.push(Piece::Copy(from..end));
        self.out.of.insert(at, new);
    }
}

/// True if a checksum or signature of the file lies beside it, or its name says that it is verified.
#[must_use]
pub fn is_verified(tree: &Tree, node: NodeId) -> bool {
    let name = tree.name(node);
    let parent = tree.node(node).parent;
    let beside = |car: &Vec<u8>| path::components(car).try_fold(parent, |dir, part| tree.child(dir, part));
    let sealed = |end: &str| tree.child(parent, &[name, end.as_bytes()].concat()).is_some();
    elf::is_checked_name(name)
        || elf::SEALS.iter().any(|end| sealed(end) || sealed(&end.to_ascii_uppercase()))
        || elf::side_cars(name).iter().any(|car| beside(car).is_some())
}
