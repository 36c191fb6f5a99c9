//! The main job: the phases in their order, each handing its value to the next.

use super::job::Job;
use super::picked::Profiles;
use super::progress::Ui;
use super::shared::{self, Sharing};
use super::stack::{self, MergedImage};
use super::summary;
use super::values::LayersMode;
use crate::image::{self, ConfigChange, Platform};
use crate::layer::LayerIndex;
use crate::plan::cut::Cut;
use crate::plan::{self, LayerPlan, Plan};
use crate::profile::{self, Matcher, Profile};
use crate::report::{RemovedPath, Report, Timing};
use crate::scan::{self, Needs, Scanned, Shared};
use crate::sink::{self, Assembly, OutLayer, Output, Rewritten, Sealed, Target};
use crate::source::{self, BlobRef, Form, Image, Input, LayerRef, Location, OpenOptions};
use crate::transform::{self, Workshop};
use crate::tree::merge::{self, Mark};
use crate::tree::{NodeId, Tree};
use crate::{Digest, Result, Warning, emit};
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs::File;
use std::time::Instant;

/// What a run has made, and what it has to say.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Every path that went, of all images; empty unless asked for.
    pub removed: Vec<RemovedPath>,
    /// The output, whole but without its name; none for a dry run.
    pub output: Option<Sealed>,
}

/// Layers are the same when all that is known of them is.
pub(super) type LayerKey = (BlobRef, Digest, Option<Digest>);

/// What a layer is known by.
pub(super) fn key(layer: &LayerRef) -> LayerKey {
    (layer.blob.clone(), layer.diff_id, layer.digest)
}

/// An image between its plan and its documents.
pub(super) struct Planned<'a> {
    pub image: &'a Image,
    pub layers: Vec<&'a LayerIndex>,
    pub tree: Tree,
    /// The whiteouts and opaque markers of each layer.
    pub marks: Vec<Vec<Mark>>,
    pub plan: Plan,
    /// How many layers stay as they are.
    pub base: usize,
    digests: Vec<Digest>,
    tar_bytes: Vec<u64>,
}

impl Planned<'_> {
    fn job<'a>(&'a self, spool: Option<&'a File>) -> emit::Job<'a> {
        let (layers, outputs) = (&self.image.layers, &self.plan.outputs);
        emit::Job { layers, digests: &self.digests, tar_bytes: &self.tar_bytes, outputs, spool, base: self.base }
    }

    /// The decompressed size of each layer that the plan writes, in bytes.
    pub fn layer_bytes(&self) -> impl Iterator<Item = u64> {
        self.plan.outputs.iter().map(|out| match out {
            LayerPlan::Verbatim(from) => self.tar_bytes[*from as usize],
            LayerPlan::Splice { size, .. } => *size,
        })
    }

    /// All paths that are no directories, before the plan.
    pub fn file_ids(&self) -> impl Iterator<Item = NodeId> {
        self.tree.ids().filter(|id| !self.tree.is_dir(*id))
    }

    /// The decompressed size of all that the plan writes, in bytes.
    pub fn output_bytes(&self) -> u64 {
        self.layer_bytes().sum()
    }
}

/// What has been written, and waits for its name.
pub(super) struct Written {
    pub layers: Vec<Vec<OutLayer>>,
    pub configs: Vec<Digest>,
    pub manifests: Vec<Digest>,
    pub form: Form,
    pub sealed: Sealed,
}

/// All that is known before anything is written.
pub(super) struct Ready<'a> {
    pub input: &'a Input,
    pub profile: &'a Profile,
    pub planned: &'a [Planned<'a>],
    /// New contents that other programs made.
    pub spool: Option<File>,
    /// What the user should know: of the input, then of the plans.
    pub warnings: Vec<Warning>,
    clock: Clock,
}

/// Runs a job to its end.
///
/// # Errors
/// Whatever is wrong with the input, the profiles, the request or the host; nothing is at the output then.
pub fn run(job: &Job, ui: &dyn Ui) -> Result<Outcome> {
    let target = job.output.as_deref().filter(|_| !job.dry_run).map(Target::parse).transpose()?;
    prepared(job, target.as_ref(), ui, |ready| {
        let Ready { input, profile, planned, spool, mut warnings, mut clock } = ready;
        let from = From { input, planned, spool: spool.as_ref() };
        let written = match &target {
            Some(target) => Some(write(job, from, target, ui, &mut warnings, &mut clock)?),
            None => None,
        };
        let timings = if job.timings { clock.laps } else { Vec::new() };
        let (report, removed) = summary::outcome(job, input, planned, profile, written.as_ref(), warnings, timings)?;
        Ok(Outcome { report, removed, output: written.map(|w| w.sealed) })
    })
}

/// The phases up to the plan, and then what is to be done with it.
pub(super) fn prepared<T>(
    job: &Job,
    target: Option<&Target>,
    ui: &dyn Ui,
    then: impl FnOnce(Ready<'_>) -> Result<T>,
) -> Result<T> {
    let mut clock = Clock::new();
    let profiles = Profiles::resolve(job)?;
    let matcher = Matcher::new(profiles.widest())?;
    let location = Location::parse(&job.input)?;
    if let Some(target) = target {
        target.check(&location, None)?;
    }
    let platform = job.platform.as_deref().map(Platform::parse).transpose()?;
    let note = |message: &str| ui.note(message);
    let input = source::open(&location, &OpenOptions { platform, spool_note: &note })?;
    if let Some(target) = target {
        target.check(&location, Some(input.form))?;
        if let Some(text) = target.note(input.form)? {
            note(&text);
        }
    }
    input.warnings.iter().for_each(|w| ui.warn(w));
    clock.lap("open", 0);

    let scans = scan_layers(&input, &super::needs::needs(profiles.widest()), ui)?;
    clock.lap("scan", scans.values().map(|s| s.index.tar_bytes).sum());

    let Decided { profile, planned, spool, mut warnings } = decide(job, &input, &scans, (&profiles, matcher), ui)?;
    warnings.splice(..0, input.warnings.iter().cloned());
    note_idle_patterns(&planned, &profile, ui);
    clock.lap("plan", 0);
    then(Ready { input: &input, profile: &profile, planned: &planned, spool, warnings, clock })
}

/// What one job makes of a scan.
pub(super) struct Decided<'a> {
    pub profile: Profile,
    pub planned: Vec<Planned<'a>>,
    /// New contents that other programs made.
    pub spool: Option<File>,
    /// What the user should know of the plans.
    pub warnings: Vec<Warning>,
}

/// The phases between the scan, which may serve several jobs, and the writing.
pub(super) fn decide<'a>(
    job: &Job,
    input: &'a Input,
    scans: &'a HashMap<LayerKey, Scanned>,
    (profiles, matcher): (&Profiles<'_>, Matcher),
    ui: &dyn Ui,
) -> Result<Decided<'a>> {
    let merged = stack::merge_images(job, input, scans)?;
    let indexes = |image: &Image| image.layers.iter().map(|l| &scans[&key(l)].index).collect();
    let trees = merged.iter().zip(&input.images).map(|(m, image)| (&m.merged.tree, indexes(image)));
    let profile = profiles.pick(trees)?;
    if !profile.choices.is_empty() {
        let (names, picked) = (profile.names.join(", "), profile.picked().join(", "));
        ui.note(&format!("{names}: {}", if picked.is_empty() { "none of the others fits" } else { &picked }));
    }
    let matcher = if profile.choices.is_empty() { matcher } else { Matcher::new(&profile)? };
    let mut warnings = transform::warnings(&profile);
    warnings.extend(input.images.iter().filter(|i| i.is_windows()).map(stack::windows));
    let note = |message: &str| ui.note(message);
    let mut workshop = Workshop::new(job.run_with.as_deref(), &note);
    let mut found = Vec::new();
    let mut planned = plan_images(job, input, scans, merged, (&profile, &matcher, &[]), &mut workshop, &mut found)?;
    let squash = job.layers == LayersMode::Squash;
    if let Some(versions) = shared::versions(&planned, squash) {
        let mut sharing = (versions.grow() && job.base.is_none() && !squash).then(|| Sharing::new(&planned, &versions));
        while sharing.as_mut().is_some_and(|sharing| sharing.narrow(&planned, &profile)) {
            let cuts = sharing.as_ref().map(Sharing::cuts).unwrap_or_default();
            found.clear();
            planned.clear();
            let merged = stack::merge_above(input, scans, &versions.bases)?;
            planned = plan_images(job, input, scans, merged, (&profile, &matcher, &cuts), &mut workshop, &mut found)?;
        }
        found.push(versions.warning(&input.images, sharing.as_ref()));
    }
    warnings.append(&mut found);
    warnings.iter().for_each(|w| ui.warn(w));
    let spool = workshop.spool()?;
    Ok(Decided { profile, planned, spool, warnings })
}

pub(super) fn scan_layers(input: &Input, needs: &Needs, ui: &dyn Ui) -> Result<HashMap<LayerKey, Scanned>> {
    let mut unique: Vec<&LayerRef> = Vec::new();
    let mut seen = HashMap::new();
    for layer in input.images.iter().flat_map(|i| &i.layers) {
        seen.entry(key(layer)).or_insert_with(|| unique.push(layer));
    }
    ui.phase("reading", unique.iter().map(|l| l.size).sum());
    // The largest first, so that no thread begins with it when the others are done.
    let mut order: Vec<usize> = (0..unique.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(unique[i].size), i));
    let advance = |n| ui.advance(n);
    let shared = Shared::default();
    let one = |i: usize| (i, scan::scan(input, unique[i], needs, &shared, &advance));
    let mut results: Vec<(usize, Result<Scanned>)> = order.into_par_iter().with_max_len(1).map(one).collect();
    shared.check().map_err(|e| e.archive(&input.name))?;
    // Of several errors the one of the lowest layer is told, whichever thread was first.
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(i, scanned)| Ok((key(unique[i]), scanned?))).collect()
}

fn plan_images<'a>(
    job: &Job,
    input: &'a Input,
    scans: &'a HashMap<LayerKey, Scanned>,
    merged: Vec<MergedImage>,
    (profile, matcher, cuts): (&Profile, &Matcher, &[Cut]),
    workshop: &mut Workshop<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Planned<'a>>> {
    let mut one = |(index, (image, MergedImage { merged, base })): (usize, (&'a Image, MergedImage))| {
        let scanned: Vec<&Scanned> = image.layers.iter().map(|l| &scans[&key(l)]).collect();
        let layers: Vec<&LayerIndex> = scanned.iter().map(|s| &s.index).collect();
        let request = plan::Request {
            facts: &image.facts,
            layers: &layers,
            merged: &merged,
            profile,
            matcher,
            named: None,
            squash: job.layers == LayersMode::Squash,
            base,
            cut: cuts.get(index).unwrap_or(&plan::cut::WHOLE),
        };
        let mut plan = workshop.plan(input, &image.layers, &request).map_err(|e| e.archive(&input.name))?;
        warnings.append(&mut plan.warnings);
        let digests = scanned.iter().map(|s| s.digest).collect();
        let tar_bytes = layers.iter().map(|l| l.tar_bytes).collect();
        let merge::Merged { tree, marks, .. } = merged;
        Ok(Planned { image, layers, tree, marks, plan, base, digests, tar_bytes })
    };
    input.images.iter().zip(merged).enumerate().map(&mut one).collect()
}

/// Says which patterns of the command line matched nothing: they may have a typo, and a protection that protects nothing is no
/// small matter.
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

/// What the output is made from.
#[derive(Clone, Copy)]
pub(super) struct From<'a> {
    pub input: &'a Input,
    pub planned: &'a [Planned<'a>],
    /// New contents that other programs made.
    pub spool: Option<&'a File>,
}

pub(super) fn write(
    job: &Job,
    from: From<'_>,
    target: &Target,
    ui: &dyn Ui,
    warnings: &mut Vec<Warning>,
    clock: &mut Clock,
) -> Result<Written> {
    let From { input, planned, spool } = from;
    let output = Output::create(target, input.form)?;
    let jobs: Vec<emit::Job<'_>> = planned.iter().map(|p| p.job(spool)).collect();
    let total = planned.iter().map(Planned::output_bytes).sum();
    ui.phase("writing", total);
    let options = emit::Options { compression: job.compression, threads: rayon::current_num_threads() };
    let layers = emit::emit(input, &jobs, &output, options, &|n| ui.advance(n))?;
    input.unchanged_since_open()?;
    clock.lap("emit", total);

    let mut add = |warning: Warning| {
        ui.warn(&warning);
        warnings.push(warning);
    };
    let mut images = Vec::new();
    for (index, (planned, layers)) in planned.iter().zip(&layers).enumerate() {
        let (config, told) = sink::moves(planned.image, layers).relabel(&planned.image.config);
        told.into_iter().for_each(&mut add);
        let rewrite = image::config::rewrite(&config, &config_change(job, planned, layers));
        rewrite.warning.into_iter().for_each(&mut add);
        images.push(Rewritten { image: index, config: rewrite.doc, layers: layers.clone() });
    }
    let tags: Vec<String> = target.reference.iter().chain(&job.tags).cloned().collect();
    let form = output.form();
    let (documents, found) = sink::assemble(&Assembly { input, images: &images, tags: &tags, form })?;
    found.into_iter().for_each(&mut add);
    output.copy_raw(input, &documents)?;
    let sealed = output.seal(&documents)?;
    clock.lap("finish", 0);
    let configs = images.iter().map(|i| i.config.digest()).collect();
    Ok(Written { layers, configs, manifests: documents.manifests, form, sealed })
}

fn config_change(job: &Job, planned: &Planned<'_>, layers: &[OutLayer]) -> ConfigChange {
    let mut fates = vec![false; planned.layers.len()];
    planned.plan.outputs.iter().for_each(|out| fates[out.from() as usize] = true);
    ConfigChange {
        fates,
        diff_ids: layers.iter().map(|l| l.diff_id).collect(),
        labels: job.labels.clone(),
        created: job.source_date_epoch.map(super::time::rfc3339),
    }
}

/// Measures the phases.
pub(super) struct Clock {
    last: Instant,
    laps: Vec<Timing>,
}

impl Clock {
    pub fn new() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, phase: &str, bytes: u64) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.laps.push(Timing { phase: phase.to_owned(), seconds, bytes });
    }
}
