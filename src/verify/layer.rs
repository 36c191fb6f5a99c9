//! One layer, read once: its blob's digest and size, its diff_id, and its members with the hashes of their contents.

use super::compression::{CHUNK, Compression, decoder};
use super::content::Wanted;
use super::member::{self, Member};
use super::store::{Blob, Store};
use crate::digest::Hashing;
use crate::{Digest, Result};
use std::io::{self, BufReader, Read};

/// A layer as it was found.
#[derive(Default)]
pub struct Layer {
    /// The members, in tar order.
    pub members: Vec<Member>,
    /// The digest of the blob; `None` if it could not be read to its end.
    pub digest: Option<Digest>,
    /// The blob's size.
    pub size: u64,
    /// The digest of the decompressed bytes.
    pub diff_id: Option<Digest>,
    /// The compression.
    pub compression: Option<Compression>,
    /// The mistake in its compression or its tar.
    pub wrong: Option<String>,
}

/// Reads a layer. Mistakes in it are part of the result.
///
/// # Errors
/// Returns an error if the host does not let it be read.
pub fn read(store: &Store, blob: &Blob, wanted: &Wanted<'_>) -> Result<Layer> {
    let mut out = Layer { size: blob.size, ..Layer::default() };
    let raw = store.read(blob)?;
    let mut hashing = Hashing::new(Counted { inner: raw, advance: wanted.advance });
    let mut head = [0; 4];
    let n = io::Read::read(&mut store.read(blob)?, &mut head)?;
    let kind = Compression::of(&head[..n]);
    out.compression = Some(kind);
    if kind == Compression::None {
        // The digest of the blob and the diff_id are the same.
        out.wrong = members(&mut hashing, wanted, Some(store.file(blob)?), &mut out.members);
        out.wrong = out.wrong.or_else(|| drain(&mut hashing));
        let (_, digest, _) = hashing.finish();
        (out.digest, out.diff_id) = (Some(digest), Some(digest));
        return Ok(out);
    }
    let decoded = match decoder(Box::new(&mut hashing)) {
        Ok((_, decoded)) => decoded,
        Err(e) => return Ok(Layer { wrong: Some(e.to_string()), ..out }),
    };
    let mut plain = Hashing::new(decoded);
    out.wrong = members(&mut plain, wanted, None, &mut out.members);
    let rest = drain(&mut plain);
    let whole = rest.is_none();
    out.wrong = out.wrong.or(rest);
    let (decoded, diff_id, _) = plain.finish();
    drop(decoded);
    out.diff_id = whole.then_some(diff_id);
    if let Some(wrong) = drain(&mut hashing) {
        out.wrong.get_or_insert(wrong);
    }
    out.digest = Some(hashing.finish().1);
    Ok(out)
}

/// Reads the bytes after the end of the tar, which count for digests.
fn drain(reader: &mut impl Read) -> Option<String> {
    io::copy(reader, &mut io::sink()).err().map(|e| e.to_string())
}

fn members(
    reader: &mut impl Read,
    wanted: &Wanted<'_>,
    file: Option<(std::fs::File, u64)>,
    out: &mut Vec<Member>,
) -> Option<String> {
    let mut reader = member::Reader::new(BufReader::with_capacity(CHUNK, reader), file, wanted);
    loop {
        match reader.read_member() {
            Ok(Some(member)) => out.push(member),
            Ok(None) => {
                out.shrink_to_fit();
                return drain(&mut reader.into_inner());
            }
            Err(e) => return Some(format!("at byte {}: {e}", reader.at())),
        }
    }
}

/// A reader that reports the number of bytes that have passed.
struct Counted<'a, R> {
    inner: R,
    advance: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        (self.advance)(n as u64);
        Ok(n)
    }
}
