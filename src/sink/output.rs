//! The output while it is written: slots for blobs, then the documents.

use super::{Documents, Target};
use crate::source::{Form, Input};
use crate::{Digest, Error, Result};
use std::io::{self, Write};

/// An output being written. Dropping it without [`Output::finish`] removes what was written.
pub struct Output {
    form: Form,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finished {
    /// The size of the archive, or of all files of the directory.
    pub archive_bytes: u64,
    /// What was written, as the user gave it.
    pub name: String,
}

/// A place for one blob.
pub struct Slot {}

impl Output {
    /// Creates the temporary. `form` is the input's form: the target's prefix may ask for another.
    ///
    /// # Errors
    /// Where the target is of the wrong kind, or the temporary cannot be made.
    pub fn create(target: &Target, form: Form) -> Result<Self> {
        let _ = (target, form);
        todo!()
    }

    /// The form that is written.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// A place for a blob of `size` bytes: several may be open at once, on several threads; in an archive they lie in
    /// the order of the calls. Without a size only one at a time, at the end.
    ///
    /// # Errors
    /// Where another slot without a size is open, or the file system fails.
    pub fn slot(&self, size: Option<u64>) -> Result<Slot> {
        let _ = size;
        todo!()
    }

    /// Ends the blob in `slot` and names it. A digest that is there already is not stored twice.
    ///
    /// # Errors
    /// Where fewer bytes were written than the slot's size, or the file system fails.
    pub fn commit(&self, slot: Slot, digest: Digest) -> Result<()> {
        let _ = (slot, digest);
        todo!()
    }

    /// Copies the blobs of the input that pass as they are, and verifies them.
    ///
    /// # Errors
    /// Where one does not have its digest, or the file system fails.
    pub fn copy_raw(&self, input: &Input, documents: &Documents) -> Result<()> {
        let _ = (input, documents);
        todo!()
    }

    /// Writes the documents, syncs, and gives the output its name.
    ///
    /// # Errors
    /// Where the file system fails; nothing of the output is left then.
    pub fn finish(self, documents: &Documents) -> Result<Finished> {
        let _ = documents;
        todo!()
    }

    /// Removes what was written. So does dropping it.
    pub fn abandon(self) {}
}

impl Write for Slot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = bytes;
        todo!()
    }

    fn flush(&mut self) -> io::Result<()> {
        todo!()
    }
}

/// Whether `error` is that the reader of standard output went away.
#[must_use]
pub fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.cause.as_ref().and_then(|c| c.downcast_ref::<io::Error>());
    cause.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
