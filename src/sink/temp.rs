//! Temporaries that have a name, and their end: renamed, or removed on errors and on signals.

use crate::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All temporaries that exist. Creating, renaming and removing hold the lock, so that a signal finds either the
/// temporary or the finished output.
static LIVE: Mutex<Registry> = Mutex::new(Registry { closed: false, paths: Vec::new(), filled: None });

struct Registry {
    /// Set by a signal: nothing may be created any more.
    closed: bool,
    paths: Vec<PathBuf>,
    /// A file that is being written in place.
    filled: Option<PathBuf>,
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
    // Half an image is none.
    let filled = registry.filled.take().and_then(|path| File::options().write(true).open(path).ok());
    let _ = filled.map(|file| file.set_len(0));
}

/// Says which file is being written in place, so that a signal leaves nothing in it; none when it is whole.
///
/// # Errors
/// Returns an error after a signal.
pub fn fill(path: Option<&Path>) -> Result<()> {
    let mut registry = registry();
    if registry.closed {
        return Err(interrupted());
    }
    registry.filled = path.map(Path::to_owned);
    Ok(())
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

/// A temporary file or directory; removed when dropped. Where the file system can, a file has no name before it gets that of the
/// output, so that nothing is left of it whatever ends the process.
#[derive(Debug)]
pub struct Temp {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Named(PathBuf),
    Unnamed(File),
}

impl Temp {
    /// A new file beside `output`, with the mode that any new file gets here.
    pub fn file(output: &Path) -> Result<(Self, File)> {
        let (parent, prefix) = beside(output);
        if registry().closed {
            return Err(interrupted());
        }
        if let Some((file, own)) = unnamed(parent) {
            return Ok((Self { kind: Kind::Unnamed(own) }, file));
        }
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

    fn register<T>(parent: &Path, make: impl FnOnce() -> io::Result<(PathBuf, T)>) -> Result<(Self, T)> {
        let mut registry = registry();
        if registry.closed {
            return Err(interrupted());
        }
        let failed = |e| Error::io(format!("cannot make a temporary in {}", parent.display()), e);
        let (path, value) = make().map_err(failed)?;
        registry.paths.push(path.clone());
        Ok((Self { kind: Kind::Named(path) }, value))
    }

    /// The path; empty for a file without a name.
    pub fn path(&self) -> &Path {
        match &self.kind {
            Kind::Named(path) => path,
            Kind::Unnamed(_) => Path::new(""),
        }
    }

    /// Gives the temporary its name for good.
    pub fn rename(self, to: &Path) -> Result<()> {
        let mut registry = registry();
        let failed = |e| Error::io(format!("cannot rename to {}", to.display()), e);
        match &self.kind {
            Kind::Named(path) => {
                let at = registry.paths.iter().position(|p| p == path).ok_or_else(interrupted)?;
                fs::rename(path, to).map_err(failed)?;
                registry.paths.swap_remove(at);
                Ok(())
            }
            Kind::Unnamed(_) if registry.closed => Err(interrupted()),
            Kind::Unnamed(file) => name(file, to).map_err(failed),
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let Kind::Named(path) = &self.kind else { return };
        let mut registry = registry();
        if let Some(at) = registry.paths.iter().position(|p| p == path) {
            registry.paths.swap_remove(at);
            remove(path);
        }
    }
}

/// A new file without a name in `dir`, twice; none where the file system has no such files, or there is no way to name one.
fn unnamed(dir: &Path) -> Option<(File, File)> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(dir, flags, Mode::from_raw_mode(0o666)).ok()?);
    let (own, by_link) = (file.metadata().ok()?, fs::metadata(link_to(&file)).ok()?);
    let same = (own.dev(), own.ino()) == (by_link.dev(), by_link.ino());
    let again = file.try_clone().ok()?;
    same.then_some((file, again))
}

/// The kernel's own link to an open file: a name of that is a name of the file.
fn link_to(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Gives a file without a name one, in place of what has it.
fn name(mut file: &File, to: &Path) -> io::Result<()> {
    let link = |path: &Path| -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, link_to(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    };
    if link(to).is_ok() {
        return Ok(());
    }
    let (parent, prefix) = beside(to);
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(&prefix).permissions(Permissions::from_mode(0o666));
    let path = match builder.make_in(parent, link) {
        Ok(named) => named.into_temp_path(),
        // A file system that has such files and gives them no names: then a copy has one.
        Err(_) => {
            let mut named = builder.tempfile_in(parent)?;
            file.rewind()?;
            io::copy(&mut file, named.as_file_mut())?;
            named.as_file().sync_all()?;
            named.into_temp_path()
        }
    };
    path.persist(to).map_err(|e| e.error)
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
    use std::io::Write;

    #[test]
    fn a_dropped_temporary_is_gone_and_a_renamed_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("n".repeat(255));
        let names = || fs::read_dir(dir.path()).unwrap().count();
        drop(Temp::file(&out).unwrap());
        let temp = Temp::dir(&out).unwrap();
        assert!(temp.path().is_dir() && temp.path().file_name().unwrap().to_str().unwrap().starts_with(".nnn"));
        drop(temp);
        assert_eq!(names(), 0);
        Temp::file(&out).unwrap().0.rename(&out).unwrap();
        assert!(out.is_file());
        assert_eq!(names(), 1);
    }

    #[test]
    fn a_file_without_a_name_takes_that_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        for text in ["first", "second"] {
            let (mut file, own) = unnamed(dir.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert!(fs::read_dir(dir.path()).unwrap().count() == usize::from(text == "second"));
            name(&own, &out).unwrap();
            assert_eq!(fs::read_to_string(&out).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // A directory is not replaced, and nothing is left.
        let (_, own) = unnamed(dir.path()).unwrap();
        assert!(name(&own, dir.path()).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
