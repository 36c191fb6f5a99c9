//! The contents that other programs have to make before there is a plan: the files that a command of the user's is run on, and
//! the modules that are compiled. Files that a protection covers, that a program verifies, or that are in a base are left out.

use super::bytecode::{Finding, Known, Look};
use super::made::{NotMadeReason, Unchanged};
use super::rewrite::is_verified;
use super::{Request, Verdicts};
use crate::packages::Ledger;
use crate::profile::{Action, Bytecode, Mode, RuleId};
use crate::refs::pyc::{CACHE, Name};
use crate::tree::{InodeId, MemberId, NodeId, Type};
use bstr::BString;

/// The size in bytes of the largest source that is compiled; larger ones are generated data.
const MAX_SOURCE: u64 = 16 << 20;

/// Everything that is to be made for one image, in the tree's order.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Files to run commands on.
    pub external: Vec<Task>,
    /// Modules to compile.
    pub compile: Vec<Module>,
    /// The files that a rule asked for and that are left alone.
    pub unchanged: Vec<Unchanged>,
}

/// A file to run a command on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The member with its data.
    pub at: MemberId,
    /// One of its names.
    pub node: NodeId,
    /// The rule with the command.
    pub rule: RuleId,
}

/// A module to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The member that has its bytecode, which is replaced.
    pub at: MemberId,
    /// The name of the bytecode file.
    pub node: NodeId,
    /// The rule.
    pub rule: RuleId,
    /// The member that has the source.
    pub source: MemberId,
    /// The path of the source, as tracebacks show it.
    pub path: BString,
    /// The tag of the interpreter that it is for, such as `cpython-311`.
    pub tag: BString,
    /// The number that this image's bytecode begins with, if known.
    pub magic: Option<u16>,
    /// The argument `optimize` of Python's `compile`.
    pub optimize: u8,
}

/// Finds everything that is to be made.
#[must_use]
pub fn wanted(request: &Request<'_>, verdicts: &Verdicts) -> Wanted {
    let compiles = request.profile.actions().any(Action::compiles);
    let mut out = Wanted::default();
    if !compiles && !request.profile.actions().any(|action| matches!(action, Action::External(_))) {
        return out;
    }
    let known = || verdicts.bytecode.get_or_init(|| Known::new(request));
    let look = compiles.then(|| Look::new(request, known()));
    for (id, inode) in request.merged.tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
        let Some((at, names)) = holder(request, verdicts, id) else { continue };
        if let Some(module) = look.as_ref().and_then(|look| module(request, verdicts, look, at, inode.name)) {
            out.compile.push(module);
        } else if let Some(rule) = external(verdicts, &names) {
            let why = left_alone(request, verdicts, at, &names);
            match why {
                None => out.external.push(Task { at, node: names[0], rule }),
                Some(why) => out.unchanged.push(Unchanged { node: names[0], rule, why }),
            }
        }
    }
    out
}

/// Returns the member that holds a file above the base, and the file's names, if all of them stay.
fn holder(request: &Request<'_>, verdicts: &Verdicts, id: InodeId) -> Option<(MemberId, Vec<NodeId>)> {
    let tree = &request.merged.tree;
    let at = tree.inode(id).holder().filter(|at| at.layer as usize >= request.base)?;
    let member = request.member(at);
    let names = tree.names(id);
    let stay = names.iter().all(|n| verdicts.decided.dropped[n.index()].is_none());
    let plain = member.sparse.is_none() && member.stored > 0 && Ledger::of(&member.path).is_none();
    (stay && plain).then(|| (at, names.to_vec()))
}

/// Returns the rule with a command for a file: an exception for one of the names is one for the file.
fn external(verdicts: &Verdicts, names: &[NodeId]) -> Option<RuleId> {
    let rules: Option<Vec<RuleId>> = names.iter().map(|&n| verdicts.proposals.change(n).external).collect();
    rules?.into_iter().max()
}

fn left_alone(request: &Request<'_>, verdicts: &Verdicts, at: MemberId, names: &[NodeId]) -> Option<NotMadeReason> {
    let tree = &request.merged.tree;
    let records = &request.member(at).meta.attrs.records;
    if names.iter().any(|&n| is_protected(verdicts, n)) {
        return Some(NotMadeReason::Protected);
    }
    if let Some(text) = verdicts.pinned.by(at) {
        return Some(NotMadeReason::Stated(text));
    }
    let signed = records.iter().any(|(key, _)| key == "SCHILY.xattr.security.ima");
    (signed || names.iter().any(|&n| is_verified(tree, n))).then_some(NotMadeReason::Verified)
}

/// True if a protection of the profile holds a file, or its content alone.
fn is_protected(verdicts: &Verdicts, node: NodeId) -> bool {
    let proposals = &verdicts.proposals;
    proposals.nodes[node.index()].protect.is_some() || proposals.change(node).content.is_some()
}

fn module(request: &Request<'_>, verdicts: &Verdicts, look: &Look<'_>, at: MemberId, node: NodeId) -> Option<Module> {
    let tree = &request.merged.tree;
    let rule = verdicts.proposals.change(node).bytecode?;
    let Action::Bytecode(Bytecode { mode: Mode::Compile, optimize }) = request.profile.rule(rule).action else {
        return None;
    };
    let (Finding::Used(source) | Finding::Stale(source)) = look.finding(node)? else { return None };
    let name = Name::of(tree.name(node)).filter(|name| name.optimized.is_none())?;
    let cache = tree.node(node).parent;
    let simple = tree.names(tree.node(node).inode).len() == 1 && tree.name(cache) == CACHE;
    if !simple || is_protected(verdicts, node) || verdicts.pinned.by(at).is_some() {
        return None;
    }
    let source = tree.inode_of(source).holder()?;
    let text = request.member(source);
    if text.sparse.is_some() || text.stored > MAX_SOURCE {
        return None;
    }
    let dir = tree.path(tree.node(cache).parent);
    let path = [&b"/"[..], &dir, if dir.is_empty() { &b""[..] } else { b"/" }, name.module, b".py"].concat();
    Some(Module {
        at,
        node,
        rule,
        source,
        path: path.into(),
        tag: name.tag.into(),
        magic: look.usual_magic(name),
        optimize,
    })
}

impl Wanted {
    /// True if nothing is to be made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.external.is_empty() && self.compile.is_empty()
    }
}
