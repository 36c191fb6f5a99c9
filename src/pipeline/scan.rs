//! Pass 1 over all layers of an input, each once, in parallel.

use super::image::{Scans, key};
use super::progress::Ui;
use crate::Result;
use crate::scan::{self, Needs, Scanned, Shared};
use crate::source::{Input, LayerRef};
use rayon::prelude::*;
use std::collections::HashMap;

/// Reads every layer of an input and finds the facts that `needs` names.
///
/// # Errors
/// Returns the errors of the layers: for one that is no tar, or does not have the digest that its document states. If there are
/// several, the error of the lowest layer.
pub fn scan(input: &Input, needs: &Needs, ui: &dyn Ui) -> Result<Scans> {
    let mut unique: Vec<&LayerRef> = Vec::new();
    let mut seen = HashMap::new();
    for layer in input.images.iter().flat_map(|i| &i.layers) {
        seen.entry(key(layer)).or_insert_with(|| unique.push(layer));
    }
    ui.phase("reading", unique.iter().map(|l| l.size).sum());
    // The largest first, so that no thread begins with it when the others are done.
    let mut order: Vec<usize> = (0..unique.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(unique[i].size), i));
    input.fetch(&order.iter().map(|&i| unique[i]).collect::<Vec<_>>());
    let advance = |n| ui.advance(n);
    let shared = Shared::default();
    let one = |i: usize| (i, scan::scan(input, unique[i], needs, &shared, &advance));
    let mut results: Vec<(usize, Result<Scanned>)> = order.into_par_iter().with_max_len(1).map(one).collect();
    shared.check().map_err(|e| e.archive(&input.name))?;
    // If there are several errors, that of the lowest layer is reported, whichever thread was first.
    results.sort_by_key(|(i, _)| *i);
    let scans = results.into_iter().map(|(i, scanned)| Ok((key(unique[i]), scanned?))).collect::<Result<Scans>>()?;
    input.arrived()?;
    Ok(scans)
}
