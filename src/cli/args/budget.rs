//! The arguments of `slim analyze` that are about budgets and comments.

use clap::ValueHint;
use std::path::PathBuf;

/// Budgets, and a comment about them.
#[derive(clap::Args, Debug)]
pub struct BudgetArgs {
    /// The file with the budgets that --ci checks [default: slim.toml, if it is there]
    #[arg(long = "budget", value_name = "FILE", requires = "ci", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub file: Option<PathBuf>,

    /// Report the growth of the image since this earlier analysis, which --json wrote
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub baseline: Option<PathBuf>,

    /// Write a comment for a pull request; - or nothing is standard output, instead of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub markdown: Option<PathBuf>,
}
