//! `slim plan`: the phases up to the plan, and then what would become of each path, on standard output.

use super::args::PlanArgs;
use super::job::{Job, Verbosity};
use super::progress::{self, Ui};
use super::values::Color;
use super::{OK, linter, paint, prepare_process, run, terminal_width, to_stdout};
use crate::analyze;
use crate::explain::answer::Answer;
use crate::explain::{Chosen, Explain, Planned, Selection, json, tree};
use crate::report::paint::Paint;
use crate::report::printable;
use crate::{Error, ErrorKind, Result};
use std::io::{self, IsTerminal, Write};

/// How much is asked for, after the request itself.
struct Show {
    why: Vec<String>,
    selection: Selection,
    options: tree::Options,
    json: bool,
}

/// Runs `slim plan`; the exit code.
///
/// # Errors
/// What is wrong with the request, the input or the host, and a path that the image does not have.
pub fn plan(args: PlanArgs, color: Color, stderr: Paint) -> Result<u8> {
    let terminal = io::stdout().is_terminal();
    let show = Show {
        why: args.why,
        selection: Selection::new(&args.paths, &args.only),
        options: tree::Options {
            width: terminal.then(terminal_width),
            paint: paint(color, terminal),
            all: args.all,
            depth: args.depth,
            sort: args.sort,
        },
        json: args.json,
    };
    let mut job = Job::plan(args.request)?;
    if args.quiet {
        job.verbosity = Verbosity::Quiet;
    }
    prepare_process(&job);
    let ui = progress::Stderr::new(job.verbosity, stderr);
    let done = run::prepared(&job, None, &ui, |ready| {
        ui.done();
        tell(&job, &ready, &show)
    });
    ui.done();
    done.map(|()| OK)
}

/// Prints what was asked for.
fn tell(job: &Job, ready: &run::Ready<'_>, show: &Show) -> Result<()> {
    let platforms: Vec<String> = ready.planned.iter().map(|p| p.image.platform.to_string()).collect();
    let rules = linter::rules()?;
    let masked = |p: &run::Planned<'_>| analyze::masked(&p.image.facts, p.layers.len(), &rules);
    let masked: Vec<Vec<Option<String>>> = ready.planned.iter().map(masked).collect();
    let told = masked.iter().map(|all| all.iter().map(|made| made.as_deref().unwrap_or_default()).collect());
    let instructions: Vec<Vec<&str>> = told.collect();
    let of = |index: usize| {
        let p = &ready.planned[index];
        Planned {
            tags: &p.image.tags,
            platform: &platforms[index],
            instructions: &instructions[index],
            layers: &p.layers,
            tree: &p.tree,
            marks: &p.marks,
            plan: &p.plan,
            profile: ready.profile,
            base: p.base,
        }
    };
    let images: Vec<Explain<'_>> = (0..ready.planned.len()).map(of).map(Explain::new).collect();
    let chosen: Vec<Chosen<'_>> = images.iter().map(|image| Chosen::new(image, &show.selection)).collect();
    let head = json::Head { profiles: job.profiles.clone(), layers_mode: job.layers.name() };
    if !show.why.is_empty() {
        return why(&chosen, &images, &head, show);
    }
    for (index, source) in show.selection.sources().enumerate() {
        if !chosen.iter().any(|c| c.used[index]) {
            return Err(unknown(source, &images));
        }
    }
    let written = if show.json {
        to_stdout(|out| json::write(&head, &chosen, out))
    } else {
        to_stdout(|out| {
            chosen.iter().enumerate().try_for_each(|(index, chosen)| {
                if index > 0 {
                    writeln!(out)?;
                }
                tree::write(chosen, &show.options, out)
            })
        })
    };
    written.map_err(failed)
}

/// Explains paths; each must be in one of the images.
fn why(chosen: &[Chosen<'_>], images: &[Explain<'_>], head: &json::Head, show: &Show) -> Result<()> {
    let of = |image: &Explain<'_>| show.why.iter().map(|path| image.answer(path)).collect::<Vec<Option<Answer>>>();
    let answers: Vec<Vec<Option<Answer>>> = images.iter().map(of).collect();
    for (index, path) in show.why.iter().enumerate() {
        if !answers.iter().any(|a| a[index].is_some()) {
            return Err(unknown(path, images));
        }
    }
    let written = if show.json {
        let answers: Vec<Vec<Answer>> = answers.into_iter().map(|a| a.into_iter().flatten().collect()).collect();
        let pairs: Vec<_> = chosen.iter().zip(answers).collect();
        to_stdout(|out| json::write_answers(head, &pairs, out))
    } else {
        to_stdout(|out| print_answers(images, &answers, show, out))
    };
    written.map_err(failed)
}

fn print_answers(
    images: &[Explain<'_>],
    answers: &[Vec<Option<Answer>>],
    show: &Show,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = show.options.paint;
    for (index, (image, answers)) in images.iter().zip(answers).enumerate() {
        if images.len() > 1 {
            let blank = if index > 0 { "\n" } else { "" };
            writeln!(out, "{blank}{}", paint.bold(&tree::heading(image.image())))?;
        }
        for (path, answer) in show.why.iter().zip(answers) {
            match answer {
                Some(answer) => image.write_answer(answer, paint, out)?,
                None => writeln!(out, "{} is not in this image.", printable(path, false))?,
            }
        }
    }
    Ok(())
}

/// The error for a path that no image has.
fn unknown(path: &str, images: &[Explain<'_>]) -> Error {
    let error = Error::new(ErrorKind::Usage, format!("no path of the image is `{path}`"));
    // The best first, and each once.
    let mut near: Vec<String> = Vec::new();
    for path in images.iter().flat_map(|image| image.near(path)) {
        if !near.contains(&path) {
            near.push(path);
        }
    }
    match near.as_slice() {
        [] => error.hint("paths start at the image's root; `**/NAME` lists all of that name"),
        near => error.hint(format!("did you mean {}?", near.join(" or "))),
    }
}

fn failed(e: io::Error) -> Error {
    Error::io("standard output cannot be written", e)
}
