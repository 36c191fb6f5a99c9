//! All phases, one after the other.

use super::clock::Clock;
use super::image::Inputs;
use super::open::open;
use super::plan::plan;
use super::profiles::Profiles;
use super::progress::Ui;
use super::provenance::predicate;
use super::request::Request;
use super::scan::scan;
use super::stack::merge;
use super::summary::report;
use super::write::write;
use crate::Result;
use crate::report::{RemovedPath, Report, Timing};
use crate::sink::{Sealed, Target};
use serde_json::Value;

/// The result of a run.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Every path that went, of all images; empty unless asked for.
    pub removed: Vec<RemovedPath>,
    /// Where the output comes from, as an SLSA predicate.
    pub provenance: Value,
    /// The output, complete but without its name; `None` if nothing was to be written.
    pub output: Option<Sealed>,
}

impl Outcome {
    /// Gives the output its name; does nothing if none was written.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Io`](crate::ErrorKind::Io) if that fails; then nothing is at the output.
    pub fn publish(self) -> Result<Report> {
        self.output.map_or(Ok(()), Sealed::publish)?;
        Ok(self.report)
    }
}

/// Slims an image, except for naming the output: [`Outcome::publish`] does that.
///
/// # Errors
/// Returns any error of the input, the profiles, the request or the host; then nothing is at the output.
pub fn run(request: &Request, ui: &dyn Ui) -> Result<Outcome> {
    let mut clock = Clock::new();
    let target = request.output.as_deref().map(Target::parse).transpose()?;
    let target = target.map(|target| target.with(&request.reading.registry));
    let profiles = Profiles::resolve(request)?;
    let needs = profiles.needs()?;
    let input = open(request, target.as_ref(), ui)?;
    clock.lap("open", 0);
    let scans = scan(&input, &needs, ui)?;
    // It goes on while the scan reads.
    if let Some((time, bytes)) = input.pulled_in() {
        clock.laps.push(Timing { phase: "pull".to_owned(), seconds: time.as_secs_f64(), bytes });
    }
    clock.lap("scan", scans.values().map(|s| s.index.tar_bytes).sum());
    let inputs = Inputs { request, profiles: &profiles, input: &input, scans: &scans };
    let plans = plan(inputs, merge(inputs)?, ui)?;
    clock.lap("plan", 0);
    let written = target.map(|target| write(inputs, &plans, &target, ui)).transpose()?;
    clock.laps.extend(written.iter().flat_map(|written| written.timings.iter().cloned()));
    let timings = if request.timings { clock.laps } else { Vec::new() };
    let (report, removed) = report(inputs, &plans, written.as_ref(), timings);
    let provenance = predicate(inputs, &plans);
    Ok(Outcome { report, removed, provenance, output: written.map(|w| w.sealed) })
}
