//! The one temporary file in which new contents wait to be written.

use crate::packages::Sums;
use crate::{Error, Result};
use sha2::Digest as _;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

/// The number of bytes that are copied at a time.
const CHUNK: usize = 1 << 18;

/// A file without a name, made once something is put into it. Threads add to it one at a time.
#[derive(Debug, Default)]
pub struct Spool(Mutex<Option<(File, u64)>>);

impl Spool {
    /// Adds a content; returns its range in the file and its checksums.
    ///
    /// # Errors
    /// Returns the errors of the reader and of the file.
    pub fn add(&self, mut reader: impl Read) -> Result<(Range<u64>, Sums)> {
        let failed = |e| Error::io("cannot write a temporary file", e);
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = match slot.take() {
            Some(open) => slot.insert(open),
            None => slot.insert((tempfile::tempfile().map_err(failed)?, 0)),
        };
        let (mut sha256, mut md5, mut sha1) = (sha2::Sha256::new(), md5::Md5::new(), sha1::Sha1::new());
        let start = *end;
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            let bytes = &buffer[..n];
            file.write_all_at(bytes, *end).map_err(failed)?;
            *end += n as u64;
            sha256.update(bytes);
            md5.update(bytes);
            sha1.update(bytes);
        }
        let legacy = Some((md5.finalize().into(), sha1.finalize().into()));
        Ok((start..*end, Sums { sha256: sha256.finalize().into(), legacy }))
    }

    /// Returns the file to read from; `None` if nothing was added.
    ///
    /// # Errors
    /// Returns an error if the system has no more file descriptors.
    pub fn file(&self) -> Result<Option<File>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = slot.as_ref().map(|(file, _)| file.try_clone()).transpose();
        copy.map_err(|e| Error::io("cannot read a temporary file", e))
    }
}
