//! Checksums of files as they are in the input, which a text of the image may state: [`plan::stated`](crate::plan::stated) says
//! which are needed. And hashes of the files that may have an equal one.

use super::ContentReader;
use crate::Result;
use crate::digest::{Digest, Hashing};
use crate::elf::Object as _;
use crate::plan::stated::{self, Hashes, Pinned, Stated};
use crate::plan::{Request, Verdicts, rewrite, wanted};
use crate::refs::digests::Kind;
use crate::source::{Input, LayerRef};
use crate::tree::MemberId;
use rayon::prelude::*;
use sha2::digest::DynDigest;
use std::collections::HashMap;
use std::io::{self, Write as _};

/// The number of bytes that are read at a time.
const CHUNK: u64 = 1 << 20;

/// The checksums of one image's files, for plans with any profile.
pub struct Checksums<'a> {
    input: &'a Input,
    layers: &'a [LayerRef],
    known: Hashes,
}

impl<'a> Checksums<'a> {
    /// Gathers the checksums that are known without reading. `layers` are those of which the request has the indexes.
    #[must_use]
    pub fn new(input: &'a Input, layers: &'a [LayerRef], request: &Request<'_>) -> Self {
        Self { input, layers, known: stated::known(request) }
    }

    /// Reads the files that plans for several profiles may ask for, once.
    ///
    /// # Errors
    /// Returns the errors of the input and of temporary files.
    pub fn ahead(mut self, request: &Request<'_>) -> Result<Self> {
        let stays = vec![None; request.merged.tree.len()];
        let fresh = self.read(request, &Stated::new(request, &stays, &stated::objects(request)))?;
        self.known.extend(fresh);
        Ok(self)
    }

    /// Returns the files that keep their bytes because a text that stays has their checksum.
    ///
    /// # Errors
    /// Returns the errors of the input and of temporary files.
    pub fn pinned(&self, request: &Request<'_>, verdicts: &Verdicts) -> Result<Pinned> {
        let mut files = rewrite::candidates(request, verdicts);
        let made = wanted::wanted(request, verdicts);
        files.extend(made.external.iter().map(|task| task.node));
        files.extend(made.compile.iter().map(|module| module.node));
        let links = verdicts.proposals.changes.iter().any(|change| change.hardlink.is_some());
        if files.is_empty() && !links {
            return Ok(Pinned::default());
        }
        files.sort_unstable();
        files.dedup();
        let stated = Stated::new(request, &verdicts.decided.dropped, &files);
        let fresh = self.read(request, &stated)?;
        Ok(stated.pinned(&[&self.known, &fresh]))
    }

    fn read(&self, request: &Request<'_>, stated: &Stated<'_>) -> Result<Hashes> {
        let wanted = stated.wanted(&self.known);
        let contents = ContentReader::new(self.input, self.layers, request.layers, wanted.iter().map(|(at, _)| *at))?;
        let one = |(at, kinds): &(MemberId, Vec<Kind>)| sums(&contents, *at, kinds);
        let all: Vec<Hashes> = wanted.par_iter().map(one).collect::<Result<_>>()?;
        let mut out = Hashes::default();
        all.into_iter().for_each(|hashes| out.extend(hashes));
        Ok(out)
    }
}

fn sums(contents: &ContentReader<'_>, at: MemberId, kinds: &[Kind]) -> Result<Hashes> {
    let mut all: Vec<(Kind, Box<dyn DynDigest>)> =
        kinds.iter().filter_map(|&kind| Some((kind, hasher(kind)?))).collect();
    let content = contents.content(at);
    let size = content.size();
    for start in (0..size).step_by(CHUNK as usize) {
        let bytes = content.bytes(start..size.min(start + CHUNK))?;
        all.iter_mut().for_each(|(_, hash)| hash.update(&bytes));
    }
    let mut out = Hashes::default();
    all.into_iter().for_each(|(kind, hash)| out.add(at, kind, hash.finalize().into_vec()));
    Ok(out)
}

/// Returns the hasher for a kind of checksum; `None` for one that can't be computed.
fn hasher(kind: Kind) -> Option<Box<dyn DynDigest>> {
    Some(match kind {
        Kind::Md5 => Box::<md5::Md5>::default(),
        Kind::Sha1 => Box::<sha1::Sha1>::default(),
        Kind::Sha256 | Kind::Directory => Box::<sha2::Sha256>::default(),
        Kind::Sha384 => Box::<sha2::Sha384>::default(),
        Kind::Sha512 => Box::<sha2::Sha512>::default(),
        Kind::Unknown => return None,
    })
}

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
