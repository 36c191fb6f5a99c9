//! The command line: `args` is what was typed, `job` what it means, [`pipeline`] does it, and this prints what came of it.
//!
//! The contract: data alone goes to standard output - the image with `-o -`, a JSON report with `--report -` - and everything
//! else, the report for people as well, to standard error. Exit codes are 0 done, 1 a check failed, 2 an error, 130 interrupted.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::FromArgMatches;

use crate::pipeline::{self, Ui};
use crate::report::paint::Paint;
use crate::report::{Report, json, printable, removed, text};
use crate::sink::Sealed;
use crate::{Error, ErrorKind, Result};

mod analyze;
mod args;
mod check;
mod compare;
mod diff;
mod docs;
mod files;
mod job;
mod linter;
mod plan;
mod profiles;
mod progress;
mod trial;
mod values;
mod verify;

use args::{Args, Command, ProfilesCommand};
use job::{Job, Verbosity};
use values::Color;

/// Done.
const OK: u8 = 0;
/// A check failed.
const FAILED: u8 = 1;
/// An error.
const ERROR: u8 = 2;
/// What a shell reports for SIGINT.
const INTERRUPTED: u8 = 130;

/// Runs slim with the arguments of a process, its own name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = args::command().try_get_matches_from(arguments).and_then(|m| Args::from_arg_matches(&m));
    let args = match parsed {
        Ok(args) => args,
        Err(e) => {
            // Help, version or a usage error. A reader who has gone does not want them.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { ERROR } else { OK });
        }
    };
    let paint = paint(args.color, io::stderr().is_terminal());
    let code = dispatch(args, paint).unwrap_or_else(|e| {
        print_error(&e, paint);
        if e.kind == ErrorKind::Interrupted { INTERRUPTED } else { ERROR }
    });
    ExitCode::from(code)
}

fn dispatch(mut args: Args, paint: Paint) -> Result<u8> {
    let printed = match args.command.take() {
        None => return slim(args, paint),
        Some(Command::Analyze(analyze)) => return analyze::analyze(*analyze, args.color, paint),
        Some(Command::Diff(diff)) => return diff::diff(*diff, args.color, paint),
        Some(Command::Compare(compare)) => return compare::compare(*compare, args.color, paint),
        Some(Command::Plan(plan)) => return plan::plan(*plan, args.color, paint),
        Some(Command::Verify(verify)) => return verify::verify(*verify, args.color, paint),
        Some(Command::Completions { shell }) => to_stdout(|out| out.write_all(&docs::completions(shell))),
        Some(Command::Man) => to_stdout(docs::man),
        Some(Command::Profiles { command: None }) => to_stdout(profiles::list),
        Some(Command::Profiles { command: Some(ProfilesCommand::Show { name }) }) => {
            let toml = crate::profile::show(&name, &|path| std::fs::read_to_string(path))?;
            to_stdout(|out| out.write_all(toml.as_bytes()))
        }
        Some(Command::Profiles { command: Some(ProfilesCommand::Check { file }) }) => match profiles::check(&file)? {
            Ok(line) => to_stdout(|out| writeln!(out, "{line}")),
            Err(errors) => {
                let _ = io::stderr().write_all(profiles::errors(&errors, paint).as_bytes());
                return Ok(ERROR);
            }
        },
    };
    printed.map(|()| OK).map_err(|e| Error::io("standard output cannot be written", e))
}

/// The main job.
fn slim(args: Args, paint: Paint) -> Result<u8> {
    let job = Job::resolve(args, std::env::var_os("SOURCE_DATE_EPOCH"))?;
    prepare_threads(job.threads);
    let (report_file, removed_file) = files::open(&job)?;
    let ui = progress::Stderr::new(job.verbosity, paint);
    let outcome = pipeline::run(&job.request, &ui);
    ui.done();
    let pipeline::Outcome { report, removed, output } = outcome?;
    // All is written before anything gets its name: a full disk under a report leaves no output behind.
    let report_file = report_file.map(|file| file.fill(|out| json::write(&report, out))).transpose()?;
    let removed_file = removed_file.map(|file| file.fill(|out| removed::write(&removed, out))).transpose()?;
    output.map_or(Ok(()), Sealed::publish)?;
    for file in [report_file, removed_file].into_iter().flatten() {
        file.publish()?;
    }
    if job.verbosity > Verbosity::Quiet {
        print_report(&job, &report);
    }
    let failed = check::failed(&job, &report);
    for check in &failed {
        let _ = writeln!(io::stderr(), "{} {check}", paint.red("check failed:"));
    }
    Ok(if failed.is_empty() { OK } else { FAILED })
}

/// Sets the number of threads, and sees to it that an interrupted run leaves no temporary behind.
fn prepare_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        // Fails only where a pool is there already, as in a test that runs two jobs.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let _ = ctrlc::set_handler(|| {
        crate::transform::kill_all();
        crate::sink::remove_temporaries();
        crate::engine::clean_up();
        std::process::exit(i32::from(INTERRUPTED));
    });
}

/// The report for people. A reader who has gone is no error.
fn print_report(job: &Job, report: &Report) {
    let terminal = io::stderr().is_terminal();
    let options = text::Options {
        width: if terminal { terminal_width() } else { WIDTH },
        terminal,
        paint: paint(job.color, terminal),
        detail: match job.verbosity {
            Verbosity::Quiet | Verbosity::Normal => 0,
            Verbosity::Verbose => 1,
            Verbosity::All => 2,
        },
    };
    let _ = io::stderr().write_all(text::render(report, &options).as_bytes());
}

/// Columns where there is no terminal to ask.
const WIDTH: usize = 80;

/// The terminal's columns, within what tables look well in.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(columns, _)| usize::from(columns.0)).clamp(40, 200)
}

/// Whether to colour what goes to a stream. See <https://no-color.org>.
fn paint(color: Color, terminal: bool) -> Paint {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    Paint(match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
    })
}

/// `error: …` and `hint: …` on standard error.
fn print_error(error: &Error, paint: Paint) {
    let mut text = format!("{} {}\n", paint.red("error:"), printable(&error.to_string(), true));
    if let Some(hint) = &error.hint {
        text.push_str(&format!("{} {}\n", paint.cyan("hint:"), printable(hint, true)));
    }
    // Where standard error is closed, there is nobody to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes text for people to standard output, as wide as the terminal is, with colours where those are wanted.
fn show(color: Color, render: impl FnOnce(usize, Paint) -> String) -> Result<()> {
    let terminal = io::stdout().is_terminal();
    let text = render(if terminal { terminal_width() } else { WIDTH }, paint(color, terminal));
    to_stdout(|out| out.write_all(text.as_bytes())).map_err(|e| Error::io("standard output cannot be written", e))
}

/// Writes to standard output. That its reader has gone, as `head` does, is no error.
fn to_stdout(fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match fill(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer has nowhere to go; dropping it must not try again.
            let _ = out.into_parts();
            Ok(())
        }
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_as_asked_and_only_a_terminal_gets_it_unasked() {
        assert_eq!(paint(Color::Always, false), Paint(true));
        assert_eq!(paint(Color::Never, true), Paint(false));
        assert_eq!(paint(Color::Auto, false), Paint(false));
    }
}
