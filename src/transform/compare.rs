//! Compares files of two images: their bytes side by side, up to the first difference. Nothing is hashed.

use super::contents::{Content, ContentReader};
use crate::Result;
use crate::elf::Object as _;
use crate::tree::MemberId;
use rayon::prelude::*;
use std::ops::Range;

/// The number of bytes that are read at a time.
const CHUNK: u64 = 1 << 20;

/// Returns for each pair whether its two files have the same content. They must be of equal size, as a reader sees it.
///
/// # Errors
/// Returns the errors of the inputs.
pub fn equal(
    pairs: &[(MemberId, MemberId)],
    before: &ContentReader<'_>,
    after: &ContentReader<'_>,
) -> Result<Vec<bool>> {
    let one = |&(a, b): &(MemberId, MemberId)| same(&Seen::new(before, a), &Seen::new(after, b));
    pairs.par_iter().map(one).collect()
}

/// A file as a reader sees it.
struct Seen<'a> {
    content: Content<'a>,
    /// The chunks of a sparse file: offset, length, and the offset of each one's stored data.
    chunks: Option<Vec<(u64, u64, u64)>>,
}

impl<'a> Seen<'a> {
    fn new(contents: &'a ContentReader<'a>, at: MemberId) -> Self {
        let chunks = contents.sparse(at).map(|sparse| {
            let stored = sparse.map.iter().scan(0, |sum, (_, length)| {
                let start = *sum;
                *sum += length;
                Some(start)
            });
            sparse.map.iter().zip(stored).map(|(&(offset, length), stored)| (offset, length, stored)).collect()
        });
        Self { content: contents.content(at), chunks }
    }

    /// Returns the ranges with data; everything else reads as zeros.
    fn data(&self) -> Vec<Range<u64>> {
        match &self.chunks {
            None => std::iter::once(0..self.content.size()).collect(),
            Some(chunks) => chunks.iter().map(|&(offset, length, _)| offset..offset + length).collect(),
        }
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let Some(chunks) = &self.chunks else { return self.content.bytes(range) };
        let mut out = vec![0; (range.end - range.start) as usize];
        let first = chunks.partition_point(|&(offset, length, _)| offset + length <= range.start);
        for &(offset, length, stored) in chunks[first..].iter().take_while(|c| c.0 < range.end) {
            let part = range.start.max(offset)..range.end.min(offset + length);
            let bytes = self.content.bytes(stored + part.start - offset..stored + part.end - offset)?;
            let at = (part.start - range.start) as usize;
            out[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(out)
    }
}

/// Compares two files. Holes are never read if both have them: a sparse file may claim any size.
fn same(a: &Seen<'_>, b: &Seen<'_>) -> Result<bool> {
    Ok(agrees(a, b)? && (a.chunks.is_none() || agrees(b, a)?))
}

/// True if `other` has the same bytes wherever `one` has data.
fn agrees(one: &Seen<'_>, other: &Seen<'_>) -> Result<bool> {
    for data in one.data() {
        for start in data.clone().step_by(CHUNK as usize) {
            let range = start..data.end.min(start.saturating_add(CHUNK));
            if one.read(range.clone())? != other.read(range)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
