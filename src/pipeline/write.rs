//! Pass 2 and the documents: an output that is complete except for its name.

use super::clock::Clock;
use super::image::{Inputs, Planned};
use super::plan::Plans;
use super::progress::Ui;
use super::request::Request;
use crate::codec::Compression;
use crate::image::{self, ConfigChange, Record};
use crate::profile::to_toml;
use crate::report::Timing;
use crate::sink::{self, Assembly, OutLayer, Output, Rewritten, Sealed, Target};
use crate::source::ImageFormat;
use crate::{Digest, Result, Warning, emit};

/// The written output, which waits for its name.
pub struct Written {
    /// For each image its layers, bottom first.
    pub layers: Vec<Vec<OutLayer>>,
    /// The digest of each image's config.
    pub configs: Vec<Digest>,
    /// The digest of each image's manifest.
    pub manifests: Vec<Digest>,
    /// The image format of the output.
    pub form: ImageFormat,
    /// The output.
    pub sealed: Sealed,
    /// Everything that the user should know about the documents.
    pub warnings: Vec<Warning>,
    /// What the output does beside being written.
    pub notes: Vec<String>,
    /// The times of layers and documents.
    pub(super) timings: Vec<Timing>,
}

/// Writes the plans' output to `target`, complete except for its name.
///
/// # Errors
/// Returns the errors of the host, and [`ErrorKind::Digest`](crate::ErrorKind::Digest) if the input has changed since it was
/// scanned.
pub fn write(inputs: Inputs<'_>, plans: &Plans<'_>, target: &Target, ui: &dyn Ui) -> Result<Written> {
    let Inputs { request, input, .. } = inputs;
    let (planned, spool) = (&plans.images, plans.spool.as_ref());
    let (mut warnings, mut clock) = (Vec::new(), Clock::new());
    let output = Output::create(target, input.form, input.repository())?;
    let jobs: Vec<emit::Job<'_>> = planned.iter().map(|p| p.job(spool)).collect();
    let total = planned.iter().map(Planned::output_bytes).sum();
    ui.phase("writing", total);
    // A registry is for pulling, which plain layers would make longer.
    let plain = (output.form() == ImageFormat::Registry).then_some(Compression::Gzip);
    let options = emit::Options { compression: request.compression, plain, threads: rayon::current_num_threads() };
    let layers = emit::emit(input, &jobs, &output, options, &|n| ui.advance(n))?;
    input.unchanged_since_open()?;
    clock.lap("emit", total);

    let mut add = |warning: Warning| {
        ui.warn(&warning);
        warnings.push(warning);
    };
    input.referrers().into_iter().for_each(&mut add);
    let mut images = Vec::new();
    for (index, (planned, layers)) in planned.iter().zip(&layers).enumerate() {
        let (config, told) = sink::moves(planned.image, layers).relabel(&planned.image.config);
        told.into_iter().for_each(&mut add);
        let rewrite = image::config::rewrite(&config, &config_change(request, planned, layers));
        rewrite.warning.into_iter().for_each(&mut add);
        images.push(Rewritten { image: index, config: rewrite.doc, layers: layers.clone() });
    }
    let tags = target.names(&request.tags)?;
    let form = output.form();
    let (documents, found) = sink::assemble(&Assembly { input, images: &images, tags: &tags, form })?;
    found.into_iter().for_each(&mut add);
    output.copy_raw(input, &documents)?;
    let sealed = output.seal(&documents)?;
    sealed.warnings().into_iter().filter(|warning| !input.warnings.contains(warning)).for_each(&mut add);
    clock.lap("finish", 0);
    let ids: Vec<Digest> = documents.blobs.iter().filter_map(|(document, _)| document.digest()).collect();
    let notes = target.moved(&ids)?.into_iter().collect();
    let configs = images.iter().map(|i| i.config.digest()).collect();
    Ok(Written { layers, configs, manifests: documents.manifests, form, sealed, warnings, notes, timings: clock.laps })
}

/// Returns the record of a run, for the labels of an image.
fn record(request: &Request, planned: &Planned<'_>) -> Record {
    Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profiles: request.profiles.clone(),
        rules: rules(request, planned).to_string(),
        input: planned.image.config_digest.to_string(),
    }
}

/// Returns the digest of everything that the plan of an image depends on beside the image: the rules, and the options that are no
/// rules.
#[must_use]
pub fn rules(request: &Request, planned: &Planned<'_>) -> Digest {
    let (rules, layers, runs) = (to_toml(&planned.profile), request.layers.name(), request.run_with.is_some());
    Digest::of(format!("{rules}\nbase {}\nlayers {layers}\nrun-with {runs}\n", planned.base).as_bytes())
}

fn config_change(request: &Request, planned: &Planned<'_>, layers: &[OutLayer]) -> ConfigChange {
    let mut labels = request.labels.clone();
    if request.record {
        labels.extend(record(request, planned).labels());
    }
    let mut fates = vec![false; planned.layers.len()];
    planned.plan.outputs.iter().for_each(|out| fates[out.from() as usize] = true);
    ConfigChange {
        fates,
        diff_ids: layers.iter().map(|l| l.diff_id).collect(),
        labels,
        created: request.created.map(image::config::rfc3339),
    }
}
