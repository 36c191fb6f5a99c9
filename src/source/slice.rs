//! Reading a part of a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Reads some of the archive's bytes: at least one, where any are asked for.
pub fn read_slice(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    match file.read_at(buf, at)? {
        0 if !buf.is_empty() => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive became shorter while it was read"))
        }
        n => Ok(n),
    }
}
