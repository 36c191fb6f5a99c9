//! The plans of all images of an input, complete before the first byte is written.

use super::image::{Inputs, Planned, key};
use super::progress::Ui;
use super::request::LayersMode;
use super::shared::{self, Sharing};
use super::stack::{self, MergedImage};
use crate::layer::LayerIndex;
use crate::plan::cut::{self, Cut};
use crate::plan::made::Made;
use crate::plan::rewrite::Rewrites;
use crate::plan::{self, Plan, links, wanted};
use crate::profile::{self, Matcher, Profile};
use crate::scan::Scanned;
use crate::source::{Image, Input, LayerRef};
use crate::transform::{self, Checksums, ContentReader, Transformer};
use crate::tree::merge;
use crate::{Result, Warning};
use std::fs::File;

/// The plans of all images of an input.
pub struct Plans<'a> {
    /// The rules, for these images.
    pub profile: Profile,
    /// The images, in the input's order.
    pub images: Vec<Planned<'a>>,
    /// New contents that other programs made.
    pub spool: Option<File>,
    /// Everything that the user should know about the plans.
    pub warnings: Vec<Warning>,
}

/// Plans the images whose layers [`merge`](super::merge) has laid on top of each other.
///
/// # Errors
/// Returns the errors of the profiles, and of reading what only a plan asks for: contents that may be equal, modules to
/// compile.
pub fn plan<'a>(inputs: Inputs<'a>, merged: Vec<MergedImage>, ui: &dyn Ui) -> Result<Plans<'a>> {
    let Inputs { request, profiles, input, scans } = inputs;
    let indexes = |image: &Image| image.layers.iter().map(|l| &scans[&key(l)].index).collect();
    let trees = merged.iter().zip(&input.images).map(|(m, image)| (&m.merged.tree, indexes(image)));
    let profile = profiles.pick(trees)?;
    if !profile.choices.is_empty() {
        let (names, picked) = (profile.names.join(", "), profile.picked().join(", "));
        ui.note(&format!("{names}: {}", if picked.is_empty() { "none of the others fits" } else { &picked }));
    }
    let own = (!profile.choices.is_empty()).then(|| Matcher::new(&profile)).transpose()?;
    let matcher = match &own {
        Some(own) => own,
        None => profiles.matcher()?,
    };
    let mut warnings = transform::warnings(&profile);
    warnings.extend(input.images.iter().filter(|i| i.is_windows()).map(stack::windows));
    let note = |message: &str| ui.note(message);
    let mut transformer = Transformer::new(request.run_with.as_deref(), &note);
    let mut found = Vec::new();
    let rules = Rules { profile: &profile, matcher, cuts: &[] };
    let mut images = plan_images(inputs, merged, rules, &mut transformer, &mut found)?;
    let squash = request.layers == LayersMode::Squash;
    if let Some(versions) = shared::versions(&images, squash) {
        let together = versions.grow() && request.base.is_none() && !squash;
        let mut sharing = together.then(|| Sharing::new(&images, versions.bases.clone()));
        if let Some(sharing) = &mut sharing {
            loop {
                if sharing.narrow(&images, &profile) {
                    found.clear();
                    images.clear();
                    let merged = stack::merge_above(input, scans, &sharing.bases)?;
                    let cuts = sharing.cuts();
                    images = plan_images(inputs, merged, Rules { cuts: &cuts, ..rules }, &mut transformer, &mut found)?;
                    continue;
                }
                // Members that stay in these layers may make layers above them differ.
                let more = shared::versions(&images, squash);
                let Some(further) = more.and_then(|more| sharing.reach(&images, &more)) else { break };
                *sharing = further;
            }
        }
        found.push(versions.warning(&input.images, sharing.as_ref()));
    }
    warnings.append(&mut found);
    warnings.iter().for_each(|w| ui.warn(w));
    let spool = transformer.spool()?;
    note_idle_patterns(&images, &profile, ui);
    Ok(Plans { profile, images, spool, warnings })
}

/// The rules for the images of a run.
#[derive(Clone, Copy)]
struct Rules<'a> {
    profile: &'a Profile,
    /// The profile's patterns, compiled.
    matcher: &'a Matcher,
    /// For each image what goes from its base; nothing for images that are not listed.
    cuts: &'a [Cut],
}

fn plan_images<'a>(
    inputs: Inputs<'a>,
    merged: Vec<MergedImage>,
    rules: Rules<'_>,
    transformer: &mut Transformer<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Planned<'a>>> {
    let Inputs { request, input, scans, .. } = inputs;
    let mut one = |(index, (image, MergedImage { merged, base })): (usize, (&'a Image, MergedImage))| {
        let scanned: Vec<&Scanned> = image.layers.iter().map(|l| &scans[&key(l)]).collect();
        let layers: Vec<&LayerIndex> = scanned.iter().map(|s| &s.index).collect();
        let squash = request.layers == LayersMode::Squash;
        let request = plan::Request {
            facts: &image.facts,
            layers: &layers,
            merged: &merged,
            profile: rules.profile,
            matcher: rules.matcher,
            named: None,
            squash,
            base,
            cut: rules.cuts.get(index).unwrap_or(&cut::WHOLE),
        };
        let mut plan = plan_image(input, &image.layers, &request, transformer).map_err(|e| e.archive(&input.name))?;
        warnings.append(&mut plan.warnings);
        let digests = scanned.iter().map(|s| s.digest).collect();
        let tar_bytes = layers.iter().map(|l| l.tar_bytes).collect();
        let merge::Merged { tree, whiteouts, .. } = merged;
        let kept = if inputs.request.base.is_some() || image.is_windows() { base } else { 0 };
        Ok(Planned { image, layers, tree, whiteouts, plan, base, kept, digests, tar_bytes })
    };
    input.images.iter().zip(merged).enumerate().map(&mut one).collect()
}

/// Plans one image, and has the contents read and made that its rules need for that. `layers` are those of which the request has
/// the indexes.
fn plan_image(
    input: &Input,
    layers: &[LayerRef],
    request: &plan::Request<'_>,
    transformer: &mut Transformer<'_>,
) -> Result<Plan> {
    let mut verdicts = plan::decide(request)?;
    verdicts.pinned = Checksums::new(input, layers, request).pinned(request, &verdicts)?;
    let wanted = wanted::wanted(request, &verdicts);
    let before = match wanted.external.as_slice() {
        [] => Rewrites::default(),
        _ => plan::rewrites(request, &verdicts, &Made::default()),
    };
    let made = transformer.make(input, layers, request, &wanted, &before)?;
    let rewrites = plan::rewrites(request, &verdicts, &made);
    let candidates = links::candidates(request, &verdicts.proposals, &verdicts.decided.dropped, &rewrites);
    let unknown = candidates.unknown();
    let contents = ContentReader::new(input, layers, request.layers, unknown.iter().copied())?;
    let hashes = transform::hashes(&contents, &unknown)?;
    let links = links::links(request, &candidates, &rewrites, &hashes, &verdicts.pinned);
    Ok(plan::finish(request, verdicts, rewrites, links))
}

/// Notes which patterns of the command line matched nothing: they may have a typo, and a protection that protects nothing is a
/// serious mistake.
fn note_idle_patterns(planned: &[Planned<'_>], profile: &Profile, ui: &dyn Ui) {
    for (index, rule) in profile.rules.iter().enumerate().filter(|(_, r)| r.id == profile::COMMAND_LINE) {
        if !planned.iter().any(|p| p.plan.matched[index]) {
            let patterns: Vec<&str> = rule.paths.iter().map(|glob| glob.source.as_str()).collect();
            ui.note(&format!("--drop {} matches no path", patterns.join(" --drop ")));
        }
    }
    for (index, protect) in profile.protects.iter().enumerate().filter(|(_, p)| p.profile == profile::COMMAND_LINE) {
        if !planned.iter().any(|p| p.plan.protects_matched[index]) {
            ui.note(&format!("--protect {} matches no path", protect.path.source));
        }
    }
}
