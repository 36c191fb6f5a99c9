//! Images of one archive that share layers. Each is planned alone first; if one of them needs or hides something, it gets
//! another version of a shared layer, which is then stored for each. If the output would grow by that, they are planned again,
//! together: from a shared layer goes only what goes for all, and each is written once.

use super::image::{LayerKey, Planned, key};
use crate::Warning;
use crate::plan::LayerPlan;
use crate::plan::cut::{self, Cut, LayerCut, Need};
use crate::profile::Action;
use crate::report::units;
use crate::source::Image;
use std::collections::{HashMap, HashSet};

/// Shared layers that come out in several versions.
pub(super) struct Versions {
    /// The number of layers that each image would have to keep as they are, so that all that share them have the same.
    pub bases: Vec<usize>,
    /// The number of layers with several versions.
    layers: usize,
    /// The size of all layers of the input as plain tars, each once, and of the output, in bytes.
    before: u64,
    after: u64,
}

/// Finds shared layers at the bottom of images that come out in several versions. In a squash each image has a version of its
/// own of the layers that it does not keep, which counts if the output is larger by it.
pub(super) fn versions(planned: &[Planned<'_>], squash: bool) -> Option<Versions> {
    let keys: Vec<Vec<LayerKey>> = planned.iter().map(|p| p.image.layers.iter().map(key).collect()).collect();
    let mut bases = vec![0; planned.len()];
    let mut differing: HashSet<&LayerKey> = HashSet::new();
    for (i, image) in planned.iter().enumerate() {
        for (j, other) in planned.iter().enumerate().take(i) {
            let common = common(&keys[i], &keys[j]);
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
    spread(&mut bases, &keys);
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

/// Returns the number of layers from the bottom that two images share.
fn common(a: &[LayerKey], b: &[LayerKey]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Spreads the bases: a layer that must be the same for one pair of images must be so for all that share it.
fn spread(bases: &mut [usize], keys: &[Vec<LayerKey>]) {
    loop {
        let before = bases.to_vec();
        for (i, own) in keys.iter().enumerate() {
            for (other, base) in keys.iter().zip(&before) {
                bases[i] = bases[i].max(common(own, other).min(*base));
            }
        }
        if bases == before {
            return;
        }
    }
}

/// Returns the output for a layer of an image.
fn outcome<'a>(planned: &'a Planned<'_>, layer: usize) -> Option<&'a LayerPlan> {
    planned.plan.outputs.iter().find(|out| out.from() as usize == layer)
}

impl Versions {
    /// True if the output has more bytes in its layers than the input.
    pub fn grow(&self) -> bool {
        self.after > self.before
    }

    /// Returns the warning; `sharing` is the way in which shared layers have been made the same, if they have.
    pub fn warning(&self, images: &[Image], sharing: Option<&Sharing>) -> Warning {
        let reached = sharing.map_or(&self.bases, |sharing| &sharing.bases);
        let named = |(image, base): (&Image, &usize)| format!("--base {base} for {}", image.name());
        let bases: Vec<String> = images.iter().zip(reached).filter(|(_, base)| **base > 0).map(named).collect();
        let bases = bases.join(", ");
        let (before, after) = (units::bytes(self.before), units::bytes(self.after));
        let what = format!(
            "{} that several images share would differ for each of them ({before} of layers before, {after} after)",
            if self.layers == 1 { "a layer".to_owned() } else { format!("{} layers", self.layers) },
        );
        let what = match sharing {
            None => format!("{what}: to keep the shared layers as they are, slim each image alone, with {bases}"),
            Some(sharing) if sharing.is_whole() => {
                format!("{what}: they are kept as they are, as with {bases}")
            }
            Some(_) => format!(
                "{what}: only files that no image needs go from the shared layers, packages stay in them, and nothing in them is changed; to keep them as they are, slim each image alone, with {bases}"
            ),
        };
        Warning::new("shared-layers", what)
    }
}

/// The number of times that images are planned together before their shared layers are kept whole: each time an image needs
/// something that the others do not, less can go.
const MOST_ROUNDS: usize = 8;

/// The members that go from shared layers, for all images that share them.
pub(super) struct Sharing {
    /// For each image the number of its layers that are the same for all images that share them.
    pub bases: Vec<usize>,
    /// For each image its shared layers from the bottom, by number: two layers have the same number if all layers below them
    /// are the same, too.
    numbers: Vec<Vec<usize>>,
    /// The cut of each layer, by number.
    cuts: Vec<LayerCut>,
    rounds: usize,
}

impl Sharing {
    /// Starts with everything cut.
    pub fn new(planned: &[Planned<'_>], bases: Vec<usize>) -> Self {
        let mut known: HashMap<(Option<usize>, LayerKey), usize> = HashMap::new();
        let mut cuts = Vec::new();
        let mut numbers = Vec::new();
        for (image, &base) in planned.iter().zip(&bases) {
            let mut own: Vec<usize> = Vec::new();
            for (layer, index) in image.image.layers[..base].iter().zip(&image.layers) {
                let number = *known.entry((own.last().copied(), key(layer))).or_insert_with(|| {
                    cuts.push(LayerCut { goes: vec![true; index.members.len()], ..LayerCut::default() });
                    cuts.len() - 1
                });
                own.push(number);
            }
            numbers.push(own);
        }
        Self { bases, numbers, cuts, rounds: 0 }
    }

    /// Takes back what an image needs by its plan. Returns true if the images are to be planned again with the rest of the cut.
    pub fn narrow(&mut self, planned: &[Planned<'_>]) -> bool {
        let before = std::mem::take(&mut self.cuts);
        self.cuts = before.iter().map(|cut| LayerCut { goes: cut.goes.clone(), ..LayerCut::default() }).collect();
        self.keep_needed(planned);
        let cuts = self.cuts();
        for ((image, numbers), mut cut) in planned.iter().zip(&self.numbers).zip(cuts) {
            cut.settle(&image.layers);
            cut.keep_emptied(&image.layers, &image.tree, &image.plan.dropped);
            for (&number, found) in numbers.iter().zip(cut.0) {
                let own = &mut self.cuts[number];
                own.goes = found.goes;
                own.emptied.extend(found.emptied);
            }
        }
        self.rounds += 1;
        if self.rounds > MOST_ROUNDS || !self.is_clean(planned) {
            self.cuts.fill(LayerCut::default());
        }
        self.rounds == 1 || self.cuts != before
    }

    /// True if nothing comes back in any image. Images with the same shared layers have the same cut, which is checked once.
    fn is_clean(&self, planned: &[Planned<'_>]) -> bool {
        let mut checked = HashSet::new();
        let all = self.cuts().into_iter().zip(&self.numbers).zip(planned);
        let mut different = all.filter(|((_, numbers), _)| checked.insert(*numbers));
        different.all(|((cut, _), image)| cut.is_clean(&image.layers))
    }

    /// Returns the sharing that reaches up to the layers of which there are still several versions; `None` if it reaches them
    /// already.
    pub fn reach(&self, planned: &[Planned<'_>], more: &Versions) -> Option<Self> {
        let bases: Vec<usize> = self.bases.iter().zip(&more.bases).map(|(a, b)| *a.max(b)).collect();
        (bases != self.bases).then(|| Self::new(planned, bases))
    }

    fn keep_needed(&mut self, planned: &[Planned<'_>]) {
        let mut asked: Vec<Vec<bool>> = self.cuts.iter().map(|cut| vec![false; cut.goes.len()]).collect();
        for (image, numbers) in planned.iter().zip(&self.numbers) {
            let profile = &image.profile;
            // Members that no image sees go by a rule of their own.
            let shadowed = profile.actions().any(|action| matches!(action, Action::DropShadowed(_)));
            let needs = cut::needs(&image.layers, &image.tree, &image.plan.dropped, profile, numbers.len());
            for (&number, needs) in numbers.iter().zip(needs) {
                let goes = &mut self.cuts[number].goes;
                for ((goes, asked), need) in goes.iter_mut().zip(&mut asked[number]).zip(needs) {
                    *goes &= need != Need::Kept;
                    *asked |= shadowed || need == Need::Dropped;
                }
            }
        }
        for (cut, asked) in self.cuts.iter_mut().zip(asked) {
            cut.goes.iter_mut().zip(asked).for_each(|(goes, asked)| *goes &= asked);
        }
    }

    /// Returns the cut of the shared layers of each image.
    pub fn cuts(&self) -> Vec<Cut> {
        let one = |numbers: &Vec<usize>| Cut(numbers.iter().map(|&number| self.cuts[number].clone()).collect());
        self.numbers.iter().map(one).collect()
    }

    fn is_whole(&self) -> bool {
        self.cuts.iter().all(LayerCut::is_whole)
    }
}
