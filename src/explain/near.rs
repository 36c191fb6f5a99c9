//! Suggestions for a path that the image does not have.

use crate::path;
use crate::tree::{NodeId, Tree};
use bstr::{BString, ByteSlice};

/// The most paths that are suggested.
const MOST: usize = 3;

/// The length in bytes of the shortest name that may mean a longer one.
const LEAST: usize = 3;

/// True if the last components of a node's path are these.
pub(super) fn ends_with(tree: &Tree, id: NodeId, parts: &[&[u8]]) -> bool {
    let own = std::iter::once(id).chain(tree.ancestors(id)).map(|n| tree.name(n).as_bytes());
    !parts.is_empty() && own.take(parts.len()).eq(parts.iter().rev().copied())
}

/// Returns paths that end like the one that was asked for; or else those in its last known directory with the most similar
/// names.
pub(super) fn near(tree: &Tree, asked: &[u8]) -> Vec<BString> {
    let parts: Vec<&[u8]> = path::components(asked).collect();
    let same: Vec<BString> =
        tree.ids().filter(|&id| ends_with(tree, id, &parts)).take(MOST).map(|id| tree.path(id)).collect();
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
        let starts = name.starts_with(&*wanted) || (name.len() >= LEAST && wanted.starts_with(&*name));
        let close = distance <= (wanted.chars().count().max(name.chars().count()) / 3).max(1);
        (close || starts).then_some((distance, id))
    };
    let mut found: Vec<(usize, NodeId)> = tree.children(dir).iter().filter_map(likeness).collect();
    found.sort();
    found.into_iter().take(MOST).map(|(_, id)| tree.path(id)).collect()
}
