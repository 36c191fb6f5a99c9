//! The compression of an archive as a whole: as for layers, or with xz or bzip2, which docker and podman read too.
//!
//! xz is read by liblzma, in C as zstd and libdeflate are, because it is the reference, checks all kinds of checksums (CRC-32,
//! CRC-64, SHA-256) and keeps to a limit of memory; bzip2 by libbz2-rs, a Rust port of the reference.

use super::named::{Named, XZ_MEMORY};
use super::{CHUNK, Compression, decoder};
use liblzma::stream::{CONCATENATED, Stream, TELL_UNSUPPORTED_CHECK};
use std::io::{self, BufReader, Read};

/// The compression of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// None, or one that layers may have.
    Layer(Compression),
    /// The .xz format, one or several streams. Source: <https://tukaani.org/xz/xz-file-format.txt>.
    Xz,
    /// bzip2, one or several streams.
    Bzip2,
}

impl Packing {
    /// Tells the compression by the first bytes (512 are enough).
    #[must_use]
    pub fn sniff(head: &[u8]) -> Self {
        if head.get(257..262) == Some(b"ustar") {
            return Self::Layer(Compression::None);
        }
        match head {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            // A block begins with the digits of pi, an empty stream with those of its square root.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Self::Bzip2,
            _ => Self::Layer(Compression::sniff(head)),
        }
    }

    /// True if the bytes are the archive's own.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        matches!(self, Self::Layer(Compression::None))
    }
}

/// Returns a reader of the plain bytes of an archive. Errors of the format name the format; errors of `reader` pass through.
///
/// # Errors
/// Returns an error if the decoder cannot be set up for lack of memory.
pub fn unpack<'a>(packing: Packing, reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let buffered = |reader| BufReader::with_capacity(CHUNK, reader);
    Ok(match packing {
        Packing::Layer(compression) => return decoder(compression, reader),
        Packing::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED | TELL_UNSUPPORTED_CHECK)?;
            let inner = liblzma::bufread::XzDecoder::new_stream(buffered(reader), stream);
            Box::new(Named { inner, name: "xz" })
        }
        Packing::Bzip2 => {
            Box::new(Named { inner: bzip2::bufread::MultiBzDecoder::new(buffered(reader)), name: "bzip2" })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};
    use liblzma::stream::Check;
    use std::io::Write;

    fn xz(data: &[u8], check: Check) -> Vec<u8> {
        let stream = Stream::new_easy_encoder(6, check).unwrap();
        let mut writer = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn bzip2(data: &[u8]) -> Vec<u8> {
        let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        unpack(Packing::sniff(bytes), bytes).and_then(|mut r| r.read_to_end(&mut out)).map(|_| out).map_err(Error::from)
    }

    #[test]
    fn one_stream_and_several() {
        let data = b"some data ".repeat(1000);
        for packed in
            [xz(&data, Check::None), xz(&data, Check::Crc32), xz(&data, Check::Crc64), xz(&data, Check::Sha256)]
        {
            assert_eq!(Packing::sniff(&packed), Packing::Xz);
            assert!(read(&packed).unwrap() == data);
            // Between streams there may be padding of four zeros at a time.
            let two = [&packed[..], &[0; 8], &packed, &[0; 4]].concat();
            assert!(read(&two).unwrap() == data.repeat(2));
        }
        let packed = bzip2(&data);
        assert_eq!(Packing::sniff(&packed), Packing::Bzip2);
        assert!(read(&packed.repeat(2)).unwrap() == data.repeat(2));
        assert_eq!((read(&bzip2(b"")).unwrap(), read(&xz(b"", Check::Crc64)).unwrap()), (vec![], vec![]));
    }

    #[test]
    fn a_name_in_a_tar_is_no_magic_number() {
        let mut head = [0; 512];
        head[257..262].copy_from_slice(b"ustar");
        for magic in [&b"\xfd7zXZ\0"[..], b"BZh91AY&SY"] {
            head[..magic.len()].copy_from_slice(magic);
            assert!(Packing::sniff(&head).is_plain());
        }
        assert!(Packing::sniff(b"BZh9 is no bzip2").is_plain());
    }

    #[test]
    fn a_cut_or_a_flipped_bit_anywhere_is_an_error_that_names_the_format() {
        let data: Vec<u8> =
            (0..3000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(5000).collect();
        for (name, packed) in [("xz", xz(&data, Check::Crc64)), ("bzip2", bzip2(&data))] {
            for cut in 10..packed.len() {
                let e = read(&packed[..cut]).unwrap_err();
                assert!(e.what == format!("the {name} stream is truncated"), "{name} {cut}: {e}");
            }
            for at in (10..packed.len()).step_by(7) {
                let mut flipped = packed.clone();
                flipped[at] ^= 4;
                assert!(read(&flipped).is_err(), "{name} {at}");
            }
        }
    }

    #[test]
    fn a_stream_that_asks_for_too_much_memory_is_refused() {
        // The size of the dictionary is a byte of the block's header: 36 is 1 GiB.
        let mut packed = xz(b"x", Check::Crc32);
        packed[16] = 36;
        let mut crc = flate2::Crc::new();
        crc.update(&packed[12..20]);
        packed[20..24].copy_from_slice(&crc.sum().to_le_bytes());
        let e = read(&packed).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unsupported, "{e}");
        assert!(e.what.contains("256 MiB") && e.hint.is_some(), "{e}");
    }

    #[test]
    fn a_zstd_stream_of_a_long_window_is_refused_with_the_way_out() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.write_all(&[7; 1000]).unwrap();
        let e = read(&encoder.finish().unwrap()).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unsupported, "{e}");
        assert!(e.what.contains("128 MiB") && e.hint.as_deref().is_some_and(|h| h.contains("--long")), "{e}");
    }
}
