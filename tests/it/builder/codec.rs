//! Compression and digests, by the plain crates.

use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// How a layer's blob is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comp {
    None,
    Gzip,
    /// Three gzip members, one after another.
    GzipMembers,
    Zstd,
    /// Several frames, with skippable ones before, between and after.
    ZstdFrames,
}

impl Comp {
    pub fn encode(self, data: &[u8]) -> Vec<u8> {
        let third = data.len() / 3;
        let parts = [&data[..third], &data[third..2 * third], &data[2 * third..]];
        match self {
            Self::None => data.to_vec(),
            Self::Gzip => gzip(data),
            Self::GzipMembers => parts.iter().flat_map(|p| gzip(p)).collect(),
            Self::Zstd => zstd::encode_all(data, 3).unwrap(),
            Self::ZstdFrames => {
                let mut out = SKIPPABLE.to_vec();
                for p in parts {
                    out.extend(zstd::encode_all(p, 1).unwrap());
                    out.extend(SKIPPABLE);
                }
                out
            }
        }
    }

    /// What is added to a media type.
    pub fn suffix(self, schema2: bool) -> &'static str {
        match (self, schema2) {
            (Self::None, _) => "",
            (Self::Gzip | Self::GzipMembers, false) => "+gzip",
            (Self::Gzip | Self::GzipMembers, true) => ".gzip",
            (Self::Zstd | Self::ZstdFrames, false) => "+zstd",
            (Self::Zstd | Self::ZstdFrames, true) => ".zstd",
        }
    }
}

/// A skippable frame of 5 bytes.
pub const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x05\x00\x00\x00slack";

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

/// Undoes whatever compression the first bytes tell of.
pub fn decode(blob: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    if blob.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(blob).read_to_end(&mut out).map_err(|e| format!("gzip: {e}"))?;
    } else if blob.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || (blob.len() > 3 && blob[1..4] == [0x2a, 0x4d, 0x18]) {
        zstd::stream::copy_decode(blob, &mut out).map_err(|e| format!("zstd: {e}"))?;
    } else {
        out = blob.to_vec();
    }
    Ok(out)
}

/// `sha256:...`
pub fn sha256(data: &[u8]) -> String {
    let hex: String = Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}
