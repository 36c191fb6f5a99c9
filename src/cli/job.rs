//! The request, resolved: every option typed, every default taken, and what contradicts itself refused before any work.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::{Args, RequestArgs};
use super::files::is_stdout;
use super::values::{self, Color, Saving, Verbosity};
use crate::pipeline::Request;
use crate::{Error, ErrorKind, Result};

/// A command line: what to do with which image, and what to say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What to do with which image.
    pub request: Request,
    /// OUT as given, in a dry run too.
    pub output: Option<String>,
    /// Where the JSON report goes; `-` is standard output.
    pub report: Option<PathBuf>,
    /// Where the list of removed paths goes; `-` is standard output.
    pub removed: Option<PathBuf>,
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
}

impl Job {
    /// Resolves `args`; `epoch` is the value of SOURCE_DATE_EPOCH, where an empty one counts as unset.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with a hint.
    pub fn resolve(args: Args, epoch: Option<OsString>) -> Result<Self> {
        let usage = |what: &str| Error::new(ErrorKind::Usage, what);
        let epoch = epoch.map(|e| e.to_string_lossy().into_owned()).filter(|e| !e.is_empty());
        let created = epoch.map(|e| values::epoch(&e)).transpose().map_err(|e| usage(&e))?;
        let threads = args.request.threads;
        let request = planning(args.request)?;
        if args.output.is_none() && !args.dry_run {
            return Err(usage("no output is given").hint("`-o FILE`, `-o -` for a pipe, or --dry-run to write nothing"));
        }
        let job = Self {
            request: Request {
                output: args.output.clone().filter(|_| !args.dry_run),
                compression: args.compression,
                tags: args.tags,
                labels: args.labels,
                created,
                list_removed: args.removed.is_some(),
                timings: args.timings,
                ..request
            },
            output: args.output,
            report: args.report,
            removed: args.removed,
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
        Ok(job)
    }

    /// Whether the image is written to standard output, or would be.
    #[must_use]
    pub fn writes_stdout(&self) -> bool {
        let output = self.output.as_deref().and_then(|o| crate::source::Location::parse(o).ok());
        output.is_some_and(|o| o.is_std())
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

/// The request of a command that plans, and writes nothing.
///
/// # Errors
/// [`ErrorKind::Usage`] with a hint.
pub fn planning(args: RequestArgs) -> Result<Request> {
    let usage = |what: &str| Error::new(ErrorKind::Usage, what);
    let input = args.input.ok_or_else(|| usage("no image is given").hint("slim IN -p PROFILE -o OUT"))?;
    if args.profiles.is_empty() {
        let names: Vec<_> = crate::profile::builtins().map(|(name, _)| name).collect();
        let is_command = super::args::command().get_subcommands().any(|c| c.get_name() == input);
        let hint = if is_command {
            format!("if you mean the command `{input}`, it comes first; if the file, `./{input}`")
        } else {
            format!("`-p PROFILE`: one of {}, or the path of a .toml", names.join(", "))
        };
        return Err(usage("no profile is given").hint(hint));
    }
    Ok(Request {
        input,
        profiles: args.profiles,
        enable: args.enable,
        drop: args.drop,
        protect: args.protect,
        run_with: args.run_with,
        layers: args.layers,
        base: args.base,
        platform: args.platform,
        ..Request::default()
    })
}

#[cfg(test)]
mod tests;
