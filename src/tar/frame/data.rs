//! The data of a framer's current member.

use super::{Framer, truncated};
use std::io::{self, BufRead, Read};

/// Reads the stored data of a [`Framer`]'s current member, and no further.
pub struct Data<'a, R: BufRead> {
    framer: &'a mut Framer<R>,
}

impl<R: BufRead> Framer<R> {
    /// Returns a reader of the rest of the current member's stored data: of a sparse file, only the chunks.
    pub fn data(&mut self) -> Data<'_, R> {
        Data { framer: self }
    }
}

impl<R: BufRead> BufRead for Data<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let framer = &mut *self.framer;
        let left = framer.left;
        if left == 0 {
            return Ok(&[]);
        }
        let buffer = framer.inner.fill_buf()?;
        if buffer.is_empty() {
            return Err(truncated("data", framer.size, framer.size - left, &framer.name, framer.pos).into());
        }
        Ok(&buffer[..usize::try_from(left).map_or(buffer.len(), |n| n.min(buffer.len()))])
    }

    fn consume(&mut self, n: usize) {
        let n = usize::try_from(self.framer.left).map_or(n, |left| n.min(left));
        self.framer.inner.consume(n);
        self.framer.left -= n as u64;
        self.framer.pos = self.framer.pos.saturating_add(n as u64);
    }
}

impl<R: BufRead> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let n = have.len().min(buffer.len());
        buffer[..n].copy_from_slice(&have[..n]);
        self.consume(n);
        Ok(n)
    }
}
