//! The members of a layer, one by one: their final metadata, and the hash of their content with the holes of sparse files
//! filled in.

use super::content::{self, Extra, Wanted};
use super::pax::{self, Map, Records, bad};
use crate::path;
use bstr::BString;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read};
use tar::Header;

/// The number of bytes that are read at a time.
const CHUNK: usize = 128 << 10;

/// The most records, and bytes of them, that all global headers may have: each member has a part in them.
const MAX_GLOBAL: (usize, usize) = (1000, 64 << 10);
/// The most bytes of holes that are hashed as zeros: a sparse file may state any size.
const MAX_HOLES: u64 = 1 << 30;

/// The type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
}

impl Kind {
    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Dir => "a directory",
            Self::Symlink => "a symbolic link",
            Self::HardLink => "a hard link",
            Self::Char => "a character device",
            Self::Block => "a block device",
            Self::Fifo => "a named pipe",
        }
    }
}

/// A member of a layer.
#[derive(Clone, Debug)]
pub struct Member {
    /// The path in the usual spelling.
    pub path: BString,
    /// The type.
    pub kind: Kind,
    /// The target of a symbolic link, as written; the path of a hard link's target in the usual spelling.
    pub link: BString,
    /// Permissions, with setuid, setgid and sticky bit.
    pub mode: u32,
    /// The owner.
    pub uid: i64,
    /// The group.
    pub gid: i64,
    /// Seconds since 1970, and nanoseconds.
    pub mtime: (i64, u32),
    /// A device's numbers.
    pub device: (i64, i64),
    /// All other records: xattrs, and records of unknown meaning.
    pub records: Box<[(Vec<u8>, Vec<u8>)]>,
    /// The size of the content in bytes.
    pub size: u64,
    /// The SHA-256 of the content.
    pub hash: [u8; 32],
    /// The other facts about the content.
    pub extra: Option<Box<Extra>>,
}

impl Member {
    /// Returns roughly the number of bytes of memory that this takes: the path is in the tree as well.
    fn memory(&self) -> usize {
        let records: usize = self.records.iter().map(|(key, value)| 64 + key.len() + value.len()).sum();
        let extra = self.extra.as_ref().map_or(0, |extra| extra.memory());
        size_of::<Self>() + 64 + 2 * self.path.len() + self.link.len() + records + extra
    }
}

/// Reads the members of a layer.
pub struct Reader<'a, R> {
    inner: R,
    at: u64,
    /// The file that has the layer's bytes, and their offset: only for a layer that is not compressed.
    file: Option<(File, u64)>,
    wanted: &'a Wanted<'a>,
    global: Records,
    buffer: Vec<u8>,
}

/// The extended headers before a member.
#[derive(Default)]
struct Extended {
    records: Records,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<R: Read> Read for Reader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<'a, R: Read> Reader<'a, R> {
    /// Reads the members in `inner`.
    pub fn new(inner: R, file: Option<(File, u64)>, wanted: &'a Wanted<'a>) -> Self {
        Self { inner, at: 0, file, wanted, global: Records::new(), buffer: vec![0; CHUNK] }
    }

    /// Returns the number of bytes read so far.
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// Returns the reader of the rest.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Returns the next member; `None` at the end.
    ///
    /// # Errors
    /// Returns an error if the bytes are no well-formed tar.
    pub fn read_member(&mut self) -> io::Result<Option<Member>> {
        let mut extended = Extended::default();
        let mut dangling = false;
        loop {
            let Some(block) = pax::block(self, "layer")? else {
                return if dangling { Err(bad("an extended header without a member")) } else { Ok(None) };
            };
            if !pax::checksum_holds(&block) {
                return Err(bad("wrong header checksum"));
            }
            let header = Header::from_byte_slice(&block);
            let size = pax::number(&header.as_old().size)?;
            dangling = true;
            match header.as_old().linkflag[0] {
                b'x' | b'X' => extended.records.extend(pax::records(&pax::extension(self, size)?)?),
                b'g' => {
                    let records = pax::records(&pax::extension(self, size)?)?;
                    let large = |all: &Records| {
                        let bytes = all.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                        all.len() > MAX_GLOBAL.0 || bytes > MAX_GLOBAL.1
                    };
                    if large(&records) {
                        return Err(bad("global headers are too large"));
                    }
                    self.global.retain(|(key, _)| records.iter().all(|(new, _)| new != key));
                    self.global.extend(records);
                    if large(&self.global) {
                        return Err(bad("global headers are too large"));
                    }
                    dangling = false;
                }
                b'L' => extended.name = Some(pax::text(&pax::extension(self, size)?).to_vec()),
                b'K' => extended.link = Some(pax::text(&pax::extension(self, size)?).to_vec()),
                flag => return self.member(header, flag, size, extended).map(Some),
            }
        }
    }

    fn member(&mut self, header: &Header, flag: u8, size: i64, extended: Extended) -> io::Result<Member> {
        let old = header.as_old();
        let Extended { records: own, name: long_name, link: long_link } = extended;
        let mut all = self.global.clone();
        all.extend(own);
        let sparse = pax::sparse(&all)?;
        let get = |key: &[u8]| all.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_slice());
        let decimal = |key: &[u8], field: &[u8]| match get(key).filter(|value| !value.is_empty()) {
            Some(value) => {
                let text = std::str::from_utf8(value).ok();
                text.and_then(|t| t.parse().ok()).ok_or_else(|| bad("a PAX number is malformed"))
            }
            None => pax::number(field),
        };
        let substitute = sparse.as_ref().and_then(|s| s.name.clone()).map(Vec::from);
        let name = substitute.or_else(|| long(long_name, get(b"path"))).unwrap_or_else(|| short_name(header));
        let link = long(long_link, get(b"linkpath")).unwrap_or_else(|| pax::text(&old.linkname).to_vec());
        let kind = kind(flag, name.ends_with(b"/"))?;
        let escapes = |_| bad("a name leads out of the root");
        let link = match kind {
            Kind::HardLink => path::normalize(&link).map_err(escapes)?,
            Kind::Symlink => link.into(),
            _ => BString::default(),
        };
        let mut member = Member {
            path: path::normalize(&name).map_err(escapes)?,
            kind,
            link,
            mode: pax::number(&old.mode)? as u32 & 0o7777,
            uid: decimal(b"uid", &old.uid)?,
            gid: decimal(b"gid", &old.gid)?,
            mtime: match get(b"mtime").filter(|value| !value.is_empty()) {
                Some(value) => pax::time(value)?,
                None => (pax::number(&old.mtime)?, 0),
            },
            device: if matches!(kind, Kind::Char | Kind::Block) { device(header)? } else { (0, 0) },
            records: others(&all),
            size: 0,
            hash: [0; 32],
            extra: None,
        };
        // Some writers state a size for links, devices and directories, but no bytes follow, except after GNU's dump of a
        // directory.
        if kind == Kind::File || flag == b'D' {
            let stored = if get(b"size").is_some() { decimal(b"size", &old.size)? } else { size };
            self.data(&mut member, header, flag, stored, sparse)?;
        }
        self.wanted.take(member.memory())?;
        Ok(member)
    }

    /// Reads the data after a file's header.
    fn data(
        &mut self,
        member: &mut Member,
        header: &Header,
        flag: u8,
        stored: i64,
        sparse: Option<pax::Sparse>,
    ) -> io::Result<()> {
        let mut stored = u64::try_from(stored).map_err(|_| bad("a size is negative"))?;
        stored.checked_next_multiple_of(512).ok_or_else(|| bad("a size is too large"))?;
        let (map, size) = match sparse {
            Some(sparse) if sparse.inside => {
                let (map, used) = pax::inside_map(self)?;
                stored = stored.checked_sub(used).ok_or_else(|| bad("a sparse file is shorter than its map"))?;
                (map, sparse.size.unwrap_or(stored))
            }
            Some(sparse) => (sparse.map.unwrap_or_default(), sparse.size.unwrap_or(stored)),
            None if flag == b'S' => pax::gnu_map(header, self)?,
            None => (vec![(0, stored)], stored),
        };
        self.content(member, &map, size, stored)?;
        let padding = stored.next_multiple_of(512) - stored;
        if io::copy(&mut self.by_ref().take(padding), &mut io::sink())? < padding {
            return Err(bad("the layer ends within a file"));
        }
        Ok(())
    }

    /// Reads a file's content, chunk by chunk with the holes between.
    fn content(&mut self, member: &mut Member, map: &Map, size: u64, stored: u64) -> io::Result<()> {
        let whole = [(0, size)];
        let direct = self.file.as_ref().filter(|_| map.as_slice() == whole);
        let direct = direct.map(|(file, start)| file.try_clone().map(|f| (f, start + self.at))).transpose()?;
        let data = map.iter().fold(0_u64, |sum, (_, length)| sum.saturating_add(*length));
        let as_zeros = size.saturating_sub(data) <= MAX_HOLES;
        let mut look = content::Look::new(self.wanted, &member.path, if as_zeros { size } else { 0 }, direct);
        let mut sha = Sha256::new();
        let mut buffer = std::mem::take(&mut self.buffer);
        let zeros = vec![0; if map.as_slice() == whole { 0 } else { CHUNK }];
        let (mut at, mut left) = (0_u64, stored);
        let hole = |to: u64, at: &mut u64, sha: &mut Sha256, look: &mut content::Look<'_>| -> io::Result<()> {
            if !as_zeros {
                sha.update(format!("hole {at}-{to}"));
                *at = to;
            }
            while *at < to {
                let n = (to - *at).min(CHUNK as u64) as usize;
                sha.update(&zeros[..n]);
                look.take(&zeros[..n])?;
                *at += n as u64;
            }
            Ok(())
        };
        for &(from, length) in map {
            let end = from.checked_add(length).filter(|end| *end <= size && from >= at && length <= left);
            let end = end.ok_or_else(|| bad("the map of a sparse file does not fit it"))?;
            hole(from, &mut at, &mut sha, &mut look)?;
            while at < end {
                let most = (end - at).min(CHUNK as u64) as usize;
                let n = self.read(&mut buffer[..most])?;
                if n == 0 {
                    return Err(bad("the layer ends within a file"));
                }
                sha.update(&buffer[..n]);
                look.take(&buffer[..n])?;
                at += n as u64;
            }
            left -= length;
        }
        hole(size, &mut at, &mut sha, &mut look)?;
        io::copy(&mut self.by_ref().take(left), &mut io::sink())?;
        self.buffer = buffer;
        (member.size, member.hash) = (size, sha.finalize().into());
        member.extra = look.finish()?.map(Box::new);
        Ok(())
    }
}

fn kind(flag: u8, slash: bool) -> io::Result<Kind> {
    Ok(match flag {
        0 if slash => Kind::Dir,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::Char,
        b'4' => Kind::Block,
        b'5' | b'D' => Kind::Dir,
        b'6' => Kind::Fifo,
        _ => return Err(bad(format!("a member of type {:?}", char::from(flag)))),
    })
}

/// Returns a long name. Engines read with Go's library, for which GNU's names come before those in PAX.
pub fn long(gnu: Option<Vec<u8>>, pax: Option<&[u8]>) -> Option<Vec<u8>> {
    gnu.filter(|name| !name.is_empty()).or_else(|| pax.map(<[u8]>::to_vec))
}

/// Returns a device's numbers.
fn device(header: &Header) -> io::Result<(i64, i64)> {
    let (major, minor) = match (header.as_ustar(), header.as_gnu()) {
        (Some(ustar), _) => (&ustar.dev_major, &ustar.dev_minor),
        (None, Some(gnu)) => (&gnu.dev_major, &gnu.dev_minor),
        (None, None) => return Err(bad("a device without numbers")),
    };
    Ok((pax::number(major)?, pax::number(minor)?))
}

/// Returns the name in the header itself.
pub fn short_name(header: &Header) -> Vec<u8> {
    let name = pax::text(&header.as_old().name);
    match header.as_ustar().map(|ustar| pax::text(&ustar.prefix)).filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => [prefix, b"/", name].concat(),
        None => name.to_vec(),
    }
}

/// Returns the records that are metadata of a file, sorted, the last of each. A comment is left out, as engines do not read it.
fn others(all: &Records) -> Box<[(Vec<u8>, Vec<u8>)]> {
    let known: [&[u8]; 10] =
        [b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"uname", b"gname", b"hdrcharset", b"comment"];
    let mut out: std::collections::BTreeMap<&[u8], &[u8]> = std::collections::BTreeMap::new();
    for (key, value) in all.iter().filter(|(k, _)| !known.contains(&k.as_slice()) && !k.starts_with(b"GNU.sparse.")) {
        out.insert(key, value);
    }
    out.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
