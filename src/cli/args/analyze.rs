//! What `slim analyze` takes.

use super::budget::BudgetArgs;
use super::diff::DiffArgs;
use super::request::{INPUT, INPUT_LONG};
use crate::cli::values;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, ValueHint};
use std::path::PathBuf;

/// `slim analyze`: what an image is made of, and what of it is waste.
#[derive(clap::Args, Debug)]
pub struct AnalyzeArgs {
    /// The image, as it is named on the command line.
    #[arg(
        value_name = "IN", help = INPUT, long_help = INPUT_LONG,
        value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath
    )]
    pub input: String,

    /// A second image: say what differs between the two instead, as `slim diff IN SECOND` does
    #[arg(
        value_name = "SECOND", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath,
        conflicts_with_all = [
            "profiles", "sarif", "lint_ignore", "compress", "ci", "ci_config", "lowest_efficiency", "highest_wasted_bytes",
            "highest_user_wasted_percent", "file", "baseline",
        ]
    )]
    pub second: Option<String>,

    /// Say what these profiles would save, together; without it, what each built-in one would
    #[arg(short, long = "profile", value_name = "PROFILE", value_delimiter = ',', help_heading = "Rules")]
    pub profiles: Vec<String>,

    /// Write JSON with dive's keys, and slim's own under `slim`; - is standard output, instead of the text
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,

    /// Write a page for people, which loads nothing from the network; - is standard output, instead of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub html: Option<PathBuf>,

    /// Write the findings of lint as SARIF 2.1.0, for code hosts; - is standard output, instead of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub sarif: Option<PathBuf>,

    /// Leave out findings of this kind, or those below paths: `setuid`, `secret:app/tests`, `*:opt/vendor`
    #[arg(long, value_name = "ID[:GLOB]", help_heading = "Rules")]
    pub lint_ignore: Vec<String>,

    /// Compress layers that are stored plain, to tell how much a pull moves; a GB takes seconds
    #[arg(long, help_heading = "Output")]
    pub compress: bool,

    /// List directories down to this many levels below the root
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Output")]
    pub depth: usize,

    /// Say more: -v lists more of everything, -vv everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,

    /// Print no text, no notes and no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Budgets, and a comment about them.
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Check the rules of .dive-ci as dive does, and the budgets of slim.toml; exit with 1 unless all hold
    #[arg(long, help_heading = "Gate")]
    pub ci: bool,

    /// The file with the rules [default: .dive-ci, if it is there]
    #[arg(long, value_name = "FILE", requires = "ci", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub ci_config: Option<PathBuf>,

    /// The least efficiency that passes, from 0 to 1, or disabled [default: 0.9]
    #[arg(
        long = "lowestEfficiency",
        visible_alias = "lowest-efficiency",
        value_name = "SHARE",
        requires = "ci",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub lowest_efficiency: Option<String>,

    /// The most wasted bytes that pass, such as 20MB, or disabled [default: disabled]
    #[arg(
        long = "highestWastedBytes",
        visible_alias = "highest-wasted-bytes",
        value_name = "SIZE",
        requires = "ci",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub highest_wasted_bytes: Option<String>,

    /// The largest wasted share of the layers above the lowest that passes, from 0 to 1, or disabled [default: 0.1]
    #[arg(
        long = "highestUserWastedPercent",
        visible_alias = "highest-user-wasted-percent",
        value_name = "SHARE",
        requires = "ci",
        allow_hyphen_values = true,
        help_heading = "Gate"
    )]
    pub highest_user_wasted_percent: Option<String>,

    /// Take only this platform of a multi-platform image
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = NonEmptyStringValueParser::new())]
    pub platform: Option<String>,

    /// How many threads to use [default: one per processor]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,
}

impl AnalyzeArgs {
    /// The analysis of one image, or where two are given the comparison that is meant.
    pub fn meant(mut self) -> Result<Self, DiffArgs> {
        match self.second.take() {
            None => Ok(self),
            Some(second) => Err(two(self, second)),
        }
    }
}

fn two(args: AnalyzeArgs, second: String) -> DiffArgs {
    let AnalyzeArgs { input, json, html, depth, verbose, quiet, platform, threads, budget, .. } = args;
    let BudgetArgs { markdown, .. } = budget;
    DiffArgs {
        before: input,
        after: second,
        json,
        markdown,
        html,
        depth,
        verbose,
        quiet,
        exit_code: false,
        platform,
        threads,
    }
}
