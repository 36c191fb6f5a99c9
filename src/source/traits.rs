//! The trait that a kind of source implements, an archive or a layout directory: where documents and blobs lie, and their
//! bytes. Another kind is a file with it and an arm in `open.rs`.

use super::format::ImageFormat;
use crate::image::doc;
use crate::{Digest, Error, ErrorKind, Result, Warning};
use std::fs::Metadata;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A kind of source, opened. It is read from several threads.
pub trait Source: Send + Sync {
    /// Finds the file `name`: `index.json`, `oci-layout`, `manifest.json` or a path that this one names. `None` if there is none.
    ///
    /// # Errors
    /// Returns an error if the name leads out of the source, or to no regular file.
    fn find(&self, name: &str) -> Result<Option<BlobRef>>;

    /// Finds the blob `digest` of a descriptor. `None` if it is not there.
    ///
    /// # Errors
    /// As [`Source::find`].
    fn blob(&self, digest: &Digest) -> Result<Option<BlobRef>> {
        self.find(&format!("blobs/sha256/{}", digest.hex()))
    }

    /// Opens what [`Source::find`] or [`Source::blob`] found, of `size` bytes, from the byte `skip` on, which is at most
    /// `size`. The bytes are not verified.
    ///
    /// # Errors
    /// Returns an error if it cannot be opened any more.
    fn open(&self, spot: &Spot, size: u64, skip: u64) -> Result<Box<dyn Read + Send>>;

    /// Opens what was found for its first `most` bytes alone, which may take less than all of it.
    ///
    /// # Errors
    /// As [`Source::open`].
    fn peek(&self, spot: &Spot, size: u64, most: u64) -> Result<Box<dyn Read + Send>> {
        let _ = most;
        self.open(spot, size, 0)
    }

    /// Says which blobs will be read next, so that what is far away is on its way by then.
    fn fetch(&self, blobs: &[&BlobRef]) {
        let _ = blobs;
    }

    /// Waits until all blobs that are on their way are there, and checks that they are what they should be.
    ///
    /// # Errors
    /// Returns an error if one is not.
    fn arrived(&self) -> Result<()> {
        Ok(())
    }

    /// Lists the names at the top, sorted, for messages about what is no image.
    fn top(&self) -> Vec<String>;

    /// Checks that nothing was written to since it was opened or found.
    ///
    /// # Errors
    /// Returns an error if something was.
    fn unchanged(&self) -> Result<()>;

    /// The size of an archive as given (compressed, if it is), in bytes; `None` for anything else.
    fn archive_bytes(&self) -> Option<u64> {
        None
    }

    /// The image format, where the kind of source alone decides it; `None` for an archive, which is looked into.
    fn form(&self) -> Option<ImageFormat> {
        None
    }

    /// The host of a registry and the repository there, for an image in one.
    fn repository(&self) -> Option<(&str, &str)> {
        None
    }

    /// Lists what refers to the image and is not part of it, for an image in a registry: each by its type.
    fn referrers(&self) -> Vec<String> {
        Vec::new()
    }

    /// The time that blobs took to come from elsewhere, and their bytes.
    fn pulled_in(&self) -> Option<(Duration, u64)> {
        None
    }

    /// Warnings about the way to the source.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}

/// The place and size of a blob. Equal places have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobRef {
    spot: Spot,
    size: u64,
}

/// A place of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spot {
    /// An offset in bytes, in a source that is one file.
    At(u64),
    /// A path or another name, in a source of several files.
    Name(String),
    /// A digest, in a source that knows blobs by it.
    Digest(Digest),
    /// Bytes that a document embeds, in no source.
    Memory(Arc<Vec<u8>>),
}

impl BlobRef {
    /// A blob in a source.
    pub(super) const fn new(spot: Spot, size: u64) -> Self {
        Self { spot, size }
    }

    /// The stored size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The place.
    pub(super) const fn spot(&self) -> &Spot {
        &self.spot
    }

    /// A blob of bytes that a document embeds.
    pub(crate) fn memory(bytes: Vec<u8>) -> Self {
        Self { size: bytes.len() as u64, spot: Spot::Memory(Arc::new(bytes)) }
    }
}

impl dyn Source + '_ {
    /// Opens a blob from the byte `skip` on. The bytes are not verified.
    ///
    /// # Errors
    /// Returns an error if it cannot be opened any more.
    pub fn open_at(&self, blob: &BlobRef, skip: u64) -> Result<Box<dyn Read + Send>> {
        let skip = skip.min(blob.size);
        let Spot::Memory(bytes) = &blob.spot else {
            return self.open(&blob.spot, blob.size, skip);
        };
        let mut cursor = Cursor::new(Bytes(Arc::clone(bytes)));
        cursor.set_position(skip);
        Ok(Box::new(cursor))
    }

    /// The first bytes of a blob, at most 512.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub fn head(&self, blob: &BlobRef) -> Result<Vec<u8>> {
        self.read(blob, 512)
    }

    /// All of a document.
    ///
    /// # Errors
    /// Returns an error if it is too large or cannot be read.
    pub fn document(&self, blob: &BlobRef, name: &str) -> Result<Vec<u8>> {
        if blob.size > doc::MAX_SIZE {
            return Err(doc::too_large(name, blob.size));
        }
        self.read(blob, blob.size).map_err(|e| e.member(name.as_bytes()))
    }

    fn read(&self, blob: &BlobRef, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let reader = match &blob.spot {
            Spot::Memory(_) => self.open_at(blob, 0)?,
            spot => self.peek(spot, blob.size, most)?,
        };
        reader.take(most).read_to_end(&mut bytes).map_err(|e| Error::io("cannot read", e))?;
        Ok(bytes)
    }
}

/// Shared bytes for a `Cursor`.
struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The size and modification time of a file when it was opened.
pub type Stamp = (u64, Option<SystemTime>);

/// The stamp of a file with this metadata.
pub fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

/// The error for a file of a source that somebody wrote to; the name of an archive is told with every error.
pub fn changed(name: &str) -> Error {
    let error = Error::new(ErrorKind::Io, "was changed while it was read");
    if name.is_empty() { error } else { error.member(name.as_bytes()) }
}

/// The error for a blob that another source found.
pub fn foreign() -> Error {
    Error::new(ErrorKind::Usage, "the blob is of another input")
}

/// Names in order, each once, and no empty one.
pub fn listed(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names.retain(|n| !n.is_empty());
    names
}
