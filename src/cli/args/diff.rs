//! The options of `slim diff`.

use super::image::{OutputArgs, ReadingArgs};
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

/// `slim diff`: compares two images.
#[derive(clap::Args, Debug)]
pub struct DiffArgs {
    /// The first image: as IN of the other commands
    #[arg(value_name = "A", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    pub before: String,

    /// The second image
    #[arg(value_name = "B", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    pub after: String,

    /// Where the comparison goes.
    #[command(flatten)]
    pub output: OutputArgs,

    /// List directories down to this many levels below the root
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Output")]
    pub depth: usize,

    /// Exit with 1 if anything differs, as git diff does
    #[arg(long)]
    pub exit_code: bool,

    /// The options of reading both.
    #[command(flatten)]
    pub reading: ReadingArgs,
}
