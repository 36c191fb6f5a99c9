//! The main job: `open → scan → merge → plan → write`, each a function from value to value.
//!
//! [`run`] calls them one after the other. Who wants to look at what is in between calls them himself, as `slim plan`, `slim verify`
//! and `slim compare` do.

mod clock;
pub(crate) mod estimate;
pub(crate) mod expect;
mod image;
mod needs;
mod open;
mod plan;
mod profiles;
mod progress;
mod request;
mod scan;
mod shared;
mod stack;
mod summary;
pub(crate) mod transfer;
mod write;

pub use image::{LayerKey, Planned, Scans, key};
pub use needs::needs;
pub use open::{open, open_image};
pub use plan::{Plans, plan};
pub use profiles::Profiles;
pub use progress::{Silent, Ui};
pub use request::{Base, Encoding, LayersMode, Request};
pub use scan::scan;
pub use stack::{MergedImage, merge, merge_layers};
pub use summary::report;
pub use write::{Written, write};

use crate::Result;
use crate::report::{RemovedPath, Report};
use crate::sink::{Sealed, Target};
use crate::source::Input;
use clock::Clock;

/// What a run has made, and what it has to say.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Every path that went, of all images; empty unless asked for.
    pub removed: Vec<RemovedPath>,
    /// The output, whole but without its name; none where nothing was to be written.
    pub output: Option<Sealed>,
}

impl Outcome {
    /// Gives the output its name; where none was written, nothing happens.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where that fails; nothing is at the output then.
    pub fn publish(self) -> Result<Report> {
        self.output.map_or(Ok(()), Sealed::publish)?;
        Ok(self.report)
    }
}

/// All that plans are made from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What is to be done.
    pub request: &'a Request,
    /// The profiles of the request.
    pub profiles: &'a Profiles<'a>,
    /// The images.
    pub input: &'a Input,
    /// What the scan has found in their layers.
    pub scans: &'a Scans,
}

/// Slims an image, all but the name of the output: [`Outcome::publish`] gives it that.
///
/// # Errors
/// Whatever is wrong with the input, the profiles, the request or the host; nothing is at the output then.
pub fn run(request: &Request, ui: &dyn Ui) -> Result<Outcome> {
    let mut clock = Clock::new();
    let target = request.output.as_deref().map(Target::parse).transpose()?;
    let profiles = Profiles::resolve(request)?;
    let needs = profiles.needs()?;
    let input = open(request, target.as_ref(), ui)?;
    clock.lap("open", 0);
    let scans = scan(&input, &needs, ui)?;
    clock.lap("scan", scans.values().map(|s| s.index.tar_bytes).sum());
    let inputs = Inputs { request, profiles: &profiles, input: &input, scans: &scans };
    let plans = plan(inputs, merge(inputs)?, ui)?;
    clock.lap("plan", 0);
    let written = target.map(|target| write(inputs, &plans, &target, ui)).transpose()?;
    clock.laps.extend(written.iter().flat_map(|written| written.timings.iter().cloned()));
    let timings = if request.timings { clock.laps } else { Vec::new() };
    let (report, removed) = report(inputs, &plans, written.as_ref(), timings)?;
    Ok(Outcome { report, removed, output: written.map(|w| w.sealed) })
}
