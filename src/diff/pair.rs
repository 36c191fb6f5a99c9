//! Two images side by side. What they are asked for is in `mod.rs`, above the comparisons.

use super::Image;
use super::layers::{self, Aligned};
use super::measured::Measured;
use crate::tree::{NodeId, Tree};
use std::cmp::Ordering;

/// Two images side by side.
pub struct Pair<'a> {
    pub(super) images: [Image<'a>; 2],
    pub(super) sides: [Measured<'a>; 2],
    pub(super) rows: Vec<Row>,
    pub(super) layers: Aligned,
}

impl<'a> Pair<'a> {
    /// Puts two images side by side.
    #[must_use]
    pub fn new(before: Image<'a>, after: Image<'a>) -> Self {
        Self {
            sides: [Measured::new(&before), Measured::new(&after)],
            rows: walk(before.tree, after.tree),
            layers: layers::align(&before, &after),
            images: [before, after],
        }
    }
}

/// A path: its node in the first tree, in the second, or in both.
pub(super) type Row = (Option<NodeId>, Option<NodeId>);

/// Returns all paths of both trees except the roots themselves, parents before children, sorted by name.
fn walk(before: &Tree, after: &Tree) -> Vec<Row> {
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
