//! How layers and archives are compressed, as their first bytes say, and their plain bytes.

use std::io::{self, BufReader, Read};

/// Bytes read at a time.
pub const CHUNK: usize = 256 << 10;

/// How bytes are compressed, as they themselves say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or several members.
    Gzip,
    /// zstd, one or several frames.
    Zstd,
}

impl Compression {
    /// By the first bytes.
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

    /// By a layer's media type; none of what is no layer's type.
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

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "a plain tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The bytes of `reader`, decompressed if they are compressed.
///
/// # Errors
/// Those of the reader.
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
