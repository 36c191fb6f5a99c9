//! What an analysis is made from, and what it is.

use super::breakdown::Breakdown;
use super::dive::Metric;
use super::gate::Verdict;
use super::grown::Growth;
use super::lint;
use super::savings::Saving;
use super::waste::Wasted;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::source::{Image, Input};
use crate::tree::merge::Merged;
use serde::Serialize;

/// What an analysis is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What the config says.
    pub facts: &'a ImageFacts,
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The layers on top of each other.
    pub merged: &'a Merged,
    /// The instruction that made each layer, as the history has it but for secrets ([`shown`](super::shown)); none where there
    /// is no entry.
    pub instructions: &'a [Option<String>],
    /// How deep directories are told apart.
    pub depth: usize,
}

/// What is known of the image besides its layers' contents.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// IN as given.
    pub path: String,
    /// Its names.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]`.
    pub platform: String,
    /// The digest of its config: docker's image id.
    pub config: String,
    /// The size of the archive in bytes; none of a directory.
    pub archive_bytes: Option<u64>,
}

impl Head {
    /// What is known of `image`, one of `input`; `path` is how the command line names that.
    #[must_use]
    pub fn new(path: &str, input: &Input, image: &Image) -> Self {
        Self {
            path: path.to_owned(),
            tags: image.tags.clone(),
            platform: image.platform.to_string(),
            config: image.config_digest.to_string(),
            archive_bytes: input.archive_bytes,
        }
    }
}

/// A layer.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// From 1 at the bottom.
    pub index: usize,
    /// `created_by` of its history entry, secrets masked; empty where there is none.
    pub instruction: String,
    /// The digest of its tar.
    pub diff_id: String,
    /// The size of its tar in bytes.
    pub bytes: u64,
    /// Its size as stored, in bytes.
    pub blob_bytes: u64,
    /// What a push or a pull moves of it, in bytes: as stored where that is compressed, else with gzip; none where nobody
    /// measured that.
    pub compressed_bytes: Option<u64>,
    /// Members.
    pub files: u64,
    /// Bytes of its tar that no container sees.
    pub wasted_bytes: u64,
}

/// All that was found out about an image.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// What it is.
    pub head: Head,
    /// Its layers, bottom first.
    pub layers: Vec<Layer>,
    /// How many paths a container sees.
    pub paths: u64,
    /// What dive says.
    pub metric: Metric,
    /// What no container sees.
    pub wasted: Wasted,
    /// What takes the room; none where only the gate was asked for.
    pub breakdown: Option<Breakdown>,
    /// What each profile would save, most first; empty where only the gate was asked for.
    pub savings: Vec<Saving>,
    /// What is wrong with it, most severe first; none where nobody asked.
    pub findings: Option<Vec<lint::Finding>>,
    /// What has changed since `--baseline`.
    pub growth: Option<Growth>,
    /// Whether it passes; none without `--ci`.
    pub verdict: Option<Verdict>,
}

impl Analysis {
    /// The size of all layers as plain tars, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.bytes).sum()
    }

    /// The size of all layers as they are stored, in bytes.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.blob_bytes).sum()
    }

    /// The size of all layers as a push or a pull moves them, in bytes; none where one of them is stored plain and nobody asked.
    #[must_use]
    pub fn compressed_bytes(&self) -> Option<u64> {
        self.layers.iter().map(|l| l.compressed_bytes).sum()
    }
}
