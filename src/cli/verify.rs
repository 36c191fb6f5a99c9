//! `slim verify`: checks an image against its own documents, and against the image and the plan that it was made from.

use super::args::VerifyArgs;
use super::job;
use super::output::{FAILED, OK, paint, prepare_threads, to_stdout, width};
use super::progress;
use super::recorded;
use super::trial::{self, Asked, Found};
use super::values::{Color, Verbosity};
use crate::image::Record;
use crate::pipeline::{self, Inputs, Planned, Profiles, Reading, Request, Silent, Ui, expect};
use crate::report::paint::Paint;
use crate::source::Location;
use crate::verify::expected::Expected;
use crate::verify::{self, output};
use crate::{Error, ErrorKind, Result};
use std::io::{self, IsTerminal};

/// Runs `slim verify` and returns the exit code.
///
/// # Errors
/// Returns any error of the request, the host or IN, and an error if OUT is no image at all. Mismatches in OUT are no errors.
pub fn verify(args: VerifyArgs, color: Color, stderr: Paint) -> Result<u8> {
    let VerifyArgs { mut request, against, json, verbose, quiet, trial } = args;
    let output = request.image.input.take().ok_or_else(|| Error::new(ErrorKind::Usage, "no image is given"))?;
    let ui = progress::Stderr::new(if quiet { Verbosity::Quiet } else { Verbosity::Normal }, stderr);
    let asked_for = !(request.profiles.is_empty() && request.drop.is_empty());
    let mut records = Vec::new();
    if let Some(input) = against.as_deref().filter(|_| !asked_for) {
        records = recorded(&output, input, &request.image.reading.resolve(&[&output, input])?)?;
        records.iter().take(1).for_each(|record| ui.note(&record.sentence()));
        request.profiles = recorded::profiles(&records).unwrap_or_default();
    }
    let planned = asked_for || !request.profiles.is_empty();
    let head = output::Head { output: output.clone(), against: against.clone(), profiles: request.profiles.clone() };
    let (out, from) = inputs(&output, against.as_deref(), planned, trial.is_asked())?;
    let asked = trial.resolve()?;
    prepare_threads(request.image.reading.threads);
    let reading = request
        .image
        .reading
        .resolve(&[Some(output.as_str()), against.as_deref()].into_iter().flatten().collect::<Vec<_>>())?;
    let before = against.clone();
    let expected = match against {
        Some(input) if planned => {
            request.image.input = Some(input);
            // All of the plan that is not expected is gone before anything else is read.
            Some(expected(&job::planning(request)?, &records, &ui)?)
        }
        _ => None,
    };
    let outcome = verify::verify(&verify::Request {
        output: &out,
        against: from.as_ref(),
        platform: reading.platform.as_deref(),
        registry: &reading.registry,
        expected: expected.as_deref(),
        phase: &|name, bytes| ui.phase(name, bytes),
        advance: &|bytes| ui.advance(bytes),
    });
    ui.done();
    let outcome = outcome?;
    let ran = match (&asked, &before) {
        (Some(asked), Some(before)) => Some(ran(asked, [before, &output], &reading, &ui)?),
        _ => None,
    };
    let good = outcome.mismatches.is_empty() && ran.as_ref().is_none_or(Found::good);
    let terminal = io::stdout().is_terminal();
    let painted = paint(color, terminal);
    let written = to_stdout(|to| {
        if json {
            output::json(&head, &outcome, ran.as_ref().map(|ran| (ran, ran.good())), to)
        } else if quiet && good {
            Ok(())
        } else {
            output::text(&head, &outcome, verbose, painted, to)?;
            let rendered = ran.as_ref().map(|ran| trial::render(ran, width(terminal), painted, verbose));
            to.write_all(rendered.unwrap_or_default().as_bytes())
        }
    });
    written.map_err(|e| Error::io("standard output cannot be written", e))?;
    Ok(if good { OK } else { FAILED })
}

/// Returns how the images in OUT were made, if they say so: with these records no profile has to be named.
///
/// # Errors
/// Returns an error if OUT was made from another image than IN.
fn recorded(output: &str, input: &str, reading: &Reading) -> Result<Vec<Record>> {
    let records = recorded::records(output, reading);
    let is_std = Location::parse(input)?.is_std();
    let Some(first) = records.first().filter(|_| !is_std) else { return Ok(Vec::new()) };
    let from = pipeline::open_image(input, reading, &Silent)?;
    let configs: Vec<String> = from.images.iter().map(|image| image.config_digest.to_string()).collect();
    if records.iter().all(|record| configs.contains(&record.input)) {
        return Ok(records);
    }
    let what = format!("{output} says that it was made from another image");
    Err(Error::new(ErrorKind::Usage, what).archive(input).expected(&first.input, configs.join(", ")))
}

/// Returns what the plan expects of each image.
///
/// # Errors
/// Returns the errors of planning, and one if the rules and options are not those that the records tell of.
fn expected(request: &Request, records: &[Record], ui: &dyn Ui) -> Result<Vec<Expected>> {
    let profiles = Profiles::resolve(request)?;
    let input = pipeline::open(request, None, ui)?;
    let scans = pipeline::scan(&input, &profiles.needs()?, ui)?;
    let inputs = Inputs { request, profiles: &profiles, input: &input, scans: &scans };
    let plans = pipeline::plan(inputs, pipeline::merge(inputs)?, ui)?;
    let changed = |planned: &Planned<'_>| {
        let from = planned.image.config_digest.to_string();
        let rules = pipeline::rules(request, planned).to_string();
        records.iter().any(|record| record.input == from && record.rules != rules)
    };
    if plans.images.iter().any(changed) {
        let what = "OUT was made with other options than these profiles alone, or the profiles have changed since";
        let hint =
            "give all options that it was made with: -p, --base, --layers, --drop, --protect, --enable, --run-with";
        return Err(Error::new(ErrorKind::Usage, what).hint(hint));
    }
    Ok(expect::expected(&plans))
}

/// Returns OUT and IN; an error if they do not allow the checks that are asked for.
fn inputs(output: &str, against: Option<&str>, planned: bool, runs: bool) -> Result<(Location, Option<Location>)> {
    let usage = |what: &str| Error::new(ErrorKind::Usage, what);
    let (out, from) = (Location::parse(output)?, against.map(Location::parse).transpose()?);
    let std = (out.is_std(), from.as_ref().is_some_and(Location::is_std));
    if from.is_none() && planned {
        return Err(usage("a profile says nothing without what OUT was made from").hint("--against IN"));
    }
    if from.is_none() && runs {
        return Err(usage("there is nothing to compare what runs with").hint("--against IN"));
    }
    if std.1 && (planned || std.0) {
        return Err(usage("standard input can be read once only").hint("save IN to a file first"));
    }
    if (std.0 || std.1) && runs {
        return Err(usage("an image that is to be run cannot come from standard input").hint("save it to a file first"));
    }
    Ok((out, from))
}

/// Runs the commands and sweeps in both images.
fn ran(asked: &Asked, [before, after]: [&str; 2], reading: &Reading, ui: &progress::Stderr) -> Result<Found> {
    let found = trial::trials_between(asked, before, after, reading, ui);
    ui.done();
    found
}
