//! The command line as it is typed. Help, completions and the man page all come from here; [`super::job`] resolves it.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Parser, Subcommand, ValueHint};

use super::values::{self, Color, Referrer, Saving};
use crate::explain::{Sort, Verdict};
use crate::pipeline::Encoding;

mod analyze;
mod compare;
mod diff;
mod image;
mod registry;
mod request;
mod trial;
mod verify;

pub use analyze::AnalyzeArgs;
pub use compare::CompareArgs;
pub use diff::DiffArgs;
pub use image::{OutputArgs, ReadingArgs};
pub use registry::RegistryArgs;
pub use request::RequestArgs;
pub use trial::{SweepKind, TrialArgs};
pub use verify::VerifyArgs;

/// Command lines and their meaning, for the end of `--help` and for the man page.
pub(super) const EXAMPLES: [(&str, &str); 14] = [
    ("slim app.tar -p python-slim -o app-slim.tar", "slim an archive of docker save, podman save or buildx"),
    ("slim docker-daemon:app:v1 -o docker-daemon:app:v1-slim", "from docker to docker, with the profiles that fit"),
    (
        "docker save app:latest | slim - -p python-slim -o - | docker load",
        "in a pipe; the report goes to standard error",
    ),
    ("slim app.tar -p python-slim --dry-run -v", "see what would go, write nothing"),
    ("slim analyze app.tar", "see what takes the room, what is waste, and what profiles would save"),
    ("slim analyze app.tar --ci", "check the rules of .dive-ci, as `dive --ci` does"),
    ("slim diff old.tar new.tar", "see what changed between two images, path by path and package by package"),
    (
        "slim compare app.tar -p python-slim -p python-min,no-build-tools --run smoke.txt",
        "try profiles on an image, and its commands in what they leave",
    ),
    ("slim plan app.tar -p python-slim usr/share", "see what would become of each path of a directory"),
    ("slim plan app.tar -p python-slim --why /usr/bin/git", "why a path stays or goes, in a sentence"),
    (
        "slim verify out.tar --against app.tar -p python-slim",
        "check that out.tar is what the plan says, and nothing else",
    ),
    (
        "slim oci:app:v1 -p debian-slim,./mine.toml -o oci-archive:app.tar:v1",
        "from an OCI layout, with rules of your own",
    ),
    ("slim app.tar -p caches --layers squash --base 3 -o out.tar", "one layer on top of three that other images share"),
    ("slim app.tar -p python-slim -o out.tar --max-size 700MB --report slim.json", "a check for a pipeline"),
];

/// The exit codes and their meaning.
pub(super) const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "done"),
    (
        "1",
        "a check failed: --max-size or --min-saving (the output is written all the same), a mismatch that `slim verify` found, a rule \
         of `slim analyze --ci`, a difference with `slim diff --exit-code`",
    ),
    ("2", "an error; nothing named OUT has appeared, an existing OUT is as it was"),
    ("130", "interrupted; as for 2"),
];

/// The environment variables that slim reads.
pub(super) const ENVIRONMENT: [(&str, &str); 4] = [
    ("SOURCE_DATE_EPOCH", "seconds since 1970: `created` of the output; the input's if unset"),
    ("SLIM_OFFLINE", "1: no registry and no engine is asked, as with --offline"),
    ("NO_COLOR", "no colour unless --color always"),
    (
        "TMPDIR",
        "where standard input, images of engines, blobs of registries, compressed archives and the images of `slim compare` are put for the time of a run",
    ),
];

/// The usage lines of `slim`.
pub(super) const USAGE: &str = "slim IN [-p PROFILE[,PROFILE...]] -o OUT [OPTIONS]\n       slim COMMAND";

/// The usage lines of `slim plan`.
const PLAN_USAGE: &str = "slim plan IN [-p PROFILE[,PROFILE...]] [OPTIONS] [PATH]...\n       slim plan IN [-p PROFILE[,PROFILE...]] --why PATH";

/// The usage line of `slim compare`.
const COMPARE_USAGE: &str = "slim compare IN -p PROFILE[,PROFILE...] [-p PROFILE[,PROFILE...]]... [OPTIONS]";

const SHORT: &str = "Examples:
  slim app.tar -p python-slim -o app-slim.tar
  docker save app:latest | slim - -p python-slim -o - | docker load

`slim profiles` lists the profiles; `slim --help` says more.";

/// Drops what a running container never needs out of a built image
#[derive(Parser, Debug)]
#[command(
    name = "slim",
    version,
    about = "Drops what a running container never needs out of a built image",
    long_about = "Reads a container image, drops what the rules of a profile say a running container never needs, keeps \
                  the rest byte for byte, and writes a new image with correct digests. It needs no daemon, and no network unless you name a registry, \
                  and runs nothing of the image.",
    override_usage = USAGE,
    after_help = SHORT,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Args {
    /// The subcommand; `None` for the main job.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The image and the rules.
    #[command(flatten)]
    pub request: RequestArgs,

    /// Where to write the new image, named like IN; - is standard output
    ///
    /// Without a prefix the output has the image format of the input. It gets its name once it is complete, so it appears whole
    /// or not at all.
    #[arg(short, long, value_name = "OUT", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    pub output: Option<String>,

    /// How to compress layers: none, gzip[:1-9] or zstd[:1-19] [default: as the input]
    #[arg(long, value_name = "CODEC", value_parser = values::encoding, help_heading = "Output image")]
    pub compression: Option<Encoding>,

    /// Name the output (repeatable) [default: the input's names]
    #[arg(short = 't', long = "tag", value_name = "REF", value_parser = NonEmptyStringValueParser::new(), help_heading = "Output image")]
    pub tags: Vec<String>,

    /// Set a label of the image (repeatable)
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = values::label, help_heading = "Output image")]
    pub labels: Vec<(String, String)>,

    /// Write into the image's labels which version of slim, profiles and input it was made with
    #[arg(long, help_heading = "Output image")]
    pub record: bool,

    /// Plan and report, write no image; the report goes to standard output
    #[arg(long, help_heading = "Reports and checks")]
    pub dry_run: bool,

    /// Write the report as JSON; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Reports and checks")]
    pub report: Option<PathBuf>,

    /// Write the removed paths, one per line with layer, bytes and rule, split by tabs; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Reports and checks")]
    pub removed: Option<PathBuf>,

    /// Write where the output comes from, as an SLSA predicate for `cosign attest --predicate`; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Reports and checks")]
    pub provenance: Option<PathBuf>,

    /// Attach this to the image in the registry that OUT is (repeatable)
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',', help_heading = "Reports and checks")]
    pub referrer: Vec<Referrer>,

    /// Exit with 1 if the output is larger than this, such as 700MB, 1.2GB or 500MiB; a dry run counts its layers as plain tars
    #[arg(long, value_name = "SIZE", value_parser = values::size, help_heading = "Reports and checks")]
    pub max_size: Option<u64>,

    /// Exit with 1 if less than this is saved: a share of the input such as 5%, or a size
    #[arg(long, value_name = "SAVING", value_parser = values::saving, help_heading = "Reports and checks")]
    pub min_saving: Option<Saving>,

    /// Say how long each phase took
    #[arg(long, help_heading = "Reports and checks")]
    pub timings: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: -v lists more of everything, -vv everything
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// When to colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, global = true)]
    pub color: Color,
}

/// `slim plan`: what would become of every path.
#[derive(clap::Args, Debug)]
pub struct PlanArgs {
    /// The image and the rules.
    #[command(flatten)]
    pub request: RequestArgs,

    /// Show only these paths: a directory means all below it, a glob starts at the root unless it begins with **/
    #[arg(value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    pub paths: Vec<String>,

    /// Explain this path in a sentence instead (repeatable); symbolic links are followed
    ///
    /// A glob, or the end of a path such as `markdown/README.md`, lists all paths that match, or explains the only one.
    #[arg(long, value_name = "PATH", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), conflicts_with_all = ["paths", "only", "all", "depth", "sort"], help_heading = "What is shown")]
    pub why: Vec<String>,

    /// Show only paths with this verdict (repeatable)
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',', help_heading = "What is shown")]
    pub only: Vec<Verdict>,

    /// Show every path on a line of its own, nothing folded
    #[arg(short = 'v', long, visible_alias = "verbose", help_heading = "What is shown")]
    pub all: bool,

    /// Show each directory this many levels below the root as one line
    #[arg(long, value_name = "N", conflicts_with = "json", help_heading = "What is shown")]
    pub depth: Option<u32>,

    /// How to sort the entries of a directory
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Sort::Name, conflicts_with = "json", help_heading = "What is shown")]
    pub sort: Sort,

    /// Print JSON: every path with its verdict, one on a line
    #[arg(long, help_heading = "What is shown")]
    pub json: bool,

    /// Print no notes and no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the contents and the waste of an image, and what profiles would save; or check it in CI
    #[command(
        arg_required_else_help = true,
        mut_arg("json", |arg| arg.help("Write JSON with dive's keys, and slim's own under `slim`; - or nothing is standard output, instead of the text"))
    )]
    Analyze(Box<AnalyzeArgs>),
    /// Say what differs between two images: paths, packages, layers, configuration
    #[command(arg_required_else_help = true)]
    Diff(Box<DiffArgs>),
    /// Compare profiles on one image: sizes, times, what each removes, and whether commands still work
    #[command(override_usage = COMPARE_USAGE, arg_required_else_help = true)]
    Compare(Box<CompareArgs>),
    /// Show what would become of every path of an image, and why; write no image
    #[command(override_usage = PLAN_USAGE, arg_required_else_help = true)]
    Plan(Box<PlanArgs>),
    /// Check an image: digests, config, layers; with its input and a plan also every path and every reference
    #[command(
        override_usage = verify::USAGE, arg_required_else_help = true,
        mut_arg("input", |arg| arg.value_name("OUT").help(verify::OUTPUT).long_help(verify::OUTPUT)),
        mut_arg("profiles", |arg| arg.help(verify::PROFILES))
    )]
    Verify(Box<VerifyArgs>),
    /// List the built-in profiles, show one, or check one of your own
    Profiles {
        /// The action on profiles; `None` lists them.
        #[command(subcommand)]
        command: Option<ProfilesCommand>,
    },
    /// Make slim a plugin of docker's client: `docker slim IMAGE`
    Plugin {
        /// The action.
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// The subcommands of `slim plugin`.
#[derive(Subcommand, Debug)]
pub enum PluginCommand {
    /// Put a link to this slim into docker's directory of plugins: ~/.docker/cli-plugins, or below DOCKER_CONFIG
    Install,
    /// Remove the link
    Remove,
}

/// The subcommands of `slim profiles`.
#[derive(Subcommand, Debug)]
pub enum ProfilesCommand {
    /// List the built-in profiles
    List,
    /// Print a profile as resolved, as TOML
    Show {
        /// The name of a built-in profile, or the path of a .toml file
        name: String,
    },
    /// Check a profile of your own; every mistake is reported with line and column
    Check {
        /// The .toml file
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// Returns the lists at the end of `--help`.
fn long_after_help() -> String {
    let mut out = String::from("Examples:\n");
    for (command, meaning) in EXAMPLES {
        out.push_str(&format!("  {command}\n      {meaning}\n"));
    }
    out.push_str("\nExit codes:\n");
    for (code, meaning) in EXIT_CODES {
        out.push_str(&format!("  {code:<4} {meaning}\n"));
    }
    out.push_str("\nEnvironment:\n");
    for (name, meaning) in ENVIRONMENT {
        out.push_str(&format!("  {name:<18} {meaning}\n"));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Returns the definition of the command line with all help texts, for parsing.
#[must_use]
pub fn command() -> clap::Command {
    definition().after_long_help(long_after_help())
}

/// Returns the definition without the lists that are sections in the man page.
pub(super) fn definition() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}
