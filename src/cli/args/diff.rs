//! The arguments of `slim diff`.

use crate::cli::values;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, ValueHint};
use std::path::PathBuf;

/// `slim diff`: what differs between two images.
#[derive(clap::Args, Debug)]
pub struct DiffArgs {
    /// The first image: as IN of the other commands
    #[arg(value_name = "A", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    pub before: String,

    /// The second image
    #[arg(value_name = "B", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    pub after: String,

    /// Write JSON: every path that differs, and all sums; - is standard output, instead of the text
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write a comment for a pull request; - or nothing is standard output, instead of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub markdown: Option<PathBuf>,

    /// Write a page for people, which loads nothing from the network; - is standard output, instead of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub html: Option<PathBuf>,

    /// List directories down to this many levels below the root
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Output")]
    pub depth: usize,

    /// Say more: -v lists more of everything, -vv everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,

    /// Print no text, no notes and no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Exit with 1 if anything differs, as git diff does
    #[arg(long)]
    pub exit_code: bool,

    /// Take only this platform of a multi-platform image
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = NonEmptyStringValueParser::new())]
    pub platform: Option<String>,

    /// How many threads to use [default: one per processor]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,
}
