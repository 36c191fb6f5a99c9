//! The report of a finished run, with the figures of all phases.

use super::image::{Inputs, Planned, key};
use super::plan::Plans;
use super::request::LayersMode;
use super::write::Written;
use crate::image::Compression;
use crate::report::build::Built;
use crate::report::{ImageSide, RemovedPath, Report, SCHEMA_VERSION, Side, Timing};
use crate::source::Input;
use std::collections::HashMap;

/// Puts the report together, and the list of removed paths where the request asks for it. Without `written` it is a dry run's.
#[must_use]
pub fn report(
    inputs: Inputs<'_>,
    plans: &Plans<'_>,
    written: Option<&Written>,
    timings: Vec<Timing>,
) -> (Report, Vec<RemovedPath>) {
    let Inputs { request, input, .. } = inputs;
    let planned = &plans.images;
    let told = [&input.warnings, &plans.warnings].into_iter().chain(written.map(|w| &w.warnings));
    let warnings = told.flatten().cloned().collect();
    let built = |(index, p): (usize, &Planned<'_>)| {
        let built = Built {
            image: p.image,
            layers: &p.layers,
            tree: &p.tree,
            plan: &p.plan,
            profile: &p.profile,
            base: p.kept,
            squash: request.layers == LayersMode::Squash,
            written: written.map(|w| w.layers[index].as_slice()),
            output: written.map(|w| image_side(w, index, p)),
        };
        let removed = if request.list_removed { built.removed() } else { Vec::new() };
        (built.report(), removed)
    };
    let (images, removed): (Vec<_>, Vec<_>) = planned.iter().enumerate().map(built).unzip();
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        slim_version: env!("CARGO_PKG_VERSION").to_owned(),
        dry_run: written.is_none(),
        profiles: request.profiles.clone(),
        picked: picked(planned),
        layers_mode: request.layers.name().to_owned(),
        notes: request.notes.iter().chain(written.iter().flat_map(|w| &w.notes)).cloned().collect(),
        input: input_side(input, planned),
        output: written.map(|w| output_side(w, planned)),
        images,
        warnings,
        timings,
    };
    report.sort();
    (report, removed.into_iter().flatten().collect())
}

/// Returns the profiles that were picked for any of the images, each once.
pub(super) fn picked(planned: &[Planned<'_>]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in planned.iter().flat_map(|p| p.profile.picked()) {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

fn image_side(written: &Written, index: usize, planned: &Planned<'_>) -> ImageSide {
    ImageSide {
        manifest: written.manifests.get(index).map(ToString::to_string),
        config: written.configs[index].to_string(),
        uncompressed_bytes: planned.output_bytes(),
        blob_bytes: written.layers[index].iter().map(|l| l.size).sum(),
    }
}

fn input_side(input: &Input, planned: &[Planned<'_>]) -> Side {
    let layers = planned.iter().flat_map(|p| p.image.layers.iter().zip(&p.layers));
    let unique: HashMap<_, _> = layers.map(|(layer, index)| (key(layer), (layer, index))).collect();
    Side {
        path: input.name.clone(),
        form: input.form,
        archive_bytes: input.archive_bytes,
        uncompressed_bytes: unique.values().map(|(_, index)| index.tar_bytes).sum(),
        pulled_bytes: pulled(unique.values().map(|(layer, _)| (layer.compression, layer.size))),
        digest: input.images.first().and_then(|i| i.manifest_digest).map(|d| d.to_string()),
        moved: None,
    }
}

fn output_side(written: &Written, planned: &[Planned<'_>]) -> Side {
    let unique: HashMap<_, _> = written.layers.iter().flatten().map(|l| (l.digest, l)).collect();
    let pushed = written.sealed.pushed();
    let sizes = planned.iter().flat_map(Planned::layer_bytes);
    let tars: HashMap<_, u64> = written.layers.iter().flatten().map(|l| l.diff_id).zip(sizes).collect();
    Side {
        path: written.sealed.finished().name.clone(),
        form: written.form,
        archive_bytes: Some(written.sealed.finished().archive_bytes),
        uncompressed_bytes: tars.values().sum(),
        pulled_bytes: pulled(unique.values().map(|l| (l.compression, l.size))),
        digest: pushed.map(|(digest, _)| digest).or(written.manifests.first().copied()).map(|d| d.to_string()),
        moved: pushed.map(|(_, moved)| moved),
    }
}

/// Returns the bytes that a registry sends for these blobs; `None` if one would be compressed first.
fn pulled(blobs: impl Iterator<Item = (Compression, u64)>) -> Option<u64> {
    blobs.map(|(c, size)| (c != Compression::None).then_some(size)).sum()
}
