//! The members of the archive round the image: names, types and places of their data. Layers inside are framed by
//! [`crate::tar::frame`], which knows far more; here only headers are read, and data is seeked over.

use crate::tar::Sparse;
use crate::tar::sparse::{Keys, Layout, Map, Text};
use crate::{Error, ErrorKind, Result, path};
use bstr::BString;
use std::io;
use std::sync::Arc;

/// The most members: more than any image has, and few enough for their names to fit in memory.
const MAX_MEMBERS: usize = 250_000;
/// The most bytes that all names together may take.
const MAX_NAMES: usize = 64 << 20;
/// The most bytes that a long name may take.
const MAX_NAME: u64 = 1 << 20;
/// The most bytes that a PAX header may take: it may hold the map of a sparse member.
const MAX_PAX: u64 = 16 << 20;
/// The most chunks of data that all sparse members together may have.
const MAX_CHUNKS: usize = 1 << 20;
/// The most bytes that all holes together may stand for: they are hashed as zeros.
const MAX_HOLES: u64 = 32 << 30;
const BLOCK: usize = 512;

/// A member of the outer archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The normalized path.
    pub path: BString,
    /// The offset in bytes at which the data begins.
    pub offset: u64,
    /// The length in bytes: of a sparse file with its holes.
    pub size: u64,
    /// The type of the member.
    pub kind: Type,
    /// The map of a sparse file, as bsdtar and `tar -S` store files with holes.
    pub sparse: Option<Arc<Sparse>>,
}

/// The type of a member of the outer archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link with its target.
    Symlink(BString),
    /// A hard link with its target.
    HardLink(BString),
    /// A device or a pipe: nothing that an image is made of.
    Other,
}

/// A tar to walk over, from its start.
pub trait Walk {
    /// Fills `buf`, or less at the end.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// Goes on by `n` bytes; the result is less where it ends before.
    fn skip(&mut self, n: u64) -> io::Result<u64>;
}

/// The fields of a member that extension headers before it give.
#[derive(Default)]
struct Pending {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: Keys,
    any: bool,
}

/// Lists the members.
///
/// # Errors
/// Returns [`ErrorKind::Archive`] with the offset of what is wrong.
pub fn index(walk: &mut dyn Walk) -> Result<Vec<Entry>> {
    let (entries, pending) = (Vec::new(), Pending::default());
    let mut indexer = Indexer { walk, at: 0, entries, names: 0, chunks: 0, holes: 0, pending };
    while indexer.step()? {}
    Ok(indexer.entries)
}

struct Indexer<'a> {
    walk: &'a mut dyn Walk,
    at: u64,
    entries: Vec<Entry>,
    names: usize,
    /// Chunks of data in sparse members, and bytes in their holes.
    chunks: usize,
    holes: u64,
    pending: Pending,
}

impl Indexer<'_> {
    /// Reads one header and what belongs to it; false at the end.
    fn step(&mut self) -> Result<bool> {
        let start = self.at;
        let mut header = [0; BLOCK];
        if !self.block(&mut header)? {
            return self.end(start);
        }
        if header.iter().all(|&b| b == 0) {
            let more = self.block(&mut header)?;
            if more && header.iter().any(|&b| b != 0) {
                return Err(wrong("a header after a block of zeros", self.at - BLOCK as u64));
            }
            return self.end(start);
        }
        if !checksum_fits(&header) {
            let what = if start == 0 { "not a tar archive" } else { "wrong header checksum" };
            return Err(wrong(what, start));
        }
        let declared = number(&header[124..136]).ok_or_else(|| wrong("wrong size field", start))?;
        let flag = header[156];
        match flag {
            b'x' | b'L' | b'K' => {
                let data = self.extension(declared, if flag == b'x' { MAX_PAX } else { MAX_NAME }, start)?;
                self.pending.any = true;
                match flag {
                    b'L' => self.pending.path = Some(until_nul(&data).to_vec()),
                    b'K' => self.pending.link = Some(until_nul(&data).to_vec()),
                    _ => self
                        .pax(&data)
                        .map_err(|e| e.map_or_else(|| wrong("wrong PAX header", start), |e| of_map(e, start)))?,
                }
            }
            // A global header says nothing that matters here.
            b'g' => self.skip(declared, start)?,
            _ => self.member(&header, declared, start)?,
        }
        Ok(true)
    }

    fn member(&mut self, header: &[u8; BLOCK], declared: u64, start: u64) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let name = pending.sparse.name.clone().or(pending.path).unwrap_or_else(|| header_name(header));
        let link = pending.link.unwrap_or_else(|| until_nul(&header[157..257]).to_vec());
        let link_length = link.len();
        let path = path::normalize(&name).map_err(|_| wrong("name leads out of the archive", start).member(&name))?;
        let kind = match header[156] {
            b'0' | 0 | b'7' if name.ends_with(b"/") => Type::Dir,
            b'0' | 0 | b'7' | b'S' => Type::File,
            b'1' => Type::HardLink(link.into()),
            b'2' => Type::Symlink(link.into()),
            b'5' => Type::Dir,
            _ => Type::Other,
        };
        // Links, devices and directories have no data, whatever their size says.
        let declared = if matches!(header[156], b'1'..=b'6') { 0 } else { pending.size.unwrap_or(declared) };
        let (sparse, stored) = match kind {
            Type::File => self.sparse(header, &pending.sparse, declared, start).map_err(|e| e.member(&name))?,
            _ => (None, declared),
        };
        let offset = self.at;
        self.skip(stored, start).map_err(|e| e.member(&name))?;
        self.names += path.len() + link_length;
        if self.entries.len() == MAX_MEMBERS || self.names > MAX_NAMES {
            let hint = "slim reads images, as `docker save` writes them, not file systems, as `docker export` does";
            return Err(wrong("more members, or longer names, than any image has", start).hint(hint));
        }
        let size = sparse.as_ref().map_or(stored, |s| s.real_size);
        self.entries.push(Entry { path, offset, size, kind, sparse });
        Ok(())
    }

    /// Reads what there is of a sparse map after the header: the map, and how many bytes of data follow.
    fn sparse(
        &mut self,
        header: &[u8; BLOCK],
        keys: &Keys,
        declared: u64,
        start: u64,
    ) -> Result<(Option<Arc<Sparse>>, u64)> {
        let wrong_map = |e| of_map(e, start);
        let mut stored = declared;
        let layout = if header[156] == b'S' { Layout::OldGnu } else { keys.layout().map_err(wrong_map)? };
        let map = match layout {
            Layout::Plain => return Ok((None, stored)),
            Layout::Known(map) => map,
            Layout::OldGnu => {
                let (mut map, mut more) = Map::old_gnu_block(header).map_err(wrong_map)?;
                while more {
                    more = map.extend(&self.map_block()?).map_err(wrong_map)?;
                }
                map
            }
            Layout::InData(real_size) => {
                let mut text = Text::new(real_size).map_err(wrong_map)?;
                loop {
                    stored =
                        stored.checked_sub(BLOCK as u64).ok_or_else(|| wrong("sparse map without an end", start))?;
                    if text.feed(&self.map_block()?).map_err(wrong_map)? {
                        break text.into_map();
                    }
                }
            }
        };
        let sparse = map.finish(stored).map_err(wrong_map)?;
        self.chunks += sparse.map.len();
        self.holes = self.holes.saturating_add(sparse.real_size - stored);
        if self.chunks > MAX_CHUNKS || self.holes > MAX_HOLES {
            let expected = format!("at most {MAX_CHUNKS} chunks of data, and {MAX_HOLES} bytes of holes");
            let found = format!("{} chunks, and {} bytes of holes", self.chunks, self.holes);
            return Err(wrong("the sparse members of the archive have more holes than any image", start)
                .expected(expected, found));
        }
        Ok((Some(Arc::new(sparse)), stored))
    }

    /// A block of a sparse map.
    fn map_block(&mut self) -> Result<[u8; BLOCK]> {
        let mut block = [0; BLOCK];
        if self.block(&mut block)? { Ok(block) } else { Err(wrong("the archive ends in a sparse map", self.at)) }
    }

    /// One block; false at a clean end.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool> {
        let read = self.walk.read(block)?;
        self.at += read as u64;
        match read {
            BLOCK => Ok(true),
            0 => Ok(false),
            _ if self.at < BLOCK as u64 => Err(wrong("not a tar archive", 0)),
            _ => Err(wrong("the archive ends within a header", self.at)),
        }
    }

    fn end(&self, at: u64) -> Result<bool> {
        if self.pending.any {
            return Err(wrong("the archive ends after an extension header", at));
        }
        Ok(false)
    }

    fn skip(&mut self, size: u64, start: u64) -> Result<()> {
        let whole = size.checked_next_multiple_of(BLOCK as u64).filter(|n| self.at.checked_add(*n).is_some());
        let whole = whole.ok_or_else(|| wrong("the size is too large", start).expected("a size", size))?;
        let skipped = self.walk.skip(whole)?;
        self.at += skipped;
        // Some writers leave the last padding out.
        if skipped < size {
            return Err(wrong("the archive ends within a member", self.at).expected(format!("{size} bytes"), skipped));
        }
        Ok(())
    }

    fn extension(&mut self, size: u64, most: u64, start: u64) -> Result<Vec<u8>> {
        if size > most {
            let expected = format!("at most {most} bytes");
            return Err(wrong("extension header is too large", start).expected(expected, size));
        }
        let mut data = vec![0; (size as usize).next_multiple_of(BLOCK)];
        let read = self.walk.read(&mut data)?;
        self.at += read as u64;
        if read < data.len() {
            return Err(wrong("the archive ends within an extension header", self.at));
        }
        data.truncate(size as usize);
        Ok(data)
    }

    /// `LENGTH KEY=VALUE\n` records; no error of its own where they are broken.
    fn pax(&mut self, mut data: &[u8]) -> Result<(), Option<Error>> {
        while !data.is_empty() {
            let (key, value, rest) = record(data).ok_or(None)?;
            data = rest;
            match key {
                b"path" => self.pending.path = Some(value.to_vec()),
                b"linkpath" => self.pending.link = Some(value.to_vec()),
                b"size" => {
                    self.pending.size = Some(std::str::from_utf8(value).ok().and_then(|n| n.parse().ok()).ok_or(None)?)
                }
                _ => {
                    if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                        self.pending.sparse.apply(key, value)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes the record `LENGTH KEY=VALUE\n` off the front: key, value, what follows.
fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = data.iter().take(20).position(|&c| c == b' ')?;
    let length: usize = std::str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
    let record = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let (key, value) = record.split_at(record.iter().position(|&c| c == b'=')?);
    Some((key, &value[1..], &data[length..]))
}

/// The error for a wrong sparse map, which is read as those of layers are.
fn of_map(mut error: Error, at: u64) -> Error {
    error.kind = ErrorKind::Archive;
    error.offset(at)
}

fn wrong(what: &str, at: u64) -> Error {
    Error::new(ErrorKind::Archive, what).offset(at)
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&c| c == 0).next().unwrap_or_default()
}

fn header_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = until_nul(&header[..100]);
    let prefix = until_nul(&header[345..500]);
    // GNU's magic has a blank here, and other fields in place of the prefix.
    if header[257..263] == *b"ustar\0" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// Octal digits between blanks and NULs, or GNU's base-256; `None` for a negative or too large or broken number.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let first = u64::from(field[0] & 0x3f);
        return field[1..].iter().try_fold(first, |n, &b| n.checked_mul(256)?.checked_add(b.into()));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// The checksum over unsigned bytes, or over signed ones as some old writers had it.
fn checksum_fits(header: &[u8; BLOCK]) -> bool {
    let Some(stored) = number(&header[148..156]) else {
        return false;
    };
    let byte = |(i, &b): (usize, &u8)| if (148..156).contains(&i) { b' ' } else { b };
    let unsigned: u64 = header.iter().enumerate().map(byte).map(u64::from).sum();
    let signed: i64 = header.iter().enumerate().map(byte).map(|b| i64::from(b as i8)).sum();
    stored == unsigned || i64::try_from(stored) == Ok(signed)
}

#[cfg(test)]
mod tests;
