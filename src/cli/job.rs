//! The request, resolved: every option typed, every default taken, and what contradicts itself refused before any work.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::{Args, RequestArgs};
use super::files::is_stdout;
use super::values::{self, Color, Referrer, Saving, Verbosity};
use crate::pipeline::Request;
use crate::{Error, ErrorKind, Result};

/// The profile that is used if none is given: what it picks depends on the image.
const DEFAULT_PROFILE: &str = "auto";

/// A command line of the main job, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The image, the rules and the output.
    pub request: Request,
    /// OUT as it was given, in a dry run too.
    pub output: Option<String>,
    /// The file for the JSON report; `-` is standard output.
    pub report: Option<PathBuf>,
    /// The file for the list of removed paths; `-` is standard output.
    pub removed: Option<PathBuf>,
    /// The file for the provenance; `-` is standard output.
    pub provenance: Option<PathBuf>,
    /// What is attached to the image in a registry.
    pub referrers: Vec<Referrer>,
    /// The amount of output.
    pub verbosity: Verbosity,
    /// The rule for colours.
    pub color: Color,
    /// The number of threads; `None` for one per processor.
    pub threads: Option<usize>,
    /// The largest output that passes, in bytes.
    pub max_size: Option<u64>,
    /// The smallest saving that passes.
    pub min_saving: Option<Saving>,
}

impl Job {
    /// Resolves `args`; `epoch` is the value of SOURCE_DATE_EPOCH, where an empty one counts as unset.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] with a hint if options are missing or contradict each other.
    pub fn resolve(args: Args, epoch: Option<OsString>) -> Result<Self> {
        let usage = |what: &str| Error::new(ErrorKind::Usage, what);
        let epoch = epoch.map(|e| e.to_string_lossy().into_owned()).filter(|e| !e.is_empty());
        let created = epoch.map(|e| values::epoch(&e)).transpose().map_err(|e| usage(&e))?;
        let threads = args.request.image.reading.threads;
        let request = planning(args.request)?;
        if args.output.is_none() && !args.dry_run {
            let is_command = super::args::command().get_subcommands().any(|c| c.get_name() == request.input);
            let hint = if is_command {
                format!("if you mean the command `{0}`, it comes first; if the file, `./{0}`", request.input)
            } else {
                "`-o FILE`, `-o docker-daemon:NAME:TAG`, `-o -` for a pipe, or --dry-run to write nothing".to_owned()
            };
            return Err(usage("no output is given").hint(hint));
        }
        let job = Self {
            request: Request {
                output: args.output.clone().filter(|_| !args.dry_run),
                compression: args.compression,
                tags: args.tags,
                labels: args.labels,
                record: args.record,
                created,
                list_removed: args.removed.is_some(),
                timings: args.timings,
                ..request
            },
            output: args.output,
            report: args.report,
            removed: args.removed,
            provenance: args.provenance,
            referrers: args.referrer,
            verbosity: match (args.quiet, args.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, 0) => Verbosity::Normal,
                (false, 1) => Verbosity::Verbose,
                (false, _) => Verbosity::All,
            },
            color: args.color,
            threads,
            max_size: args.max_size,
            min_saving: args.min_saving,
        };
        job.check_stdout()?;
        let registry = job
            .output
            .as_deref()
            .is_some_and(|o| crate::source::Location::parse(o).is_ok_and(|o| o.registry().is_some()));
        if !job.referrers.is_empty() && !registry {
            let error = usage("--referrer attaches to an image in a registry, and OUT is none");
            return Err(error.hint("-o docker://HOST/REPO:TAG; --report and --provenance write files"));
        }
        Ok(job)
    }

    /// True if OUT is standard output, in a dry run too.
    #[must_use]
    pub fn writes_stdout(&self) -> bool {
        let output = self.output.as_deref().and_then(|o| crate::source::Location::parse(o).ok());
        output.is_some_and(|o| o.is_std())
    }

    /// True if the image, the JSON report or the list of removed paths goes to standard output.
    #[must_use]
    pub fn uses_stdout(&self) -> bool {
        self.stdout().next().is_some()
    }

    /// Returns the options whose output goes to standard output.
    fn stdout(&self) -> impl Iterator<Item = &'static str> {
        let to = |path: &Option<PathBuf>| path.as_deref().is_some_and(is_stdout);
        let all = [
            (self.writes_stdout(), "--output"),
            (to(&self.report), "--report"),
            (to(&self.removed), "--removed"),
            (to(&self.provenance), "--provenance"),
        ];
        all.into_iter().filter(|(on, _)| *on).map(|(_, name)| name)
    }

    /// Refuses more than one output on standard output.
    fn check_stdout(&self) -> Result<()> {
        let names: Vec<_> = self.stdout().collect();
        if names.len() > 1 {
            let what = format!("{} cannot all be standard output", names.join(" and "));
            return Err(Error::new(ErrorKind::Usage, what).hint("name a file for all but one"));
        }
        Ok(())
    }
}

/// Returns the request of a command that plans and writes nothing; without a profile it is that of `auto`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] with a hint if no image is given.
pub fn planning(args: RequestArgs) -> Result<Request> {
    let usage = |what: &str| Error::new(ErrorKind::Usage, what);
    let input = args.image.input.ok_or_else(|| usage("no image is given").hint("slim IN -p PROFILE -o OUT"))?;
    let reading = args.image.reading.resolve(&[&input])?;
    let (profiles, notes) = match args.profiles {
        none if none.is_empty() => {
            (vec![DEFAULT_PROFILE.to_owned()], vec![format!("no profile was given: {DEFAULT_PROFILE}")])
        }
        profiles => (profiles, Vec::new()),
    };
    Ok(Request {
        input,
        profiles,
        notes,
        enable: args.enable,
        drop: args.drop,
        protect: args.protect,
        allow_idle: args.allow_idle,
        run_with: args.run_with,
        layers: args.layers,
        base: args.base,
        reading,
        ..Request::default()
    })
}

#[cfg(test)]
mod tests;
