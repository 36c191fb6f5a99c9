//! What goes out: images, their layers, and the documents that name them.

use crate::Digest;
use crate::image::{Compression, Doc};
use crate::source::{BlobRef, ImageFormat, Input};

/// One image as it goes out.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// Its position in [`Input::images`].
    pub image: usize,
    /// The new config.
    pub config: Doc,
    /// The new layers, bottom first.
    pub layers: Vec<OutLayer>,
}

/// One layer as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutLayer {
    /// The digest of the blob.
    pub digest: Digest,
    /// The size of the blob.
    pub size: u64,
    /// The digest of the decompressed bytes.
    pub diff_id: Digest,
    /// How the blob is compressed.
    pub compression: Compression,
    /// The input layer that this one is or was made from; `None` for a squashed one. Where the blob is the same, its
    /// descriptor stays as it is; where it is another, its annotations stay but for those that describe the old bytes.
    pub from: Option<usize>,
}

/// All documents of an output.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Configs, manifests and nested indexes.
    pub blobs: Vec<(Digest, Vec<u8>)>,
    /// Blobs of the input that pass as they are (attestations, signatures, other artifacts).
    pub copies: Vec<(Digest, BlobRef)>,
    /// `index.json`.
    pub index_json: Vec<u8>,
    /// `manifest.json`, in a hybrid.
    pub manifest_json: Option<Vec<u8>>,
    /// `oci-layout`.
    pub oci_layout: Vec<u8>,
    /// The layers that the documents name: [`super::Output::seal`] checks that they are there.
    pub layers: Vec<Digest>,
    /// Per [`Rewritten`], in order: the digest of its manifest.
    pub manifests: Vec<Digest>,
}

/// What is to be assembled.
pub struct Assembly<'a> {
    /// The input.
    pub input: &'a Input,
    /// The images, each of [`Input::images`] once.
    pub images: &'a [Rewritten],
    /// New tags in place of the input's; none: the input's stay.
    pub tags: &'a [String],
    /// The form of the output, of `Output::form`.
    pub form: ImageFormat,
}
