//! `slim verify`: whether an image is what it says, and what a plan says of it.

use super::args::VerifyArgs;
use super::expect;
use super::job::{Job, Verbosity};
use super::progress::{self, Ui};
use super::values::Color;
use super::{FAILED, OK, paint, prepare_threads, run, to_stdout};
use crate::report::paint::Paint;
use crate::source::{Location, Place};
use crate::verify::{self, tell};
use crate::{Error, ErrorKind, Result};
use std::io::{self, IsTerminal};

/// Runs `slim verify`; the exit code.
///
/// # Errors
/// What is wrong with the request, the host or IN, and an OUT that is no image at all. What is wrong with OUT is no error.
pub fn verify(args: VerifyArgs, color: Color, stderr: Paint) -> Result<u8> {
    let VerifyArgs { mut request, against, json, verbose, quiet } = args;
    let usage = |what: &str| Error::new(ErrorKind::Usage, what);
    let output = request.input.take().ok_or_else(|| usage("no image is given"))?;
    let planned = !(request.profiles.is_empty() && request.drop.is_empty());
    let head = tell::Head { output: output.clone(), against: against.clone(), profiles: request.profiles.clone() };
    if planned && against.is_none() {
        let error = usage("a profile says nothing without what OUT was made from");
        return Err(error.hint("--against IN"));
    }
    let (out, from) = (Location::parse(&output)?, against.as_deref().map(Location::parse).transpose()?);
    let is_pipe = |location: &Option<Location>| location.as_ref().is_some_and(|l| l.place == Place::Std);
    if is_pipe(&from) && (planned || out.place == Place::Std) {
        return Err(usage("standard input can be read once only").hint("save IN to a file first"));
    }
    prepare_threads(request.threads);
    let platform = request.platform.clone();
    let ui = progress::Stderr::new(if quiet { Verbosity::Quiet } else { Verbosity::Normal }, stderr);
    let expected = match against {
        Some(input) if planned => {
            request.input = Some(input);
            let job = Job::plan(request)?;
            // All of the plan that is not expected is gone before anything else is read.
            Some(run::prepared(&job, None, &ui, |ready| Ok(expect::expected(&ready)))?)
        }
        _ => None,
    };
    let outcome = verify::verify(&verify::Request {
        output: &out,
        against: from.as_ref(),
        platform: platform.as_deref(),
        expected: expected.as_deref(),
        phase: &|name, bytes| ui.phase(name, bytes),
        advance: &|bytes| ui.advance(bytes),
    });
    ui.done();
    let outcome = outcome?;
    let painted = paint(color, io::stdout().is_terminal());
    let written = to_stdout(|to| {
        if json {
            tell::json(&head, &outcome, to)
        } else if quiet && outcome.mismatches.is_empty() {
            Ok(())
        } else {
            tell::text(&head, &outcome, verbose, painted, to)
        }
    });
    written.map_err(|e| Error::io("standard output cannot be written", e))?;
    Ok(if outcome.mismatches.is_empty() { OK } else { FAILED })
}
