//! Layer compression: sniffing, decoding and encoding. Bytes in, bytes out; nothing here knows what they mean.
//!
//! Encoders may use several threads, and their bytes never depend on the number: gzip is compressed in blocks of one size
//! ([`gzip`]), and zstd always runs with at least one worker, whose jobs are cut by the level alone.

use std::io::{self, BufReader, Read, Write};

mod deflate;
mod encoder;
pub mod gzip;
mod named;
pub mod packed;

pub use encoder::Encoder;
use named::Named;

/// The compression of a layer's blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// A plain tar stream.
    None,
    /// RFC 1952, one or several members.
    Gzip,
    /// RFC 8878, one or several frames.
    Zstd,
}

impl Compression {
    /// Tells the compression by the first bytes of a blob (512 are enough). Anything unknown is taken for a plain tar.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Self {
        // The first member of a tar may have a name that begins like a magic number.
        if head.get(257..262) == Some(b"ustar") {
            return Self::None;
        }
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A blob may begin with a skippable frame: magic 0x184D2A50 to 0x184D2A5F.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// Returns the name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the level that is used if none is asked for.
    #[must_use]
    pub const fn default_level(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Gzip => 6,
            Self::Zstd => 3,
        }
    }
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of bytes that are handed on at once.
pub const CHUNK: usize = 256 << 10;

/// Returns a reader of the plain bytes of `reader`. Errors of the format name the format; errors of `reader` pass through.
///
/// # Errors
/// Returns an error if the decoder cannot be set up for lack of memory.
pub fn decoder<'a>(compression: Compression, reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let reader = BufReader::with_capacity(CHUNK, reader);
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(Named { inner: flate2::bufread::MultiGzDecoder::new(reader), name: "gzip" }),
        Compression::Zstd => Box::new(Named { inner: zstd::stream::read::Decoder::with_buffer(reader)?, name: "zstd" }),
    })
}

/// Compresses into `writer` with up to `threads` threads. A zstd frame states its `size`, the number of plain bytes, if that is
/// given; a wrong one is an error. Some readers want to know it in advance.
///
/// # Errors
/// Returns an error if zstd cannot be set up.
pub fn encoder<'a, W: Write + Send + 'a>(
    compression: Compression,
    level: u32,
    threads: usize,
    size: Option<u64>,
    writer: W,
) -> io::Result<Box<dyn Encoder<W> + 'a>> {
    Ok(match compression {
        Compression::None => Box::new(Plain(writer)),
        Compression::Gzip => Box::new(gzip::GzipWriter::new(writer, level, threads)?),
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(writer, level.cast_signed())?;
            encoder.include_checksum(true)?;
            encoder.set_pledged_src_size(size)?;
            // Never 0, which takes another path in the library and gives other bytes.
            // At high levels each worker takes over 100 MB; how many there are changes no byte.
            let most = if level >= 16 { 2 } else { 16 };
            encoder.multithread(u32::try_from(threads.clamp(1, most)).unwrap_or(1))?;
            Box::new(Zstd(encoder))
        }
    })
}

struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Encoder<W> for Plain<W> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.0)
    }
}

struct Zstd<W: Write>(zstd::stream::write::Encoder<'static, W>);

impl<W: Write> Write for Zstd<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Encoder<W> for Zstd<W> {
    fn finish(self: Box<Self>) -> io::Result<W> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    /// Bytes with some structure and some noise, the same every time.
    fn sample(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        noise.zip(b"slim ".iter().cycle()).map(|(n, &c)| if n < 64 { n } else { c }).take(len).collect()
    }

    fn encode(compression: Compression, level: u32, threads: usize, data: &[u8]) -> Vec<u8> {
        let mut encoder = encoder(compression, level, threads, Some(data.len() as u64), Vec::new()).unwrap();
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(compression: Compression, data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decoder(compression, data)?.read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn what_is_encoded_decodes_and_is_sniffed() {
        for len in [0, 1, 100, gzip::BLOCK - 1, gzip::BLOCK, gzip::BLOCK + 1, 3 * gzip::BLOCK + 7] {
            let data = sample(len);
            for (compression, level) in [(Compression::None, 0), (Compression::Gzip, 6), (Compression::Zstd, 3)] {
                let coded = encode(compression, level, 2, &data);
                assert_eq!(decode(compression, &coded).unwrap(), data, "{compression:?} {len}");
                if len > 0 {
                    assert_eq!(Compression::sniff(&coded), compression);
                }
            }
        }
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_threads() {
        let data = sample(9 * gzip::BLOCK + 1);
        for (compression, level) in [(Compression::Gzip, 1), (Compression::Gzip, 9), (Compression::Zstd, 3)] {
            let one = encode(compression, level, 1, &data);
            for threads in [2, 5] {
                assert!(encode(compression, level, threads, &data) == one, "{compression:?} {threads}");
            }
        }
    }

    /// Checks for one member or frame: some consumers read only the first one, and take the rest for garbage or nothing.
    #[test]
    fn what_is_encoded_is_one_member_or_frame() {
        for len in [0, 1, gzip::BLOCK, 3 * gzip::BLOCK + 7] {
            let data = sample(len);
            let coded = encode(Compression::Gzip, 6, 2, &data);
            let mut first = Vec::new();
            let mut decoder = flate2::bufread::GzDecoder::new(&coded[..]);
            decoder.read_to_end(&mut first).unwrap();
            assert!(first == data && decoder.into_inner().is_empty(), "{len}");
            let mut whole = Vec::new();
            let mut libdeflate = libdeflater::Decompressor::new();
            whole.resize(len, 0);
            assert_eq!(libdeflate.gzip_decompress(&coded, &mut whole).unwrap(), len);
            assert!(whole == data);

            let coded = encode(Compression::Zstd, 3, 2, &data);
            assert_eq!(zstd::zstd_safe::find_frame_compressed_size(&coded).unwrap(), coded.len(), "{len}");
            // A checksum, no dictionary; the window of 8 MiB at most, which every decoder has to take (RFC 8878, 3.1.1.1.2).
            assert_eq!(coded[4] & 0b0000_0111, 0b100, "{len}");
            assert_eq!(zstd::zstd_safe::get_frame_content_size(&coded).unwrap(), Some(len as u64), "{len}");
        }
        let coded = encode(Compression::Zstd, 19, 1, &sample(9 * gzip::BLOCK));
        let window = 10 + (coded[5] >> 3);
        assert!(coded[4] & 0x20 == 0 && window <= 23, "a window of 2^{window} bytes");
        // A wrong size is an error, and no broken frame.
        let mut short = encoder(Compression::Zstd, 3, 1, Some(10), Vec::new()).unwrap();
        assert!(short.write_all(b"nine char").and_then(|()| short.finish()).is_err());
    }

    #[test]
    fn several_members_and_frames_are_one_stream() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let mut two = encode(compression, compression.default_level(), 1, b"one ");
            if compression == Compression::Zstd {
                two.extend_from_slice(b"\x50\x2a\x4d\x18\x03\0\0\0abc"); // a skippable frame
            }
            two.extend(encode(compression, compression.default_level(), 1, b"two"));
            assert_eq!(decode(compression, &two).unwrap(), b"one two");
        }
    }

    #[test]
    fn a_truncated_stream_is_an_error_that_names_the_format() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let coded = encode(compression, compression.default_level(), 1, &sample(5000));
            for cut in [5, coded.len() / 2, coded.len() - 1] {
                let e = Error::from(decode(compression, &coded[..cut]).unwrap_err());
                assert!(e.to_string().contains(compression.name()), "{e}");
            }
        }
    }
}
