//! A layout directory as a source. Symlinks count as long as they stay in it.

use super::format::ImageFormat;
use super::traits::{BlobRef, Source, Spot, Stamp, changed, foreign, listed, stamp};
use crate::{Error, ErrorKind, Result, path};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A layout directory.
pub struct Dir {
    /// The path without symlinks in it.
    root: PathBuf,
    /// The files that were found so far.
    stamps: Mutex<HashMap<String, Stamp>>,
}

impl Dir {
    /// The layout at `dir`.
    ///
    /// # Errors
    /// Returns an error if it cannot be reached.
    pub fn new(dir: &Path) -> Result<Self> {
        let root = dir.canonicalize().map_err(|e| Error::io("cannot open", e))?;
        Ok(Self { root, stamps: Mutex::default() })
    }

    /// The size in bytes of the file at `name`, unless it leads out of the layout or is no regular file.
    fn check(&self, name: &str) -> Result<Option<u64>> {
        let error = |what: &str| Error::new(ErrorKind::Archive, what).member(name.as_bytes());
        if path::components(name.as_bytes()).any(|p| p == b"..") || name.starts_with('/') {
            return Err(error("path leads out of the layout"));
        }
        let real = match self.root.join(name).canonicalize() {
            Ok(real) => real,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(error("cannot open").cause(e)),
        };
        if !real.starts_with(&self.root) {
            let hint = format!("copy the layout with its links followed: `cp -RL {} NEW`", self.root.display());
            return Err(error("symlink leads out of the layout").hint(hint));
        }
        let metadata = real.metadata().map_err(|e| error("cannot open").cause(e))?;
        if !metadata.is_file() {
            return Err(error("not a regular file"));
        }
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.entry(name.to_owned()).or_insert_with(|| stamp(&metadata));
        Ok(Some(metadata.len()))
    }
}

impl Source for Dir {
    fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        Ok(self.check(name)?.map(|size| BlobRef::new(Spot::Name(name.to_owned()), size)))
    }

    fn open(&self, spot: &Spot, size: u64, skip: u64) -> Result<Box<dyn Read + Send>> {
        let Spot::Name(name) = spot else { return Err(foreign()) };
        let failed = |e| Error::io("cannot open", e).member(name.as_bytes());
        if self.check(name)? != Some(size) {
            return Err(changed(name));
        }
        let mut file = File::open(self.root.join(name)).map_err(failed)?;
        file.seek(SeekFrom::Start(skip)).map_err(failed)?;
        Ok(Box::new(file.take(size.saturating_sub(skip))))
    }

    fn top(&self) -> Vec<String> {
        let Ok(list) = self.root.read_dir() else { return Vec::new() };
        listed(list.flatten().take(10_000).map(|e| e.file_name().to_string_lossy().into_owned()).collect())
    }

    fn unchanged(&self) -> Result<()> {
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, then) in stamps.iter() {
            let now = self.root.join(name).metadata().map_err(|e| changed(name).cause(e))?;
            if stamp(&now) != *then {
                return Err(changed(name));
            }
        }
        Ok(())
    }

    fn form(&self) -> Option<ImageFormat> {
        Some(ImageFormat::OciDir)
    }
}
