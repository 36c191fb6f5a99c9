//! The output while it is written: slots for blobs, then the documents.

use super::archive::Archive;
use super::copy::{self, Goal};
use super::dir::Dir;
use super::target::Destination;
use super::temp::{Temp, parent, sync_dir};
use super::{Documents, Target};
use crate::digest::Hashing;
use crate::source::{ImageFormat, Input};
use crate::tar::BLOCK;
use crate::{Digest, Error, ErrorKind, Result};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Small writes are gathered up to this size.
const BUFFER: usize = 128 << 10;

/// An output being written. Dropping it without [`Output::seal`] removes what was written.
pub struct Output {
    name: Arc<str>,
    form: ImageFormat,
    place: Place,
    /// Slots that were given out and not committed.
    open: AtomicUsize,
}

enum Place {
    /// An archive that becomes a file by renaming it.
    File {
        archive: Archive,
        temp: Temp,
        path: PathBuf,
    },
    /// An archive that is copied when it is whole.
    Copied {
        archive: Archive,
        to: Goal,
    },
    Dir {
        dir: Dir,
        path: PathBuf,
    },
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finished {
    /// The size of the archive, or of all files of the directory.
    pub archive_bytes: u64,
    /// What was written: the path as the user gave it, or `standard output`.
    pub name: String,
}

/// A place for one blob. What is written to it is buffered until it is committed.
pub struct Slot {
    /// The output's name, for messages.
    name: Arc<str>,
    file: Arc<File>,
    /// Where the blob begins in the file.
    start: u64,
    /// The size that was announced.
    size: Option<u64>,
    /// Bytes in the file so far.
    written: u64,
    buffer: Vec<u8>,
    /// The file's path, in a layout directory.
    path: Option<PathBuf>,
}

impl Output {
    /// Creates the temporary. `form` is the input's form: the target's prefix may ask for another.
    ///
    /// # Errors
    /// Where the target is of the wrong kind, or the temporary cannot be made.
    pub fn create(target: &Target, form: ImageFormat) -> Result<Self> {
        let name: Arc<str> = target.to_string().into();
        let place = Place::create(target.destination(form)?).map_err(|e| e.archive(&name))?;
        Ok(Self { name, form: target.form(form), place, open: AtomicUsize::new(0) })
    }

    /// The form that is written.
    #[must_use]
    pub const fn form(&self) -> ImageFormat {
        self.form
    }

    /// A place for a blob of `size` bytes: several may be open at once, on several threads; in an archive they lie in
    /// the order of the calls. Without a size only one at a time, at the end.
    ///
    /// # Errors
    /// Where a slot without a size is open, or the file system fails.
    pub fn slot(&self, size: Option<u64>) -> Result<Slot> {
        let (file, start, path) = match &self.place {
            Place::File { archive, .. } | Place::Copied { archive, .. } => {
                let header = archive.reserve(size).map_err(|e| e.archive(&self.name))?;
                (Arc::clone(archive.file()), header + BLOCK, None)
            }
            Place::Dir { dir, .. } => {
                let (path, file) = dir.open().map_err(|e| e.archive(&self.name))?;
                (file, 0, Some(path))
            }
        };
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Slot { name: Arc::clone(&self.name), file, start, size, written: 0, buffer: Vec::new(), path })
    }

    /// Ends the blob in `slot` and names it. A digest that is there already is not stored twice, but for an archive's slot
    /// of known size, whose room is taken: it becomes a second member of the same name and content.
    ///
    /// # Errors
    /// Where fewer bytes were written than the slot's size, or the file system fails.
    pub fn commit(&self, slot: Slot, digest: Digest) -> Result<()> {
        self.commit_slot(slot, digest).map_err(|e| e.archive(&self.name))?;
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    fn commit_slot(&self, mut slot: Slot, digest: Digest) -> Result<()> {
        slot.flush().map_err(Error::from)?;
        if let Some(size) = slot.size.filter(|&size| size != slot.written) {
            let error = Error::new(ErrorKind::Io, format!("blob {digest} has another size than was announced"));
            return Err(error.expected(format!("{size} bytes"), format!("{} bytes", slot.written)));
        }
        match (&self.place, &slot.path) {
            (Place::Dir { dir, .. }, Some(path)) => dir.commit(path, &slot.file, slot.written, &digest),
            (Place::File { archive, .. } | Place::Copied { archive, .. }, None) => {
                archive.commit(slot.start - BLOCK, slot.written, slot.size.is_none(), digest)
            }
            _ => Err(Error::new(ErrorKind::Usage, "the slot is of another output")),
        }
    }

    /// Whether a blob of this digest was committed.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        match &self.place {
            Place::File { archive, .. } | Place::Copied { archive, .. } => archive.has(digest),
            Place::Dir { dir, .. } => dir.has(digest),
        }
    }

    /// Copies the blobs of the input that pass as they are, and verifies them.
    ///
    /// # Errors
    /// Where one does not have its digest, or the file system fails.
    pub fn copy_raw(&self, input: &Input, documents: &Documents) -> Result<()> {
        for (digest, blob) in &documents.copies {
            if self.has(digest) {
                continue;
            }
            let mut from = Hashing::new(input.open_blob(blob)?);
            let mut slot = self.slot(Some(blob.size()))?;
            io::copy(&mut from, &mut slot)?;
            let (_, found, _) = from.finish();
            if found != *digest {
                let error = Error::new(ErrorKind::Digest, "wrong digest").archive(&input.name);
                return Err(error.member(format!("blobs/sha256/{}", digest.hex()).as_bytes()).expected(digest, found));
            }
            self.commit(slot, *digest)?;
        }
        Ok(())
    }

    /// Writes the documents and syncs: all that can go wrong but for giving the output its name.
    ///
    /// # Errors
    /// Where a blob is missing that the documents name, or the file system fails; nothing of the output is left then.
    pub fn seal(self, documents: &Documents) -> Result<Sealed> {
        let archive_bytes = self.add_documents(documents).map_err(|e| e.archive(&self.name))?;
        Ok(Sealed { finished: Finished { archive_bytes, name: self.name.to_string() }, place: self.place })
    }

    fn add_documents(&self, documents: &Documents) -> Result<u64> {
        let named = documents.layers.iter().chain(documents.copies.iter().map(|(digest, _)| digest));
        if let Some(missing) = named.into_iter().find(|digest| !self.has(digest)) {
            return Err(Error::new(ErrorKind::Io, format!("blob {missing} was not written")));
        }
        if self.open.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(ErrorKind::Io, "a blob was begun and not ended"));
        }
        for (digest, bytes) in &documents.blobs {
            if !self.has(digest) {
                let mut slot = self.slot(Some(bytes.len() as u64))?;
                slot.write_all(bytes)?;
                self.commit(slot, *digest)?;
            }
        }
        let manifest = documents.manifest_json.as_deref().map(|m| ("manifest.json", m));
        let files = [("index.json", documents.index_json.as_slice()), ("oci-layout", &documents.oci_layout)];
        for (name, bytes) in files.into_iter().chain(manifest) {
            match &self.place {
                Place::File { archive, .. } | Place::Copied { archive, .. } => archive.add(name, bytes)?,
                Place::Dir { dir, .. } => dir.add(name, bytes)?,
            }
        }
        self.place.end()
    }
}

/// An output that is whole but has no name yet. Dropping it removes what was written.
#[must_use]
pub struct Sealed {
    finished: Finished,
    place: Place,
}

impl Sealed {
    /// What was written.
    #[must_use]
    pub const fn finished(&self) -> &Finished {
        &self.finished
    }

    /// Gives the output its name, or copies it to the pipe or device that it is for.
    ///
    /// # Errors
    /// Where the file system or the reader fails.
    pub fn publish(self) -> Result<()> {
        self.place.publish().map_err(|e| e.archive(&self.finished.name))
    }
}

impl Place {
    fn create(destination: Destination) -> Result<Self> {
        let unnamed = |to: Goal| {
            let failed = |e| Error::io(format!("no temporary file in {}", std::env::temp_dir().display()), e);
            Ok(Self::Copied { archive: Archive::new(tempfile::tempfile().map_err(failed)?)?, to })
        };
        match destination {
            Destination::Stdout => unnamed(Goal::Stdout),
            Destination::Descriptor(number) => unnamed(Goal::Descriptor(number)),
            Destination::Device(path) => unnamed(Goal::Device(path)),
            Destination::InPlace(path, _) => unnamed(Goal::InPlace(path)),
            Destination::File(path) => {
                let (temp, file) = Temp::file(&path)?;
                Ok(Self::File { archive: Archive::new(file)?, temp, path })
            }
            Destination::Dir(path) => Ok(Self::Dir { dir: Dir::new(&path)?, path }),
        }
    }

    /// Ends and syncs what was written; its size in bytes.
    fn end(&self) -> Result<u64> {
        match self {
            Self::File { archive, .. } => {
                let size = archive.end()?;
                archive.file().sync_all().map_err(|e| Error::io("cannot sync", e))?;
                Ok(size)
            }
            Self::Copied { archive, .. } => archive.end(),
            Self::Dir { dir, .. } => dir.end(),
        }
    }

    fn publish(self) -> Result<()> {
        match self {
            Self::File { temp, path, .. } => {
                temp.rename(&path)?;
                sync_dir(parent(&path))
            }
            Self::Copied { archive, to } => copy::copy_out(archive.file(), &to),
            Self::Dir { dir, path } => {
                dir.rename(&path)?;
                sync_dir(parent(&path))
            }
        }
    }
}

impl Slot {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let failed = |e| io::Error::from(Error::io("cannot write the output", e).archive(&self.name));
        self.file.write_all_at(bytes, self.start + self.written).map_err(failed)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

impl Write for Slot {
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
