//! The documents of the output, made from the input's with as few edits as can be: what does not change keeps its bytes
//! and its digest.

use super::{docker, index, manifest};
use crate::image::{Compression, Doc};
use crate::source::{BlobRef, Form, Input};
use crate::{Digest, Error, ErrorKind, Result, Warning};

const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

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
    pub form: Form,
}

/// Makes the documents of the output. No I/O.
///
/// # Errors
/// [`ErrorKind::Usage`] for wrong tags, or tags on an input with several images.
pub fn assemble(assembly: &Assembly<'_>) -> Result<(Documents, Vec<Warning>)> {
    index::check_tags(assembly.tags, assembly.form)?;
    let mut warnings = Vec::new();
    let mut documents = Documents::default();
    let mut manifests = Vec::new();
    for (i, image) in assembly.input.images.iter().enumerate() {
        let rewritten = assembly.images.iter().find(|r| r.image == i);
        let missing = || Error::new(ErrorKind::Usage, format!("image {i} of the input was not rewritten"));
        let rewritten = rewritten.ok_or_else(missing)?;
        manifests.push(manifest::manifest(image, rewritten, &mut warnings));
    }
    for rewritten in assembly.images {
        let manifest = &manifests[rewritten.image];
        documents.manifests.push(manifest.digest);
        documents.layers.extend(rewritten.layers.iter().map(|l| l.digest));
        documents.blobs.push((rewritten.config.digest(), rewritten.config.raw.clone()));
        documents.blobs.push((manifest.digest, manifest.doc.raw.clone()));
    }
    documents.index_json = index::index_json(assembly, &manifests, &mut documents, &mut warnings)?;
    if assembly.form == Form::Hybrid {
        documents.manifest_json = Some(docker::manifest_json(assembly, &manifests, &mut warnings));
    }
    let layout = assembly.input.trees.oci.as_ref().and_then(|t| t.layout.as_ref());
    documents.oci_layout = layout.map_or_else(|| OCI_LAYOUT.to_vec(), |doc| doc.raw.clone());
    warnings.dedup();
    Ok((documents, warnings))
}
