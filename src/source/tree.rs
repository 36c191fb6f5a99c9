//! The documents round the images, as they were read: the tree of indexes and docker's `manifest.json`. The sink writes
//! them back with as few edits as can be.

use super::BlobRef;
use crate::Digest;
use crate::image::{Descriptor, Doc, Platform};

/// The documents of an input.
#[derive(Debug, Default)]
pub struct Trees {
    /// The OCI part.
    pub oci: Option<OciTree>,
    /// Docker's `manifest.json`.
    pub docker: Option<DockerTree>,
}

/// `index.json` and what it leads to. Nodes are unique by digest.
#[derive(Debug)]
pub struct OciTree {
    /// `index.json`.
    pub root: Doc,
    /// `oci-layout`, as it is.
    pub layout: Option<Doc>,
    /// The descriptors of the root's `manifests`, in order.
    pub edges: Vec<Edge>,
    /// All nodes; a node comes after its children.
    pub nodes: Vec<Node>,
    /// The platforms of images that were not read, because another platform is wanted.
    pub skipped: Vec<Platform>,
}

impl OciTree {
    /// The types of the artifacts, each once, in order.
    pub fn artifacts(&self) -> Vec<&str> {
        let mut types: Vec<&str> = Vec::new();
        for node in &self.nodes {
            if let NodeKind::Artifact { what, .. } = &node.kind
                && !types.contains(&what.as_str())
            {
                types.push(what);
            }
        }
        types
    }
}

/// One descriptor of an index.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The descriptor.
    pub descriptor: Descriptor,
    /// The position of the node in [`OciTree::nodes`].
    pub node: usize,
    /// The digest of the manifest that an attestation, a signature or another referrer is about.
    pub refers: Option<Digest>,
    /// True if it belongs to the selection (`:REF`).
    pub selected: bool,
}

/// A document that a descriptor points to.
#[derive(Debug)]
pub struct Node {
    /// The digest of the document.
    pub digest: Digest,
    /// The digest of its `subject`.
    pub subject: Option<Digest>,
    /// The kind of the document.
    pub kind: NodeKind,
}

/// The kinds of nodes.
#[derive(Debug)]
pub enum NodeKind {
    /// An index.
    Index {
        /// The document.
        doc: Doc,
        /// The descriptors of its `manifests`, in order.
        edges: Vec<Edge>,
    },
    /// An image, by its position in `Input::images`; `None` if it is not selected.
    Image(Option<usize>),
    /// A document that is not in the input.
    Absent,
    /// An artifact, which is passed on as it is, with all blobs it names that are there.
    Artifact {
        /// The media type that says what kind of artifact it is.
        what: String,
        /// The blobs, the manifest first.
        raw: Vec<Raw>,
        /// The digests that the documents of the artifact name.
        named: Vec<Digest>,
    },
}

/// A blob to be copied as it is.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The digest of the blob.
    pub digest: Digest,
    /// The place of the bytes.
    pub blob: BlobRef,
}

/// Docker's `manifest.json`.
#[derive(Debug)]
pub struct DockerTree {
    /// The document.
    pub doc: Doc,
    /// Per entry its image, by its position in `Input::images`; `None` if it is not selected.
    pub images: Vec<Option<usize>>,
}
