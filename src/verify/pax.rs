//! The meaning of a tar header with the extended headers before it: names of any length, PAX records, maps of sparse files.
//! This is written independently of `src/tar`, which it checks; the `tar` crate knows the places of the header's fields.

use bstr::BString;
use std::io::{self, Read};
use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

/// Records of one or several extended headers, in order.
pub type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// A file's chunks of data: the offset in the file, and the length of each.
pub type Map = Vec<(u64, u64)>;

/// The size in bytes of the largest extended header.
const MAX_RECORDS: u64 = 16 << 20;
/// The most chunks of data that a file may have: no file of an image has more.
const MAX_CHUNKS: u64 = 1 << 20;

/// Makes the error for a wrong archive.
pub fn bad(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Returns the next header of a tar; `None` at its end. `whole` is the name of the tar in messages.
///
/// # Errors
/// Returns an error if the tar ends within the header, and those of the reader.
pub fn block(reader: &mut impl Read, whole: &str) -> io::Result<Option<[u8; 512]>> {
    let mut block = [0; 512];
    let mut filled = 0;
    while filled < block.len() {
        match reader.read(&mut block[filled..])? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(bad(format!("the {whole} ends within a header"))),
            n => filled += n,
        }
    }
    Ok((block != [0; 512]).then_some(block))
}

/// Returns the value of a numeric field: octal, or base-256 with its sign.
pub fn number(field: &[u8]) -> io::Result<i64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let negative = field[0] & 0x40 != 0;
        let first = i128::from(field[0] & 0x3f) - if negative { 0x40 } else { 0 };
        let value = field[1..]
            .iter()
            .try_fold(first, |value, byte| value.checked_mul(256).map(|value| value + i128::from(*byte)));
        return value.and_then(|value| i64::try_from(value).ok()).ok_or_else(|| bad("a number is too large"));
    }
    let digits = field.split(|&c| c == 0).next().unwrap_or_default().trim_ascii();
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8).map(|v| v + i64::from(digit - b'0')).ok_or_else(|| bad("too large")),
        _ => Err(bad("a numeric field is no octal number")),
    })
}

/// Returns the bytes of a field up to its NUL.
pub fn text(field: &[u8]) -> &[u8] {
    field.split(|&c| c == 0).next().unwrap_or_default()
}

/// True if the header's checksum is right, over unsigned or over signed bytes.
pub fn checksum_holds(block: &[u8; 512]) -> bool {
    let Ok(said) = number(&block[148..156]) else { return false };
    let of = |value: fn(u8) -> i64| -> i64 {
        block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { value(*b) }).sum()
    };
    said == of(i64::from) || said == of(|b| i64::from(b.cast_signed()))
}

/// Returns the records of an extended header's data. A value may hold anything: its length counts, not the end of a line.
pub fn records(data: &[u8]) -> io::Result<Records> {
    let mut out = Records::new();
    let mut rest = data;
    while !rest.is_empty() && rest[0] != 0 {
        let wrong = || bad("a PAX record is malformed");
        let blank = rest.iter().position(|&c| c == b' ').ok_or_else(wrong)?;
        let length: usize = std::str::from_utf8(&rest[..blank]).ok().and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
        let record = rest.get(blank + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(wrong)?;
        let equals = record.iter().position(|&c| c == b'=').ok_or_else(wrong)?;
        out.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        rest = &rest[length..];
    }
    Ok(out)
}

/// Returns the data of an extended header.
pub fn extension(reader: &mut impl Read, size: i64) -> io::Result<Vec<u8>> {
    let size = u64::try_from(size).ok().filter(|size| *size <= MAX_RECORDS);
    let size = size.ok_or_else(|| bad("an extended header is too large"))?;
    let mut data = Vec::new();
    reader.by_ref().take(size.next_multiple_of(512)).read_to_end(&mut data)?;
    if (data.len() as u64) < size {
        return Err(bad("the layer ends within an extended header"));
    }
    data.truncate(size as usize);
    Ok(data)
}

/// Reads a time in PAX: seconds with a fraction, as whole seconds below it and nanoseconds.
pub fn time(value: &[u8]) -> io::Result<(i64, u32)> {
    let wrong = || bad("a PAX time is malformed");
    let text = std::str::from_utf8(value).map_err(|_| wrong())?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos: u32 = digits.parse().map_err(|_| wrong())?;
    let secs: i64 = whole.parse().map_err(|_| wrong())?;
    Ok(match (whole.starts_with('-'), nanos) {
        (true, 1..) => (secs.checked_sub(1).ok_or_else(wrong)?, 1_000_000_000 - nanos),
        _ => (secs, nanos),
    })
}

/// The PAX records of a sparse file.
#[derive(Default)]
pub struct Sparse {
    /// The true name, for which the header has a substitute.
    pub name: Option<BString>,
    /// The size of the file with its holes.
    pub size: Option<u64>,
    /// The chunks, if they are in the records.
    pub map: Option<Map>,
    /// True if the map is before the data.
    pub inside: bool,
}

/// Finds the records of a sparse file (GNU tar's manual, "PAX Format, Version 0.0" and on).
pub fn sparse(records: &Records) -> io::Result<Option<Sparse>> {
    let mut out = Sparse::default();
    let mut any = false;
    let parse = |value: &[u8]| -> io::Result<u64> {
        let text = std::str::from_utf8(value).ok();
        text.and_then(|t| t.parse().ok()).ok_or_else(|| bad("a map of a sparse file is malformed"))
    };
    let mut offset = None;
    for (key, value) in records {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { continue };
        any = true;
        match key {
            b"name" => out.name = Some(value.as_slice().into()),
            b"size" | b"realsize" => out.size = Some(parse(value)?),
            b"major" => out.inside = value == b"1",
            b"offset" => offset = Some(parse(value)?),
            b"numbytes" => {
                let at = offset.take().ok_or_else(|| bad("a map of a sparse file is malformed"))?;
                out.map.get_or_insert_default().push((at, parse(value)?));
            }
            b"map" => {
                let numbers = value.split(|&c| c == b',').filter(|n| !n.is_empty()).map(parse);
                let numbers = numbers.collect::<io::Result<Vec<u64>>>()?;
                out.map = Some(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect());
            }
            _ => {}
        }
    }
    Ok((any && (out.inside || out.map.is_some())).then_some(out))
}

/// Reads the map before the data of a sparse file of version 1.0; returns also the number of bytes that it takes.
pub fn inside_map(reader: &mut impl Read) -> io::Result<(Map, u64)> {
    let mut used = 0_u64;
    let mut line = |reader: &mut dyn Read| -> io::Result<u64> {
        let mut value = 0_u64;
        for _ in 0..24 {
            let mut byte = [0];
            reader.read_exact(&mut byte)?;
            used += 1;
            match byte[0] {
                b'\n' => return Ok(value),
                digit @ b'0'..=b'9' => {
                    let next = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0')));
                    value = next.ok_or_else(|| bad("a map of a sparse file has too large numbers"))?;
                }
                _ => break,
            }
        }
        Err(bad("a map of a sparse file is malformed"))
    };
    let count = line(reader)?;
    if count > MAX_CHUNKS {
        return Err(bad("a map of a sparse file has too many chunks"));
    }
    let mut map = Map::new();
    for _ in 0..count {
        map.push((line(reader)?, line(reader)?));
    }
    let padding = used.next_multiple_of(512) - used;
    io::copy(&mut reader.take(padding), &mut io::sink())?;
    Ok((map, used + padding))
}

/// Reads the map in an old GNU header and the blocks after it; returns also the size of the file with its holes.
pub fn gnu_map(header: &Header, reader: &mut impl Read) -> io::Result<(Map, u64)> {
    let gnu = header.as_gnu().ok_or_else(|| bad("a sparse file whose header is not GNU's"))?;
    let mut map = Map::new();
    let mut add = |entries: &[GnuSparseHeader]| -> io::Result<()> {
        for entry in entries.iter().filter(|e| e.offset[0] != 0 && e.numbytes[0] != 0) {
            let of = |field| u64::try_from(number(field)?).map_err(|_| bad("a map of a sparse file is malformed"));
            if map.len() as u64 == MAX_CHUNKS {
                return Err(bad("a map of a sparse file has too many chunks"));
            }
            map.push((of(&entry.offset)?, of(&entry.numbytes)?));
        }
        Ok(())
    };
    add(&gnu.sparse)?;
    let mut more = gnu.isextended[0] == 1;
    while more {
        let mut block = GnuExtSparseHeader::new();
        reader.read_exact(block.as_mut_bytes())?;
        add(&block.sparse)?;
        more = block.isextended[0] == 1;
    }
    let size = u64::try_from(number(&gnu.realsize)?).map_err(|_| bad("a size is negative"))?;
    Ok((map, size))
}
