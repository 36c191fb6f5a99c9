//! Archives that are compressed as a whole, read a second way.

use super::compression::{Compression, decoder};
use crate::{Error, ErrorKind, Result};
use liblzma::stream::{CONCATENATED, Stream, TELL_UNSUPPORTED_CHECK};
use std::fs::File;
use std::io::{self, BufRead, Read};

/// The memory in bytes that the decoder of xz may take.
const XZ_MEMORY: u64 = 256 << 20;

fn is_xz(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

fn is_bzip2(head: &[u8]) -> bool {
    let blocks: [&[u8]; 2] = [b"1AY&SY", b"\x17rE8P\x90"];
    head.starts_with(b"BZh") && head.len() >= 10 && blocks.contains(&&head[4..10])
}

/// True if an archive that begins with `head` (10 bytes are enough) is compressed.
pub fn is_packed(head: &[u8]) -> bool {
    is_xz(head) || is_bzip2(head) || Compression::of(head) != Compression::None
}

/// Writes the plain bytes of an archive to a file.
///
/// # Errors
/// Returns an error if they cannot be read to their end, or not written.
pub fn unpack(mut reader: Box<dyn Read + Send>, to: &mut File) -> Result<()> {
    let mut head = Vec::new();
    reader.by_ref().take(10).read_to_end(&mut head).map_err(|e| Error::io("cannot read", e))?;
    let (xz, bzip2) = (is_xz(&head), is_bzip2(&head));
    let whole: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(reader));
    let mut plain: Box<dyn Read + Send> = if xz {
        let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED | TELL_UNSUPPORTED_CHECK);
        let stream = stream.map_err(|e| Error::io("cannot read xz", e.into()))?;
        Box::new(liblzma::bufread::XzDecoder::new_stream(io::BufReader::new(whole), stream))
    } else if bzip2 {
        Box::new(bzip2::bufread::MultiBzDecoder::new(io::BufReader::new(whole)))
    } else {
        decoder(whole).map_err(|e| Error::io("cannot read", e))?.1
    };
    let mut from = io::BufReader::with_capacity(256 << 10, &mut plain);
    loop {
        let chunk =
            from.fill_buf().map_err(|e| Error::new(ErrorKind::Archive, "the compression is broken").cause(e))?;
        let length = chunk.len();
        if length == 0 {
            return Ok(());
        }
        io::Write::write_all(to, chunk).map_err(|e| Error::io("cannot write a temporary file", e))?;
        from.consume(length);
    }
}
