//! All phases, one after the other.

use super::clock::Clock;
use super::image::Inputs;
use super::open::open;
use super::plan::plan;
use super::profiles::Profiles;
use super::progress::Ui;
use super::request::Request;
use super::scan::scan;
use super::stack::merge;
use super::summary::report;
use super::write::write;
use crate::Result;
use crate::report::{RemovedPath, Report};
use crate::sink::{Sealed, Target};

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
    let (report, removed) = report(inputs, &plans, written.as_ref(), timings);
    Ok(Outcome { report, removed, output: written.map(|w| w.sealed) })
}
