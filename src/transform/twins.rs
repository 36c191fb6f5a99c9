//! Hashes of the files that may have an equal file.

use super::ContentReader;
use crate::Result;
use crate::digest::{Digest, Hashing};
use crate::elf::Object as _;
use crate::tree::MemberId;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io::{self, Write as _};

/// The number of bytes that are read at a time.
const CHUNK: u64 = 1 << 20;

/// Returns the SHA-256 of the content of each of these members.
///
/// # Errors
/// Returns the errors of the input.
pub fn hashes(contents: &ContentReader<'_>, members: &[MemberId]) -> Result<HashMap<MemberId, Digest>> {
    let one = |&at: &MemberId| {
        let content = contents.content(at);
        let size = content.size();
        let mut hash = Hashing::new(io::sink());
        for start in (0..size).step_by(CHUNK as usize) {
            hash.write_all(&content.bytes(start..size.min(start + CHUNK))?)?;
        }
        Ok((at, hash.finish().1))
    };
    members.par_iter().map(one).collect()
}
