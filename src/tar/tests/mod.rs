//! Tests of framing and synthesis together, with archives made byte by byte, at random, and by other programs.

mod broken;
mod differential;
mod extended;
mod forms;
mod readers;
mod roundtrip;
mod synthesis;

use super::frame::Framer;
use super::header::{self, Block, MAGIC_USTAR, ZERO};
use super::{Kind, Member};
use crate::Result;
use std::io::Read;
use std::ops::Range;

/// A header written field by field; ustar, mode 644, all else 0 to begin with.
struct Raw {
    block: Block,
    body: Vec<u8>,
    sealed: bool,
}

impl Raw {
    fn new(name: impl AsRef<[u8]>, flag: u8) -> Self {
        let this = Self { block: ZERO, body: Vec::new(), sealed: false };
        let mut this = this.field(header::NAME, name).field(header::MAGIC, MAGIC_USTAR);
        this.block[header::FLAG] = flag;
        for field in [header::UID, header::GID, header::SIZE, header::MTIME] {
            this = this.number(field, 0);
        }
        this.number(header::MODE, 0o644)
    }

    fn field(mut self, field: Range<usize>, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        assert!(value.len() <= field.len());
        self.block[field.clone()].fill(0);
        self.block[field.start..field.start + value.len()].copy_from_slice(value);
        self
    }

    fn number(self, field: Range<usize>, n: u64) -> Self {
        let digits = format!("{n:0width$o}", width = field.len() - 1);
        self.field(field, digits)
    }

    fn size(self, n: u64) -> Self {
        self.number(header::SIZE, n)
    }

    fn checksum(mut self, field: &[u8]) -> Self {
        self.sealed = true;
        self.field(header::CHECKSUM, field)
    }

    /// Sets the data and their size; a size set after this is a lie.
    fn data(mut self, data: impl AsRef<[u8]>) -> Self {
        self.body = data.as_ref().to_vec();
        let n = self.body.len();
        self.body.resize(n.next_multiple_of(512), 0);
        self.size(n as u64)
    }

    /// Returns header, data and padding.
    fn bytes(&self) -> Vec<u8> {
        let mut block = self.block;
        if !self.sealed {
            block[header::CHECKSUM].fill(b' ');
            let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
            block[header::CHECKSUM][..7].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
        [&block[..], &self.body].concat()
    }
}

fn pax_body(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest + 1..).find(|n| *n == rest + n.to_string().len()).unwrap();
        body.extend_from_slice(format!("{length} {key}=").as_bytes());
        body.extend_from_slice(value);
        body.push(b'\n');
    }
    body
}

fn pax(flag: u8, records: &[(&str, &[u8])]) -> Raw {
    Raw::new("PaxHeaders/x", flag).data(pax_body(records))
}

/// Returns the members one after the other, without an end marker.
fn stream(parts: &[Raw]) -> Vec<u8> {
    parts.iter().flat_map(Raw::bytes).collect()
}

/// Returns all members with their data, after checking that spans are in order and contain the data.
fn frame(bytes: &[u8]) -> Result<Vec<(Member, Vec<u8>)>> {
    let mut framer = Framer::new(bytes);
    let mut members = Vec::new();
    while let Some(member) = framer.next()? {
        let mut data = Vec::new();
        framer.data().read_to_end(&mut data)?;
        assert!(member.start >= members.last().map_or(0, |(m, _): &(Member, _)| m.span().end));
        assert_eq!(framer.members_end, member.span().end);
        assert!(member.start < member.data().start && member.data().end <= member.span().end);
        assert!(member.start % 512 == 0 && member.span().end % 512 == 0 && member.data().start % 512 == 0);
        let range = usize::try_from(member.data().start).unwrap()..usize::try_from(member.data().end).unwrap();
        assert!(data == bytes[range], "{}", member.path);
        members.push((member, data));
    }
    assert!(framer.next()?.is_none());
    Ok(members)
}

fn one(parts: &[Raw]) -> Member {
    let mut members = frame(&stream(parts)).unwrap();
    assert_eq!(members.len(), 1);
    members.remove(0).0
}

fn kinds(parts: &[Raw]) -> Vec<(String, Kind)> {
    frame(&stream(parts)).unwrap().into_iter().map(|(m, _)| (m.path.to_string(), m.kind)).collect()
}

fn error(parts: &[Raw]) -> crate::Error {
    frame(&stream(parts)).unwrap_err()
}

/// Returns the content of a file, its holes filled with zeros.
fn expand(member: &Member, data: &[u8]) -> Vec<u8> {
    let Some(sparse) = &member.sparse else {
        return data.to_vec();
    };
    let mut out = vec![0; usize::try_from(sparse.real_size).unwrap()];
    let mut rest = data;
    for &(offset, length) in &sparse.map {
        let (chunk, after) = rest.split_at(usize::try_from(length).unwrap());
        out[usize::try_from(offset).unwrap()..][..chunk.len()].copy_from_slice(chunk);
        rest = after;
    }
    assert!(rest.is_empty());
    out
}
