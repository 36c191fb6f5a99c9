//! Copying an archive that can be read only once, or that is compressed as a whole, to a temporary file without a name.
//! The members are framed on the way, so that an input that is no archive ends the copying early.

use super::outer::{self, Entry, Walk};
use crate::codec::CHUNK;
use crate::codec::packed::{self, Packing};
use crate::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The size in bytes, and beyond that the ratio, up to which a whole archive may grow by decompression: more than any gzip can, and
/// than any image does in zstd.
const MAX_SIZE: u64 = 32 << 30;
const MAX_RATIO: u64 = 1100;
/// The bytes that may follow the end of an archive: writers pad to records of some kilobytes.
const MAX_TRAILING: u64 = 64 << 20;

/// A copied archive.
pub struct Spooled {
    /// The decompressed archive.
    pub file: File,
    /// The members of the archive.
    pub entries: Vec<Entry>,
    /// The number of bytes that were read, before decompression.
    pub read: u64,
}

/// The first bytes of a stream, and a reader of all of it.
pub fn peek<R: Read + Send + 'static>(mut reader: R) -> Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(512);
    reader.by_ref().take(512).read_to_end(&mut head).map_err(Error::from)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(reader))))
}

/// Copies `reader`, whose bytes are compressed as `packing` says.
///
/// # Errors
/// Returns an error if it is no tar, or cannot be read or written.
pub fn spool(reader: Box<dyn Read + Send>, packing: Packing) -> Result<Spooled> {
    let count = Arc::new(AtomicU64::new(0));
    let counting = Counting { inner: reader, count: Arc::clone(&count) };
    let from = packed::unpack(packing, counting)?;
    let to = tempfile::tempfile().map_err(|e| Error::io(format!("no temporary file in {}", temp_dir()), e))?;
    let mut copy = Copy { from, to, size: 0, chunk: vec![0; CHUNK], count: Arc::clone(&count) };
    let entries = outer::index(&mut copy)?;
    copy.drain()?;
    let Copy { mut to, size, .. } = copy;
    // The last bytes may be a hole that was never written.
    to.set_len(size).and_then(|()| to.rewind()).map_err(|e| Error::io("cannot write the temporary file", e))?;
    Ok(Spooled { file: to, entries, read: count.load(Ordering::Relaxed) })
}

/// The directory of temporaries without a name, for messages.
pub fn temp_dir() -> String {
    std::env::temp_dir().display().to_string()
}

struct Counting<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

struct Copy {
    from: Box<dyn Read + Send>,
    to: File,
    size: u64,
    chunk: Vec<u8>,
    /// Bytes read before decompression.
    count: Arc<AtomicU64>,
}

impl Copy {
    /// Reads until `buf` is full or the input ends.
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.from.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(e)),
            }
        }
        Ok(filled)
    }

    fn broken(&self, cause: io::Error) -> io::Error {
        let mut error = Error::from(cause);
        // The decoder takes all it reads for a layer.
        if error.kind == ErrorKind::Layer {
            error.kind = ErrorKind::Archive;
        }
        error.offset(self.size).into()
    }

    /// Returns an error for a decompression bomb.
    fn check_size(&self) -> io::Result<()> {
        let most = self.count.load(Ordering::Relaxed).saturating_mul(MAX_RATIO).saturating_add(MAX_SIZE);
        if self.size <= most {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Archive, "the archive decompresses to more than any image");
        Err(error.offset(self.size).into())
    }

    /// Writes, leaving holes for zeros: a bomb of them costs no disk space.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fail = |e| io::Error::from(Error::io(format!("cannot write a temporary file in {}", temp_dir()), e));
        if bytes.iter().all(|&b| b == 0) {
            self.to.seek(SeekFrom::Current(bytes.len() as i64)).map_err(fail)?;
        } else {
            self.to.write_all(bytes).map_err(fail)?;
        }
        self.size += bytes.len() as u64;
        self.check_size()
    }

    /// Reads on after the archive's end, so that checksums of the compression are checked and a writer at the other end
    /// of a pipe is not cut off.
    fn drain(&mut self) -> Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut rest = 0;
        loop {
            let n = self.fill(&mut chunk)?;
            rest += n as u64;
            if n == 0 {
                return Ok(());
            }
            if rest > MAX_TRAILING {
                let what = "more data follows the end of the archive than any padding";
                return Err(Error::new(ErrorKind::Archive, what).offset(self.size));
            }
        }
    }
}

impl Walk for Copy {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill(buf)?;
        self.write(&buf[..n])?;
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let mut left = n;
        while left > 0 {
            let want = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let got = self.fill(&mut chunk[..want])?;
            self.write(&chunk[..got])?;
            left -= got as u64;
            if got < want {
                break;
            }
        }
        self.chunk = chunk;
        Ok(n - left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::{Tar, gzip};

    fn spool_bytes(bytes: Vec<u8>) -> Result<Spooled> {
        let (head, reader) = peek(Cursor::new(bytes))?;
        spool(reader, Packing::sniff(&head))
    }

    #[test]
    fn compressed_archives_come_out_as_they_were() {
        let tar = Tar::new().file("a", &[b'x'; 300_000]).file("zeros", &vec![0; 300_000]).end();
        for packed in [tar.clone(), gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()] {
            let size = packed.len() as u64;
            let mut spooled = spool_bytes(packed).unwrap();
            let mut back = Vec::new();
            spooled.file.read_to_end(&mut back).unwrap();
            // What follows the end mark is not kept.
            assert_eq!(back, tar[..back.len()]);
            assert_eq!((spooled.entries.len(), spooled.read), (2, size));
        }
    }

    #[test]
    fn a_broken_gzip_is_an_error_at_any_cut() {
        let packed = gzip(&Tar::new().file("a", b"abc").end());
        for cut in 2..packed.len() {
            let e = spool_bytes(packed[..cut].to_vec()).map(|_| ()).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Archive, "{cut}: {e}");
        }
        let mut flipped = packed.clone();
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        assert!(spool_bytes(flipped).is_err());
    }

    #[test]
    fn endless_input_that_is_no_archive_ends_early() {
        struct Endless(u8);
        impl Read for Endless {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                buf.fill(self.0);
                Ok(buf.len())
            }
        }
        for byte in [0, b'<'] {
            assert!(spool(Box::new(Endless(byte)), Packing::sniff(b"")).is_err());
        }
        // A size of 2^50 in a well-formed header, and zeros without end behind it.
        struct Zeros(Cursor<Vec<u8>>);
        impl Read for Zeros {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                match self.0.read(buf)? {
                    0 => Endless(0).read(buf),
                    n => Ok(n),
                }
            }
        }
        let header = Tar::new().sized("x", 1 << 50).end()[..512].to_vec();
        let mut copy = Copy {
            from: Box::new(Zeros(Cursor::new(header))),
            to: tempfile::tempfile().unwrap(),
            size: MAX_SIZE - (1 << 20),
            chunk: vec![0; CHUNK],
            count: Arc::default(),
        };
        let error = outer::index(&mut copy).unwrap_err();
        assert!(error.what.contains("decompresses to more"), "{error}");
    }
}
