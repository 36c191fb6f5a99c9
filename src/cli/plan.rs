//! `slim plan`: the phases up to the plan, and then what would become of each path, on standard output.

use super::args::PlanArgs;
use super::job;
use super::output::{OK, paint, prepare_threads, terminal_width, to_stdout};
use super::progress;
use super::values::{Color, Verbosity};
use crate::analyze;
use crate::explain::answer::Answer;
use crate::explain::{Chosen, Explain, Planned, Selection, json, tree};
use crate::pipeline::{self, Inputs, Plans, Profiles, Request, Ui};
use crate::report::paint::Paint;
use crate::report::printable;
use crate::{Error, ErrorKind, Result};
use std::io::{self, IsTerminal, Write};

/// The paths and forms that are asked for, beside the request itself.
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
    let threads = args.request.threads;
    let request = job::planning(args.request)?;
    prepare_threads(threads);
    let ui = progress::Stderr::new(if args.quiet { Verbosity::Quiet } else { Verbosity::Normal }, stderr);
    let done = planned(&request, &ui, &show);
    ui.done();
    done.map(|()| OK)
}

/// Plans, and prints what was asked for.
fn planned(request: &Request, ui: &dyn Ui, show: &Show) -> Result<()> {
    let profiles = Profiles::resolve(request)?;
    let input = pipeline::open(request, None, ui)?;
    let scans = pipeline::scan(&input, &profiles.needs()?, ui)?;
    let inputs = Inputs { request, profiles: &profiles, input: &input, scans: &scans };
    let plans = pipeline::plan(inputs, pipeline::merge(inputs)?, ui)?;
    ui.done();
    tell(request, &plans, show)
}

/// Prints what was asked for.
fn tell(request: &Request, plans: &Plans<'_>, show: &Show) -> Result<()> {
    let platforms: Vec<String> = plans.images.iter().map(|p| p.image.platform.to_string()).collect();
    let shown = |p: &pipeline::Planned<'_>| analyze::shown(&p.image.facts, p.layers.len());
    let shown: Vec<Vec<Option<String>>> = plans.images.iter().map(shown).collect();
    let told = shown.iter().map(|all| all.iter().map(|made| made.as_deref().unwrap_or_default()).collect());
    let instructions: Vec<Vec<&str>> = told.collect();
    let of = |index: usize| {
        let p = &plans.images[index];
        Planned {
            tags: &p.image.tags,
            platform: &platforms[index],
            instructions: &instructions[index],
            layers: &p.layers,
            tree: &p.tree,
            whiteouts: &p.whiteouts,
            plan: &p.plan,
            profile: &plans.profile,
            base: p.base,
        }
    };
    let images: Vec<Explain<'_>> = (0..plans.images.len()).map(of).map(Explain::new).collect();
    let chosen: Vec<Chosen<'_>> = images.iter().map(|image| Chosen::new(image, &show.selection)).collect();
    let head = json::Head { profiles: request.profiles.clone(), layers_mode: request.layers.name() };
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
