//! The options of running an image, before and after: `--run` and `--sweep`.

use crate::engine::trial::Outputs;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use std::path::PathBuf;

/// The commands and sweeps to run in images; none by default.
#[derive(clap::Args, Debug, Clone)]
pub struct TrialArgs {
    /// Run these commands, one on a line, before and after, and compare how they end; needs docker or podman
    ///
    /// Each line gets a container of its own, without a network, as the image's own user. Empty lines and lines that begin with #
    /// are skipped. Without a shell in the image a line is a program and its arguments.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Running the image")]
    pub run: Option<PathBuf>,

    /// Compare the outputs of the commands, too
    #[arg(long, value_name = "WHAT", value_enum, default_value = "none", help_heading = "Running the image")]
    pub run_output: Outputs,

    /// How often to run each command in each image; times are medians
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Running the image")]
    pub runs: u32,

    /// How many seconds a command may take
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Running the image")]
    pub timeout: u32,

    /// Try everything of a kind (repeatable): import every module, load every object, ask every program for its version,
    /// require every package, ask every package manager
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', help_heading = "Running the image")]
    pub sweep: Vec<SweepKind>,

    /// The container engine: a name or path [default: docker or podman, the first that answers]
    #[arg(long, value_name = "NAME|PATH", value_parser = NonEmptyStringValueParser::new(), help_heading = "Running the image")]
    pub engine: Option<String>,

    /// Give the engine's `run` another argument, such as --engine-arg=--memory=2g (repeatable)
    #[arg(long, value_name = "ARG", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new(), help_heading = "Running the image")]
    pub engine_arg: Vec<String>,
}

/// `--sweep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SweepKind {
    /// Import every module of every Python
    Python,
    /// Load every shared object
    Elf,
    /// Run every program of PATH with --version
    Bin,
    /// Require every Node package
    Node,
    /// Ask every package manager
    Packages,
    /// All of these
    All,
}

impl clap::ValueEnum for Outputs {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::Stdout, Self::Stderr, Self::Both]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::None => "none",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Both => "both",
        }))
    }
}
