//! `--run` and `--sweep`: the options by which a command also runs an image, before and after, and what comes of it.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{SweepKind, TrialArgs};
use serde::Serialize;

use crate::engine::subject::Subject;
use crate::engine::sweep::{Before, Kind, Side, Sweep, SweepReport};
use crate::engine::trial::{self, Options, Trials};
use crate::engine::{Engine, Loaded};
use crate::image::Platform;
use crate::pipeline::{Reading, Ui};
use crate::report::paint::Paint;
use crate::report::table::{Table, cut};
use crate::report::{printable, units};
use crate::source::OpenOptions;
use crate::{Error, Result};

/// The commands and sweeps to run, with an engine that answers.
pub struct Asked {
    /// The engine.
    pub engine: Engine,
    /// The commands; none without `--run`.
    pub commands: Vec<String>,
    /// The options of running them.
    pub options: Options,
    /// The sweeps.
    pub kinds: Vec<Kind>,
}

impl TrialArgs {
    /// True if anything is to be run.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.run.is_some() || !self.sweep.is_empty()
    }

    /// Looks for the engine and reads the list, where anything is to be run.
    ///
    /// # Errors
    /// Where there is no engine, or no command in the list, or where that cannot be read.
    pub fn resolve(&self) -> Result<Option<Asked>> {
        if !self.is_asked() {
            return Ok(None);
        }
        let commands = |path: &PathBuf| {
            let name = path.display();
            let text = std::fs::read_to_string(path)
                .map_err(|e| Error::io("the list of commands cannot be read", e).archive(name))?;
            trial::commands(&text).map_err(|e| e.archive(path.display()))
        };
        Ok(Some(Asked {
            commands: self.run.as_ref().map(commands).transpose()?.unwrap_or_default(),
            options: Options {
                outputs: self.run_output,
                runs: self.runs,
                time: Duration::from_secs(u64::from(self.timeout)),
            },
            kinds: self.kinds(),
            engine: Engine::find(self.engine.as_deref(), &self.engine_arg)?,
        }))
    }

    fn kinds(&self) -> Vec<Kind> {
        let one = |kind: &SweepKind| match kind {
            SweepKind::Python => vec![Kind::Python],
            SweepKind::Elf => vec![Kind::Elf],
            SweepKind::Bin => vec![Kind::Bin],
            SweepKind::Node => vec![Kind::Node],
            SweepKind::Packages => vec![Kind::Packages],
            SweepKind::All => Kind::ALL.to_vec(),
        };
        let mut kinds: Vec<Kind> = self.sweep.iter().flat_map(one).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

/// The results of commands and sweeps in one image, compared with another.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The commands; none without `--run`.
    pub trials: Option<Trials>,
    /// The sweeps; none without `--sweep`.
    pub sweeps: Option<SweepReport>,
}

impl Found {
    /// True if everything works as before.
    #[must_use]
    pub fn good(&self) -> bool {
        self.trials.as_ref().is_none_or(|t| t.different == 0) && self.sweeps.as_ref().is_none_or(|s| s.regressions == 0)
    }
}

/// Runs all that is asked for in the image `before` and in the image `after`, both as the command line names them.
///
/// # Errors
/// Those of the inputs and of the engine.
pub fn trials_between(asked: &Asked, before: &str, after: &str, reading: &Reading, ui: &dyn Ui) -> Result<Found> {
    let note = |message: &str| ui.note(message);
    let platform = reading.platform.as_deref().map(Platform::parse).transpose()?;
    let options = OpenOptions { platform, registry: &reading.registry, spool_note: &note };
    let open = |path: &str| Subject::open(path, &options);
    let (before, after) = (open(before)?, open(after)?);
    let load = |subject: &Subject| asked.engine.load(subject.input(), subject.image());
    let images = [load(&before)?, load(&after)?];
    let mut found = several(asked, &[&before, &after], &images.iter().collect::<Vec<_>>(), ui)?;
    Ok(found.pop().unwrap_or_default())
}

/// Runs all that is asked for in several images, the first of which is the one as it was: for each what came of it. Of `subjects`
/// only sweeps make use.
///
/// # Errors
/// Those of the inputs and of the engine.
pub fn several(asked: &Asked, subjects: &[&Subject], images: &[&Loaded], ui: &dyn Ui) -> Result<Vec<Found>> {
    let Asked { engine, commands, options, kinds } = asked;
    // Long work, told where there is a terminal to tell it on.
    let note = |message: &str| ui.phase(&message.chars().take(60).collect::<String>(), 0);
    let mut found: Vec<Found> = images.iter().map(|_| Found::default()).collect();
    if !commands.is_empty() {
        let measured = trial::measure(engine, images, commands, *options, &note)?;
        for (index, found) in found.iter_mut().enumerate() {
            found.trials = Some(measured.trials(engine, commands, index, options.outputs));
        }
    }
    if !kinds.is_empty() {
        if let Some(image) = images.first() {
            engine.has_shell(image)?;
        }
        let mut sides = subjects.iter().zip(images).map(|(subject, image)| Side::new(engine, image, subject));
        if let Some(first) = sides.next() {
            let mut before = Before::new(first?);
            for (side, found) in sides.zip(found.iter_mut().skip(1)) {
                found.sweeps = Some(before.sweep(&side?, kinds, &note)?);
            }
        }
    }
    Ok(found)
}

/// Returns the results as text of `width` columns, with long lists cut unless `all`.
#[must_use]
pub fn render(found: &Found, width: usize, paint: Paint, all: bool) -> String {
    let mut out = String::new();
    if let Some(trials) = &found.trials {
        commands(trials, width, paint, &mut out);
    }
    let shown = if all { usize::MAX } else { 10 };
    found.sweeps.iter().flat_map(|s| &s.sweeps).for_each(|sweep| swept(sweep, width, paint, shown, &mut out));
    out
}

fn put(out: &mut String, line: &str, width: usize) {
    out.push_str(&format!("  {}\n", cut(&printable(line, false), width.saturating_sub(2))));
}

fn commands(trials: &Trials, width: usize, paint: Paint, out: &mut String) {
    let same = trials.trials.len() - trials.different;
    let head = format!("Commands: {same} of {} as before ({})", trials.trials.len(), trials.engine);
    out.push_str(&format!("{}\n", paint.bold(&head)));
    let mut table = Table::new("<<>><").header(&["", "exit", "before", "after", "command"]);
    for trial in &trials.trials {
        let (before, after) = (trial.before.end(), trial.after.end());
        let end = if before == after { before } else { format!("{before} → {after}") };
        let mark = match (trial.same, trial.failed_before()) {
            (true, false) => "ok",
            (true, true) => "failed before",
            (false, _) => "DIFFERS",
        };
        let seconds = |run: &trial::Run| format!("{:.2} s", run.median_seconds);
        let line = printable(&trial.line, false).into();
        table.row([mark.into(), end, seconds(&trial.before), seconds(&trial.after), line]);
    }
    out.push_str(&table.render(2, width, paint));
    for trial in trials.trials.iter().filter(|t| !t.same) {
        let what: Vec<&str> = trial.differs.iter().map(|w| w.name()).collect();
        put(out, &format!("{}: {}", what.join(", "), trial.line), width);
        let last = trial.after.stderr.tail.lines().map(str::trim).rfind(|l| !l.is_empty());
        last.into_iter().for_each(|last| put(out, &format!("  {last}"), width));
    }
}

fn swept(sweep: &Sweep, width: usize, paint: Paint, shown: usize, out: &mut String) {
    let count = |n: usize| units::count(n as u64);
    let with = sweep.with.as_ref().map(|with| format!(" {with}")).unwrap_or_default();
    let head = match &sweep.skipped {
        Some(why) => format!("Sweep {}: skipped, {why}", sweep.sweep),
        None => format!(
            "Sweep {}{with}: {} of {} work as before, {} regressions, {} dropped",
            sweep.sweep,
            count(sweep.works),
            count(sweep.worked),
            count(sweep.regressions.len()),
            count(sweep.dropped.len())
        ),
    };
    out.push_str(&format!("{}\n", paint.bold(&printable(&head, false))));
    sweep.regressions.iter().take(shown).for_each(|r| put(out, &format!("{}  {}", r.name, r.why), width));
    if sweep.regressions.len() > shown {
        put(out, &format!("{} more: -v shows them", count(sweep.regressions.len() - shown)), width);
    }
}
