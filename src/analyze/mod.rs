//! `slim analyze`: the parts of an image, and the waste in it, from the same scan and tree as everything else, without writing.
//!
//! [`dive`] computes dive's metric, to the byte; [`waste`] finds the bytes that no container sees, which dive counts only in
//! part; [`breakdown`] counts bytes by kind, package and directory; [`savings`] estimates what each profile would save;
//! [`lint`] finds faults; [`gate`] checks `.dive-ci`, and [`budget`] `slim.toml`, with [`growth`] since an earlier analysis.
//! [`text`], [`json`] and [`markdown`] write it.

use crate::image::ImageFacts;
use crate::secrets::Instruction;
use breakdown::Breakdown;
use dive::Metric;
use kinds::Kinds;
use waste::Wasted;

pub mod advice;
mod analysis;
mod answer;
pub mod breakdown;
pub mod budget;
pub mod dive;
pub mod gate;
mod grown;
pub mod growth;
pub mod json;
pub mod kinds;
pub mod lint;
pub mod manifest;
pub mod markdown;
pub mod owners;
pub mod page;
pub mod savings;
#[cfg(test)]
mod tests;
pub mod text;
pub mod trie;
pub mod waste;
mod yaml;

pub use analysis::{Analysis, Head, Layer, Request};

/// Returns dive's metric, and the bytes that containers do not see.
#[must_use]
pub fn measure(request: &Request<'_>, needed: &[Vec<bool>]) -> (Metric, Wasted) {
    let wasted = waste::find(request.layers, request.merged, needed);
    (dive::metric(request.layers), wasted)
}

/// Counts the bytes by kind, package and directory.
///
/// # Errors
/// Returns a sentence if the built-in kinds are wrong, which a test rules out.
pub fn break_down(request: &Request<'_>, needed: &[Vec<bool>]) -> Result<Breakdown, String> {
    let tree = &request.merged.tree;
    let owners = owners::Owners::new(request.layers, tree);
    let kinds = Kinds::builtin()?;
    Ok(breakdown::breakdown(request.layers, tree, needed, &kinds, &owners, request.depth))
}

/// Returns the instruction that made each layer, with `***` for secrets. More people read comments and
/// code hosts, where an analysis is shown, than can pull the image. `None` for a layer without an entry.
#[must_use]
pub fn shown(facts: &ImageFacts, layers: usize) -> Vec<Option<String>> {
    instructions(facts, layers).map(|made| made.map(ToString::to_string)).collect()
}

/// The instruction that made each layer; `None` where there is no entry.
pub fn instructions(facts: &ImageFacts, layers: usize) -> impl Iterator<Item = Option<&Instruction>> {
    let made = facts.history.iter().filter(|h| !h.empty_layer).map(|h| Some(&h.created_by));
    made.chain(std::iter::repeat(None)).take(layers)
}
