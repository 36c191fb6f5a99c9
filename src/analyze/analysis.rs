//! The input of an analysis, and its result.

use super::advice::Advice;
use super::breakdown::Breakdown;
use super::dive::Metric;
use super::gate::Verdict;
use super::grown::Growth;
use super::lint;
use super::savings::Saving;
use super::waste::Wasted;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::profile::Risk;
use crate::source::{Image, Input};
use crate::tree::merge::Merged;
use serde::Serialize;
use std::cmp::Reverse;

/// The input of an analysis.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The facts of the config.
    pub facts: &'a ImageFacts,
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The merged layers.
    pub merged: &'a Merged,
    /// The instruction that made each layer, from the history, with secrets masked ([`shown`](super::shown)); `None` for a
    /// layer without an entry.
    pub instructions: &'a [Option<String>],
    /// The number of levels below the root down to which directories are listed.
    pub depth: usize,
    /// True if comments and pages list the notes of lint, which they count otherwise.
    pub notes: bool,
}

/// The facts about an image besides its layers' contents.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// IN as given.
    pub path: String,
    /// The image's names.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]`.
    pub platform: String,
    /// The digest of the config: docker's image id.
    pub config: String,
    /// The size of the archive in bytes; `None` for a directory.
    pub archive_bytes: Option<u64>,
}

impl Head {
    /// Returns the facts about `image`, one of `input`; `path` is the name of that on the command line.
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
    /// The layer's number, from 1 at the bottom.
    pub index: usize,
    /// `created_by` of the history entry, secrets masked; empty if there is none.
    pub instruction: String,
    /// The digest of the tar.
    pub diff_id: String,
    /// The size of the tar in bytes.
    pub bytes: u64,
    /// The size as stored, in bytes.
    pub blob_bytes: u64,
    /// The bytes that a push or a pull moves of it: the size as stored if that is compressed, otherwise with gzip; `None` if
    /// that was not measured.
    pub compressed_bytes: Option<u64>,
    /// The number of members.
    pub files: u64,
    /// The bytes of the tar that no container sees.
    pub wasted_bytes: u64,
}

/// The result of an analysis.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The image's names, platform and digest.
    pub head: Head,
    /// The layers, bottom first.
    pub layers: Vec<Layer>,
    /// The number of paths that a container sees.
    pub paths: u64,
    /// The metric of dive.
    pub metric: Metric,
    /// The bytes that no container sees.
    pub wasted: Wasted,
    /// The bytes by kind, package and directory; `None` if only the gate was asked for.
    pub breakdown: Option<Breakdown>,
    /// The savings of each profile, the largest first; empty if only the gate was asked for.
    pub savings: Vec<Saving>,
    /// The steps to a size; `None` if none is wanted.
    pub advice: Option<Advice>,
    /// The findings of lint, most severe first; `None` if lint was not asked for.
    pub findings: Option<Vec<lint::Finding>>,
    /// The changes since `--baseline`.
    pub growth: Option<Growth>,
    /// The verdict of the gate; `None` without `--ci`.
    pub verdict: Option<Verdict>,
}

impl Analysis {
    /// Returns the savings of the profiles, those with the lowest risk first, and of as much risk those that save most.
    #[must_use]
    pub fn by_risk(&self) -> Vec<&Saving> {
        let mut all: Vec<&Saving> = self.savings.iter().collect();
        all.sort_by_key(|saving| (saving.risk, Reverse(saving.saved_bytes)));
        all
    }

    /// Returns for each risk the profile that saves most, the lowest risk first; without those that save no more than one of a
    /// lower risk.
    #[must_use]
    pub fn levels(&self) -> Vec<&Saving> {
        let mut out: Vec<&Saving> = Vec::new();
        for saving in self.by_risk() {
            if saving.saved_bytes > out.last().map_or(0, |last| last.saved_bytes) {
                out.push(saving);
            }
        }
        out
    }

    /// Returns the savings of the profile to choose first: the one that saves most without opt-in rules. If every profile that
    /// was planned has some, the one that saves most.
    #[must_use]
    pub fn advised(&self) -> Option<&Saving> {
        let safe = self.savings.iter().filter(|saving| saving.risk < Risk::OptIn && saving.saved_bytes > 0);
        let all = self.savings.iter().filter(|saving| saving.saved_bytes > 0);
        safe.max_by_key(|saving| saving.saved_bytes).or_else(|| all.max_by_key(|saving| saving.saved_bytes))
    }

    /// Returns the size of all layers as plain tars, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.bytes).sum()
    }

    /// Returns the size of all layers as they are stored, in bytes.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.layers.iter().map(|l| l.blob_bytes).sum()
    }

    /// Returns the bytes that a push or a pull moves of all layers; `None` if one of them is stored plain and was not measured.
    #[must_use]
    pub fn compressed_bytes(&self) -> Option<u64> {
        self.layers.iter().map(|l| l.compressed_bytes).sum()
    }
}
