//! A plan, told path by path: the verdict on each path of an image, and the reason. [`tree`] prints it as text, [`json`] for
//! programs, and [`answer`] explains one path in a sentence.
//!
//! [`Explain`] looks every [`Entry`] up in the plan when it is asked for, so that there is no second copy of an image's list of
//! files. Here is the only place that gives verdicts their names. Its methods are here, except for those that answer about one
//! path (`answer.rs`) and those that put reasons in words (`words.rs`).

use crate::plan::{SkipReason, TakenBy};
use crate::profile::RuleId;
use crate::tar::{self, Member};
use crate::tree::merge::{Role, role};
use crate::tree::{MemberId, NodeId, Type};
use bstr::BString;
use std::collections::HashMap;

pub mod answer;
mod entry;
mod hidden;
pub mod json;
mod outline;
pub mod select;
pub mod tree;
mod words;

pub use entry::{Entry, How, Kind, Place, Planned, Sort, Verdict};
pub use hidden::Hiders;
pub use select::{Chosen, Selection};

/// An image's plan, ready to be asked.
pub struct Explain<'a> {
    image: Planned<'a>,
    /// By member of the stripped files: the name that stands for it, and the rule.
    stripped: HashMap<MemberId, (NodeId, RuleId)>,
    /// By member of the files that get a content from another program or become a hard link: the name that stands for it, the
    /// rule, and the bytes that go.
    changed: HashMap<MemberId, (NodeId, RuleId, u64)>,
    /// The files of packages that a rule asks for and that stay: indices into those of the plan.
    kept: HashMap<NodeId, u32>,
    left: HashMap<NodeId, SkipReason>,
    /// The index at which each layer's part of the removed members begins, and that of the last one's end.
    removed: Vec<usize>,
    hidden: Vec<hidden::Hidden>,
}

impl<'a> Explain<'a> {
    /// Makes a plan ready: finds the members that later layers hide, and the layers that hide them.
    #[must_use]
    pub fn new(image: Planned<'a>) -> Self {
        let rewrites = &image.plan.rewrites;
        let removed = &image.plan.removed;
        let layers = 0..=image.layers.len() as u32;
        Self {
            stripped: rewrites.stripped.iter().map(|s| (s.at, (s.node, s.rule))).collect(),
            changed: (rewrites.made.iter().map(|m| {
                let member = &image.layers[m.at.layer as usize].members[m.at.member as usize];
                (m.at, (m.node, m.rule, rewrites.shrinks(m.at, member)))
            }))
            .chain(image.plan.links.all.iter().map(|l| (l.at, (l.node, l.rule, l.bytes))))
            .collect(),
            kept: (0u32..)
                .zip(&image.plan.packages.kept)
                .flat_map(|(index, package)| package.nodes.iter().map(move |&node| (node, index)))
                .collect(),
            left: rewrites.left.iter().copied().collect(),
            removed: layers.map(|layer| removed.partition_point(|r| r.layer < layer)).collect(),
            hidden: hidden::find(&image),
            image,
        }
    }

    /// Returns the image with its plan.
    #[must_use]
    pub fn image(&self) -> &Planned<'a> {
        &self.image
    }

    /// Returns every path that containers see, in the tree's order without the root; then the hidden members, by layer and
    /// path.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let nodes = self.image.tree.ids().skip(1).map(|id| self.node(id));
        nodes.chain((0..self.hidden.len()).map(|index| self.hidden(index)))
    }

    /// Returns the entry of a hidden member, by its index in their list.
    fn hidden(&self, index: usize) -> Entry {
        let hidden = &self.hidden[index];
        let member = self.member(hidden.at);
        let kind = match &member.kind {
            _ if role(&member.path) != Role::Entry => Kind::Whiteout,
            tar::Kind::File | tar::Kind::HardLink(_) => Kind::Path(Type::File),
            tar::Kind::Dir => Kind::Path(Type::Dir),
            tar::Kind::Symlink(_) => Kind::Path(Type::Symlink),
            tar::Kind::Char(..) | tar::Kind::Block(..) | tar::Kind::Fifo => Kind::Path(Type::Other),
        };
        Entry {
            place: Place::Member(hidden.at),
            kind,
            layer: hidden.at.layer,
            size: member.size(),
            new_size: None,
            span: member.span_bytes(),
            bytes: hidden.bytes,
            verdict: Verdict::Hidden,
            rule: hidden.rule,
            held: None,
            package: None,
            left: None,
            hider: hidden.hider,
        }
    }

    fn member(&self, at: MemberId) -> &'a Member {
        &self.image.layers[at.layer as usize].members[at.member as usize]
    }

    /// Returns the path of an entry, without a leading slash.
    #[must_use]
    pub fn path(&self, entry: &Entry) -> BString {
        match entry.place {
            Place::Node(id) => self.image.tree.path(id),
            Place::Member(at) => (*self.member(at).path).into(),
        }
    }

    /// Returns the bytes of the tar that go with a member; `None` if it stays.
    fn removed(&self, at: MemberId) -> Option<u64> {
        let layer = at.layer as usize;
        let removed = &self.image.plan.removed[self.removed[layer]..self.removed[layer + 1]];
        let found = removed.binary_search_by_key(&at.member, |r| r.member).ok()?;
        Some(removed[found].bytes)
    }

    /// Returns the entry of a path that containers see.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Entry {
        let Planned { tree, plan, .. } = self.image;
        let (node, inode) = (tree.node(id), tree.inode_of(id));
        let holder = inode.holder().filter(|_| inode.kind == Type::File);
        let held = plan.held.binary_search_by_key(&id, |h| h.node).ok().map(|found| plan.held[found]);
        let mut entry = Entry {
            place: Place::Node(id),
            kind: Kind::Path(inode.kind),
            layer: node.since(),
            size: holder.map_or(0, |at| self.member(at).size()),
            new_size: None,
            span: node.at().map_or(0, |at| self.member(at).span_bytes()),
            bytes: 0,
            verdict: Verdict::Keep,
            rule: None,
            held,
            package: self.kept.get(&id).copied().filter(|_| held.is_none()),
            left: self.left.get(&id).copied(),
            hider: None,
        };
        let kept = entry.package.map(|index| plan.packages.kept[index as usize].rule);
        if let Some(rule) = held.map(|h| h.rule).or(kept) {
            (entry.verdict, entry.rule) = (Verdict::Held, Some(TakenBy::Rule(rule)));
        }
        if let Some(rule) = plan.dropped[id.index()] {
            // The data may stay under another name.
            entry.bytes = node.at().and_then(|at| self.removed(at)).unwrap_or(0);
            (entry.verdict, entry.rule) = (Verdict::Drop, Some(TakenBy::Rule(rule)));
        } else if let Some((at, new)) = holder.and_then(|at| Some((at, plan.rewrites.of(at)?))) {
            entry.new_size = Some(new.size);
            entry.verdict = Verdict::Rewrite;
            if let Some(&(name, rule)) = self.stripped.get(&at) {
                (entry.verdict, entry.rule) = (Verdict::Strip, Some(TakenBy::Rule(rule)));
                // Counted once for all names of the file.
                entry.bytes = if name == id { plan.rewrites.shrinks(at, self.member(at)) } else { 0 };
            }
        }
        let changed = holder.and_then(|at| self.changed.get(&at));
        if let Some(&(name, rule, bytes)) = changed.filter(|_| plan.dropped[id.index()].is_none()) {
            (entry.verdict, entry.rule) = (Verdict::Rewrite, Some(TakenBy::Rule(rule)));
            entry.bytes = if name == id { bytes } else { 0 };
        }
        entry
    }
}

#[cfg(test)]
mod tests;
