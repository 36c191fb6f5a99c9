//! The request, resolved: every option typed, every default taken, and what contradicts itself refused before any work.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::{Args, RequestArgs};
use super::values::{self, Base, Color, Encoding, LayersMode, Saving};
use crate::profile::Override;
use crate::{Error, ErrorKind, Result};

/// How much to say; each level says what the one before does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// The report, notes, warnings, progress.
    Normal,
    /// `-v`: more of every list, and rules that matched nothing.
    Verbose,
    /// `-vv`: everything, uncut.
    All,
}

/// What to do with which image.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// IN as given.
    pub input: String,
    /// OUT as given; `None` only in a dry run.
    pub output: Option<String>,
    /// Names of profiles and paths of profile files, in order; at least one.
    pub profiles: Vec<String>,
    /// Ids of opt-in rules to turn on.
    pub enable: Vec<String>,
    /// Patterns to drop besides.
    pub drop: Vec<String>,
    /// Patterns never to drop.
    pub protect: Vec<String>,
    /// What rules say instead of what is in their profiles.
    pub overrides: Vec<Override>,
    /// The command that runs the image's own Python.
    pub run_with: Option<Vec<String>>,
    /// What becomes of the layers.
    pub layers: LayersMode,
    /// Which layers stay byte for byte.
    pub base: Option<Base>,
    /// How to compress layers; `None` as in the input.
    pub compression: Option<Encoding>,
    /// Names of the output; none for the input's.
    pub tags: Vec<String>,
    /// Labels to set, in order.
    pub labels: Vec<(String, String)>,
    /// The one platform to take.
    pub platform: Option<String>,
    /// Where the JSON report goes; `-` is standard output.
    pub report: Option<PathBuf>,
    /// Where the list of removed paths goes; `-` is standard output.
    pub removed: Option<PathBuf>,
    /// Plan and report, write no image.
    pub dry_run: bool,
    /// How much to say.
    pub verbosity: Verbosity,
    /// When to colour.
    pub color: Color,
    /// How many threads; `None` for one per processor.
    pub threads: Option<usize>,
    /// The largest output that passes.
    pub max_size: Option<u64>,
    /// The smallest saving that passes.
    pub min_saving: Option<Saving>,
    /// Measure the phases.
    pub timings: bool,
    /// The time for `created`, seconds since 1970, out of the environment.
    pub source_date_epoch: Option<i64>,
}

impl Job {
    /// Resolves `args`; `epoch` is the value of SOURCE_DATE_EPOCH, where an empty one counts as unset.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with a hint.
    pub fn resolve(args: Args, epoch: Option<OsString>) -> Result<Self> {
        let usage = |what: &str| Error::new(ErrorKind::Usage, what);
        let epoch = epoch.map(|e| e.to_string_lossy().into_owned()).filter(|e| !e.is_empty());
        let source_date_epoch = epoch.map(|e| values::epoch(&e)).transpose().map_err(|e| usage(&e))?;
        let plan = Self::plan(args.request)?;
        if args.output.is_none() && !args.dry_run {
            return Err(usage("no output is given").hint("`-o FILE`, `-o -` for a pipe, or --dry-run to write nothing"));
        }
        let job = Self {
            output: args.output,
            compression: args.compression,
            tags: args.tags,
            labels: args.labels,
            report: args.report,
            removed: args.removed,
            dry_run: args.dry_run,
            verbosity: match (args.quiet, args.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, 0) => Verbosity::Normal,
                (false, 1) => Verbosity::Verbose,
                (false, _) => Verbosity::All,
            },
            color: args.color,
            max_size: args.max_size,
            min_saving: args.min_saving,
            timings: args.timings,
            source_date_epoch,
            ..plan
        };
        job.check_stdout()?;
        Ok(job)
    }

    /// The job of a command that plans and writes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with a hint.
    pub fn plan(request: RequestArgs) -> Result<Self> {
        let usage = |what: &str| Error::new(ErrorKind::Usage, what);
        let input = request.input.ok_or_else(|| usage("no image is given").hint("slim IN -p PROFILE -o OUT"))?;
        if request.profiles.is_empty() {
            let names: Vec<_> = crate::profile::builtins().map(|(name, _)| name).collect();
            let is_command = super::args::command().get_subcommands().any(|c| c.get_name() == input);
            let hint = if is_command {
                format!("if you mean the command `{input}`, it comes first; if the file, `./{input}`")
            } else {
                format!("`-p PROFILE`: one of {}, or the path of a .toml", names.join(", "))
            };
            return Err(usage("no profile is given").hint(hint));
        }
        Ok(Self {
            input,
            output: None,
            profiles: request.profiles,
            enable: request.enable,
            drop: request.drop,
            protect: request.protect,
            overrides: Vec::new(),
            run_with: request.run_with,
            layers: request.layers,
            base: request.base,
            compression: None,
            tags: Vec::new(),
            labels: Vec::new(),
            platform: request.platform,
            report: None,
            removed: None,
            dry_run: true,
            verbosity: Verbosity::Normal,
            color: Color::Auto,
            threads: request.threads,
            max_size: None,
            min_saving: None,
            timings: false,
            source_date_epoch: None,
        })
    }

    /// Whether the image is written to standard output, or would be.
    #[must_use]
    pub fn writes_stdout(&self) -> bool {
        let output = self.output.as_deref().and_then(|o| crate::source::Location::parse(o).ok());
        output.is_some_and(|o| o.place == crate::source::Place::Std)
    }

    /// At most one thing can go to standard output.
    fn check_stdout(&self) -> Result<()> {
        let to = |path: &Option<PathBuf>| path.as_deref().is_some_and(is_stdout);
        let all =
            [(self.writes_stdout(), "--output"), (to(&self.report), "--report"), (to(&self.removed), "--removed")];
        let names: Vec<_> = all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
        if names.len() > 1 {
            let what = format!("{} cannot all be standard output", names.join(" and "));
            return Err(Error::new(ErrorKind::Usage, what).hint("name a file for all but one"));
        }
        Ok(())
    }
}

/// Whether an option's value means standard output.
pub(super) fn is_stdout(path: &std::path::Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests;
