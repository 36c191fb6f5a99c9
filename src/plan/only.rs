//! Conditions under which a rule takes a path at all, which patterns can't express: a file beside it, a package that has it,
//! and a directory's owner or mode.

use super::Request;
use super::proposal::Proposal;
use super::records;
use crate::ownership::{Ownership, Wanted};
use crate::profile::{Reading, Rule, RuleId};
use crate::tree::{NodeId, Tree};
use std::cell::OnceCell;
use std::collections::HashSet;

/// The mode of a directory for which nobody chose one.
const USUAL: u32 = 0o755;

/// The conditions of a profile's rules on one image.
pub struct Only<'a> {
    request: &'a Request<'a>,
    /// By rule: true if it has a condition.
    any: Vec<bool>,
    /// The nodes that package managers list; `None` if no manager has a list.
    owned: OnceCell<Option<HashSet<NodeId>>>,
    /// The nodes that Python's lists of installed files name: they were installed together.
    together: OnceCell<HashSet<NodeId>>,
}

impl<'a> Only<'a> {
    /// Prepares for a profile and an image.
    #[must_use]
    pub fn new(request: &'a Request<'a>) -> Self {
        let conditional = |rule: &Rule| {
            let conditions = |reading: &Reading| reading.beside.is_some() || reading.owned || reading.homes;
            rule.enabled && rule.action.reading().is_some_and(conditions)
        };
        let any = request.profile.rules.iter().map(conditional).collect();
        Self { request, any, owned: OnceCell::new(), together: OnceCell::new() }
    }

    /// Returns the proposal for a path, with the first of the rules that would drop it whose conditions it meets.
    #[must_use]
    pub fn of<I: Iterator<Item = RuleId>>(
        &self,
        proposal: Proposal,
        rules: impl FnOnce() -> I,
        id: NodeId,
    ) -> Proposal {
        match proposal.rule {
            Some(rule) if self.any[rule.index()] => {
                Proposal { rule: rules().find(|&rule| self.takes(rule, id)), ..proposal }
            }
            _ => proposal,
        }
    }

    fn takes(&self, rule: RuleId, id: NodeId) -> bool {
        let Some(reading) = self.request.profile.rule(rule).action.reading() else { return true };
        let tree = self.tree();
        if tree.is_dir(id) {
            return !reading.homes || self.is_usual(id);
        }
        let beside = reading.neighbour(tree.name(id)).is_none_or(|name| self.is_beside(id, &name));
        beside && (!reading.owned || self.owned().as_ref().is_none_or(|owned| owned.contains(&id)))
    }

    fn tree(&self) -> &'a Tree {
        &self.request.merged.tree
    }

    /// True if a directory has the owner and mode that it gets if nobody asks for others.
    fn is_usual(&self, id: NodeId) -> bool {
        let Some(at) = self.tree().inode_of(id).holder() else { return true };
        let attrs = &self.request.member(at).meta.attrs;
        attrs.mode == USUAL && attrs.uid == 0 && attrs.gid == 0
    }

    /// True if a file of this name lies beside the path and is not older. If both were installed together, their times only
    /// tell the order in which they were written, and the name alone counts.
    fn is_beside(&self, id: NodeId, name: &[u8]) -> bool {
        let tree = self.tree();
        let Some(other) = tree.child(tree.node(id).parent, name).filter(|&other| !tree.is_dir(other)) else {
            return false;
        };
        let time = |id: NodeId| tree.inode_of(id).holder().map(|at| self.request.member(at).meta.mtime.secs);
        let together = || {
            let all = self.together.get_or_init(|| self.installed());
            all.contains(&id) && all.contains(&other)
        };
        time(other) >= time(id) || together()
    }

    /// Returns the files that Python's `RECORD`s list, if they are in the layer of their list: they have not been changed
    /// since.
    fn installed(&self) -> HashSet<NodeId> {
        let mut out = HashSet::new();
        for records::List { at, path, ledger, text } in records::kept(self.request, &vec![None; self.tree().len()]) {
            if ledger.manager().forgets_files() {
                let rows = ledger.rows(&path, text);
                let rows = rows.filter_map(|row| self.tree().resolve(NodeId::ROOT, &row.path).target);
                out.extend(rows.filter(|&id| self.layer(id) == Some(at.layer)));
            }
        }
        out
    }

    fn layer(&self, id: NodeId) -> Option<u32> {
        self.tree().inode_of(id).holder().map(|at| at.layer)
    }

    fn owned(&self) -> &Option<HashSet<NodeId>> {
        self.owned.get_or_init(|| {
            let owned = Ownership::read(self.request.layers, self.tree(), Wanted::Distribution);
            owned.entries.iter().any(|entry| entry.listed).then(|| owned.listed().collect())
        })
    }
}
