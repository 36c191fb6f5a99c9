//! The compression of layers and archives, told by their first bytes, and their plain bytes.

use crate::{Error, ErrorKind, Result};
use liblzma::stream::{CONCATENATED, Stream, TELL_UNSUPPORTED_CHECK};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// The number of bytes that are read at a time.
pub const CHUNK: usize = 256 << 10;
/// The memory in bytes that the decoder of xz may take.
const XZ_MEMORY: u64 = 256 << 20;

/// The compression of bytes, told by the bytes themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// gzip, one or several members.
    Gzip,
    /// zstd, one or several frames.
    Zstd,
}

impl Compression {
    /// Tells it by the first bytes.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        let skippable = head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18];
        if head.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable {
            Self::Zstd
        } else {
            Self::None
        }
    }

    /// Tells it by a layer's media type; `None` if that is no layer's type.
    #[must_use]
    pub fn of_media(media: &str) -> Option<Self> {
        let names = [
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar",
        ];
        let rest = names.iter().find_map(|name| media.strip_prefix(name))?;
        match rest {
            "" => Some(Self::None),
            "+gzip" | ".gzip" => Some(Self::Gzip),
            "+zstd" | ".zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "a plain tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Returns the bytes of `reader`, decompressed if they are compressed.
///
/// # Errors
/// Returns the errors of the reader.
pub fn decoder<'r>(mut reader: Box<dyn Read + Send + 'r>) -> io::Result<(Compression, Box<dyn Read + Send + 'r>)> {
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let kind = Compression::of(&head);
    let whole = BufReader::with_capacity(CHUNK, io::Cursor::new(head).chain(reader));
    Ok((
        kind,
        match kind {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(whole)?),
        },
    ))
}

fn is_xz(head: &[u8]) -> bool {
    head.starts_with(b"\xfd7zXZ\0")
}

fn is_bzip2(head: &[u8]) -> bool {
    let blocks: [&[u8]; 2] = [b"1AY&SY", b"\x17rE8P\x90"];
    head.starts_with(b"BZh") && head.len() >= 10 && blocks.contains(&&head[4..10])
}

/// True if an archive that begins with `head` (10 bytes are enough) is compressed.
pub(super) fn is_packed(head: &[u8]) -> bool {
    is_xz(head) || is_bzip2(head) || Compression::of(head) != Compression::None
}

/// The error that a source has told by itself, as an engine that ended early, or else the one that `other` makes.
fn told(error: io::Error, other: impl FnOnce(io::Error) -> Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>()) { Error::from(error) } else { other(error) }
}

/// Writes the plain bytes of an archive to a file.
///
/// # Errors
/// Returns an error if they cannot be read to their end, or not written.
pub(super) fn unpack(mut reader: Box<dyn Read + Send>, to: &mut File) -> Result<()> {
    let mut head = Vec::new();
    let cannot = |e| told(e, |e| Error::io("cannot read", e));
    let broken = |e| told(e, |e| Error::new(ErrorKind::Archive, "the compression is broken").cause(e));
    reader.by_ref().take(10).read_to_end(&mut head).map_err(cannot)?;
    let (xz, bzip2) = (is_xz(&head), is_bzip2(&head));
    let whole: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(reader));
    let mut plain: Box<dyn Read + Send> = if xz {
        let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED | TELL_UNSUPPORTED_CHECK);
        let stream = stream.map_err(|e| Error::io("cannot read xz", e.into()))?;
        Box::new(liblzma::bufread::XzDecoder::new_stream(BufReader::new(whole), stream))
    } else if bzip2 {
        Box::new(bzip2::bufread::MultiBzDecoder::new(BufReader::new(whole)))
    } else {
        decoder(whole).map_err(cannot)?.1
    };
    let mut from = BufReader::with_capacity(CHUNK, &mut plain);
    loop {
        let chunk = from.fill_buf().map_err(broken)?;
        let length = chunk.len();
        if length == 0 {
            return Ok(());
        }
        io::Write::write_all(to, chunk).map_err(|e| Error::io("cannot write a temporary file", e))?;
        from.consume(length);
    }
}
