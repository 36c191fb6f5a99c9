//! Where blobs lie: slices of one archive file, files of a layout directory, or bytes that a descriptor embeds.

use super::holes::Expanded;
use super::outer::{Entry, Type};
use super::slice::read_slice;
use crate::image::doc;
use crate::tar::Sparse;
use crate::{Digest, Error, ErrorKind, Result, path};
use bstr::BString;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// As many links in a row as the kernel follows.
const MAX_LINKS: u32 = 40;

/// Where the bytes of a blob lie. Equal places have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlobRef(Spot);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Spot {
    /// So many bytes of the archive, stored from an offset on; of a sparse member with its holes.
    Slice { offset: u64, size: u64 },
    /// A file of the layout directory.
    File { path: String, size: u64 },
    /// Bytes that were embedded in a document.
    Memory(Arc<Vec<u8>>),
}

impl BlobRef {
    /// The stored size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.0 {
            Spot::Slice { size, .. } | Spot::File { size, .. } => *size,
            Spot::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Bytes that were embedded in a document.
    pub(crate) fn memory(bytes: Vec<u8>) -> Self {
        Self(Spot::Memory(Arc::new(bytes)))
    }
}

/// The size and modification time of a file when it was opened.
type Stamp = (u64, Option<SystemTime>);

/// An opened archive or layout directory.
pub enum Store {
    /// One file.
    Archive(Archive),
    /// A directory.
    Dir(Dir),
}

/// An archive: one file and the list of its members.
pub struct Archive {
    file: Arc<File>,
    stamp: Stamp,
    entries: HashMap<BString, Entry>,
    /// The maps of the sparse members, by their offsets.
    sparse: HashMap<u64, Arc<Sparse>>,
}

/// A layout directory.
pub struct Dir {
    /// Without symlinks in it.
    root: PathBuf,
    /// The files that were found so far.
    stamps: Mutex<HashMap<String, Stamp>>,
}

impl Store {
    /// The store of an archive `file`, with its metadata from before its `entries` were read; of members with one name
    /// the last counts.
    pub fn archive(file: File, metadata: &Metadata, entries: Vec<Entry>) -> Self {
        let entries: HashMap<_, _> = entries.into_iter().map(|e| (e.path.clone(), e)).collect();
        let sparse = entries.values().filter_map(|e| Some((e.offset, Arc::clone(e.sparse.as_ref()?)))).collect();
        Self::Archive(Archive { file: Arc::new(file), stamp: stamp(metadata), entries, sparse })
    }

    /// The store of the layout at `dir`.
    ///
    /// # Errors
    /// Where it cannot be reached.
    pub fn dir(dir: &Path) -> Result<Self> {
        let root = dir.canonicalize().map_err(|e| Error::io("cannot open", e))?;
        Ok(Self::Dir(Dir { root, stamps: Mutex::default() }))
    }

    /// The file `name`, where there is one.
    ///
    /// # Errors
    /// Where it leads out of the archive or layout, or is no regular file.
    pub fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        match self {
            Self::Archive(archive) => archive.find(name),
            Self::Dir(dir) => dir.find(name),
        }
    }

    /// The blob `digest` of an OCI layout, where it is there.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn blob(&self, digest: &Digest) -> Result<Option<BlobRef>> {
        self.find(&format!("blobs/sha256/{}", digest.hex()))
    }

    /// The names at the top, sorted, for messages about what is no image.
    pub fn top(&self) -> Vec<String> {
        let first = |path: &BString| path.split(|&c| c == b'/').next().map(|n| String::from_utf8_lossy(n).into_owned());
        let mut names: Vec<String> = match self {
            Self::Archive(archive) => archive.entries.keys().filter_map(first).collect(),
            Self::Dir(dir) => std::fs::read_dir(&dir.root).map_or_else(
                |_| Vec::new(),
                |list| list.flatten().take(10_000).map(|e| e.file_name().to_string_lossy().into_owned()).collect(),
            ),
        };
        names.sort();
        names.dedup();
        names.retain(|n| !n.is_empty());
        names
    }

    /// The bytes of a blob from `skip` on, not verified.
    ///
    /// # Errors
    /// Where its file cannot be opened any more.
    pub fn open_at(&self, blob: &BlobRef, skip: u64) -> Result<Box<dyn Read + Send>> {
        let skip = skip.min(blob.size());
        match (&blob.0, self) {
            (Spot::Memory(bytes), _) => {
                let mut cursor = Cursor::new(Bytes(Arc::clone(bytes)));
                cursor.set_position(skip);
                Ok(Box::new(cursor))
            }
            (Spot::Slice { offset, .. }, Self::Archive(Archive { file, sparse, .. }))
                if sparse.contains_key(offset) =>
            {
                Ok(Box::new(Expanded::new(Arc::clone(file), *offset, Arc::clone(&sparse[offset]), skip)))
            }
            (Spot::Slice { offset, size }, Self::Archive(archive)) => {
                let (at, end) = (offset.saturating_add(skip), offset.saturating_add(*size));
                Ok(Box::new(Slice { file: Arc::clone(&archive.file), at, end }))
            }
            (Spot::File { path, size }, Self::Dir(dir)) => dir.open(path, *size, skip),
            _ => Err(Error::new(ErrorKind::Usage, "the blob is of another input")),
        }
    }

    /// The first bytes of a blob, at most 512.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn head(&self, blob: &BlobRef) -> Result<Vec<u8>> {
        self.read(blob, 512)
    }

    /// All of a document.
    ///
    /// # Errors
    /// Where it is too large or cannot be read.
    pub fn document(&self, blob: &BlobRef, name: &str) -> Result<Vec<u8>> {
        if blob.size() > doc::MAX_SIZE {
            return Err(doc::too_large(name, blob.size()));
        }
        self.read(blob, blob.size()).map_err(|e| e.member(name.as_bytes()))
    }

    fn read(&self, blob: &BlobRef, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut reader = self.open_at(blob, 0)?.take(most);
        reader.read_to_end(&mut bytes).map_err(|e| Error::io("cannot read", e))?;
        Ok(bytes)
    }

    /// Checks that no file was written to since it was opened or found.
    ///
    /// # Errors
    /// Where one was.
    pub fn unchanged(&self) -> Result<()> {
        let changed = |name: &str| {
            let error = Error::new(ErrorKind::Io, "was changed while it was read");
            if name.is_empty() { error } else { error.member(name.as_bytes()) }
        };
        match self {
            Self::Archive(archive) => {
                let now = archive.file.metadata().map_err(|e| Error::io("cannot read", e))?;
                if stamp(&now) == archive.stamp { Ok(()) } else { Err(changed("")) }
            }
            Self::Dir(dir) => {
                let stamps = dir.stamps.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, then) in stamps.iter() {
                    let now = dir.root.join(name).metadata().map_err(|e| changed(name).cause(e))?;
                    if stamp(&now) != *then {
                        return Err(changed(name));
                    }
                }
                Ok(())
            }
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

impl Archive {
    /// The file that `name` leads to through the links among the members.
    fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        match self.entries.get(&self.resolve(name)?) {
            None => Ok(None),
            Some(Entry { offset, size, kind: Type::File, .. }) => {
                Ok(Some(BlobRef(Spot::Slice { offset: *offset, size: *size })))
            }
            Some(_) => {
                let error = Error::new(ErrorKind::Archive, "not a regular file of the archive");
                Err(error.member(name.as_bytes()))
            }
        }
    }

    /// Follows the links on the way of `name`, as the kernel would in a directory of the members alone.
    fn resolve(&self, name: &str) -> Result<BString> {
        let error = |what: &str| Error::new(ErrorKind::Archive, what).member(name.as_bytes());
        let mut todo: VecDeque<BString> = path::components(name.as_bytes()).map(BString::from).collect();
        let mut done: Vec<BString> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            match part.as_slice() {
                b"." => continue,
                b".." => {
                    done.pop().ok_or_else(|| error("path leads out of the archive"))?;
                    continue;
                }
                _ => done.push(part),
            }
            let target = match self.entries.get(&BString::from(bstr::join("/", &done))).map(|e| &e.kind) {
                Some(Type::Symlink(target)) if target.starts_with(b"/") => {
                    let found = target.escape_ascii();
                    let error = error("link leads out of the archive").expected("a member of the archive", found);
                    return Err(error.hint("pack it again with links followed: `tar -h`"));
                }
                Some(Type::Symlink(target)) => {
                    done.pop();
                    target
                }
                Some(Type::HardLink(target)) => {
                    done.clear();
                    target
                }
                _ => continue,
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(error("link in the archive leads to itself"));
            }
            for part in path::components(target).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(part.into());
            }
        }
        Ok(bstr::join("/", &done).into())
    }
}

impl Dir {
    /// The file at `name`, unless it leads out of the layout or is no regular file.
    fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        let Some(size) = self.check(name)? else { return Ok(None) };
        Ok(Some(BlobRef(Spot::File { path: name.to_owned(), size })))
    }

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

    fn open(&self, name: &str, size: u64, skip: u64) -> Result<Box<dyn Read + Send>> {
        let failed = |e| Error::io("cannot open", e).member(name.as_bytes());
        if self.check(name)? != Some(size) {
            return Err(Error::new(ErrorKind::Io, "was changed while it was read").member(name.as_bytes()));
        }
        let mut file = File::open(self.root.join(name)).map_err(failed)?;
        file.seek(SeekFrom::Start(skip)).map_err(failed)?;
        Ok(Box::new(file.take(size.saturating_sub(skip))))
    }
}

/// Shared bytes for a `Cursor`.
struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A part of a file, read without moving the file's position.
struct Slice {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Slice {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        let n = read_slice(&self.file, &mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
