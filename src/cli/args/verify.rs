//! The options of `slim verify`.

use super::request::RequestArgs;
use super::trial::TrialArgs;
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;

/// The usage line.
pub(super) const USAGE: &str = "slim verify OUT [--against IN [-p PROFILE[,PROFILE...]]] [OPTIONS]";

/// The help text of OUT, which stands in the place of IN.
pub(super) const OUTPUT: &str = "The image to check, named as IN is: a path, docker-archive:PATH[:REF], oci-archive:PATH[:REF], \
    oci:DIR[:REF], docker://HOST/REPO[:TAG], docker-daemon:REF, podman:REF, containerd:REF, or - for standard input";

/// The help text of the profiles, which have no default here.
pub(super) const PROFILES: &str =
    "The profiles that OUT was made with: built-in names or paths of .toml files; several add up";

/// `slim verify`: checks an image.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// The image in the place of IN, and the options that it was made with.
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

    /// The commands and sweeps to run in IN and in OUT.
    #[command(flatten)]
    pub trial: TrialArgs,
}
