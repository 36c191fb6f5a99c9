//! The members of the archive round the image: names, types and where their data lies. Layers inside are framed by
//! [`crate::tar::frame`], which knows far more; here only headers are read, and data is seeked over.

use crate::{Error, ErrorKind, Result, path};
use bstr::BString;
use std::io;

/// More members than any image has, and few enough for their names to fit in memory.
const MAX_MEMBERS: usize = 250_000;
/// The most that all names together may take.
const MAX_NAMES: usize = 64 << 20;
/// The most that a long name or a PAX header may take.
const MAX_EXTENSION: u64 = 1 << 20;
const BLOCK: usize = 512;

/// A member of the outer archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its normalized path.
    pub path: BString,
    /// Where its data begins.
    pub offset: u64,
    /// How long its data is.
    pub size: u64,
    /// What it is.
    pub kind: Type,
}

/// What a member of the outer archive is.
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
    /// A sparse file, a device or a pipe: nothing that an image is made of.
    Other,
}

/// A tar to walk over, from its start.
pub trait Walk {
    /// Fills `buf`, or less at the end.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// Goes on by `n` bytes; the result is less where it ends before.
    fn skip(&mut self, n: u64) -> io::Result<u64>;
}

/// What the extension headers before a member say of it.
#[derive(Default)]
struct Pending {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    any: bool,
}

/// Lists the members.
///
/// # Errors
/// [`ErrorKind::Archive`] with the offset of what is wrong.
pub fn index(walk: &mut dyn Walk) -> Result<Vec<Entry>> {
    let mut indexer = Indexer { walk, at: 0, entries: Vec::new(), names: 0, pending: Pending::default() };
    while indexer.step()? {}
    Ok(indexer.entries)
}

struct Indexer<'a> {
    walk: &'a mut dyn Walk,
    at: u64,
    entries: Vec<Entry>,
    names: usize,
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
                let data = self.extension(declared, start)?;
                self.pending.any = true;
                match flag {
                    b'L' => self.pending.path = Some(until_nul(&data).to_vec()),
                    b'K' => self.pending.link = Some(until_nul(&data).to_vec()),
                    _ => self.pax(&data).ok_or_else(|| wrong("wrong PAX header", start))?,
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
        let name = pending.path.unwrap_or_else(|| header_name(header));
        let link = pending.link.unwrap_or_else(|| until_nul(&header[157..257]).to_vec());
        let link_length = link.len();
        let path = path::normalize(&name).map_err(|_| wrong("name leads out of the archive", start).member(&name))?;
        let kind = match header[156] {
            _ if pending.sparse => Type::Other,
            b'0' | 0 | b'7' if name.ends_with(b"/") => Type::Dir,
            b'0' | 0 | b'7' => Type::File,
            b'1' => Type::HardLink(link.into()),
            b'2' => Type::Symlink(link.into()),
            b'5' => Type::Dir,
            _ => Type::Other,
        };
        // GNU's sparse map goes on in blocks of its own.
        let mut more = header[156] == b'S' && header[482] == 1;
        while more {
            let mut block = [0; BLOCK];
            if !self.block(&mut block)? {
                return Err(wrong("the archive ends in a sparse header", self.at));
            }
            more = block[504] == 1;
        }
        // Links, devices and directories have no data, whatever their size says.
        let size = if matches!(header[156], b'1'..=b'6') { 0 } else { pending.size.unwrap_or(declared) };
        let offset = self.at;
        self.skip(size, start).map_err(|e| e.member(&name))?;
        self.names += path.len() + link_length;
        if self.entries.len() == MAX_MEMBERS || self.names > MAX_NAMES {
            let hint = "slim reads images, as `docker save` writes them, not file systems, as `docker export` does";
            return Err(wrong("more members, or longer names, than any image has", start).hint(hint));
        }
        self.entries.push(Entry { path, offset, size, kind });
        Ok(())
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

    fn extension(&mut self, size: u64, start: u64) -> Result<Vec<u8>> {
        if size > MAX_EXTENSION {
            let expected = format!("at most {MAX_EXTENSION} bytes");
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

    /// `LENGTH KEY=VALUE\n` records; `None` where they are broken.
    fn pax(&mut self, mut data: &[u8]) -> Option<()> {
        while !data.is_empty() {
            let blank = data.iter().take(20).position(|&c| c == b' ')?;
            let length: usize = std::str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
            let record = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
            data = &data[length..];
            let (key, value) = record.split_at(record.iter().position(|&c| c == b'=')?);
            let value = &value[1..];
            match key {
                b"path" => self.pending.path = Some(value.to_vec()),
                b"linkpath" => self.pending.link = Some(value.to_vec()),
                b"size" => self.pending.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                _ => self.pending.sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
        Some(())
    }
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
mod tests {
    use super::*;
    use crate::source::testing::Tar;

    struct Slice<'a>(&'a [u8]);

    impl Walk for Slice<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = buf.len().min(self.0.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }

        fn skip(&mut self, n: u64) -> io::Result<u64> {
            let n = self.0.len().min(usize::try_from(n).unwrap_or(usize::MAX));
            self.0 = &self.0[n..];
            Ok(n as u64)
        }
    }

    fn list(bytes: &[u8]) -> Result<Vec<Entry>> {
        index(&mut Slice(bytes))
    }

    #[test]
    fn members_are_listed_with_their_offsets() {
        let long = format!("{}/layer.tar", "d".repeat(200));
        let tar = Tar::new().file("./a", b"abc").symlink("l", "../x").file(&long, b"").hard_link("h", "a").end();
        let entries = list(&tar).unwrap();
        let paths: Vec<&[u8]> = entries.iter().map(|e| e.path.as_slice()).collect();
        assert_eq!(paths, [&b"a"[..], b"l", long.as_bytes(), b"h"]);
        assert_eq!((entries[0].offset, entries[0].size, &entries[0].kind), (512, 3, &Type::File));
        assert_eq!(entries[1].kind, Type::Symlink("../x".into()));
        assert_eq!(entries[3].kind, Type::HardLink("a".into()));
    }

    #[test]
    fn pax_and_base_256_sizes_count() {
        let pax = Tar::new().raw(b'x', "p", b"12 path=x/y\n10 size=3\n").file("short", b"abc").end();
        let entries = list(&pax).unwrap();
        assert_eq!((entries[0].path.as_slice(), entries[0].size), (&b"x/y"[..], 3));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(8 << 30));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(number(b"00000000017\0"), Some(15));
        assert_eq!(number(b"0000x"), None);
    }

    #[test]
    fn a_cut_at_any_byte_is_an_error_or_the_end_of_a_member() {
        let tar = Tar::new().file("a", b"abc").file("b", &[7; 600]).end();
        for cut in 0..512 * 5 {
            match list(&tar[..cut]) {
                Ok(entries) => assert!(entries.len() < 2 || cut >= 512 * 3 + 600, "{cut}"),
                Err(e) => assert_eq!(e.kind, ErrorKind::Archive),
            }
        }
    }

    #[test]
    fn what_is_broken_is_named_with_its_offset() {
        let huge = Tar::new().file("ok", b"").sized("huge", 1 << 60).end();
        let e = list(&huge).unwrap_err();
        assert_eq!((e.member.as_deref(), e.what.as_str()), (Some("huge"), "the archive ends within a member"));
        assert_eq!(list(b"<!DOCTYPE html><html></html>").unwrap_err().what, "not a tar archive");
        assert_eq!(list(&[b'x'; 2048]).unwrap_err().what, "not a tar archive");
        let mut flipped = Tar::new().file("a", b"").file("b", b"").end();
        flipped[512] = b'c';
        assert_eq!(list(&flipped).unwrap_err().offset, Some(512));
        let escape = Tar::new().file("../../etc/passwd", b"x").end();
        assert_eq!(list(&escape).unwrap_err().what, "name leads out of the archive");
        let pax = Tar::new().raw(b'x', "p", b"99 path=x\n").file("a", b"").end();
        assert_eq!(list(&pax).unwrap_err().what, "wrong PAX header");
        assert!(list(&Tar::new().raw(b'L', "l", &[b'a'; (1 << 20) + 1]).end()).is_err());
        assert!(list(&[0; 4096]).unwrap().is_empty());
    }
}
