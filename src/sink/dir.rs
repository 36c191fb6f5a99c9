//! A layout directory being written: a temporary directory beside the output, renamed at the end.

use super::temp::{Temp, sync_dir};
use crate::{Digest, Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A layout directory being written.
pub struct Dir {
    temp: Temp,
    /// Numbers the files of open blobs.
    next: AtomicU64,
    bytes: AtomicU64,
}

impl Dir {
    /// Begins a layout beside `output`.
    pub fn new(output: &Path) -> Result<Self> {
        let temp = Temp::dir(output)?;
        fs::create_dir_all(temp.path().join("blobs/sha256")).map_err(|e| failed("cannot make", temp.path(), e))?;
        Ok(Self { temp, next: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.temp.path().join("blobs/sha256").join(digest.hex())
    }

    /// A file for a blob without a name yet.
    pub fn open(&self) -> Result<(PathBuf, Arc<File>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.temp.path().join(format!("blobs/sha256/.slot-{number}"));
        let file = File::create_new(&path).map_err(|e| failed("cannot make", &path, e))?;
        Ok((path, Arc::new(file)))
    }

    /// Names the blob in the file at `path`.
    pub fn commit(&self, path: &Path, file: &File, size: u64, digest: &Digest) -> Result<()> {
        if self.has(digest) {
            return fs::remove_file(path).map_err(|e| failed("cannot remove", path, e));
        }
        file.sync_all().map_err(|e| failed("cannot write", path, e))?;
        self.bytes.fetch_add(size, Ordering::Relaxed);
        fs::rename(path, self.blob(digest)).map_err(|e| failed("cannot rename", path, e))
    }

    /// Whether the blob is there.
    pub fn has(&self, digest: &Digest) -> bool {
        self.blob(digest).exists()
    }

    /// Adds a whole file.
    pub fn add(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.temp.path().join(name);
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| failed("cannot write", &path, e))?;
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Syncs all; the result is the size of all files.
    pub fn end(&self) -> Result<u64> {
        let root = self.temp.path();
        for dir in [root.join("blobs/sha256"), root.join("blobs"), root.to_owned()] {
            sync_dir(&dir)?;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }

    /// Gives the directory its name.
    pub fn rename(self, output: &Path) -> Result<()> {
        self.temp.rename(output).map_err(|e| {
            let mount = output.is_dir();
            if mount { e.hint("where it is a mount point, name a new directory below it") } else { e }
        })
    }
}

fn failed(what: &str, path: &Path, cause: std::io::Error) -> Error {
    Error::io(format!("{what} {}", path.display()), cause)
}
