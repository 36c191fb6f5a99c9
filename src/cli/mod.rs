//! The command line: `args` is what was typed, `job` what it means, [`pipeline`] does it, and this prints what came of it.
//!
//! The contract: data alone goes to standard output - the image with `-o -`, a JSON report with `--report -` - and everything
//! else, the report for people as well, to standard error; the report of a dry run is the result, and goes to standard output. Exit codes are 0 done, 1 a check failed, 2 an error, 130 interrupted.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::FromArgMatches;
use serde_json::{Value, json};

use crate::pipeline::{self, Ui};
use crate::registry::Attachment;
use crate::report::paint::Paint;
use crate::report::{Report, printable, removed, text};
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
mod output;
mod plan;
mod plugin;
mod profiles;
mod progress;
mod reading;
mod recorded;
mod trial;
mod values;
mod verify;

use args::{Args, Command, PluginCommand, ProfilesCommand};
use files::Outputs;
use job::Job;
use output::{ERROR, FAILED, INTERRUPTED, OK, paint, prepare_threads, to_stdout};
use plugin::Call;
use values::{Referrer, Verbosity};

/// Runs slim with the arguments of a process, its own name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let failed = |e: Error, paint| {
        print_error(&e, paint);
        if e.kind == ErrorKind::Interrupted { INTERRUPTED } else { ERROR }
    };
    let unknown_paint = paint(values::Color::Auto, io::stderr().is_terminal());
    let call = match Call::of(&arguments) {
        Ok(call) => call,
        Err(e) => return ExitCode::from(failed(e, unknown_paint)),
    };
    let definition = args::command();
    let (parsed, docker) = match call {
        None => (definition.try_get_matches_from(arguments), false),
        Some(Call::Completion) => return ExitCode::SUCCESS,
        Some(Call::Metadata) => {
            let _ = to_stdout(|out| writeln!(out, "{}", plugin::metadata()));
            return ExitCode::SUCCESS;
        }
        Some(Call::Run(words, set)) if !set.is_empty() => {
            return ExitCode::from(failed(plugin::restart(&words, &set), unknown_paint));
        }
        Some(Call::Run(words, _)) => {
            let words = std::iter::once("docker slim".into()).chain(words);
            (plugin::definition(definition).try_get_matches_from(words), true)
        }
    };
    let mut args = match parsed.and_then(|m| Args::from_arg_matches(&m)) {
        Ok(args) => args,
        Err(e) => {
            // Help, version or a usage error. A reader who has gone does not want them.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { ERROR } else { OK });
        }
    };
    let paint = paint(args.color, io::stderr().is_terminal());
    let meant = if docker { plugin::for_docker(&mut args) } else { Ok(()) };
    let code = meant.and_then(|()| dispatch(args, paint)).unwrap_or_else(|e| failed(e, paint));
    ExitCode::from(code)
}

fn dispatch(mut args: Args, paint: Paint) -> Result<u8> {
    let printed = match args.command.take() {
        None => return slim(args, paint),
        Some(Command::Analyze(analyze)) => {
            return match analyze.meant() {
                Ok(one) => analyze::analyze(one, args.color, paint),
                // The same of two images is a comparison.
                Err(two) => diff::diff(*two, args.color, paint),
            };
        }
        Some(Command::Diff(diff)) => return diff::diff(*diff, args.color, paint),
        Some(Command::Compare(compare)) => return compare::compare(*compare, args.color, paint),
        Some(Command::Plan(plan)) => return plan::plan(*plan, args.color, paint),
        Some(Command::Verify(verify)) => return verify::verify(*verify, args.color, paint),
        Some(Command::Completions { shell }) => to_stdout(|out| out.write_all(&docs::completions(shell))),
        Some(Command::Man) => to_stdout(docs::man),
        Some(Command::Plugin { command }) => {
            let line = match command {
                PluginCommand::Install => plugin::install()?,
                PluginCommand::Remove => plugin::remove()?,
            };
            to_stdout(|out| writeln!(out, "{line}"))
        }
        Some(Command::Profiles { command: None | Some(ProfilesCommand::List) }) => to_stdout(profiles::list),
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
    let images = [("IN", Some(job.request.input.as_str())), ("OUT", job.output.as_deref())];
    let images: Vec<_> = images.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let paths = [("--report", &job.report), ("--removed", &job.removed), ("--provenance", &job.provenance)];
    let mut files = Outputs::open(&images, &paths.map(|(name, path)| (name, path.as_deref())))?;
    let ui = progress::Stderr::new(job.verbosity, paint);
    let outcome = pipeline::run(&job.request, &ui);
    ui.done();
    let pipeline::Outcome { report, removed, provenance, output } = outcome?;
    // All is written before anything gets its name: a full disk under a report leaves no output behind.
    files.fill("--report", |out| crate::report::json::write(&report, out))?;
    files.fill("--removed", |out| removed::write(&removed, out))?;
    files.fill("--provenance", |out| {
        serde_json::to_writer_pretty(&mut *out, &provenance)?;
        out.write_all(b"\n")
    })?;
    if let Some(output) = output {
        attach(&job, &output, &report, &provenance)?;
        output.publish()?;
    }
    files.publish()?;
    if job.verbosity > Verbosity::Quiet {
        print_report(&job, &report)?;
    }
    let failed = check::failed(&job, &report);
    for check in &failed {
        let _ = writeln!(io::stderr(), "{} {check}", paint.red("check failed:"));
    }
    Ok(if failed.is_empty() { OK } else { FAILED })
}

/// Attaches what was asked for to an image in a registry, before it has a tag.
fn attach(job: &Job, output: &Sealed, report: &Report, provenance: &Value) -> Result<()> {
    let digest = output.pushed().map(|(digest, _)| digest);
    for what in &job.referrers {
        let (bytes, media, artifact_type, annotations) = match what {
            Referrer::Report => {
                let mut bytes = Vec::new();
                crate::report::json::write(report, &mut bytes)?;
                (bytes, "application/json", "application/vnd.slim.report.v1+json", json!({}))
            }
            Referrer::Provenance => {
                let name = report.output.as_ref().map_or("", |output| output.path.as_str());
                let digest = digest.ok_or_else(|| Error::new(ErrorKind::Usage, "OUT is in no registry"))?;
                let statement = pipeline::statement(provenance, name, &digest).to_string().into_bytes();
                let annotations = json!({ "in-toto.io/predicate-type": pipeline::PREDICATE_TYPE });
                (statement, "application/vnd.in-toto+json", "application/vnd.in-toto+json", annotations)
            }
        };
        output.attach(&Attachment { artifact_type, media, bytes: &bytes, annotations })?;
    }
    Ok(())
}

/// Prints the report for people. The report of a dry run is the command's result, so it goes to standard output, unless something
/// else goes there. Beside an image it goes to standard error, where a reader who has gone is no error.
fn print_report(job: &Job, report: &Report) -> Result<()> {
    let stdout = report.dry_run && !job.uses_stdout();
    let terminal = if stdout { io::stdout().is_terminal() } else { io::stderr().is_terminal() };
    let options = text::Options {
        width: output::width(terminal),
        terminal,
        paint: paint(job.color, terminal),
        detail: match job.verbosity {
            Verbosity::Quiet | Verbosity::Normal => 0,
            Verbosity::Verbose => 1,
            Verbosity::All => 2,
        },
    };
    let text = text::render(report, &options);
    if stdout {
        return to_stdout(|out| out.write_all(text.as_bytes()))
            .map_err(|e| Error::io("standard output cannot be written", e));
    }
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
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
