//! The members of the archive around an image, read a second way. Sparse ones, as bsdtar and `tar -S` store files with holes,
//! are copied to a temporary file, which has the holes in their places.

use super::member;
use super::pax::{self, Map, Records};
use crate::{Error, ErrorKind, Result, path};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use tar::Header;

/// The most bytes that all holes together may stand for, which are read as zeros.
const MAX_HOLES: u64 = 32 << 30;

/// A member of an archive that may be a file of an image.
pub enum Member {
    /// A file: the place of its bytes in the archive.
    File {
        /// The offset of its first byte.
        offset: u64,
        /// The size in bytes.
        size: u64,
    },
    /// A sparse file: the place of its bytes in the file of these.
    Filled {
        /// The offset of its first byte.
        offset: u64,
        /// The size in bytes, holes included.
        size: u64,
    },
    /// Another name of the member of that name.
    Link(String),
}

/// The content of an archive.
pub struct Members {
    /// The members by their names.
    pub members: BTreeMap<String, Member>,
    /// The sparse ones, one behind the other, with their holes.
    pub filled: Option<File>,
}

/// Lists the members of an archive.
///
/// # Errors
/// Returns an error if it is no well-formed tar.
pub fn members(file: &File) -> Result<Members> {
    let mut walk = Walk { file, at: 0, holes: 0, out: Members { members: BTreeMap::new(), filled: None } };
    match walk.all() {
        Ok(()) => Ok(walk.out),
        Err(e) => match e.downcast::<Error>() {
            Ok(e) => Err(e),
            Err(e) => Err(Error::new(ErrorKind::Archive, "not a tar archive").offset(walk.at).cause(e)),
        },
    }
}

struct Walk<'a> {
    file: &'a File,
    at: u64,
    holes: u64,
    out: Members,
}

impl Read for Walk<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Walk<'_> {
    fn all(&mut self) -> io::Result<()> {
        let (mut records, mut name, mut link) = (Records::new(), None, None);
        while let Some(block) = pax::block(self, "archive")? {
            if !pax::checksum_holds(&block) {
                return Err(pax::bad("wrong header checksum"));
            }
            let header = Header::from_byte_slice(&block);
            let size = pax::number(&header.as_old().size)?;
            match header.as_old().linkflag[0] {
                b'x' => records.extend(pax::records(&pax::extension(self, size)?)?),
                b'L' => name = Some(pax::text(&pax::extension(self, size)?).to_vec()),
                b'K' => link = Some(pax::text(&pax::extension(self, size)?).to_vec()),
                b'g' => drop(pax::extension(self, size)?),
                flag => self.member(header, flag, size, &std::mem::take(&mut records), (name.take(), link.take()))?,
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        header: &Header,
        flag: u8,
        size: i64,
        records: &Records,
        long: (Option<Vec<u8>>, Option<Vec<u8>>),
    ) -> io::Result<()> {
        let get = |key: &[u8]| records.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_slice());
        let sparse = pax::sparse(records)?;
        let substitute = sparse.as_ref().and_then(|s| s.name.clone()).map(Vec::from);
        let name = substitute.or_else(|| member::long(long.0, get(b"path")));
        let name = name.unwrap_or_else(|| member::short_name(header));
        let link =
            member::long(long.1, get(b"linkpath")).unwrap_or_else(|| pax::text(&header.as_old().linkname).to_vec());
        let size = match get(b"size") {
            Some(digits) => std::str::from_utf8(digits).ok().and_then(|n| n.parse().ok()),
            None => u64::try_from(size).ok(),
        };
        let size = size.ok_or_else(|| pax::bad("a size is no number"))?;
        let known = normal(&name);
        let found = match flag {
            b'2' => {
                let (dir, _) = path::split(known.as_deref().unwrap_or_default().as_bytes());
                let whole = if link.starts_with(b"/") { link } else { path::join(dir, &link).into() };
                normal(&whole).map(Member::Link)
            }
            b'1' => normal(&link).map(Member::Link),
            b'3'..=b'6' => None,
            _ => {
                let file = self.file(header, flag, size, sparse, &name)?;
                (!name.ends_with(b"/")).then_some(file)
            }
        };
        if let (Some(name), Some(member)) = (known, found) {
            self.out.members.insert(name, member);
        }
        Ok(())
    }

    /// Skips the data of a file.
    fn file(
        &mut self,
        header: &Header,
        flag: u8,
        size: u64,
        sparse: Option<pax::Sparse>,
        name: &[u8],
    ) -> io::Result<Member> {
        let length = self.file.metadata()?.len();
        let mut stored = size;
        let map = match sparse {
            _ if flag == b'S' => Some(pax::gnu_map(header, self)?),
            Some(sparse) if sparse.inside => {
                let (map, used) = pax::inside_map(self)?;
                stored = stored.checked_sub(used).ok_or_else(|| pax::bad("a sparse file is shorter than its map"))?;
                Some((map, sparse.size.unwrap_or(stored)))
            }
            Some(sparse) => Some((sparse.map.unwrap_or_default(), sparse.size.unwrap_or(stored))),
            None => None,
        };
        let offset = self.at;
        if offset.saturating_add(stored) > length {
            let error = Error::new(ErrorKind::Archive, "the archive ends within a member").member(name);
            let left = length.saturating_sub(offset);
            return Err(error
                .expected(format!("{stored} bytes from byte {offset} on"), format!("{left} bytes"))
                .into());
        }
        self.at = offset + stored.next_multiple_of(512);
        match map {
            Some((map, size)) => self.fill(&map, size, offset, stored),
            None => Ok(Member::File { offset, size }),
        }
    }

    /// Copies a sparse file of `size` bytes, `stored` of which are stored from `offset` on.
    fn fill(&mut self, map: &Map, size: u64, offset: u64, stored: u64) -> io::Result<Member> {
        let wrong = || pax::bad("the map of a sparse file does not fit it");
        self.holes = self.holes.saturating_add(size.saturating_sub(stored));
        if self.holes > MAX_HOLES {
            let what = "the sparse members of the archive have more holes than any image";
            let error = Error::new(ErrorKind::Archive, what).expected(format!("at most {MAX_HOLES} bytes"), self.holes);
            return Err(error.into());
        }
        let mut to = match self.out.filled.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let begin = to.metadata()?.len();
        let (mut end, mut from) = (0, offset);
        for &(at, length) in map {
            let next = at.checked_add(length).filter(|next| at >= end && *next <= size).ok_or_else(wrong)?;
            if from + length > offset + stored {
                return Err(wrong());
            }
            to.seek(SeekFrom::Start(begin + at))?;
            let mut data = Walk { at: from, out: Members { members: BTreeMap::new(), filled: None }, ..*self };
            io::copy(&mut data.by_ref().take(length), &mut to)?;
            (end, from) = (next, from + length);
        }
        to.flush()?;
        to.set_len(begin + size)?;
        self.out.filled = Some(to);
        if from != offset + stored { Err(wrong()) } else { Ok(Member::Filled { offset: begin, size }) }
    }
}

/// Returns a member's name; `None` if it leaves the archive or is not UTF-8, as no file of an image has such a name.
pub fn normal(name: &[u8]) -> Option<String> {
    String::from_utf8(path::normalize(name).ok()?.into()).ok()
}
