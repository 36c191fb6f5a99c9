//! The options of every command that plans.

use super::image::ImageArgs;
use crate::cli::values;
use crate::pipeline::{Base, LayersMode};
use clap::builder::NonEmptyStringValueParser;

/// The image and the rules, for every command that plans.
#[derive(clap::Args, Debug)]
pub struct RequestArgs {
    /// The image.
    #[command(flatten)]
    pub image: ImageArgs,

    /// The profiles that say what to drop: built-in names or paths of .toml files; several add up [default: auto]
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub profiles: Vec<String>,

    /// Turn on rules that are off by default
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub enable: Vec<String>,

    /// Drop these paths too (repeatable)
    ///
    /// Patterns start at the image's root unless they begin with **/; one that names a directory means all below it.
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub drop: Vec<String>,

    /// Never drop these paths, whatever a rule says (repeatable)
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), help_heading = "Rules")]
    pub protect: Vec<String>,

    /// Let a pattern of --drop or --protect match no path, which is an error otherwise
    #[arg(long, help_heading = "Rules")]
    pub allow_idle: bool,

    /// The command that runs the image's own Python, for rules that compile bytecode; slim adds its arguments
    ///
    /// Such as "docker run --rm -i --network none --entrypoint python3 app:latest". Nothing runs unless a rule needs it.
    #[arg(long, value_name = "COMMAND", value_parser = values::words, help_heading = "Rules")]
    pub run_with: Option<std::vec::Vec<String>>,

    /// Keep the layers, or squash them into one
    #[arg(long, value_name = "MODE", value_enum, default_value_t = LayersMode::Keep, help_heading = "Output image")]
    pub layers: LayersMode,

    /// Keep the lowest layers byte for byte, up to this one: a number of layers, or a diff_id or chain id
    #[arg(long, value_name = "N|DIGEST", value_parser = values::base, help_heading = "Output image")]
    pub base: Option<Base>,
}
