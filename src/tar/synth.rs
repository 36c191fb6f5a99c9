//! Headers for members that change their name or place: plain ustar if everything fits, with PAX records otherwise. The bytes
//! are always the same for the same member.

use super::header::{self, Block, MAGIC_GNU, MAGIC_USTAR, ZERO};
use super::{Attrs, BLOCK, Kind, Meta, Sparse, Time, sparse};
use crate::path;
use std::ops::Range;

/// The largest number in the seven octal digits of an id, and in the eleven of a size or time.
const MOST_7: u64 = (1 << 21) - 1;
const MOST_11: u64 = (1 << 33) - 1;

/// Returns all bytes of a member that precede its `stored` bytes of data. For a sparse file they include the map, which is
/// written as PAX 1.0, as engines refuse the old GNU form. A member that is no file has no data, whatever `stored` is.
#[must_use]
pub fn header(path: &[u8], kind: &Kind, meta: &Meta, stored: u64, sparse: Option<&Sparse>) -> Vec<u8> {
    let file = *kind == Kind::File;
    let sparse = sparse.filter(|_| file);
    let map = sparse.map(sparse::text).unwrap_or_default();
    let size = if file { stored.saturating_add(map.len() as u64) } else { 0 };

    let mut out = Vec::new();
    let mut records = Records::default();
    let mut block = ustar(kind, meta, size);
    let name = spelled(path, kind);
    match sparse {
        Some(_) => cut(&mut block, &sparse_name(path)),
        None if place(&mut block, &name) => {}
        None => {
            cut(&mut block, &name);
            long(&mut out, &mut records, b'L', "path", &name);
        }
    }
    let target: &[u8] = match kind {
        Kind::HardLink(target) if target.is_empty() => b".",
        Kind::HardLink(target) | Kind::Symlink(target) => target,
        _ => b"",
    };
    put(&mut block, header::LINK, target);
    if target.len() > header::LINK.len() {
        long(&mut out, &mut records, b'K', "linkpath", target);
    }
    records.meta(meta, size);
    if let Some(sparse) = sparse {
        records.push("GNU.sparse.major", b"1");
        records.push("GNU.sparse.minor", b"0");
        records.push("GNU.sparse.name", path);
        records.push("GNU.sparse.realsize", sparse.real_size.to_string().as_bytes());
    }
    for (key, value) in &meta.attrs.records {
        records.push(key, value);
    }
    if !records.0.is_empty() {
        extended(&mut out, &pax_name(path), b'x', MAGIC_USTAR, &records.0);
    }
    seal(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(&map);
    out
}

/// Returns the number of zero bytes after `stored` bytes of data.
#[must_use]
pub const fn padding(stored: u64) -> u64 {
    (BLOCK - stored % BLOCK) % BLOCK
}

/// Returns the name as archives have it: directories end in a slash.
fn spelled(path: &[u8], kind: &Kind) -> Vec<u8> {
    let path = if path.is_empty() { b"." } else { path };
    if *kind == Kind::Dir { [path, b"/"].concat() } else { path.to_vec() }
}

/// Makes the header block without name, link target and checksum. Numbers that don't fit are 0: a PAX record has them.
fn ustar(kind: &Kind, meta: &Meta, size: u64) -> Block {
    let mut block = ZERO;
    put(&mut block, header::MAGIC, MAGIC_USTAR);
    let (flag, major, minor) = match *kind {
        Kind::File => (b'0', 0, 0),
        Kind::HardLink(_) => (b'1', 0, 0),
        Kind::Symlink(_) => (b'2', 0, 0),
        Kind::Char(major, minor) => (b'3', major, minor),
        Kind::Block(major, minor) => (b'4', major, minor),
        Kind::Dir => (b'5', 0, 0),
        Kind::Fifo => (b'6', 0, 0),
    };
    block[header::FLAG] = flag;
    octal(&mut block, header::MODE, u64::from(meta.attrs.mode & 0o7777));
    octal(&mut block, header::UID, fitting(meta.attrs.uid, MOST_7));
    octal(&mut block, header::GID, fitting(meta.attrs.gid, MOST_7));
    octal(&mut block, header::SIZE, fitting(size, MOST_11));
    octal(&mut block, header::MTIME, u64::try_from(meta.mtime.secs).map_or(0, |secs| fitting(secs, MOST_11)));
    for (field, name) in [(header::UNAME, &meta.attrs.uname), (header::GNAME, &meta.attrs.gname)] {
        if fits_owner(name) {
            put(&mut block, field, name);
        }
    }
    device(&mut block, header::MAJOR, major);
    device(&mut block, header::MINOR, minor);
    block
}

fn fitting(n: u64, most: u64) -> u64 {
    if n <= most { n } else { 0 }
}

/// True if an owner's name fits its field, with the NUL at its end.
fn fits_owner(name: &[u8]) -> bool {
    name.len() < header::UNAME.len()
}

/// Writes as much of `text` as fits.
fn put(block: &mut Block, field: Range<usize>, text: &[u8]) {
    let n = text.len().min(field.len());
    block[field.start..field.start + n].copy_from_slice(&text[..n]);
}

fn octal(block: &mut Block, field: Range<usize>, n: u64) {
    let digits = format!("{n:0width$o}", width = field.len() - 1);
    put(block, field, digits.as_bytes());
}

/// Writes a device number: in base-256, which readers know though ustar does not, if there are not enough digits.
fn device(block: &mut Block, field: Range<usize>, n: u32) {
    if u64::from(n) <= MOST_7 {
        return octal(block, field, n.into());
    }
    let mut number = u64::from(n).to_be_bytes();
    number[0] = 0x80;
    put(block, field, &number);
}

fn seal(block: &mut Block) {
    put(block, header::CHECKSUM, b"        ");
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    put(block, header::CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
}

/// Writes a name if it fits: alone, or with a directory as prefix. Returns true if it does.
fn place(block: &mut Block, name: &[u8]) -> bool {
    if name.len() <= header::NAME.len() {
        put(block, header::NAME, name);
        return true;
    }
    // The first slash that leaves a short enough name behind it; the one at the end of a directory leaves none.
    let from = name.len() - header::NAME.len() - 1;
    let Some(slash) = memchr::memchr(b'/', &name[from..name.len() - 1]).map(|i| from + i) else {
        return false;
    };
    if slash == 0 || slash > header::PREFIX.len() {
        return false;
    }
    put(block, header::PREFIX, &name[..slash]);
    put(block, header::NAME, &name[slash + 1..]);
    true
}

/// Fills the name field of a header whose name is given elsewhere.
fn cut(block: &mut Block, name: &[u8]) {
    put(block, header::NAME, name);
}

/// Adds a name that does not fit: as a PAX record, or as a GNU header if it is not UTF-8, as PAX text must be.
fn long(out: &mut Vec<u8>, records: &mut Records, flag: u8, key: &str, name: &[u8]) {
    if std::str::from_utf8(name).is_ok() {
        records.push(key, name);
    } else {
        extended(out, b"././@LongLink", flag, MAGIC_GNU, &[name, b"\0"].concat());
    }
}

/// Adds a header that precedes a member's own, with its body.
fn extended(out: &mut Vec<u8>, name: &[u8], flag: u8, magic: &[u8; 8], body: &[u8]) {
    let size = body.len() as u64;
    let mut block = ustar(&Kind::File, &Attrs { mode: 0o644, ..Attrs::default() }.into(), size);
    put(&mut block, header::NAME, name);
    put(&mut block, header::MAGIC, magic);
    block[header::FLAG] = flag;
    seal(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(block.len()), 0);
}

/// Returns the name of a PAX header, which only readers that don't know PAX see.
fn pax_name(path: &[u8]) -> Vec<u8> {
    let mut name = b"PaxHeaders.0/".to_vec();
    let base = path::split(path).1;
    let base = if base.is_empty() { b"." } else { base };
    let clean = |&b: &u8| if b.is_ascii_graphic() || b == b' ' { b } else { b'_' };
    name.extend(base.iter().map(clean).take(header::NAME.len() - name.len()));
    name
}

/// Returns the name in the header of a sparse file, as GNU tar makes it, which only readers that don't know PAX see.
fn sparse_name(path: &[u8]) -> Vec<u8> {
    let (dir, base) = path::split(path);
    let dir = if dir.is_empty() { b"." } else { dir };
    [dir, b"/GNUSparseFile.0/", base].concat()
}

/// The body of a PAX header.
#[derive(Default)]
struct Records(Vec<u8>);

impl Records {
    fn push(&mut self, key: impl AsRef<[u8]>, value: &[u8]) {
        let key = key.as_ref();
        // The length counts its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + digits(length) {
            length = rest + digits(length);
        }
        self.0.extend_from_slice(format!("{length} ").as_bytes());
        self.0.extend_from_slice(key);
        self.0.push(b'=');
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    /// Adds records for the values that do not fit the header's fields.
    fn meta(&mut self, meta: &Meta, size: u64) {
        let attrs = &meta.attrs;
        let numbers = [("uid", attrs.uid, MOST_7), ("gid", attrs.gid, MOST_7), ("size", size, MOST_11)];
        for (key, n, _) in numbers.into_iter().filter(|&(_, n, most)| n > most) {
            self.push(key, n.to_string().as_bytes());
        }
        let Time { secs, nanos } = meta.mtime;
        if nanos != 0 || !u64::try_from(secs).is_ok_and(|secs| secs <= MOST_11) {
            self.push("mtime", decimal(meta.mtime).as_bytes());
        }
        for (key, name) in [("uname", &attrs.uname), ("gname", &attrs.gname)] {
            if !fits_owner(name) {
                self.push(key, name);
            }
        }
    }
}

fn digits(n: usize) -> usize {
    n.to_string().len()
}

/// Writes seconds with as many digits of the fraction as are needed.
fn decimal(time: Time) -> String {
    let total = i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
    let sign = if total < 0 { "-" } else { "" };
    let (whole, nanos) = (total.unsigned_abs() / 1_000_000_000, total.unsigned_abs() % 1_000_000_000);
    if nanos == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{nanos:09}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}
