//! Temporaries that have a name, and their end: renamed, or removed on errors and on signals.

use crate::{Error, ErrorKind, Result};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All temporaries that exist. Creating, renaming and removing hold the lock, so that a signal finds either the
/// temporary or the finished output.
static LIVE: Mutex<Registry> = Mutex::new(Registry { closed: false, paths: Vec::new() });

struct Registry {
    /// Set by a signal: nothing may be created any more.
    closed: bool,
    paths: Vec<PathBuf>,
}

fn registry() -> MutexGuard<'static, Registry> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all temporaries of outputs that are being written, for a handler of signals that ends the process then: no
/// output can be begun or finished afterwards.
pub fn remove_temporaries() {
    let mut registry = registry();
    registry.closed = true;
    registry.paths.drain(..).for_each(|path| remove(&path));
}

/// Removes a file, or a directory to which other threads may still be adding files.
fn remove(path: &Path) {
    for _ in 0..10 {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        if removed.is_ok() || path.symlink_metadata().is_err() {
            return;
        }
    }
}

/// A temporary file or directory; removed when dropped.
#[derive(Debug)]
pub struct Temp {
    path: PathBuf,
}

impl Temp {
    /// A new file beside `output`, with the mode that any new file gets here.
    pub fn file(output: &Path) -> Result<(Self, File)> {
        let (parent, prefix) = beside(output);
        let make = || {
            let mut builder = tempfile::Builder::new();
            let builder = builder.prefix(&prefix).permissions(Permissions::from_mode(0o666));
            builder.tempfile_in(parent)?.keep().map_err(|e| e.error)
        };
        Self::register(parent, || make().map(|(file, path)| (path, file)))
    }

    /// A new directory beside `output`, with the mode that any new directory gets here.
    pub fn dir(output: &Path) -> Result<Self> {
        let (parent, prefix) = beside(output);
        let make = || {
            let mut builder = tempfile::Builder::new();
            Ok(builder.prefix(&prefix).permissions(Permissions::from_mode(0o777)).tempdir_in(parent)?.keep())
        };
        Self::register(parent, || make().map(|path| (path, ()))).map(|(temp, ())| temp)
    }

    fn register<T>(parent: &Path, make: impl FnOnce() -> std::io::Result<(PathBuf, T)>) -> Result<(Self, T)> {
        let mut registry = registry();
        if registry.closed {
            return Err(interrupted());
        }
        let failed = |e| Error::io(format!("cannot make a temporary in {}", parent.display()), e);
        let (path, value) = make().map_err(failed)?;
        registry.paths.push(path.clone());
        Ok((Self { path }, value))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name for good.
    pub fn rename(self, to: &Path) -> Result<()> {
        let mut registry = registry();
        let Some(at) = registry.paths.iter().position(|p| *p == self.path) else {
            return Err(interrupted());
        };
        fs::rename(&self.path, to).map_err(|e| Error::io(format!("cannot rename to {}", to.display()), e))?;
        registry.paths.swap_remove(at);
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let mut registry = registry();
        if let Some(at) = registry.paths.iter().position(|p| *p == self.path) {
            registry.paths.swap_remove(at);
            remove(&self.path);
        }
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
}

/// The directory of `output`, and `.NAME.slim-`, cut so that the whole stays a legal name.
fn beside(output: &Path) -> (&Path, std::ffi::OsString) {
    use std::os::unix::ffi::OsStrExt;
    let name = output.file_name().unwrap_or_default().as_bytes();
    let name = &name[..name.len().min(200)];
    let prefix = [b".", name, b".slim-"].concat();
    (parent(output), OsStr::from_bytes(&prefix).to_owned())
}

/// The directory that `path` lies in: `.` for a bare name.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Syncs a directory, so that the names in it outlive a crash.
pub fn sync_dir(dir: &Path) -> Result<()> {
    let failed = |e| Error::io(format!("cannot sync {}", dir.display()), e);
    File::open(dir).map_err(failed)?.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_temporary_is_gone_and_a_renamed_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("n".repeat(255));
        let names = || fs::read_dir(dir.path()).unwrap().count();
        let (temp, _) = Temp::file(&out).unwrap();
        assert!(temp.path().file_name().unwrap().to_str().unwrap().starts_with(".nnn"));
        drop(temp);
        drop(Temp::dir(&out).unwrap());
        assert_eq!(names(), 0);
        Temp::file(&out).unwrap().0.rename(&out).unwrap();
        assert!(out.is_file());
        assert_eq!(names(), 1);
    }
}
