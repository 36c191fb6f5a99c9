//! The options of `slim analyze`.

use super::diff::DiffArgs;
use super::image::{ImageArgs, OutputArgs};
use crate::analyze::advice::Target;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use std::path::PathBuf;

/// `slim analyze`: shows the contents of an image, and its waste.
#[derive(clap::Args, Debug)]
pub struct AnalyzeArgs {
    /// The image.
    #[command(flatten)]
    pub image: ImageArgs,

    /// A second image: say what differs between the two instead, as `slim diff IN SECOND` does
    #[arg(
        value_name = "SECOND", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath,
        conflicts_with_all = [
            "profiles", "target", "sarif", "lint_ignore", "compress", "ci", "ci_config", "lowest_efficiency", "highest_wasted_bytes",
            "highest_user_wasted_percent", "budget", "baseline",
        ]
    )]
    pub second: Option<String>,

    /// Say what these profiles would save, together; without it, what each built-in one would
    #[arg(short, long = "profile", value_name = "PROFILE", value_delimiter = ',', help_heading = "Rules")]
    pub profiles: Vec<String>,

    /// Where the analysis goes.
    #[command(flatten)]
    pub output: OutputArgs,

    /// Write the findings of lint as SARIF 2.1.0, for code hosts; - is standard output, instead of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub sarif: Option<PathBuf>,

    /// Leave out findings of this kind, or those below paths: `setuid`, `secret:app/tests`, `*:opt/vendor`
    #[arg(long, value_name = "ID[:GLOB]", help_heading = "Rules")]
    pub lint_ignore: Vec<String>,

    /// List the notes of lint in Markdown, in the page and in SARIF, which count them otherwise
    #[arg(long, help_heading = "Output")]
    pub lint_notes: bool,

    /// Say by which steps the image gets to this size, or this much smaller: 600MB, -60%; the cheapest risk first
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = Target::parse, help_heading = "Rules")]
    pub target: Option<Target>,

    /// Say what the documents say of all images and their layers, with sizes as stored; no layer is read
    #[arg(
        long, help_heading = "Output",
        conflicts_with_all = [
            "second", "profiles", "target", "sarif", "lint_ignore", "compress", "ci", "baseline", "markdown", "html",
        ]
    )]
    pub manifest: bool,

    /// Compress layers that are stored plain, to tell how much a pull moves; a GB takes seconds
    #[arg(long, help_heading = "Output")]
    pub compress: bool,

    /// List directories down to this many levels below the root
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Output")]
    pub depth: usize,

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

    /// The file with the budgets that --ci checks [default: slim.toml, if it is there]
    #[arg(long, value_name = "FILE", requires = "ci", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub budget: Option<PathBuf>,

    /// Report the growth of the image since this earlier analysis, which --json wrote
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub baseline: Option<PathBuf>,
}

impl AnalyzeArgs {
    /// Returns the arguments, or those of `slim diff` if two images are given.
    pub fn meant(mut self) -> Result<Self, Box<DiffArgs>> {
        match self.second.take() {
            None => Ok(self),
            Some(second) => Err(Box::new(two(self, second))),
        }
    }
}

fn two(args: AnalyzeArgs, after: String) -> DiffArgs {
    let AnalyzeArgs { image, output, depth, .. } = args;
    DiffArgs { before: image.name().to_owned(), after, output, depth, exit_code: false, reading: image.reading }
}
