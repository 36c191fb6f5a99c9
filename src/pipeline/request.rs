//! A request: everything that an output depends on, beside the image itself.

use crate::Digest;
use crate::codec::Compression;
use crate::profile::Override;
use crate::registry::Options as RegistryOptions;

/// The treatment of the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayersMode {
    /// All layers in their order, each without what goes.
    #[default]
    Keep,
    /// One layer.
    Squash,
}

impl LayersMode {
    /// Returns the word on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Squash => "squash",
        }
    }
}

/// The layers that stay byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// This number of layers from the bottom.
    Count(usize),
    /// All up to the one with this diff_id or chain id.
    Digest(Digest),
}

/// A compression of layers, with the level if one is given.
pub type Encoding = (Compression, Option<u32>);

/// What to take of images, and how to reach them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The one platform to take, `OS/ARCH[/VARIANT]`; `None` for all.
    pub platform: Option<String>,
    /// The options of registries, for the output too.
    pub registry: RegistryOptions,
}

/// A request to slim an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The image, as the command line names it: `app.tar`, `oci:DIR:REF`, `-` for standard input.
    pub input: String,
    /// The place of the new image, named likewise; `None` if nothing is to be written.
    pub output: Option<String>,
    /// Names of profiles and paths of profile files, in order; at least one.
    pub profiles: Vec<String>,
    /// Ids of opt-in rules to turn on.
    pub enable: Vec<String>,
    /// Patterns of further paths to drop.
    pub drop: Vec<String>,
    /// Patterns of paths never to drop.
    pub protect: Vec<String>,
    /// True if a pattern of `drop` or `protect` may match no path.
    pub allow_idle: bool,
    /// Values that replace those in the rules' profiles.
    pub overrides: Vec<Override>,
    /// The command that runs the image's own Python, as words.
    pub run_with: Option<Vec<String>>,
    /// The treatment of the layers.
    pub layers: LayersMode,
    /// The layers that stay byte for byte.
    pub base: Option<Base>,
    /// The compression of layers; `None` for that of the input.
    pub compression: Option<Encoding>,
    /// Names of the output; empty for the input's.
    pub tags: Vec<String>,
    /// Labels to set, in order.
    pub labels: Vec<(String, String)>,
    /// True to write a record of the run into the image's labels.
    pub record: bool,
    /// What to take of the image, and how to reach it.
    pub reading: Reading,
    /// The time for `created`, in seconds since 1970; `None` for the input's.
    pub created: Option<i64>,
    /// True to list every path that goes.
    pub list_removed: bool,
    /// Notes for the report, about what the user left open.
    pub notes: Vec<String>,
    /// True if the report states the time of each phase.
    pub timings: bool,
}
