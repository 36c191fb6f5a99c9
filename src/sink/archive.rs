//! An archive being written: members one after the other in one file, with room for each that is known in size before
//! its bytes are, so that several can be written at once. Headers come last: only then the digests are known.

use crate::tar::{BLOCK, padded};
use crate::{Digest, Error, ErrorKind, Result};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An archive being written.
pub struct Archive {
    file: Arc<File>,
    state: Mutex<State>,
}

struct State {
    /// Where the next member begins.
    tail: u64,
    /// Whether a member without a size is open at the tail.
    growing: bool,
    /// The blobs that are there.
    blobs: HashSet<Digest>,
}

impl Archive {
    /// Begins an archive in the empty `file` with the directories of the layout.
    pub fn new(file: File) -> Result<Self> {
        let state = State { tail: 0, growing: false, blobs: HashSet::new() };
        let archive = Self { file: Arc::new(file), state: Mutex::new(state) };
        for name in ["blobs/", "blobs/sha256/"] {
            let at = archive.reserve(Some(0))?;
            archive.write(&header(name, 0, b'5'), at)?;
        }
        Ok(archive)
    }

    /// The file.
    pub const fn file(&self) -> &Arc<File> {
        &self.file
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.file.write_all_at(bytes, at).map_err(|e| Error::io("cannot write", e))
    }

    /// Makes room for a member: the result is where its header goes.
    pub fn reserve(&self, size: Option<u64>) -> Result<u64> {
        let mut state = self.state();
        if state.growing {
            return Err(Error::new(ErrorKind::Usage, "a blob of unknown size is still being written"));
        }
        let at = state.tail;
        match size {
            None => state.growing = true,
            // The kernel has signed offsets.
            Some(size) => {
                let end = at.saturating_add(BLOCK).saturating_add(padded(size));
                if end > i64::MAX as u64 {
                    return Err(Error::new(ErrorKind::Io, "the archive would be too large"));
                }
                state.tail = end;
            }
        }
        Ok(at)
    }

    /// Ends the blob whose header is at `at`. One of unknown size that is there already is taken back.
    pub fn commit(&self, at: u64, size: u64, growing: bool, digest: Digest) -> Result<()> {
        let mut state = self.state();
        let new = state.blobs.insert(digest);
        if growing {
            state.growing = false;
            if !new {
                return self.file.set_len(at).map_err(|e| Error::io("cannot write", e));
            }
            state.tail = at.saturating_add(BLOCK).saturating_add(padded(size));
        }
        drop(state);
        self.write(&header(&format!("blobs/sha256/{}", digest.hex()), size, b'0'), at)
    }

    /// Whether the blob is there.
    pub fn has(&self, digest: &Digest) -> bool {
        self.state().blobs.contains(digest)
    }

    /// Adds a whole file.
    pub fn add(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let at = self.reserve(Some(bytes.len() as u64))?;
        self.write(&header(name, bytes.len() as u64, b'0'), at)?;
        self.write(bytes, at + BLOCK)
    }

    /// Writes the end mark; the result is the size of the archive.
    pub fn end(&self) -> Result<u64> {
        // What was never written to is zeros: paddings and the two blocks at the end.
        let size = self.state().tail + 2 * BLOCK;
        self.file.set_len(size).map_err(|e| Error::io("cannot write", e))?;
        Ok(size)
    }
}

/// The header of a regular file of `size` bytes whose `name` has at most 100.
pub(crate) fn tar_header(name: &str, size: u64) -> [u8; BLOCK as usize] {
    header(name, size, b'0')
}

/// A header with nothing in it that depends on the host or the time. `name` has at most 100 bytes.
fn header(name: &str, size: u64, flag: u8) -> [u8; BLOCK as usize] {
    let mut block = [0; BLOCK as usize];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, if flag == b'5' { b"0000755" } else { b"0000644" });
    put(108, b"0000000");
    put(116, b"0000000");
    let octal = format!("{size:011o}");
    if octal.len() == 11 {
        put(124, octal.as_bytes());
        put(257, b"ustar\x0000");
    } else {
        // From 8 GiB on GNU's base-256, which every reader of large archives knows.
        put(124, &[0x80, 0, 0, 0]);
        put(128, &size.to_be_bytes());
        put(257, b"ustar  \0");
    }
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, &[flag]);
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_by_another_implementation() {
        for size in [0, 1, (8 << 30) - 1, 8 << 30, 1 << 50] {
            let block = header("blobs/sha256/x", size, b'0');
            let other = tar::Header::from_byte_slice(&block);
            assert_eq!((other.size().unwrap(), other.mode().unwrap(), other.mtime().unwrap()), (size, 0o644, 0));
            let mut blank = *other.as_bytes();
            blank[148..156].fill(b' ');
            let sum: u32 = blank.iter().map(|&b| u32::from(b)).sum();
            assert_eq!(other.cksum().unwrap(), sum);
        }
    }
}
