//! Images of one archive that share layers: each is planned alone, so that what one of them needs or hides makes another version
//! of a shared layer, which is then stored for each. Until images are planned together, the output at least never grows by that.

use super::run::{LayerKey, Planned, key};
use crate::Warning;
use crate::plan::LayerPlan;
use crate::report::units;
use crate::source::Image;
use std::collections::{HashMap, HashSet};

/// Shared layers that come out in several versions.
pub(super) struct Versions {
    /// How many layers each image would have to keep as they are, so that all that share them have the same.
    pub bases: Vec<usize>,
    /// How many layers there are with several versions.
    layers: usize,
    /// The size of all layers of the input as plain tars, each once, and of the output, in bytes.
    before: u64,
    after: u64,
}

/// Looks for shared layers at the bottom of images that come out in several versions. In a squash each image has a version of its
/// own of what it does not keep, which counts where the output is larger by it.
pub(super) fn versions(planned: &[Planned<'_>], squash: bool) -> Option<Versions> {
    let keys: Vec<Vec<LayerKey>> = planned.iter().map(|p| p.image.layers.iter().map(key).collect()).collect();
    let mut bases = vec![0; planned.len()];
    let mut differing: HashSet<&LayerKey> = HashSet::new();
    for (i, image) in planned.iter().enumerate() {
        for (j, other) in planned.iter().enumerate().take(i) {
            let common = keys[i].iter().zip(&keys[j]).take_while(|(a, b)| a == b).count();
            let differ = |&layer: &usize| {
                let (one, two) = (outcome(image, layer), outcome(other, layer));
                one != two || squash && one.is_none()
            };
            if let Some(highest) = (0..common).rev().find(differ) {
                bases[i] = bases[i].max(highest + 1);
                bases[j] = bases[j].max(highest + 1);
                differing.extend((0..common).filter(differ).map(|layer| &keys[i][layer]));
            }
        }
    }
    if differing.is_empty() {
        return None;
    }
    let (mut before, mut after) = (0, 0);
    let mut seen: HashMap<&LayerKey, Vec<&LayerPlan>> = HashMap::new();
    for (image, keys) in planned.iter().zip(&keys) {
        for (layer, key) in image.layers.iter().zip(keys) {
            if !seen.contains_key(key) {
                before += layer.tar_bytes;
                seen.insert(key, Vec::new());
            }
        }
        for (out, size) in image.plan.outputs.iter().zip(image.layer_bytes()) {
            let known = seen.entry(&keys[out.from() as usize]).or_default();
            let verbatim = |plan: &LayerPlan| matches!(plan, LayerPlan::Verbatim(_));
            if !known.iter().any(|plan| *plan == out || verbatim(plan) && verbatim(out)) {
                known.push(out);
                after += size;
            }
        }
    }
    let found = Versions { bases, layers: differing.len(), before, after };
    (found.grow() || !squash).then_some(found)
}

/// What becomes of a layer of an image.
fn outcome<'a>(planned: &'a Planned<'_>, layer: usize) -> Option<&'a LayerPlan> {
    planned.plan.outputs.iter().find(|out| out.from() as usize == layer)
}

impl Versions {
    /// Whether the output has more in its layers than the input.
    pub fn grow(&self) -> bool {
        self.after > self.before
    }

    /// What is to be said; `kept`: whether the layers are kept as they are.
    pub fn warning(&self, images: &[Image], kept: bool) -> Warning {
        let named = |(image, base): (&Image, &usize)| format!("{} --base {base}", image.name());
        let bases: Vec<String> = images.iter().zip(&self.bases).filter(|(_, base)| **base > 0).map(named).collect();
        let (before, after) = (units::bytes(self.before), units::bytes(self.after));
        let what = format!(
            "{} that several images share would differ for each of them ({before} of layers before, {after} after)",
            if self.layers == 1 { "a layer".to_owned() } else { format!("{} layers", self.layers) },
        );
        let what = if kept {
            format!("{what}: they are kept as they are, as if each image had its --base: {}", bases.join(", "))
        } else {
            format!("{what}: to keep the shared layers as they are, give --base: {}", bases.join(", "))
        };
        Warning::new("shared-layers", what)
    }
}
