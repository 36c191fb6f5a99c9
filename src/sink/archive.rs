//! An archive being written: members one after the other in one file, with room for each that is known in size before
//! its bytes are, so that several can be written at once. Headers come last: only then the digests are known. The whole archive
//! gets its name by renaming, or is copied to what cannot be replaced so, or is loaded into the store of an engine.

use super::host;
use super::temp::{self, Temp, parent, sync_dir};
use super::traits::{Blob, Document, Sink, blob_path};
use crate::stores::{self, Stored};
use crate::tar::{BLOCK, padded};
use crate::{Digest, Error, ErrorKind, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An archive being written.
pub struct Archive {
    members: Arc<Members>,
    end: End,
    /// The digests of the documents that are blobs: configs, manifests and indexes.
    documents: Mutex<Vec<Digest>>,
}

/// The place that the whole archive goes to.
enum End {
    /// A file, by renaming the temporary.
    File(Temp, PathBuf),
    /// Something that gets a copy.
    Copied(Goal),
    /// The store of an engine, which loads it.
    Loaded(Stored),
}

/// A place that cannot be replaced by renaming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Standard output.
    Stdout,
    /// A descriptor that was open when the program was started.
    Descriptor(RawFd),
    /// A device or pipe, which is never replaced.
    Device(PathBuf),
    /// A file that is written over when all else is done, and the reason why it cannot be replaced.
    InPlace(PathBuf, &'static str),
}

/// The file of the archive, which all members share.
struct Members {
    file: File,
    state: Mutex<State>,
}

struct State {
    /// The offset at which the next member begins.
    tail: u64,
    /// True while a member without a size is open at the tail.
    growing: bool,
}

/// A blob being written as a member.
struct Member {
    members: Arc<Members>,
    /// The offset of the header.
    header: u64,
    /// The bytes of the blob in the file so far.
    written: u64,
    /// True if the size was not known at the beginning.
    growing: bool,
}

impl Archive {
    /// Begins an archive that becomes the file at `path`.
    pub fn file(path: PathBuf) -> Result<Self> {
        let (temp, file) = Temp::file(&path)?;
        Self::new(file, End::File(temp, path))
    }

    /// Begins an archive that is copied to `goal` when it is whole.
    pub fn copied(goal: Goal) -> Result<Self> {
        Self::new(nameless()?, End::Copied(goal))
    }

    /// Begins an archive that an engine loads when it is whole.
    pub fn loaded(stored: Stored) -> Result<Self> {
        Self::new(nameless()?, End::Loaded(stored))
    }

    /// Begins an archive in the empty `file` with the directories of the layout.
    fn new(file: File, end: End) -> Result<Self> {
        let members = Members { file, state: Mutex::new(State { tail: 0, growing: false }) };
        for name in ["blobs/", "blobs/sha256/"] {
            let at = members.reserve(Some(0))?;
            members.write(&header(name, 0, b'5'), at)?;
        }
        Ok(Self { members: Arc::new(members), end, documents: Mutex::default() })
    }
}

impl Sink for Archive {
    fn begin(&self, size: Option<u64>) -> Result<Box<dyn Blob>> {
        let header = self.members.reserve(size)?;
        Ok(Box::new(Member { members: Arc::clone(&self.members), header, written: 0, growing: size.is_none() }))
    }

    fn add(&self, document: Document, bytes: &[u8]) -> Result<()> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).extend(document.digest());
        let at = self.members.reserve(Some(bytes.len() as u64))?;
        self.members.write(&header(&document.path(), bytes.len() as u64, b'0'), at)?;
        self.members.write(bytes, at + BLOCK)
    }

    fn seal(&self) -> Result<u64> {
        // What was never written to is zeros: paddings and the two blocks at the end.
        let size = self.members.state().tail + 2 * BLOCK;
        self.members.file.set_len(size).map_err(|e| Error::io("cannot write", e))?;
        if let End::File(..) = self.end {
            self.members.file.sync_all().map_err(|e| Error::io("cannot sync", e))?;
        }
        Ok(size)
    }

    fn publish(self: Box<Self>) -> Result<()> {
        match self.end {
            End::File(temp, path) => {
                temp.rename(&path)?;
                sync_dir(parent(&path))
            }
            End::Loaded(stored) => {
                let documents = self.documents.into_inner().unwrap_or_else(PoisonError::into_inner);
                stores::load(&stored, &self.members.file, &documents)
            }
            End::Copied(goal) => copy_out(&self.members.file, &goal),
        }
    }
}

impl Blob for Member {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.members.file.write_all_at(bytes, self.header + BLOCK + self.written)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// A blob of unknown size that is there already is taken back. The room of one of known size is taken: it becomes a second
    /// member of the same name and content.
    fn end(self: Box<Self>, digest: &Digest, new: bool) -> Result<()> {
        if self.growing {
            let mut state = self.members.state();
            state.growing = false;
            if !new {
                return self.members.file.set_len(self.header).map_err(|e| Error::io("cannot write", e));
            }
            state.tail = self.header.saturating_add(BLOCK).saturating_add(padded(self.written));
        }
        self.members.write(&header(&blob_path(digest), self.written, b'0'), self.header)
    }
}

impl Members {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.file.write_all_at(bytes, at).map_err(|e| Error::io("cannot write", e))
    }

    /// Makes room for a member and returns the offset of its header.
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
}

/// A temporary file without a name.
fn nameless() -> Result<File> {
    let failed = |e| Error::io(format!("no temporary file in {}", std::env::temp_dir().display()), e);
    tempfile::tempfile().map_err(failed)
}

/// Copies the archive `from`. A file that could not be filled is empty afterwards, for half an image is none.
///
/// # Errors
/// Returns an error if the goal cannot be opened, or its file system or reader fails.
fn copy_out(mut from: &File, goal: &Goal) -> Result<()> {
    let failed = |e| Error::io("cannot write", e);
    let opened = match goal {
        // As a file, the kernel can copy to it.
        Goal::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        Goal::Descriptor(number) => host::open_descriptor(*number),
        Goal::Device(path) | Goal::InPlace(path, _) => OpenOptions::new().write(true).open(path),
    };
    let mut to = opened.map_err(failed)?;
    from.rewind().map_err(failed)?;
    let Goal::InPlace(path, _) = goal else {
        return io::copy(&mut from, &mut to).map(drop).map_err(failed);
    };
    temp::fill(Some(path))?;
    let done = to.set_len(0).and_then(|()| io::copy(&mut from, &mut to)).and_then(|_| to.sync_all());
    if done.is_ok() {
        return temp::fill(None);
    }
    done.map_err(|e| match to.set_len(0) {
        Ok(()) => Error::io("cannot write; the file is empty now", e),
        Err(_) => Error::new(ErrorKind::Io, format!("cannot write; {} holds no whole image", path.display())).cause(e),
    })
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
