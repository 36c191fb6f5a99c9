//! An archive as a source: one file and the list of its members. Links are resolved among the members alone.

use super::outer::{Entry, Type};
use super::slice::{Expanded, Slice};
use super::traits::{BlobRef, Source, Spot, Stamp, changed, foreign, listed, stamp};
use crate::tar::Sparse;
use crate::{Error, ErrorKind, Result, path};
use bstr::BString;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::Read;
use std::sync::Arc;

/// The number of links in a row that the kernel follows.
const MAX_LINKS: u32 = 40;

/// An archive.
pub struct Archive {
    file: Arc<File>,
    stamp: Stamp,
    entries: HashMap<BString, Entry>,
    /// The maps of the sparse members, by their offsets.
    sparse: HashMap<u64, Arc<Sparse>>,
    /// The size as given, in bytes: of a compressed archive before it was decompressed.
    bytes: u64,
}

impl Archive {
    /// The archive in `file`, with its metadata from before its `entries` were read; of members with one name the last counts.
    pub fn new(file: File, metadata: &Metadata, entries: Vec<Entry>, bytes: u64) -> Self {
        let entries: HashMap<_, _> = entries.into_iter().map(|e| (e.path.clone(), e)).collect();
        let sparse = entries.values().filter_map(|e| Some((e.offset, Arc::clone(e.sparse.as_ref()?)))).collect();
        Self { file: Arc::new(file), stamp: stamp(metadata), entries, sparse, bytes }
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

impl Source for Archive {
    fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        match self.entries.get(&self.resolve(name)?) {
            None => Ok(None),
            Some(Entry { offset, size, kind: Type::File, .. }) => Ok(Some(BlobRef::new(Spot::At(*offset), *size))),
            Some(_) => {
                let error = Error::new(ErrorKind::Archive, "not a regular file of the archive");
                Err(error.member(name.as_bytes()))
            }
        }
    }

    fn open(&self, spot: &Spot, size: u64, skip: u64) -> Result<Box<dyn Read + Send>> {
        let Spot::At(offset) = *spot else { return Err(foreign()) };
        let file = Arc::clone(&self.file);
        Ok(match self.sparse.get(&offset) {
            Some(sparse) => Box::new(Expanded::new(file, offset, Arc::clone(sparse), skip)),
            None => Box::new(Slice::new(file, offset.saturating_add(skip), offset.saturating_add(size))),
        })
    }

    fn top(&self) -> Vec<String> {
        let first = |path: &BString| path.split(|&c| c == b'/').next().map(|n| String::from_utf8_lossy(n).into_owned());
        listed(self.entries.keys().filter_map(first).collect())
    }

    fn unchanged(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|e| Error::io("cannot read", e))?;
        if stamp(&now) == self.stamp { Ok(()) } else { Err(changed("")) }
    }

    fn archive_bytes(&self) -> Option<u64> {
        Some(self.bytes)
    }
}
