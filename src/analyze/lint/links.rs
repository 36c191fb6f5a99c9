//! Symbolic links that lead nowhere, and the layers that deleted their targets.

use super::look::Look;
use crate::path;
use crate::report::escape;
use crate::tree::merge::{Role, role};
use crate::tree::{NodeId, Tree, Type};
use bstr::BString;
use std::collections::HashMap;

const BROKEN: &str = "broken-link";

pub(super) fn look(look: &mut Look<'_>) {
    let tree = look.tree;
    let mut broken: Vec<(NodeId, BString)> = Vec::new();
    for id in tree.ids().filter(|&id| tree.inode_of(id).kind == Type::Symlink) {
        if tree.follow(id).target.is_none()
            && let Some(end) = end(tree, id)
            && !outside(look, &end)
        {
            broken.push((id, end));
        }
    }
    let deleted = deleted(look, broken.iter().map(|(_, end)| end));
    for (id, end) in broken {
        let gone = deleted.get(&end).copied();
        let case = if gone.is_some() { "deleted" } else { "missing" };
        let Some(severity) = look.rules().severity(BROKEN, case, &tree.path(id)) else { continue };
        let target = tree.target(id).map(|target| escape(target)).unwrap_or_default();
        let end = escape(&end);
        let message = match gone {
            Some((had, by)) => format!("points to {target}: /{end} of layer {had} was deleted in layer {by}"),
            None if target.trim_start_matches('/') == end => format!("points to {target}, which is not in the image"),
            None => format!("points to {target}: /{end} is not in the image"),
        };
        look.report(BROKEN, severity, id, &target, message);
    }
}

/// Returns the missing path at the end of a link, with all links on the way followed; `None` for a loop.
fn end(tree: &Tree, link: NodeId) -> Option<BString> {
    let mut at = tree.node(link).parent;
    let mut todo: Vec<&[u8]> = tree.target(link)?.split(|&c| c == b'/').rev().collect();
    if tree.target(link)?.starts_with(b"/") {
        at = NodeId::ROOT;
    }
    let mut links = 0;
    while let Some(part) = todo.pop() {
        match part {
            b"" | b"." => continue,
            b".." => {
                at = tree.node(at).parent;
                continue;
            }
            _ => {}
        }
        let Some(next) = tree.child(at, part) else {
            let rest: Vec<&[u8]> = todo.iter().rev().copied().collect();
            let rest = rest.join(&b'/');
            let missing = path::join(&path::join(&tree.path(at), part), &rest);
            return Some(path::normalize(&missing).unwrap_or_default());
        };
        if let Some(target) = tree.target(next) {
            links += 1;
            if links > 40 {
                return None;
            }
            if target.starts_with(b"/") {
                at = NodeId::ROOT;
            }
            todo.extend(target.split(|&c| c == b'/').rev());
        } else {
            at = next;
        }
    }
    None
}

/// True if a file there is made when a container starts.
fn outside(look: &Look<'_>, end: &[u8]) -> bool {
    let below = |dir: &String| end.strip_prefix(dir.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
    look.rules().outside.iter().any(below)
}

/// Returns, for each path that a lower layer had and a later one deletes, both layers, from 1.
fn deleted<'p>(look: &Look<'_>, paths: impl Iterator<Item = &'p BString>) -> HashMap<BString, (usize, usize)> {
    let mut had: HashMap<&[u8], usize> = paths.map(|path| (path.as_slice(), 0)).collect();
    if had.is_empty() {
        return HashMap::new();
    }
    let plan = &look.request.plan;
    for (layer, index) in (1..).zip(plan.layers) {
        for member in index.members.iter().filter(|m| role(&m.path) == Role::Entry) {
            // A directory may have no entry of its own.
            let parent = path::split(&member.path).0;
            for path in [&**member.path, parent] {
                if let Some(found) = had.get_mut(path) {
                    *found = layer;
                }
            }
        }
    }
    // The layers that hide each path, each with true for an opaque whiteout, which spares the directory itself.
    let mut hidden: HashMap<&[u8], Vec<(usize, bool)>> = HashMap::new();
    for (layer, whiteouts) in (1..).zip(&plan.merged.whiteouts) {
        whiteouts.iter().for_each(|mark| hidden.entry(&mark.path).or_default().push((layer, mark.opaque)));
    }
    let by = |path: &[u8], had: usize| {
        let mut above = std::iter::successors(Some(path), |p| (!p.is_empty()).then(|| path::split(p).0));
        above.find_map(|dir| {
            let counts = |&&(layer, opaque): &&(usize, bool)| layer > had && (!opaque || dir != path);
            hidden.get(dir)?.iter().find(counts).map(|&(layer, _)| layer)
        })
    };
    let found = had.into_iter().filter(|(_, had)| *had > 0);
    found.filter_map(|(path, had)| Some((path.into(), (had, by(path, had)?)))).collect()
}
