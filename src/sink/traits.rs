//! The two traits that a kind of output implements: an archive, a layout directory. Another kind is a file with both and an arm in
//! [`Output::create`](super::Output::create).

use crate::registry::{Attachment, Moved};
use crate::{Digest, Error, ErrorKind, Result, Warning};
use std::io;

/// A kind of output. Nothing of it is visible before [`Sink::publish`]; dropping it without that removes what was written.
pub trait Sink: Send + Sync {
    /// Begins a blob of `size` bytes. Several may be open at once, on several threads; where blobs have an order, it is that of the
    /// calls. Between the beginning and the end of a blob of unknown size, no other is begun.
    ///
    /// # Errors
    /// Returns an error if a blob of unknown size is open, or the output fails.
    fn begin(&self, size: Option<u64>) -> Result<Box<dyn Blob>>;

    /// Returns true if the output has a blob of `size` bytes without it being written: it was there, or is got elsewhere.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    fn adopt(&self, digest: &Digest, size: u64) -> Result<bool> {
        let _ = (digest, size);
        Ok(false)
    }

    /// Writes a document. It comes after the blobs that it names, each document once.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    fn add(&self, document: Document, bytes: &[u8]) -> Result<()>;

    /// Writes and syncs what is left, and returns the size of the output in bytes: after it nothing can go wrong but
    /// [`Sink::publish`].
    ///
    /// # Errors
    /// Returns an error if the output fails.
    fn seal(&self) -> Result<u64>;

    /// Makes everything visible at once, under the name of the output.
    ///
    /// # Errors
    /// Returns an error if the output or its reader fails.
    fn publish(self: Box<Self>) -> Result<()>;

    /// What a registry has once the output is sealed: the digest that its tags will have, and the bytes that moved. `None` for
    /// anything else.
    fn pushed(&self) -> Option<(Digest, Moved)> {
        None
    }

    /// Warnings about the way to the output.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Attaches a document to the sealed image.
    ///
    /// # Errors
    /// Returns an error if this kind of output has no place for it, or does not take it.
    fn attach(&self, attachment: &Attachment<'_>) -> Result<()> {
        let _ = attachment;
        let error = Error::new(ErrorKind::Usage, "only an image in a registry can have something attached to it");
        Err(error.hint("-o docker://HOST/REPO:TAG"))
    }
}

/// A blob that is being written. Dropping it abandons it.
pub trait Blob: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends the blob and names it by its digest. If it is not `new`, the output has a blob of this digest, and this copy may go.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    fn end(self: Box<Self>, digest: &Digest, new: bool) -> Result<()>;
}

/// The path of a blob in an archive or a directory.
pub fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// A document of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The config of an image, by its digest.
    Config(Digest),
    /// An image manifest or an index below the root, by its digest.
    Manifest(Digest),
    /// The index at the root, which has the tags: `index.json`.
    Index,
    /// `oci-layout`.
    Layout,
    /// Docker's `manifest.json`, in a hybrid archive.
    DockerManifest,
}

impl Document {
    /// The digest of a document that is a blob.
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::Config(digest) | Self::Manifest(digest) => Some(*digest),
            Self::Index | Self::Layout | Self::DockerManifest => None,
        }
    }

    /// The path of the document in an archive or a directory.
    pub fn path(&self) -> String {
        match self {
            Self::Config(digest) | Self::Manifest(digest) => blob_path(digest),
            Self::Index => "index.json".to_owned(),
            Self::Layout => "oci-layout".to_owned(),
            Self::DockerManifest => "manifest.json".to_owned(),
        }
    }
}
