//! A file on a page.

use bstr::BString;
use serde::Serialize;

/// What happened to a file between two images.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Nothing.
    Same,
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// Both have it, with different content or metadata.
    Changed,
    /// Both have the same, in different layers.
    Moved,
}

/// A file, or anything else with a path. Of a list of files each field becomes a column, so what all have in common costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The path, without a leading slash.
    pub path: BString,
    /// Its size in bytes; of two images that in the second, none where that has not got it.
    pub size: Option<u64>,
    /// Its size in the first of two images; none where that has not got it, and of one image.
    pub before: Option<u64>,
    /// Where it lies: in [`Page::layers`](super::Page::layers).
    pub layer: Option<u32>,
    /// Where it lies in the first of two images: in [`Page::layers`](super::Page::layers).
    pub before_layer: Option<u32>,
    /// In [`Page::kinds`](super::Page::kinds).
    pub kind: Option<u32>,
    /// In [`Page::packages`](super::Page::packages).
    pub package: Option<u32>,
    /// In [`Page::verdicts`](super::Page::verdicts).
    pub verdict: Option<u32>,
    /// How many bytes the verdict frees.
    pub saved: u64,
    /// What happened to it; none of one image.
    pub change: Option<Change>,
}
