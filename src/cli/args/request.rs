//! The options of every command that plans.

use crate::cli::values;
use crate::pipeline::{Base, LayersMode};
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

pub(super) const INPUT: &str =
    "The image: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], oci:DIR[:REF], or - for standard input";

pub(super) const INPUT_LONG: &str = "The image: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], oci:DIR[:REF], or - for \
    standard input\n\nThe form of a path is found out from its content, never from its name; archives may be compressed with \
    gzip, zstd, xz or bzip2. REF picks one of several images; all are rewritten otherwise.";

/// Which image, and what to do with it: the same for every command that plans.
#[derive(clap::Args, Debug)]
pub struct RequestArgs {
    /// The image, as it is named on the command line.
    #[arg(
        value_name = "IN", required = true, help = INPUT, long_help = INPUT_LONG,
        value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath
    )]
    pub input: Option<String>,

    /// The profiles that say what to drop: built-in names or paths of .toml files; several add up
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

    /// Take only this platform of a multi-platform image [default: every one]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = NonEmptyStringValueParser::new(), help_heading = "Output image")]
    pub platform: Option<String>,

    /// How many threads to use; the output does not depend on it [default: one per processor]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,
}
