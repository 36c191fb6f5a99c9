//! The plans of all images of an input, complete before the first byte is written.

use super::idle;
use super::image::{Inputs, Planned, key};
use super::kept;
use super::progress::Ui;
use super::request::LayersMode;
use super::shared::{self, Sharing};
use super::stack::{self, MergedImage};
use crate::layer::LayerIndex;
use crate::plan::cut::{self, Cut};
use crate::plan::made::Made;
use crate::plan::rewrite::Rewrites;
use crate::plan::{self, Plan, links, wanted};
use crate::profile::{Matcher, Profile, RuleId};
use crate::scan::Scanned;
use crate::source::{Image, Input, LayerRef};
use crate::transform::{self, Checksums, ContentReader, Transformer};
use crate::tree::merge;
use crate::{Result, Warning};
use std::fs::File;
use std::sync::Arc;

/// The plans of all images of an input.
pub struct Plans<'a> {
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
    let Inputs { request, input, scans, .. } = inputs;
    idle::check(inputs, &merged, ui)?;
    let rules = pick(inputs, &merged, ui)?;
    let mut warnings = Vec::new();
    for warning in rules.iter().flat_map(|rules| transform::warnings(&rules.profile)) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings.extend(input.images.iter().filter(|i| i.is_windows()).map(stack::windows));
    let note = |message: &str| ui.note(message);
    let mut transformer = Transformer::new(request.run_with.as_deref(), &note);
    let mut found = Vec::new();
    let mut images = plan_images(inputs, merged, (&rules, &[]), &mut transformer, &mut found)?;
    let squash = request.layers == LayersMode::Squash;
    if let Some(versions) = shared::versions(&images, squash) {
        let together = versions.grow() && request.base.is_none() && !squash;
        let mut sharing = together.then(|| Sharing::new(&images, versions.bases.clone()));
        if let Some(sharing) = &mut sharing {
            loop {
                if sharing.narrow(&images) {
                    found.clear();
                    images.clear();
                    let merged = stack::merge_above(input, scans, &sharing.bases)?;
                    let cuts = sharing.cuts();
                    images = plan_images(inputs, merged, (&rules, &cuts), &mut transformer, &mut found)?;
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
    for planned in &images {
        found.extend(kept::check(planned).map_err(|e| e.archive(&input.name))?);
        kept::note_dropped(planned, ui);
    }
    warnings.append(&mut found);
    warnings.iter().for_each(|w| ui.warn(w));
    let spool = transformer.spool()?;
    Ok(Plans { images, spool, warnings })
}

/// The rules for an image, with their patterns compiled.
#[derive(Clone)]
struct Rules {
    profile: Arc<Profile>,
    matcher: Arc<Matcher>,
}

/// Picks the rules for each image, and notes which profiles were picked.
fn pick(inputs: Inputs<'_>, merged: &[MergedImage], ui: &dyn Ui) -> Result<Vec<Rules>> {
    let Inputs { profiles, input, scans, .. } = inputs;
    let mut out: Vec<Rules> = Vec::new();
    for (merged, image) in merged.iter().zip(&input.images) {
        let layers: Vec<&LayerIndex> = image.layers.iter().map(|l| &scans[&key(l)].index).collect();
        let profile = profiles.pick(&merged.merged.tree, &layers)?;
        // Images for which the same is picked share the compiled patterns.
        let known = out.iter().find(|rules| rules.profile.choices == profile.choices);
        let rules = match known {
            Some(known) => known.clone(),
            None => {
                let matcher = profiles.matcher_of(&profile)?;
                Rules { profile: Arc::new(profile), matcher }
            }
        };
        out.push(rules);
    }
    let first = out.first().map(|rules| &rules.profile);
    let Some(first) = first.filter(|profile| !profile.choices.is_empty()) else { return Ok(out) };
    let same = out.iter().all(|rules| rules.profile.choices == first.choices);
    for (rules, image) in out.iter().zip(&input.images).take(if same { 1 } else { out.len() }) {
        let (names, picked) = (rules.profile.names.join(", "), rules.profile.picked().join(", "));
        let of = if same { String::new() } else { format!(" for {}", image.name()) };
        ui.note(&format!("{names}{of}: {}", if picked.is_empty() { "none of the others fits" } else { &picked }));
    }
    Ok(out)
}

fn plan_images<'a>(
    inputs: Inputs<'a>,
    merged: Vec<MergedImage>,
    (rules, cuts): (&[Rules], &[Cut]),
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
            profile: &rules[index].profile,
            matcher: &rules[index].matcher,
            named: None,
            squash,
            base,
            cut: cuts.get(index).unwrap_or(&cut::WHOLE),
        };
        let mut plan = plan_image(input, &image.layers, &request, transformer).map_err(|e| e.archive(&input.name))?;
        warnings.append(&mut plan.warnings);
        let digests = scanned.iter().map(|s| s.digest).collect();
        let tar_bytes = layers.iter().map(|l| l.tar_bytes).collect();
        let merge::Merged { tree, whiteouts, .. } = merged;
        let kept = if inputs.request.base.is_some() || image.is_windows() { base } else { 0 };
        let profile = rules[index].profile.clone();
        Ok(Planned { image, layers, tree, whiteouts, profile, plan, base, kept, digests, tar_bytes })
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

/// Returns the rule that drops a path which an image does not have.
#[must_use]
pub fn taken_by(path: &[u8], matcher: &Matcher) -> Option<RuleId> {
    plan::propose_path(path, matcher)
}
