//! Maps of sparse files in their four forms, all read into one that is checked entry by entry: old GNU chunks in the
//! header, PAX 0.0 and 0.1 records, and the text of PAX 1.0 before the data.

use super::header::{self, Header, SPARSE, SPARSE_MORE, SPARSE_SIZE, bad, decimal, number, shown};
use super::{Sparse, header::Block};
use crate::{Error, Result};

/// The most entries that a map may have; no file of an image has so many fragments.
const MOST: u64 = 1 << 20;

/// A map under construction.
pub(crate) struct Map {
    real_size: u64,
    entries: Vec<(u64, u64)>,
    count: u64,
    end: u64,
    total: u64,
}

impl Map {
    pub(crate) fn new(real_size: u64) -> Result<Self> {
        if i64::try_from(real_size).is_err() {
            return Err(bad("sparse file too large").expected(format!("at most {} bytes", i64::MAX), real_size));
        }
        Ok(Self { real_size, entries: Vec::new(), count: 0, end: 0, total: 0 })
    }

    /// Adds a chunk. Empty ones, which writers put at a file's end to mark it, are checked and left out.
    pub(crate) fn push(&mut self, offset: u64, length: u64) -> Result<()> {
        let chunk = || format!("one of {length} at {offset}");
        self.count += 1;
        check_count(self.count)?;
        if offset < self.end {
            let expected = format!("a chunk at {} or later", self.end);
            return Err(bad("overlapping or descending sparse chunks").expected(expected, chunk()));
        }
        match offset.checked_add(length) {
            Some(end) if end <= self.real_size => self.end = end,
            _ => {
                let expected = format!("chunks within {} bytes", self.real_size);
                return Err(bad("sparse chunk beyond the file's size").expected(expected, chunk()));
            }
        }
        // No overflow: chunks don't overlap and end within the size.
        self.total += length;
        if length > 0 {
            self.entries.push((offset, length));
        }
        Ok(())
    }

    /// Finishes the map, which must cover the stored data.
    pub(crate) fn finish(self, stored: u64) -> Result<Sparse> {
        if self.total != stored {
            let expected = format!("{} bytes", self.total);
            return Err(bad("stored size of a sparse file differs from its map").expected(expected, stored));
        }
        Ok(Sparse { real_size: self.real_size, map: self.entries })
    }

    /// Reads the map that begins in an old GNU header; returns true with it if an extension block follows.
    pub(super) fn old_gnu(header: &Header) -> Result<(Self, bool)> {
        let mut map = Self::new(header.unsigned("real size", SPARSE_SIZE)?)?;
        map.push_fields(&header.0[SPARSE])?;
        Ok((map, header.0[SPARSE_MORE] != 0))
    }

    /// Like [`Self::old_gnu`], for the block of a header whose checksum was verified.
    pub(crate) fn old_gnu_block(block: &Block) -> Result<(Self, bool)> {
        Self::old_gnu(&Header(*block))
    }

    /// Adds the chunks of an extension block; returns true if another follows.
    pub(crate) fn extend(&mut self, block: &Block) -> Result<bool> {
        let (fields, more) = block.split_at(21 * 24);
        self.push_fields(fields)?;
        Ok(more[0] != 0)
    }

    fn push_fields(&mut self, fields: &[u8]) -> Result<()> {
        for field in fields.chunks_exact(24) {
            let (offset, length) = field.split_at(12);
            if offset[0] == 0 || length[0] == 0 {
                break;
            }
            let value = |f| number(f).and_then(|n| u64::try_from(n).ok());
            let wrong = || bad("bad sparse chunk").expected("two numbers, at least 0", shown(field));
            self.push(value(offset).ok_or_else(wrong)?, value(length).ok_or_else(wrong)?)?;
        }
        Ok(())
    }
}

fn check_count(count: u64) -> Result<()> {
    if count > MOST {
        return Err(bad("too many sparse chunks").expected(format!("at most {MOST}"), count));
    }
    Ok(())
}

/// The place of a member's sparse map.
pub(crate) enum Layout {
    /// It is not sparse.
    Plain,
    /// In the header and the blocks after it.
    OldGnu,
    /// It was in the PAX records.
    Known(Map),
    /// At the beginning of the stored data, for a file of this size.
    InData(u64),
}

/// The `GNU.sparse.*` records of a member.
#[derive(Default)]
pub(crate) struct Keys {
    /// The name of the file, if the header has a made-up one.
    pub(crate) name: Option<Vec<u8>>,
    major: Option<Vec<u8>>,
    minor: Option<Vec<u8>>,
    real_size: Option<u64>,
    count: Option<u64>,
    numbers: Vec<u64>,
    any: bool,
}

impl Keys {
    /// Takes the record `GNU.sparse.KEY=VALUE`.
    pub(crate) fn apply(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let parse = |digits: &[u8]| {
            let what = format!("bad PAX GNU.sparse.{}", key.escape_ascii());
            decimal(digits).ok_or_else(|| bad(what).expected("a decimal number", shown(digits)))
        };
        self.any = true;
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"major" => self.major = Some(value.to_vec()),
            b"minor" => self.minor = Some(value.to_vec()),
            b"size" | b"realsize" => self.real_size = Some(parse(value)?),
            b"numblocks" => self.count = Some(parse(value)?),
            b"map" => {
                for number in value.split(|&b| b == b',') {
                    self.numbers.push(parse(number)?);
                    check_count(self.numbers.len() as u64 / 2)?;
                }
            }
            b"offset" | b"numbytes" => {
                if self.numbers.len().is_multiple_of(2) != (key == b"offset") {
                    let expected = "GNU.sparse.offset and GNU.sparse.numbytes in turn";
                    return Err(bad("broken sparse map in PAX records").expected(expected, "two of one"));
                }
                self.numbers.push(parse(value)?);
                check_count(self.numbers.len() as u64 / 2)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// True if there was any such record.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Returns the layout that the records state.
    pub(crate) fn layout(&self) -> Result<Layout> {
        if !self.any {
            return Ok(Layout::Plain);
        }
        let real_size = self.real_size.ok_or_else(|| {
            bad("sparse file without its size").expected("a GNU.sparse.size or GNU.sparse.realsize record", "none")
        })?;
        match (self.major.as_deref(), self.minor.as_deref()) {
            (None, None) | (Some(b"0"), Some(b"0" | b"1")) => {}
            (Some(b"1"), Some(b"0")) => return Ok(Layout::InData(real_size)),
            (major, minor) => {
                let found = format!("{}.{}", shown(major.unwrap_or(b"")), shown(minor.unwrap_or(b"")));
                return Err(bad("unknown version of sparse file").expected("0.0, 0.1 or 1.0", found));
            }
        }
        let (pairs, odd) = self.numbers.as_chunks::<2>();
        if !odd.is_empty() || self.count.is_some_and(|n| n != pairs.len() as u64) {
            let expected = self.count.map_or_else(|| "pairs".into(), |n| format!("{n} pairs"));
            let found = format!("{} numbers", self.numbers.len());
            return Err(bad("broken sparse map in PAX records").expected(expected, found));
        }
        let mut map = Map::new(real_size)?;
        for &[offset, length] in pairs {
            map.push(offset, length)?;
        }
        Ok(Layout::Known(map))
    }
}

/// A reader of the text of a PAX 1.0 map: the number of chunks, then offset and length of each, a line for each number.
pub(crate) struct Text {
    map: Map,
    left: Option<u64>,
    offset: Option<u64>,
    line: Vec<u8>,
}

impl Text {
    pub(crate) fn new(real_size: u64) -> Result<Self> {
        Ok(Self { map: Map::new(real_size)?, left: None, offset: None, line: Vec::new() })
    }

    /// Takes the next block; returns true if the map ended in it.
    pub(crate) fn feed(&mut self, block: &Block) -> Result<bool> {
        let mut rest = &block[..];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let number = decimal(&self.line).ok_or_else(|| self.broken())?;
            self.line.clear();
            if self.take(number)? {
                return Ok(true);
            }
        }
        self.line.extend_from_slice(rest);
        // No number has more digits, so there is no need to collect more.
        if self.line.len() > 20 {
            return Err(self.broken());
        }
        Ok(false)
    }

    fn broken(&self) -> Error {
        bad("broken sparse map before the data").expected("a decimal number", shown(&self.line))
    }

    fn take(&mut self, number: u64) -> Result<bool> {
        let Some(left) = &mut self.left else {
            check_count(number)?;
            self.left = Some(number);
            return Ok(number == 0);
        };
        let Some(offset) = self.offset.take() else {
            self.offset = Some(number);
            return Ok(false);
        };
        *left -= 1;
        let done = *left == 0;
        self.map.push(offset, number)?;
        Ok(done)
    }

    pub(crate) fn into_map(self) -> Map {
        self.map
    }
}

/// Returns the text of `sparse`'s map as PAX 1.0 has it before the data, padded to whole blocks. If the file ends in a hole, an
/// empty chunk marks the end: GNU tar makes the file too short without it.
pub(super) fn text(sparse: &Sparse) -> Vec<u8> {
    let end = sparse.map.last().map_or(0, |&(offset, length)| offset.saturating_add(length));
    let mark = (end < sparse.real_size || sparse.map.is_empty()).then_some((sparse.real_size, 0));
    let mut text = format!("{}\n", sparse.map.len() + usize::from(mark.is_some()));
    for (offset, length) in sparse.map.iter().copied().chain(mark) {
        text.push_str(&format!("{offset}\n{length}\n"));
    }
    let mut text = text.into_bytes();
    text.resize(text.len().next_multiple_of(header::ZERO.len()), 0);
    text
}
