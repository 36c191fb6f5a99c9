//! Holds paths that stay although a rule asks for them: protected paths, those that links, the config, scripts and programs
//! lead to, and those that other files refer to. A path that stays may need others in turn, so this runs until nothing changes.

use super::guard::{self, Guard, Prepared};
use super::programs::{languages, of_languages, on_path};
use super::proposal::Proposals;
use super::{Held, HoldReason, Request};
use crate::image::ImageFacts;
use crate::layer::Facts;
use crate::profile::{Guard as Kind, ProtectId, RuleId};
use crate::tree::{InodeId, MemberId, NodeId, Resolved, Tree, Type};
use std::collections::HashMap;

/// The verdict on each node.
pub struct Decided {
    /// By node: the rule that drops it.
    pub dropped: Vec<Option<RuleId>>,
    /// The paths that stay although a rule asked for them, in the tree's order.
    pub held: Vec<Held>,
}

struct Holder<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    proposals: &'a Proposals,
    dropped: Vec<Option<RuleId>>,
    held: Vec<Held>,
    /// Nodes that stay and whose own needs have not been followed yet.
    todo: Vec<NodeId>,
    /// By inode: true if its needs have been followed.
    seen: Vec<bool>,
    /// The directories of the image's `PATH`, and the links on the way to them.
    path: &'a [Resolved],
    prepared: &'a Prepared,
}

/// Decides what is dropped.
#[must_use]
pub fn decide(request: &Request<'_>, prepared: &Prepared, proposals: &Proposals) -> Decided {
    let tree = &request.merged.tree;
    // Protected nodes stay from the start; all other reasons are found below and take nodes out of `dropped`.
    let dropped = proposals.nodes.iter().map(|p| p.rule.filter(|_| p.protect.is_none())).collect();
    let mut holder = Holder {
        request,
        tree,
        proposals,
        dropped,
        held: Vec::new(),
        todo: Vec::new(),
        seen: vec![false; tree.inodes().len()],
        path: &prepared.path,
        prepared,
    };
    holder.hold_protected();
    holder.hold_base();
    for program in &prepared.started {
        holder.keep_resolved(program, HoldReason::Config);
    }
    for id in translations(tree, request.facts) {
        holder.keep_one(id, HoldReason::Config);
    }
    // Everything that stays so far may need more. From here on each node that is kept is added to `todo` once.
    holder.todo.extend(tree.ids().filter(|id| holder.dropped[id.index()].is_none()));
    let mut guard = Guard::new(request, prepared, &holder.dropped);
    for id in guard.config_modules().into_iter().chain(guard.config_paths()) {
        holder.keep_referenced(id, None, HoldReason::Config);
    }
    while let Some(id) = holder.todo.pop() {
        holder.follow_needs(id, &mut guard);
    }
    // Last, as a directory that stays for its contents needs nothing itself.
    holder.keep_parents();
    holder.held.sort_by_key(|h| h.node);
    Decided { dropped: holder.dropped, held: holder.held }
}

impl<'a> Holder<'a> {
    /// Notes protected paths, which nobody has proposed to drop by now, and holds what a protection with `links` covers besides. The
    /// notes come first: of several reasons a path has the first.
    fn hold_protected(&mut self) {
        for id in self.tree.ids() {
            let proposal = self.proposals.nodes[id.index()];
            if let (Some(rule), Some(protect)) = (proposal.rule, proposal.protect) {
                self.held.push(Held { node: id, rule, why: HoldReason::Protected(protect) });
            }
        }
        // A protection with `links` covers the file, not only its name: other hard links of it and symbolic links to it stay as
        // well.
        let linked = self.proposals.linked.iter().map(|&(node, protect)| (self.tree.node(node).inode, protect));
        let linked: HashMap<InodeId, ProtectId> = linked.collect();
        if linked.is_empty() {
            return;
        }
        for id in self.tree.ids() {
            let target = match self.tree.inode_of(id).kind {
                Type::Dir => continue,
                Type::Symlink => self.tree.follow(id).target,
                _ => Some(id),
            };
            let inode = target.map(|t| self.tree.node(t).inode);
            if let Some(&protect) = inode.and_then(|inode| linked.get(&inode)) {
                self.keep(id, HoldReason::Protected(protect));
            }
        }
    }

    /// Holds the base, except for the members that go for all images: its layers are shared, and a whiteout would free nothing.
    fn hold_base(&mut self) {
        if self.request.base == 0 {
            return;
        }
        for id in self.tree.ids() {
            let stays = |at: MemberId| (at.layer as usize) < self.request.base && !self.request.cut.has(at);
            if self.tree.node(id).at().is_some_and(stays) {
                self.keep_one(id, HoldReason::Base);
            }
        }
    }

    /// Keeps one node, if a rule was about to drop it.
    fn keep_one(&mut self, id: NodeId, why: HoldReason) {
        if let Some(rule) = self.dropped[id.index()].take() {
            self.held.push(Held { node: id, rule, why });
            self.todo.push(id);
        }
    }

    /// Keeps a node; if it is a directory that a rule names, with everything below it.
    fn keep(&mut self, id: NodeId, why: HoldReason) {
        if self.dropped[id.index()].is_some() {
            for below in self.tree.subtree(id) {
                self.keep_one(below, why);
            }
        }
    }

    /// Keeps what a path leads to, and the links on the way: without one of them the path leads nowhere.
    fn keep_resolved(&mut self, resolved: &Resolved, why: HoldReason) {
        for &id in resolved.links.iter().chain(&resolved.target) {
            self.keep(id, why);
        }
    }

    /// Keeps everything that a node which stays leads to.
    fn follow_needs(&mut self, id: NodeId, guard: &mut Guard<'a>) {
        let inode = self.tree.inode_of(id);
        match inode.kind {
            Type::Dir => return,
            Type::Symlink => {
                // A link to a removed alternative leads to the next one in the output, so that is followed.
                let resolved = match self.proposals.relinked.get(&id) {
                    Some(target) => self.tree.resolve(self.tree.node(id).parent, target),
                    None => self.tree.follow(id),
                };
                if !self.is_ignored(id, &resolved) {
                    self.keep_resolved(&resolved, HoldReason::LinkedFrom(id));
                }
                let environments = guard.environments(&resolved);
                for target in guard.linked(id, &resolved).into_iter().chain(environments) {
                    self.keep_referenced(target, Some(id), HoldReason::Named(id, 0));
                }
            }
            _ => {}
        }
        // A file's needs are followed once, whatever the number of its names. Links come before this, as a relative target
        // depends on the directory of the name.
        let number = self.tree.node(id).inode;
        if std::mem::replace(&mut self.seen[number.0 as usize], true) {
            return;
        }
        for &name in self.tree.names(number).iter().filter(|&&name| name != id) {
            self.keep(name, HoldReason::LinkedFrom(id));
        }
        let Some(facts) = self.request.facts_of(id) else {
            return;
        };
        for found in interpreters(self.tree, facts, self.path) {
            if self.is_ignored(id, &found) {
                continue;
            }
            self.keep_resolved(&found, HoldReason::Interprets(id));
            for target in guard.environments(&found) {
                self.keep_referenced(target, Some(id), HoldReason::Named(id, 1));
            }
        }
        for (target, why) in guard.needs(id, facts) {
            self.keep_referenced(target, Some(id), why);
        }
    }

    /// True if the rule that would drop what a path leads to has been told that nothing uses `file` any more.
    fn is_ignored(&self, file: NodeId, resolved: &Resolved) -> bool {
        let rule = resolved.target.and_then(|target| self.dropped[target.index()]);
        rule.is_some_and(|rule| self.prepared.ignores(self.request.profile, self.tree, rule, file))
    }

    /// Keeps a node that a file, or the config, refers to, if the rule that would drop it listens. A rule always listens to the
    /// files of its own that stay: a module that is held for its path is of no use without what it imports.
    fn keep_referenced(&mut self, target: NodeId, file: Option<NodeId>, why: HoldReason) {
        let own = |rule: RuleId| file.is_some_and(|file| self.proposals.nodes[file.index()].rule == Some(rule));
        let listens = |rule: RuleId| {
            let kind = self.request.profile.rule(rule).action.guard();
            let all = kind != Kind::None;
            if file.is_some_and(|file| self.prepared.ignores(self.request.profile, self.tree, rule, file)) {
                return false;
            }
            file.map_or(all, |file| all && own(rule) || guard::listens(kind, self.tree, file, why))
        };
        if self.dropped[target.index()].is_some_and(listens) {
            self.keep_one(target, why);
        }
    }

    /// Keeps the directories above everything that stays. Nodes are in pre-order, so backwards every child comes before its
    /// parent.
    fn keep_parents(&mut self) {
        for id in self.tree.ids().rev() {
            if self.dropped[id.index()].is_none() {
                self.dropped[self.tree.node(id).parent.index()] = None;
            }
        }
        self.dropped[NodeId::ROOT.index()] = None;
    }
}

/// Returns the interpreters that a file names, with the links on the way to them.
fn interpreters(tree: &Tree, facts: &Facts, path: &[Resolved]) -> Vec<Resolved> {
    let mut out = Vec::new();
    if let Some(loader) = &facts.loader {
        out.push(tree.resolve(NodeId::ROOT, loader));
    }
    if let Some(shebang) = &facts.script {
        out.push(tree.resolve(NodeId::ROOT, &shebang.interpreter));
        if let Some(program) = shebang.env_program() {
            out.extend(on_path(tree, &program, path));
        }
    }
    out
}

/// Returns the translations for the languages that the image's environment asks for, with and without territory, charset and
/// modifier.
fn translations(tree: &Tree, image: &ImageFacts) -> Vec<NodeId> {
    let wanted = languages(image);
    of_languages(tree, |name| wanted.contains(name)).collect()
}
