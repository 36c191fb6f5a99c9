//! The files of an image, read a second way: the members of an archive (`outer.rs`), or the files of a directory. A compressed
//! archive or a pipe is put into a temporary file first.

use super::compression;
use super::outer::{self, Member, normal};
use crate::registry::{Found, Options, Remote};
use crate::source::Location;
use crate::stores;
use crate::{Digest, Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The most links in an archive that lead to links in it.
const MAX_LINKS: usize = 10;
/// The size in bytes of the largest document: the largest known configs have some hundred kilobytes.
const MAX_DOCUMENT: u64 = 64 << 20;

/// The files of an archive or a layout directory.
pub struct Store {
    /// The name in findings and errors.
    pub name: String,
    kind: Kind,
}

enum Kind {
    Archive { file: File, filled: Option<File>, members: BTreeMap<String, Member> },
    Dir(PathBuf),
    Registry(Box<Remote>),
}

/// The place of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob {
    path: Option<PathBuf>,
    /// True if they are in the file of those that were sparse.
    filled: bool,
    offset: u64,
    /// The size in bytes.
    pub size: u64,
}

impl Store {
    /// Opens the archive or directory at `location`.
    ///
    /// # Errors
    /// Returns an error if nothing is there, or it is neither a tar archive nor a directory.
    pub fn open(location: &Location, options: &Options) -> Result<Self> {
        let name = location.to_string();
        if let Some(image) = location.registry() {
            let remote = Remote::open(image, options).map_err(|e| e.archive(&name))?;
            return Ok(Self { kind: Kind::Registry(Box::new(remote)), name });
        }
        let kind = match location.path() {
            None => match location.stored() {
                Some(stored) => stores::open(stored, None, options.offline).and_then(spooled),
                None => spooled(io::stdin()),
            }
            .and_then(archive),
            Some(path) if path.is_dir() => Ok(Kind::Dir(path.to_owned())),
            Some(path) => File::open(path).map_err(|e| Error::io("cannot open", e)).and_then(plain),
        };
        Ok(Self { kind: kind.map_err(|e| e.archive(&name))?, name })
    }

    /// Returns the file of that name; links within an archive are followed.
    ///
    /// # Errors
    /// Returns an error if the host does not tell.
    pub fn find(&self, name: &str) -> Result<Option<Blob>> {
        // A document may name anything, but nothing outside of the input is read.
        let Some(name) = normal(name.as_bytes()) else { return Ok(None) };
        match &self.kind {
            Kind::Dir(dir) => {
                let path = dir.join(name);
                let inside = |path: &PathBuf| Some(path.canonicalize().ok()?.starts_with(dir.canonicalize().ok()?));
                if inside(&path) == Some(false) {
                    let error = Error::new(ErrorKind::Archive, "symlink leads out of the layout").archive(&self.name);
                    return Err(error.hint(format!("copy it with its links followed: `cp -RL {} NEW`", dir.display())));
                }
                Ok(path.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| Blob {
                    path: Some(path),
                    filled: false,
                    offset: 0,
                    size: m.len(),
                }))
            }
            Kind::Registry(from) => {
                let size = |found| match found {
                    Found::Document(bytes) => bytes.len() as u64,
                    Found::Blob(size) => size,
                };
                let found = remote(from, &name).map_err(|e| e.archive(&self.name))?.map(size);
                Ok(found.map(|size| Blob { path: Some(name.into()), filled: false, offset: 0, size }))
            }
            Kind::Archive { members, .. } => {
                let mut name = name;
                for _ in 0..MAX_LINKS {
                    let blob = |offset, size, filled| Ok(Some(Blob { path: None, filled, offset, size }));
                    match members.get(&name) {
                        Some(Member::File { offset, size }) => return blob(*offset, *size, false),
                        Some(Member::Filled { offset, size }) => return blob(*offset, *size, true),
                        Some(Member::Link(to)) => name.clone_from(to),
                        None => return Ok(None),
                    }
                }
                Ok(None)
            }
        }
    }

    /// True if it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Dir(_))
    }

    /// True if anything lies below a name.
    #[must_use]
    pub fn has_below(&self, dir: &str) -> bool {
        match &self.kind {
            Kind::Registry(_) => false,
            Kind::Dir(root) => normal(dir.as_bytes()).is_some_and(|dir| root.join(dir).exists()),
            Kind::Archive { members, .. } => {
                let prefix = format!("{dir}/");
                members.range(prefix.clone()..).next().is_some_and(|(name, _)| name.starts_with(&prefix))
            }
        }
    }

    /// Returns the file that has the bytes of `blob`, and their offset in it.
    ///
    /// # Errors
    /// Returns an error if it cannot be opened.
    pub fn file(&self, blob: &Blob) -> Result<(File, u64)> {
        let file = match (&blob.path, &self.kind) {
            (Some(path), Kind::Registry(from)) => {
                let file = remote_file(from, &path.to_string_lossy()).map_err(|e| e.archive(&self.name))?;
                return Ok((file, blob.offset));
            }
            (Some(path), _) => File::open(path),
            (None, Kind::Archive { file, filled, .. }) => {
                filled.as_ref().filter(|_| blob.filled).unwrap_or(file).try_clone()
            }
            (None, Kind::Dir(dir)) => File::open(dir),
            (None, Kind::Registry(_)) => Err(io::ErrorKind::NotFound.into()),
        };
        Ok((file.map_err(|e| Error::io("cannot open", e).archive(&self.name))?, blob.offset))
    }

    /// Returns a reader of the bytes of `blob`.
    ///
    /// # Errors
    /// Returns the errors of [`Store::file`].
    pub fn read(&self, blob: &Blob) -> Result<Slice> {
        let (file, at) = self.file(blob)?;
        Ok(Slice { file, at, end: at.saturating_add(blob.size) })
    }

    /// Returns a document's bytes.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, or is far too large.
    pub fn document(&self, blob: &Blob) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if blob.size > MAX_DOCUMENT {
            return Err(Error::new(ErrorKind::Archive, "a document is far too large").archive(&self.name));
        }
        let read = self.read(blob)?.read_to_end(&mut bytes);
        read.map_err(|e| Error::io("cannot read a document", e).archive(&self.name))?;
        Ok(bytes)
    }
}

/// The file that says that something is a layout.
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The digest of a blob, by its name in a layout.
fn digest_of(name: &str) -> Option<Digest> {
    name.strip_prefix("blobs/sha256/").and_then(Digest::from_hex)
}

/// Finds the file that a layout of an image in a registry would have; `None` if it would not have it.
fn remote(remote: &Remote, name: &str) -> Result<Option<Found>> {
    match (name, digest_of(name)) {
        ("index.json", _) => Ok(Some(Found::Document(remote.index()?))),
        ("oci-layout", _) => Ok(Some(Found::Document(LAYOUT.to_vec()))),
        (_, Some(digest)) => remote.find(&digest),
        (_, None) => Ok(None),
    }
}

/// The bytes of such a file, in a temporary file.
fn remote_file(from: &Remote, name: &str) -> Result<File> {
    let bytes = match (remote(from, name)?, digest_of(name)) {
        (Some(Found::Blob(size)), Some(digest)) => return from.file(&digest, size),
        (Some(Found::Document(bytes)), _) => bytes,
        _ => return Err(Error::io("cannot open", io::ErrorKind::NotFound.into())),
    };
    let written = tempfile::tempfile().and_then(|mut file| file.write_all(&bytes).map(|()| file));
    written.map_err(|e| Error::io("cannot write a temporary file", e))
}

/// A part of a file, read with `pread`.
pub struct Slice {
    file: File,
    at: u64,
    end: u64,
}

impl Read for Slice {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        let n = self.file.read_at(&mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Opens an archive file, which may be compressed as a whole, or no regular file.
fn plain(mut file: File) -> Result<Kind> {
    let regular = file.metadata().map_err(|e| Error::io("cannot open", e))?.is_file();
    let mut head = [0; 10];
    if !regular {
        return archive(spooled(file)?);
    }
    let n = file.read_at(&mut head, 0).map_err(|e| Error::io("cannot read", e))?;
    if !compression::is_packed(&head[..n]) {
        return archive(file);
    }
    file.seek(SeekFrom::Start(0)).map_err(|e| Error::io("cannot read", e))?;
    archive(spooled(file)?)
}

/// Returns a temporary file with the decompressed bytes.
fn spooled(reader: impl Read + Send + 'static) -> Result<File> {
    let failed = |e| Error::io("cannot copy the archive to a temporary file", e);
    let mut file = tempfile::tempfile().map_err(failed)?;
    compression::unpack(Box::new(BufReader::new(reader)), &mut file)?;
    Ok(file)
}

fn archive(file: File) -> Result<Kind> {
    let outer::Members { members, filled } = outer::members(&file)?;
    if members.is_empty() {
        return Err(Error::new(ErrorKind::Archive, "an archive without files, no image"));
    }
    Ok(Kind::Archive { file, filled, members })
}
