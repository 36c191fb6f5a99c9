//! The options that several commands share: the image, and the outputs.

use super::registry::RegistryArgs;
use crate::cli::values::{self, Verbosity};
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, ValueHint};
use std::path::PathBuf;

pub(super) const INPUT: &str = "The image: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], oci:DIR[:REF], docker://HOST/REPO[:TAG], docker-daemon:REF, podman:REF, containerd:REF, or - for standard input";

pub(super) const INPUT_LONG: &str = "The image: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], oci:DIR[:REF], docker://HOST/REPO[:TAG|@DIGEST], \
    docker-daemon:REF, podman:REF, containerd:[NAMESPACE/]REF, or - for standard input\n\nThe form of a path is found out from its content, never from its name; archives may be compressed with \
    gzip, zstd, xz or bzip2. REF picks one of several images; all are rewritten otherwise.";

/// The image, and the options of reading it.
#[derive(clap::Args, Clone, Debug)]
pub struct ImageArgs {
    /// The image, as it is named on the command line; `None` only beside a subcommand.
    #[arg(
        value_name = "IN", required = true, help = INPUT, long_help = INPUT_LONG,
        value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath
    )]
    pub input: Option<String>,

    /// The options of reading.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

impl ImageArgs {
    /// Returns the image as it is named on the command line; empty beside a subcommand.
    pub fn name(&self) -> &str {
        self.input.as_deref().unwrap_or_default()
    }
}

/// The options of reading images.
#[derive(clap::Args, Clone, Debug)]
pub struct ReadingArgs {
    /// Take only this platform of a multi-platform image
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = NonEmptyStringValueParser::new())]
    pub platform: Option<String>,

    /// How many threads to use; results do not depend on it [default: one per processor]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,

    /// The options of registries.
    #[command(flatten)]
    pub registry: RegistryArgs,
}

/// The outputs of a command, and the amount of text.
#[derive(clap::Args, Clone, Debug)]
pub struct OutputArgs {
    /// Write JSON; - or nothing is standard output, instead of the text
    #[arg(short, long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write Markdown, a comment for a pull request; - or nothing is standard output, instead of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub markdown: Option<PathBuf>,

    /// Write a page for people, which loads nothing from the network; - is standard output, instead of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub html: Option<PathBuf>,

    /// Say more: -v lists more of everything, -vv everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,

    /// Print no text, no notes and no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

impl OutputArgs {
    /// Returns the amount of output while the command works.
    pub const fn verbosity(&self) -> Verbosity {
        if self.quiet { Verbosity::Quiet } else { Verbosity::Normal }
    }
}
