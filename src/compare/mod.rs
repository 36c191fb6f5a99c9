//! `slim compare`: the results of several profiles on one image, side by side. A [`Comparison`] is plain data, in which every
//! renderer ([`text`], [`markdown`], JSON by serde) finds the same figures, under the same names as in the report of a run.

use crate::engine::sweep::SweepReport;
use crate::engine::trial::{Outputs, Trials};
use crate::report::{LayerReport, RuleReport};
use serde::Serialize;

pub mod markdown;
pub mod only;
pub mod page;
mod rows;
pub mod text;

pub use only::{Only, only};

/// The version of the JSON's schema. It goes up when a key changes its meaning or goes; new keys may come without a new
/// version.
pub const SCHEMA_VERSION: u32 = 1;

/// The name of the first column.
pub const AS_IT_IS: &str = "(as it is)";

/// Several profiles on one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of slim.
    pub slim_version: String,
    /// The image.
    pub image: Head,
    /// The bandwidth for which times of a pull are given, in bits per second.
    pub bits_per_second: u64,
    /// The time of the scan, which all profiles share, in seconds.
    pub scan_seconds: f64,
    /// The commands and sweeps that were run, if any.
    pub tried: Option<Tried>,
    /// The image as it is, then one column for each profile and each value that was varied.
    pub columns: Vec<Column>,
}

/// The image that is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The path as the user named it.
    pub path: String,
    /// The image's names.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]`.
    pub platform: String,
    /// The digest of the config.
    pub config: String,
}

/// The settings of the commands and sweeps, which were run in all images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// The engine.
    pub engine: String,
    /// True if lines were run by the image's `sh`.
    pub shell: bool,
    /// The outputs that were compared besides exit codes.
    pub outputs: Outputs,
    /// The number of times that each line was run in each image.
    pub runs: u32,
}

/// The result of one profile, or of several together, on the image.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The profiles as the user named them, and the varied values; [`AS_IT_IS`] for the image as it is.
    pub name: String,
    /// The profiles.
    pub profiles: Vec<String>,
    /// The profiles that a `[[when]]` of these brought.
    pub picked: Vec<String>,
    /// The varied values: `RULE.KEY=VALUE`.
    pub varied: Vec<String>,
    /// Bytes of all layers as plain tars.
    pub uncompressed_bytes: u64,
    /// Bytes that a pull moves if layers are compressed with gzip: as stored if they already are, otherwise as slim compresses
    /// them.
    pub gzip_bytes: Option<u64>,
    /// Bytes that a pull moves if layers are compressed with zstd.
    pub zstd_bytes: Option<u64>,
    /// The seconds of a pull at the bandwidth, with layers compressed with gzip; as stored if that was not measured.
    pub pull_seconds: f64,
    /// The number of paths of the file system that are no directories.
    pub files: u64,
    /// The number of layers.
    pub layers: usize,
    /// The time to plan and to write the image after the scan, in seconds; `None` for the image as it is.
    pub slim_seconds: Option<f64>,
    /// The layers of the input, by index and instruction, with the rest of each.
    pub layer_reports: Vec<LayerReport>,
    /// The bytes that each rule takes, most first.
    pub rules: Vec<RuleReport>,
    /// The paths that none of the other profiles takes; `None` if there is only one.
    pub only: Option<Only>,
    /// The commands, against the image as it is.
    pub trials: Option<Trials>,
    /// The sweeps, against the image as it is.
    pub sweeps: Option<SweepReport>,
}

impl Comparison {
    /// Returns the commands that were run, with the result of each in each column: the image as it is first.
    fn lines(&self) -> Vec<(&str, Vec<&crate::engine::trial::Trial>)> {
        let all: Vec<_> = self.columns.iter().filter_map(|c| c.trials.as_ref()).collect();
        let Some(first) = all.first() else { return Vec::new() };
        let line = |(index, trial): (usize, &'_ crate::engine::trial::Trial)| {
            let line: &str = &first.trials[index].line;
            debug_assert_eq!(line, trial.line);
            (line, all.iter().map(|t| &t.trials[index]).collect())
        };
        first.trials.iter().enumerate().map(line).collect()
    }

    /// Returns every rule that takes anything, with its bytes in each column except the first; most first.
    fn rules(&self) -> Vec<(&str, Vec<Option<u64>>)> {
        let mut ids: Vec<(&str, u64)> = Vec::new();
        for rule in self.columns.iter().flat_map(|c| &c.rules) {
            match ids.iter_mut().find(|(id, _)| *id == rule.id) {
                Some((_, most)) => *most = rule.bytes.max(*most),
                None => ids.push((&rule.id, rule.bytes)),
            }
        }
        ids.sort_by_key(|(id, most)| (std::cmp::Reverse(*most), *id));
        let of = |id: &str| {
            let bytes = |c: &Column| c.rules.iter().find(|r| r.id == id).map(|r| r.bytes);
            self.columns.iter().skip(1).map(bytes).collect()
        };
        ids.into_iter().map(|(id, _)| (id, of(id))).collect()
    }
}

#[cfg(test)]
mod tests;
