//! The options of `slim verify`.

use super::request::RequestArgs;
use super::trial::TrialArgs;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

/// How the command line looks.
pub(super) const USAGE: &str = "slim verify OUT [--against IN [-p PROFILE[,PROFILE...]]] [OPTIONS]";

/// What stands in the place of IN.
pub(super) const OUTPUT: &str = "The image to check, named as IN is: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], \
    oci:DIR[:REF], or - for standard input";

/// `slim verify`: whether an image is what it says, and what it was to become.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// The image, in the place of IN, and how it was made.
    #[command(flatten)]
    pub request: RequestArgs,

    /// The image that OUT was made from: everything in OUT must be as it is there, or with -p as the plan says
    #[arg(long, value_name = "IN", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath, help_heading = "What is checked")]
    pub against: Option<String>,

    /// Print JSON
    #[arg(long, help_heading = "What is shown")]
    pub json: bool,

    /// List every path that is gone
    #[arg(short, long, help_heading = "What is shown")]
    pub verbose: bool,

    /// Print nothing if all is well
    #[arg(short, long, help_heading = "What is shown")]
    pub quiet: bool,

    /// What to run in IN and in OUT.
    #[command(flatten)]
    pub trial: TrialArgs,
}
