//! The content of an output: images, their layers, and the documents that name them.

use super::traits::Document;
use crate::Digest;
use crate::image::{Compression, Doc};
use crate::source::{BlobRef, ImageFormat, Input};

/// One image as it is written.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// The position of the image in [`Input::images`].
    pub image: usize,
    /// The new config.
    pub config: Doc,
    /// The new layers, bottom first.
    pub layers: Vec<OutLayer>,
}

/// One layer as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutLayer {
    /// The digest of the blob.
    pub digest: Digest,
    /// The size of the blob in bytes.
    pub size: u64,
    /// The digest of the decompressed bytes.
    pub diff_id: Digest,
    /// The compression of the blob.
    pub compression: Compression,
    /// The input layer that this one is or was made from; `None` for a squashed one. If the blob is the same, its descriptor
    /// stays as it is; if it is another, its annotations stay except those that describe the old bytes.
    pub from: Option<usize>,
}

/// All documents of an output.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Configs, manifests and nested indexes.
    pub blobs: Vec<(Document, Vec<u8>)>,
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
    /// For each [`Rewritten`], in order: the digest of its manifest.
    pub manifests: Vec<Digest>,
}

/// The input of [`super::assemble`].
pub struct Assembly<'a> {
    /// The input.
    pub input: &'a Input,
    /// The images, each of [`Input::images`] once.
    pub images: &'a [Rewritten],
    /// New tags in place of the input's; none: the input's stay.
    pub tags: &'a [String],
    /// The image format of the output, of `Output::form`.
    pub form: ImageFormat,
}
