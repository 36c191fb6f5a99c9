//! The first pass: every layer is read once, decompressed, verified against all its digests and framed into members, and its
//! files are searched for the few facts that plans need.

use crate::codec::{self, Compression};
use crate::digest::Hashing;
use crate::elf as object;
use crate::layer::{Facts, LayerIndex};
use crate::refs::digests::Digests;
use crate::refs::{elf, pyc, script};
use crate::source::{Input, LayerRef};
use crate::tar::frame::Framer;
use crate::tar::{Kind, Member};
use crate::{Digest, Error, ErrorKind, Result, path};
pub use needs::{Flags, Needs};
use queue::Sources;
use seek::Seeking;
pub use shared::Shared;
use sources::Text;
use std::io::{self, BufReader, Read};
use strip::{Place, Stored};

mod data;
mod needs;
mod plain;
mod queue;
mod seek;
mod shared;
mod sources;
mod strip;
mod texts;

/// The number of bytes at the beginning of a file that tell whether it is a script or a program, and name its interpreter.
const HEAD: u64 = 4096;
/// The memory in bytes that the header of a compiled module takes.
const BYTECODE: usize = 64;
/// The memory in bytes that the stated size of a member without content takes.
const STATED: usize = 32;

/// A scanned layer and the digest of its blob.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// The members and facts.
    pub index: LayerIndex,
    /// The digest of the blob as stored.
    pub digest: Digest,
}

/// Reads and verifies one layer. `advance` is called with the number of stored bytes as they are read.
///
/// # Errors
/// Returns the errors of the input, the compression and the tar stream, and [`ErrorKind::Digest`](crate::ErrorKind::Digest) if
/// the blob does not have its digest or size, or the decompressed bytes not their diff_id.
pub fn scan(
    input: &Input,
    layer: &LayerRef,
    needs: &Needs,
    shared: &Shared,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Scanned> {
    scan_blob(input, layer, needs, shared, advance).map_err(|e| e.layer(&layer.name).archive(&input.name))
}

fn scan_blob(
    input: &Input,
    layer: &LayerRef,
    needs: &Needs,
    shared: &Shared,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Scanned> {
    let place = Place { input, layer };
    if needs.any(Flags::SIZES_ONLY) {
        return Ok(Scanned {
            index: sizes(place, needs, shared, advance)?,
            digest: layer.digest.unwrap_or(layer.diff_id),
        });
    }
    let mut raw = Counting { inner: input.open_blob(&layer.blob)?, advance, count: 0 };
    if layer.compression == Compression::None {
        let (index, digest) = scan_tar(&mut raw, place, needs, shared)?;
        check_size(layer, raw.count)?;
        check_digest("diff_id", layer.diff_id, digest)?;
        check_blob(layer, digest)?;
        return Ok(Scanned { index, digest });
    }
    let mut raw = Hashing::new(raw);
    let (index, diff_id) = scan_tar(codec::decoder(layer.compression, &mut raw)?, place, needs, shared)?;
    // The decoder stops at the end of its last frame, but the digest is of the whole blob.
    io::copy(&mut raw, &mut io::sink())?;
    let (_, digest, size) = raw.finish();
    check_size(layer, size)?;
    check_blob(layer, digest)?;
    check_digest("diff_id", layer.diff_id, diff_id)?;
    Ok(Scanned { index, digest })
}

/// Frames a decompressed layer; the digest is of all its bytes, including those after the end marker.
fn scan_tar(reader: impl Read, place: Place<'_>, needs: &Needs, shared: &Shared) -> Result<(LayerIndex, Digest)> {
    let mut framer = Framer::new(BufReader::with_capacity(codec::CHUNK, Hashing::new(reader)));
    let mut index = members(&mut framer, place, needs, shared)?;
    let mut rest = framer.into_inner();
    io::copy(&mut rest, &mut io::sink())?;
    let (_, digest, size) = rest.into_inner().finish();
    index.tar_bytes = size;
    Ok((index, digest))
}

/// Like [`scan_tar`], without a digest; of a plain layer only the parts that are asked for are read.
fn sizes(place: Place<'_>, needs: &Needs, shared: &Shared, advance: &(dyn Fn(u64) + Sync)) -> Result<LayerIndex> {
    let Place { input, layer } = place;
    if layer.compression == Compression::None {
        let mut framer = Framer::seeking(Seeking::new(input, layer));
        let mut index = members(&mut framer, place, needs, shared)?;
        framer.check_end(layer.size)?;
        index.tar_bytes = layer.size;
        advance(layer.size);
        return Ok(index);
    }
    let raw = Counting { inner: input.open_blob(&layer.blob)?, advance, count: 0 };
    let mut framer = Framer::new(BufReader::with_capacity(codec::CHUNK, codec::decoder(layer.compression, raw)?));
    let mut index = members(&mut framer, place, needs, shared)?;
    let read = framer.position();
    index.tar_bytes = read + io::copy(&mut framer.into_inner(), &mut io::sink())?;
    Ok(index)
}

/// Reads all members, and gathers the facts about their files.
fn members<R: io::BufRead>(
    framer: &mut Framer<R>,
    place: Place<'_>,
    needs: &Needs,
    shared: &Shared,
) -> Result<LayerIndex> {
    let mut index = LayerIndex::default();
    let texts = needs.any(
        Flags::RECORDS | Flags::CHECKSUMS | Flags::PACKAGES | Flags::LISTS | Flags::DPKG_PATHS | Flags::OS_RELEASE,
    );
    let wanted = needs.any(Flags::INTERPRETERS | Flags::PYTHON | Flags::OTHERS) || !needs.strip.is_empty();
    let wanted = wanted
        || needs.any(Flags::DIGESTS | Flags::BYTECODE)
        || needs.signatures.is_some()
        || needs.search.is_some()
        || texts;
    let sources = Sources::default();
    rayon::in_place_scope(|scope| -> Result<()> {
        while let Some(member) = framer.next()? {
            shared.take(&member)?;
            if wanted && member.kind == Kind::File && member.sparse.is_none() && member.stored > 0 {
                let number = index.members.len() as u32;
                let mut head = sources.buffer();
                if needs.any(Flags::BYTECODE) && member.path.ends_with(b".pyc") {
                    framer.data().take(pyc::HEADER as u64).read_to_end(&mut head)?;
                    shared.take_bytes(BYTECODE)?;
                    index.bytecode.insert(number, pyc::Header::of(&head));
                }
                let (facts, text) = facts(framer, &member, place, needs, &mut head)?;
                match text {
                    Some(text) if text.is_program() && (head.len() as u64) < member.stored => {
                        sources.read_object(scope, number, text, Stored { place, range: member.data() }, needs, shared);
                        sources.back(head);
                    }
                    Some(text) => sources.read(scope, number, text, head, needs, shared),
                    None => sources.back(head),
                }
                if !facts.is_empty() {
                    shared.take_bytes(facts.memory())?;
                    index.facts.insert(number, facts);
                }
            }
            if member.kind != Kind::File && framer.stated() > 0 {
                shared.take_bytes(STATED)?;
                index.stated.insert(index.members.len() as u32, framer.stated());
            }
            index.members.push(member);
        }
        Ok(())
    })?;
    sources.finish(&mut index)?;
    index.members.shrink_to_fit();
    Ok(index)
}

/// Returns the facts about a file, and its kind if it is a source text: then all of it is in `head`.
fn facts<R: io::BufRead>(
    framer: &mut Framer<R>,
    member: &Member,
    place: Place<'_>,
    needs: &Needs,
    head: &mut Vec<u8>,
) -> Result<(Facts, Option<Text>)> {
    let size = member.stored;
    let mut facts = Facts::default();
    let mut data = framer.data();
    data.by_ref().take(HEAD - head.len() as u64).read_to_end(head)?;
    facts.signatures = needs.signatures.as_ref().map_or(0, |signatures| signatures.of(&member.path, head, size));
    if texts::wanted(member, needs)? {
        data.read_to_end(head)?;
        facts.database_text = Some(texts::kept(member, std::mem::take(head)));
        return Ok((facts, None));
    }
    if !needs.strip.is_empty() && head.starts_with(b"\x7fELF") && size >= object::LEAST {
        facts.strip = strip::look(place, member, needs, head, &mut data)?;
        facts.sha256 = strip::original(place, member, needs, head, &facts.strip);
    }
    if needs.any(Flags::OTHERS) && head.starts_with(b"\x7fELF") {
        facts.needed = strip::needed(place, member, head, &mut data)?.map(Box::new);
    }
    let shebang = script::shebang(head);
    let text = Text::of(member, shebang.as_ref(), head, needs);
    if needs.any(Flags::INTERPRETERS) {
        facts.script = shebang;
        facts.loader = match elf::interp(head) {
            elf::Interp::Here(path) => Some(path),
            elf::Interp::Place { offset, len } => read_later(&mut data, head.len() as u64, offset, len)?,
            elf::Interp::NotElf | elf::Interp::None | elf::Interp::Unknown => None,
        };
    }
    let text = text.or_else(|| needs.search.as_ref().and_then(|_| Text::of_program(head)));
    let program = text.is_some_and(Text::is_program);
    if program && place.layer.compression != Compression::None && size <= strip::MOST_HELD {
        data.read_to_end(head)?;
    }
    if text.is_some() && !program {
        // One byte more, to find the end without growing.
        head.reserve_exact((size as usize + 1).saturating_sub(head.len()));
        data.read_to_end(head)?;
    }
    if texts::may_state(member, head, needs) {
        data.read_to_end(head)?;
        facts.digests = Digests::of(path::split(&member.path).1, head);
    }
    Ok((facts, text))
}

/// Reads the path at `offset` of a file whose first `read` bytes have been read. It is text and ends with a NUL.
fn read_later(data: &mut impl Read, read: u64, offset: u64, len: u64) -> Result<Option<bstr::BString>> {
    let Some(skip) = offset.checked_sub(read) else {
        return Ok(None);
    };
    io::copy(&mut data.take(skip), &mut io::sink())?;
    let mut bytes = Vec::new();
    data.take(len).read_to_end(&mut bytes)?;
    Ok(elf::path(&bytes))
}

/// A reader that reports the number of bytes that have passed.
struct Counting<'a, R> {
    inner: R,
    advance: &'a (dyn Fn(u64) + Sync),
    count: u64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count += n as u64;
        (self.advance)(n as u64);
        Ok(n)
    }
}

fn check_size(layer: &LayerRef, size: u64) -> Result<()> {
    if size == layer.size {
        return Ok(());
    }
    let what = "the blob has not the size that its descriptor says";
    Err(Error::new(ErrorKind::Digest, what).expected(format!("{} bytes", layer.size), format!("{size} bytes")))
}

fn check_blob(layer: &LayerRef, digest: Digest) -> Result<()> {
    layer.digest.map_or(Ok(()), |expected| check_digest("digest of the blob", expected, digest))
}

fn check_digest(what: &str, expected: Digest, found: Digest) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let what = format!("the bytes do not have the {what} that names them");
    Err(Error::new(ErrorKind::Digest, what)
        .expected(expected, found)
        .hint("the image is damaged or was edited by hand: save or pull it again"))
}
