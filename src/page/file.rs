//! A file on a page.

use bstr::BString;
use serde::Serialize;

/// The change of a file between two images.
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

/// A file, or anything else with a path. In a list of files each field becomes a column, so fields that are equal for all files
/// cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The path, without a leading slash.
    pub path: BString,
    /// The size in bytes; of two images that in the second, `None` if it does not have the file.
    pub size: Option<u64>,
    /// The size in the first of two images, in bytes; `None` if it does not have the file, and for a single image.
    pub before: Option<u64>,
    /// The layer that it is in: an index into [`Page::layers`](super::Page::layers).
    pub layer: Option<u32>,
    /// The layer that it is in in the first of two images: an index into [`Page::layers`](super::Page::layers).
    pub before_layer: Option<u32>,
    /// The kind: an index into [`Page::kinds`](super::Page::kinds).
    pub kind: Option<u32>,
    /// The package: an index into [`Page::packages`](super::Page::packages).
    pub package: Option<u32>,
    /// The verdict: an index into [`Page::verdicts`](super::Page::verdicts).
    pub verdict: Option<u32>,
    /// The number of bytes that the verdict frees.
    pub saved: u64,
    /// The change; `None` for a single image.
    pub change: Option<Change>,
}
