//! The output while it is written: blobs, then the documents that name them, whatever kind of output it is.

use super::archive::Archive;
use super::dir::Dir;
use super::registry::Registry;
use super::target::Destination;
use super::traits::{Blob, Document, Sink};
use super::{Documents, Target};
use crate::digest::Hashing;
use crate::registry::{Attachment, Moved, Options};
use crate::source::{ImageFormat, Input};
use crate::{Digest, Error, ErrorKind, Result, Warning};
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The size in bytes up to which small writes are gathered.
const BUFFER: usize = 128 << 10;

/// An output being written. Dropping it without [`Output::seal`] removes what was written.
pub struct Output {
    name: Arc<str>,
    form: ImageFormat,
    sink: Box<dyn Sink>,
    /// The blobs that are there.
    blobs: Mutex<HashSet<Digest>>,
    /// The number of blobs that were begun and not committed.
    open: AtomicUsize,
}

/// The size and name of an output.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finished {
    /// The size of the archive, or of all files of the directory, in bytes.
    pub archive_bytes: u64,
    /// The path as the user gave it, or `standard output`.
    pub name: String,
}

/// A blob that is being written to an [`Output`]. What is written is buffered until it is committed.
pub struct BlobWriter {
    /// The output's name, for messages.
    name: Arc<str>,
    blob: Box<dyn Blob>,
    /// The size that was announced.
    size: Option<u64>,
    /// The bytes that were handed on so far.
    written: u64,
    buffer: Vec<u8>,
}

impl Output {
    /// Creates the temporary. `form` is the input's image format: the target's prefix may ask for another. `from` is the registry
    /// and the repository that the input is in, if it is in one.
    ///
    /// # Errors
    /// Returns an error if the target is of the wrong kind, or the temporary cannot be made.
    pub fn create(target: &Target, form: ImageFormat, from: Option<(&str, &str)>) -> Result<Self> {
        let name: Arc<str> = target.to_string().into();
        let sink = sink(target.destination(form)?, target.options(), from).map_err(|e| e.archive(&name))?;
        Ok(Self { name, form: target.form(form), sink, blobs: Mutex::default(), open: AtomicUsize::new(0) })
    }

    /// The image format that is written.
    #[must_use]
    pub const fn form(&self) -> ImageFormat {
        self.form
    }

    fn blobs(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a blob of `size` bytes: several may be open at once, on several threads; in an archive they lie in the order
    /// of the calls. Without a size only one at a time, at the end.
    ///
    /// # Errors
    /// Returns an error if a blob without a size is open, or the file system fails.
    pub fn begin(&self, size: Option<u64>) -> Result<BlobWriter> {
        let blob = self.sink.begin(size).map_err(|e| e.archive(&self.name))?;
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(BlobWriter { name: Arc::clone(&self.name), blob, size, written: 0, buffer: Vec::new() })
    }

    /// Ends a blob and names it. A digest that is there already is not stored twice, but for an archive's blob of known size,
    /// whose room is taken.
    ///
    /// # Errors
    /// Returns an error if fewer bytes were written than announced, or the file system fails.
    pub fn commit(&self, writer: BlobWriter, digest: Digest) -> Result<()> {
        self.end(writer, digest).map_err(|e| e.archive(&self.name))?;
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    fn end(&self, mut writer: BlobWriter, digest: Digest) -> Result<()> {
        writer.flush().map_err(Error::from)?;
        if let Some(size) = writer.size.filter(|&size| size != writer.written) {
            let error = Error::new(ErrorKind::Io, format!("blob {digest} has another size than was announced"));
            return Err(error.expected(format!("{size} bytes"), format!("{} bytes", writer.written)));
        }
        let new = self.blobs().insert(digest);
        writer.blob.end(&digest, new)
    }

    /// Returns true if a blob of this digest was committed.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.blobs().contains(digest)
    }

    /// Returns true if the output has a blob of `size` bytes without it being written.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    pub fn adopt(&self, digest: &Digest, size: u64) -> Result<bool> {
        let has = self.has(digest) || self.sink.adopt(digest, size).map_err(|e| e.archive(&self.name))?;
        if has {
            self.blobs().insert(*digest);
        }
        Ok(has)
    }

    /// Copies the blobs of the input that pass as they are, and verifies them.
    ///
    /// # Errors
    /// Returns an error if one does not have its digest, or the file system fails.
    pub fn copy_raw(&self, input: &Input, documents: &Documents) -> Result<()> {
        for (digest, blob) in &documents.copies {
            if self.has(digest) {
                continue;
            }
            let mut from = Hashing::new(input.open_blob(blob)?);
            let mut writer = self.begin(Some(blob.size()))?;
            io::copy(&mut from, &mut writer)?;
            let (_, found, _) = from.finish();
            if found != *digest {
                let error = Error::new(ErrorKind::Digest, "wrong digest").archive(&input.name);
                return Err(error.member(format!("blobs/sha256/{}", digest.hex()).as_bytes()).expected(digest, found));
            }
            self.commit(writer, *digest)?;
        }
        Ok(())
    }

    /// Writes the documents and syncs: all that can go wrong but for giving the output its name.
    ///
    /// # Errors
    /// Returns an error if a blob is missing that the documents name, or the file system fails; nothing of the output is left then.
    pub fn seal(self, documents: &Documents) -> Result<Sealed> {
        let archive_bytes = self.add_documents(documents).map_err(|e| e.archive(&self.name))?;
        Ok(Sealed { finished: Finished { archive_bytes, name: self.name.to_string() }, sink: self.sink })
    }

    fn add_documents(&self, documents: &Documents) -> Result<u64> {
        let named = documents.layers.iter().chain(documents.copies.iter().map(|(digest, _)| digest));
        if let Some(missing) = named.into_iter().find(|digest| !self.has(digest)) {
            return Err(Error::new(ErrorKind::Io, format!("blob {missing} was not written")));
        }
        if self.open.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(ErrorKind::Io, "a blob was begun and not ended"));
        }
        for (document, bytes) in &documents.blobs {
            if document.digest().is_none_or(|digest| self.blobs().insert(digest)) {
                self.sink.add(*document, bytes)?;
            }
        }
        self.sink.add(Document::Index, &documents.index_json)?;
        self.sink.add(Document::Layout, &documents.oci_layout)?;
        if let Some(manifest) = &documents.manifest_json {
            self.sink.add(Document::DockerManifest, manifest)?;
        }
        self.sink.seal()
    }
}

/// An output that is whole but has no name yet. Dropping it removes what was written.
#[must_use]
pub struct Sealed {
    finished: Finished,
    sink: Box<dyn Sink>,
}

impl Sealed {
    /// The size and name of the output.
    #[must_use]
    pub const fn finished(&self) -> &Finished {
        &self.finished
    }

    /// The digest that the tags of a registry will have, and the bytes that moved to it; `None` for anything else.
    #[must_use]
    pub fn pushed(&self) -> Option<(Digest, Moved)> {
        self.sink.pushed()
    }

    /// Warnings about the way to the output.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.sink.warnings()
    }

    /// Attaches a document to an image in a registry.
    ///
    /// # Errors
    /// Returns an error if the output is none, or the registry does not take it.
    pub fn attach(&self, attachment: &Attachment<'_>) -> Result<()> {
        self.sink.attach(attachment).map_err(|e| e.archive(&self.finished.name))
    }

    /// Gives the output its name, or copies it to the pipe or device that it is for.
    ///
    /// # Errors
    /// Returns an error if the file system or the reader fails.
    pub fn publish(self) -> Result<()> {
        self.sink.publish().map_err(|e| e.archive(&self.finished.name))
    }
}

/// The sink of each kind of destination.
fn sink(destination: Destination, options: &Options, from: Option<(&str, &str)>) -> Result<Box<dyn Sink>> {
    Ok(match destination {
        Destination::Copied(goal) => Box::new(Archive::copied(goal)?),
        Destination::File(path) => Box::new(Archive::file(path)?),
        Destination::Dir(path) => Box::new(Dir::new(path)?),
        Destination::Registry(name) => Box::new(Registry::new(&name, options, from)?),
        Destination::Store(stored) => Box::new(Archive::loaded(stored)?),
    })
}

impl BlobWriter {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let failed = |e| io::Error::from(Error::io("cannot write the output", e).archive(&self.name));
        self.blob.put(bytes).map_err(failed)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let total = self.written.saturating_add((self.buffer.len() + bytes.len()) as u64);
        if let Some(size) = self.size.filter(|&size| size < total) {
            let error = Error::new(ErrorKind::Io, "blob is larger than was announced");
            return Err(error.expected(format!("{size} bytes"), format!("{total} bytes or more")).into());
        }
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            self.put(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        self.put(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }
}
