//! Two trees side by side.

use crate::tree::{NodeId, Tree};
use std::cmp::Ordering;

/// A path: its node in the first tree, in the second, or in both.
pub(super) type Row = (Option<NodeId>, Option<NodeId>);

/// Returns all paths of both trees except the roots themselves, parents before children, sorted by name.
pub(super) fn walk(before: &Tree, after: &Tree) -> Vec<Row> {
    let mut out = Vec::with_capacity(before.len().max(after.len()));
    let mut todo: Vec<Row> = vec![(Some(NodeId::ROOT), Some(NodeId::ROOT))];
    let mut below = Vec::new();
    while let Some(row) = todo.pop() {
        out.push(row);
        let children = |tree: &Tree, id: Option<NodeId>| id.map_or_else(Vec::new, |id| tree.children(id).to_vec());
        let (a, b) = (children(before, row.0), children(after, row.1));
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let order = match (a.get(i), b.get(j)) {
                (Some(&x), Some(&y)) => before.name(x).cmp(after.name(y)),
                (Some(_), None) => Ordering::Less,
                _ => Ordering::Greater,
            };
            below.push(((order != Ordering::Greater).then(|| a[i]), (order != Ordering::Less).then(|| b[j])));
            i += usize::from(order != Ordering::Greater);
            j += usize::from(order != Ordering::Less);
        }
        todo.extend(below.drain(..).rev());
    }
    out
}
