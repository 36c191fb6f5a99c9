//! Parts of an archive, read without moving the position of the file: members as they are stored, and sparse ones with their holes
//! filled in. bsdtar (which is `tar` on macOS, FreeBSD and Windows) and `tar -S` store a layer so where its file had holes on disk.

use crate::tar::Sparse;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A part of a file, read without moving the file's position.
pub struct Slice {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Slice {
    /// The bytes of `file` from the offset `at` on, up to the offset `end`.
    pub const fn new(file: Arc<File>, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }
}

impl Read for Slice {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        let n = read_slice(&self.file, &mut buf[..most], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A sparse member's bytes as a reader of the file would see them.
pub struct Expanded {
    file: Arc<File>,
    sparse: Arc<Sparse>,
    /// The next byte, counted in the expanded member.
    at: u64,
    /// The chunk that ends after it, and where that chunk's data is in the archive.
    chunk: usize,
    data: u64,
}

impl Expanded {
    /// The member whose data begins at `offset` of `file`, from its byte `at` on.
    pub fn new(file: Arc<File>, offset: u64, sparse: Arc<Sparse>, at: u64) -> Self {
        let chunk = sparse.map.partition_point(|(from, length)| from + length <= at);
        let data = offset + sparse.map[..chunk].iter().map(|(_, length)| length).sum::<u64>();
        Self { file, sparse, at, chunk, data }
    }
}

impl Read for Expanded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(buf.len());
        let Some(&(from, length)) = self.sparse.map.get(self.chunk) else {
            let n = most(self.sparse.real_size.saturating_sub(self.at));
            buf[..n].fill(0);
            self.at += n as u64;
            return Ok(n);
        };
        if self.at < from {
            let n = most(from - self.at);
            buf[..n].fill(0);
            self.at += n as u64;
            return Ok(n);
        }
        let within = self.at - from;
        let n = most(length - within);
        let n = read_slice(&self.file, &mut buf[..n], self.data + within)?;
        self.at += n as u64;
        if self.at == from + length {
            self.data += length;
            self.chunk += 1;
        }
        Ok(n)
    }
}

/// Reads some of the archive's bytes: at least one, where any are asked for.
fn read_slice(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    match file.read_at(buf, at)? {
        0 if !buf.is_empty() => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive became shorter while it was read"))
        }
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn holes_are_zeros_from_any_byte_on() {
        for map in
            [vec![], vec![(0, 3)], vec![(2, 3)], vec![(2, 3), (5, 1), (9, 2)], vec![(0, 1), (11, 1)], vec![(0, 12)]]
        {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"--ABCDEFGHIJKL").unwrap();
            let mut want = [0; 12];
            let mut letters = b"ABCDEFGHIJKL".iter();
            for &(from, length) in &map {
                for at in from..from + length {
                    want[at as usize] = *letters.next().unwrap();
                }
            }
            let (file, sparse) = (Arc::new(file), Arc::new(Sparse { real_size: 12, map }));
            for at in 0..=12 {
                let mut out = Vec::new();
                Expanded::new(Arc::clone(&file), 2, Arc::clone(&sparse), at as u64).read_to_end(&mut out).unwrap();
                assert_eq!(out, want[at..], "{:?} from {at}", sparse.map);
            }
        }
    }

    #[test]
    fn an_archive_that_became_shorter_is_an_error() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let sparse = Arc::new(Sparse { real_size: 9, map: vec![(4, 2)] });
        assert!(Expanded::new(file, 0, sparse, 0).read_to_end(&mut Vec::new()).is_err());
    }
}
