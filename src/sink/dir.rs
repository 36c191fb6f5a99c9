//! A layout directory being written: a temporary directory beside the output, renamed at the end.

use super::temp::{Temp, parent, sync_dir};
use super::traits::{Blob, Document, Sink};
use crate::{Digest, Error, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A layout directory being written.
pub struct Dir {
    temp: Temp,
    /// The path that it gets at the end.
    path: PathBuf,
    /// The number of the next blob's file.
    next: AtomicU64,
    /// The size of all whole files, in bytes.
    bytes: Arc<AtomicU64>,
}

/// A blob being written, in a file without its name yet.
struct Unnamed {
    file: File,
    path: PathBuf,
    written: u64,
    /// The sum of the directory.
    bytes: Arc<AtomicU64>,
}

impl Dir {
    /// Begins a layout that gets the name `path`.
    pub fn new(path: PathBuf) -> Result<Self> {
        let temp = Temp::dir(&path)?;
        fs::create_dir_all(temp.path().join("blobs/sha256")).map_err(|e| failed("cannot make", temp.path(), e))?;
        Ok(Self { temp, path, next: AtomicU64::new(0), bytes: Arc::default() })
    }
}

impl Sink for Dir {
    fn begin(&self, _: Option<u64>) -> Result<Box<dyn Blob>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.temp.path().join(format!("blobs/sha256/.blob-{number}"));
        let file = File::create_new(&path).map_err(|e| failed("cannot make", &path, e))?;
        Ok(Box::new(Unnamed { file, path, written: 0, bytes: Arc::clone(&self.bytes) }))
    }

    fn add(&self, document: Document, bytes: &[u8]) -> Result<()> {
        let path = self.temp.path().join(document.path());
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| failed("cannot write", &path, e))?;
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn seal(&self) -> Result<u64> {
        let root = self.temp.path();
        for dir in [root.join("blobs/sha256"), root.join("blobs"), root.to_owned()] {
            sync_dir(&dir)?;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }

    fn publish(self: Box<Self>) -> Result<()> {
        self.temp.rename(&self.path).map_err(|e| {
            let mount = self.path.is_dir();
            if mount { e.hint("where it is a mount point, name a new directory below it") } else { e }
        })?;
        sync_dir(parent(&self.path))
    }
}

impl Blob for Unnamed {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn end(self: Box<Self>, digest: &Digest, new: bool) -> Result<()> {
        if !new {
            return fs::remove_file(&self.path).map_err(|e| failed("cannot remove", &self.path, e));
        }
        self.file.sync_all().map_err(|e| failed("cannot write", &self.path, e))?;
        self.bytes.fetch_add(self.written, Ordering::Relaxed);
        let named = self.path.with_file_name(digest.hex());
        fs::rename(&self.path, named).map_err(|e| failed("cannot rename", &self.path, e))
    }
}

fn failed(what: &str, path: &Path, cause: io::Error) -> Error {
    Error::io(format!("{what} {}", path.display()), cause)
}
