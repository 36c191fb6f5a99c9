//! `slim plan`: the phases up to the plan, and then what would become of each path, on standard output.

use super::args::{PlanArgs, RequestArgs};
use super::job;
use super::output::{OK, paint, prepare_threads, to_stdout, width};
use super::progress;
use super::recorded;
use super::values::{Color, Verbosity};
use crate::analyze;
use crate::explain::answer::{Answer, MOST_LISTED};
use crate::explain::{Chosen, Entry, Explain, Selection, json, tree};
use crate::image::Record;
use crate::path;
use crate::pipeline::{self, Inputs, Plans, Profiles, Request, Ui};
use crate::profile::Rule;
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

/// Runs `slim plan` and returns the exit code.
///
/// # Errors
/// Returns any error of the request, the input or the host, and an error for a path that the image does not have.
pub fn plan(args: PlanArgs, color: Color, stderr: Paint) -> Result<u8> {
    let terminal = io::stdout().is_terminal();
    let show = Show {
        why: args.why,
        selection: Selection::new(&args.paths, &args.only),
        options: tree::Options {
            width: terminal.then(|| width(terminal)),
            paint: paint(color, terminal),
            all: args.all,
            depth: args.depth,
            sort: args.sort,
        },
        json: args.json,
    };
    let threads = args.request.image.reading.threads;
    let ui = progress::Stderr::new(if args.quiet { Verbosity::Quiet } else { Verbosity::Normal }, stderr);
    let request = job::planning(recorded(args.request, &ui)?)?;
    request.notes.iter().for_each(|note| ui.note(note));
    prepare_threads(threads);
    let done = planned(&request, &ui, &show);
    ui.done();
    done.map(|()| OK)
}

/// Adds the profiles that the image was made with, if none are given and it says so.
fn recorded(mut args: RequestArgs, ui: &dyn Ui) -> Result<RequestArgs> {
    if args.profiles.is_empty() {
        let records = recorded::records(args.image.name(), &args.image.reading.resolve(&[args.image.name()])?);
        records.iter().take(1).for_each(|record| ui.note(&record.sentence()));
        args.profiles = recorded::profiles(&records).unwrap_or_default();
    }
    Ok(args)
}

/// Plans, and prints what was asked for.
fn planned(request: &Request, ui: &dyn Ui, show: &Show) -> Result<()> {
    let profiles = Profiles::resolve(request)?;
    let input = pipeline::open(request, None, ui)?;
    let scans = pipeline::scan(&input, &profiles.needs()?, ui)?;
    let inputs = Inputs { request, profiles: &profiles, input: &input, scans: &scans };
    let plans = pipeline::plan(inputs, pipeline::merge(inputs)?, ui)?;
    ui.done();
    tell(request, &profiles, &plans, show)
}

/// Prints what was asked for.
fn tell(request: &Request, profiles: &Profiles<'_>, plans: &Plans<'_>, show: &Show) -> Result<()> {
    let platforms: Vec<String> = plans.images.iter().map(|p| p.image.platform.to_string()).collect();
    let shown = |p: &pipeline::Planned<'_>| analyze::shown(&p.image.facts, p.layers.len());
    let shown: Vec<Vec<Option<String>>> = plans.images.iter().map(shown).collect();
    let told = shown.iter().map(|all| all.iter().map(|made| made.as_deref().unwrap_or_default()).collect());
    let instructions: Vec<Vec<&str>> = told.collect();
    let of = |index: usize| plans.images[index].explained(&platforms[index], &instructions[index]);
    let images: Vec<Explain<'_>> = (0..plans.images.len()).map(of).map(Explain::new).collect();
    let chosen: Vec<Chosen<'_>> = images.iter().map(|image| Chosen::new(image, &show.selection)).collect();
    let head = json::Head { profiles: request.profiles.clone(), layers_mode: request.layers.name() };
    if !show.why.is_empty() {
        let records: Vec<Option<Record>> = plans.images.iter().map(|p| Record::of(&p.image.facts)).collect();
        return why(&chosen, &images, &head, show, &Taken { profiles, records });
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
fn why(chosen: &[Chosen<'_>], images: &[Explain<'_>], head: &json::Head, show: &Show, taken: &Taken<'_>) -> Result<()> {
    let of = |image: &Explain<'_>| show.why.iter().map(|path| Found::new(image, path)).collect::<Vec<Found>>();
    let mut answers: Vec<Vec<Found>> = images.iter().map(of).collect();
    for (index, path) in show.why.iter().enumerate() {
        if answers.iter().any(|a| !matches!(a[index], Found::Nothing)) {
            continue;
        }
        let rule = taken.rule(path)?;
        let mut known = false;
        for (answers, record) in answers.iter_mut().zip(&taken.records) {
            if let (Some(rule), Some(record)) = (rule, record) {
                answers[index] = Found::One(Box::new(Taken::answer(path, rule, record)));
                known = true;
            }
        }
        if !known {
            let mut error = unknown(path, images);
            if let Some(Rule { id, profile, .. }) = rule {
                let hint = format!(
                    "the rule `{id}` ({profile}) drops such paths: if slim made this image, it may have taken it"
                );
                error.hint = Some(hint);
            }
            return Err(error);
        }
    }
    let written = if show.json {
        let all = |(image, found): (&Explain<'_>, Vec<Found>)| {
            found.into_iter().flat_map(|found| found.answers(image)).collect::<Vec<Answer>>()
        };
        let answers: Vec<Vec<Answer>> = images.iter().zip(answers).map(all).collect();
        let pairs: Vec<_> = chosen.iter().zip(answers).collect();
        to_stdout(|out| json::write_answers(head, &pairs, out))
    } else {
        to_stdout(|out| print_answers(images, &answers, show, out))
    };
    written.map_err(failed)
}

/// What is known of paths that slim may have taken from an image that it has written.
struct Taken<'a> {
    profiles: &'a Profiles<'a>,
    /// The record of each image.
    records: Vec<Option<Record>>,
}

impl Taken<'_> {
    /// Returns the rule that drops such a path.
    fn rule(&self, asked: &str) -> Result<Option<&Rule>> {
        let Ok(path) = path::normalize(asked.as_bytes()) else { return Ok(None) };
        let (matcher, profile) = (self.profiles.matcher()?, self.profiles.widest());
        Ok(pipeline::taken_by(&path, matcher).map(|rule| profile.rule(rule)))
    }

    fn answer(asked: &str, rule: &Rule, record: &Record) -> Answer {
        let (id, profile, risk, about) = (&rule.id, &rule.profile, rule.risk.name(), &rule.about);
        let sentences = vec![
            format!("{} is not in this image: {}.", printable(asked, false), printable(&record.sentence(), false)),
            format!("If it was there, the rule `{id}` ({profile}, risk {risk}) took it: {about}"),
        ];
        Answer { asked: asked.to_owned(), sentences, entries: Vec::new(), below: None }
    }
}

/// The answer to `--why` in one image.
enum Found {
    /// The path is not in the image, and nothing ends like it.
    Nothing,
    /// The path, or the only one that is meant.
    One(Box<Answer>),
    /// The paths that a glob names, or that end like the one that was asked for.
    Several(Vec<Entry>),
}

impl Found {
    fn new(image: &Explain<'_>, asked: &str) -> Self {
        if let Some(answer) = image.answer(asked) {
            return Self::One(Box::new(answer));
        }
        let entries = image.matching(asked);
        match entries.as_slice() {
            [] => Self::Nothing,
            [one] => image.answer(&image.shown_path(one)).map_or(Self::Nothing, |answer| Self::One(Box::new(answer))),
            _ => Self::Several(entries),
        }
    }

    /// Returns the answer about each path.
    fn answers(self, image: &Explain<'_>) -> Vec<Answer> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(answer) => vec![*answer],
            Self::Several(entries) => {
                entries.iter().take(MOST_LISTED).filter_map(|entry| image.answer(&image.shown_path(entry))).collect()
            }
        }
    }
}

fn print_answers(images: &[Explain<'_>], answers: &[Vec<Found>], show: &Show, out: &mut dyn Write) -> io::Result<()> {
    let paint = show.options.paint;
    for (index, (image, answers)) in images.iter().zip(answers).enumerate() {
        if images.len() > 1 {
            let blank = if index > 0 { "\n" } else { "" };
            writeln!(out, "{blank}{}", paint.bold(&tree::heading(image.image())))?;
        }
        for (path, answer) in show.why.iter().zip(answers) {
            match answer {
                Found::One(answer) => image.write_answer(answer, paint, out)?,
                Found::Several(entries) => image.write_matching(path, entries, paint, out)?,
                Found::Nothing => writeln!(out, "{} is not in this image.", printable(path, false))?,
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
