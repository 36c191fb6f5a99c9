//! A new file as a list of pieces of the old one.

use std::borrow::Cow;
use std::ops::Range;

use super::Object;

/// A source of zeros to borrow from.
static ZEROS: [u8; 4096] = [0; 4096];

/// A part of a new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A range of the original, never empty.
    Copy(Range<u64>),
    /// Bytes that the original does not have: headers and names.
    Bytes(Vec<u8>),
    /// This number of zeros.
    Zeros(u64),
    /// A range of the run's spool file, in which programs outside of slim left a new content. It is not at hand here: nothing
    /// reads through such a piece, and stripping makes none.
    Spooled(Range<u64>),
}

impl Piece {
    /// The number of bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Copy(range) | Self::Spooled(range) => range.end.saturating_sub(range.start),
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(count) => *count,
        }
    }

    /// Returns the first `at` bytes and the rest.
    fn split(self, at: u64) -> (Self, Self) {
        match self {
            Self::Copy(range) => {
                let middle = range.start.saturating_add(at).min(range.end);
                (Self::Copy(range.start..middle), Self::Copy(middle..range.end))
            }
            Self::Spooled(range) => {
                let middle = range.start.saturating_add(at).min(range.end);
                (Self::Spooled(range.start..middle), Self::Spooled(middle..range.end))
            }
            Self::Bytes(mut bytes) => {
                let tail = bytes.split_off(usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()));
                (Self::Bytes(bytes), Self::Bytes(tail))
            }
            Self::Zeros(count) => (Self::Zeros(at.min(count)), Self::Zeros(count.saturating_sub(at))),
        }
    }
}

/// A new file: pieces in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The parts, none empty, adjoining ranges joined.
    pub pieces: Vec<Piece>,
    /// The size of the new file.
    pub size: u64,
}

impl Recipe {
    /// Returns the new file, with the original in memory. A range that `original` does not have is left out.
    #[must_use]
    pub fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut file = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0).min(original.len()));
        for chunk in self.chunks(original) {
            file.extend_from_slice(&chunk);
        }
        file
    }

    /// Returns the bytes of the new file, in runs of at most 16 MiB; ends early if the original can't be read.
    pub fn chunks<'a, O: Object + ?Sized>(&'a self, original: &'a O) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.pieces.iter().flat_map(|piece| runs(piece.size()).map(move |run| (piece, run))).map_while(
            move |(piece, run)| match piece {
                Piece::Copy(range) => original.read(range.start + run.start..range.start + run.end),
                Piece::Bytes(bytes) => part(bytes, &run).map(Cow::Borrowed),
                Piece::Zeros(_) => part(&ZEROS, &(0..run.end - run.start)).map_or_else(
                    || usize::try_from(run.end - run.start).ok().map(|count| Cow::Owned(vec![0; count])),
                    |zeros| Some(Cow::Borrowed(zeros)),
                ),
                Piece::Spooled(_) => None,
            },
        )
    }

    /// True if each range begins where the one before ends, or later: then the original can be read in one pass.
    pub(super) fn ascends(&self) -> bool {
        let mut end = 0;
        self.pieces.iter().all(|piece| match piece {
            Piece::Copy(range) => std::mem::replace(&mut end, range.end) <= range.start,
            Piece::Bytes(_) | Piece::Zeros(_) | Piece::Spooled(_) => true,
        })
    }

    /// Adds a piece, if there is anything in it.
    pub fn push(&mut self, piece: Piece) {
        let size = piece.size();
        if size == 0 {
            return;
        }
        self.size = self.size.saturating_add(size);
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Copy(last)), Piece::Copy(next)) if last.end == next.start => last.end = next.end,
            (Some(Piece::Bytes(last)), Piece::Bytes(next)) => last.extend(next),
            (Some(Piece::Zeros(last)), Piece::Zeros(next)) => *last += next,
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Returns this recipe with `bytes` in place of those at `at`.
    pub(super) fn overlay(self, at: u64, bytes: &[u8]) -> Self {
        let end = at.saturating_add(bytes.len() as u64);
        let mut result = Self::default();
        let mut begin = 0_u64;
        let mut patch = Some(bytes);
        for piece in self.pieces {
            let next = begin.saturating_add(piece.size());
            let (before, rest) = piece.split(at.saturating_sub(begin));
            let skip = end.saturating_sub(begin.max(at)).min(rest.size());
            let (_, after) = rest.split(skip);
            result.push(before);
            if next >= end
                && let Some(bytes) = patch.take()
            {
                result.push(Piece::Bytes(bytes.to_vec()));
            }
            result.push(after);
            begin = next;
        }
        result
    }
}

/// Splits `0..size` into runs of 16 MiB.
fn runs(size: u64) -> impl Iterator<Item = Range<u64>> {
    const RUN: u64 = 16 << 20;
    (0..size.div_ceil(RUN)).map(move |i| i * RUN..(i * RUN).saturating_add(RUN).min(size))
}

fn part<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// The new file, read through its recipe.
pub(super) struct Made<'a, O: ?Sized> {
    pub(super) original: &'a O,
    pub(super) recipe: &'a Recipe,
}

impl<O: Object + ?Sized> Object for Made<'_, O> {
    fn size(&self) -> u64 {
        self.recipe.size
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let mut result = Vec::new();
        let mut begin = 0_u64;
        for piece in &self.recipe.pieces {
            let end = begin + piece.size();
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                let inside = from - begin..to - begin;
                match piece {
                    Piece::Copy(at) => {
                        result.extend_from_slice(&self.original.read(at.start + inside.start..at.start + inside.end)?);
                    }
                    Piece::Bytes(bytes) => result.extend_from_slice(part(bytes, &inside)?),
                    Piece::Zeros(_) => result.resize(result.len().checked_add(usize::try_from(to - from).ok()?)?, 0),
                    Piece::Spooled(_) => return None,
                }
            }
            begin = end;
        }
        (result.len() as u64 == range.end.checked_sub(range.start)?).then_some(Cow::Owned(result))
    }
}
