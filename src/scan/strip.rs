//! The result of stripping a file, computed while its layer is read, so that the plan knows every size.
//!
//! An object in a plain layer is read in its place, only a few headers of it, whatever its size. An object of a compressed
//! layer is held in memory, large ones one at a time.

use crate::codec::Compression;
use crate::elf::{self, Level, Object, Outcome, Reason};
use crate::layer::Strip;
use crate::packages::Sums;
use crate::refs::{self, needed::Needed};
use crate::scan::{Flags, Needs};
use crate::source::{Input, LayerRef};
use crate::tar::Member;
use crate::{Result, path};
use sha2::Digest as _;
use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::sync::Mutex;

/// The size in bytes of the largest object of a compressed layer that is stripped.
pub(super) const MOST_HELD: u64 = 512 << 20;
/// The size in bytes from which objects are held one at a time, however many layers are read at once.
const LARGE: u64 = 16 << 20;
static ONE_LARGE: Mutex<()> = Mutex::new(());

/// The place of a layer's members.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) input: &'a Input,
    pub(super) layer: &'a LayerRef,
}

/// Looks at a file that begins with `head`; `rest` reads on from there. The bytes that it reads from `rest` are added to
/// `head`.
pub(super) fn look(
    place: Place<'_>,
    member: &Member,
    needs: &Needs,
    head: &mut Vec<u8>,
    rest: &mut impl Read,
) -> Result<Vec<Strip>> {
    let levels = needs.strip.as_slice();
    let range = member.data();
    let size = range.end - range.start;
    let unchanged =
        |reason| levels.iter().map(move |&level| Strip { level, outcome: Outcome::Unchanged(reason), sums: None });
    let name = path::split(&member.path).1;
    let verified = member.meta.attrs.records.iter().any(|(key, _)| key == "SCHILY.xattr.security.ima");
    if verified || elf::is_checked_name(name) {
        return Ok(unchanged(Reason::SelfChecking).collect());
    }
    if !elf::may_be_elf(head) {
        // The header alone gives the reason.
        return Ok(outcomes(head.as_slice(), name, levels, SumsOf::Sha256));
    }
    let of = match is_in_site_packages(member) {
        site if needs.any(Flags::SIZES_ONLY) => SumsOf::Length { legacy: !site },
        true => SumsOf::Sha256,
        false => SumsOf::All,
    };
    if place.layer.compression == Compression::None {
        return Ok(outcomes(&Stored { place, range }, name, levels, of));
    }
    if size > MOST_HELD {
        return Ok(unchanged(Reason::Large).collect());
    }
    let _one = (size > LARGE).then(|| ONE_LARGE.lock());
    head.reserve_exact(usize::try_from(size).unwrap_or_default().saturating_sub(head.len()));
    rest.read_to_end(head)?;
    Ok(outcomes(head.as_slice(), name, levels, of))
}

/// Returns the SHA-256 of an object that stripping would change, if all of it is in `head`: to hash it later would mean to
/// decompress its layer again. For files that pip installed it is in a `RECORD`.
pub(super) fn original(
    place: Place<'_>,
    member: &Member,
    needs: &Needs,
    head: &[u8],
    found: &[Strip],
) -> Option<Box<[u8; 32]>> {
    let replaced = found.iter().any(|strip| matches!(strip.outcome, Outcome::Replaced(_)));
    let held = place.layer.compression != Compression::None && head.len() as u64 == member.stored;
    let hashed = needs.any(Flags::DIGESTS) && replaced && held && !is_in_site_packages(member);
    hashed.then(|| Box::new(sha2::Sha256::digest(head).into()))
}

fn is_in_site_packages(member: &Member) -> bool {
    path::components(&member.path).any(|part| part == b"site-packages")
}

/// Returns the libraries that an object needs. An object in a compressed layer is read into `head` whole.
pub(super) fn needed(
    place: Place<'_>,
    member: &Member,
    head: &mut Vec<u8>,
    rest: &mut impl Read,
) -> Result<Option<Needed>> {
    let range = member.data();
    let size = range.end - range.start;
    if place.layer.compression == Compression::None {
        let object = Stored { place, range };
        return Ok(refs::needed::needed(|range| object.read(range), size));
    }
    if size > MOST_HELD {
        return Ok(None);
    }
    let _one = (size > LARGE).then(|| ONE_LARGE.lock());
    rest.read_to_end(head)?;
    Ok(refs::needed::needed(|range| head.as_slice().read(range), size))
}

fn outcomes<O: Object + ?Sized>(object: &O, name: &[u8], levels: &[Level], of: SumsOf) -> Vec<Strip> {
    let one = |&level: &Level| {
        let most = if elf::keeps_symtab(name) { Level::Debug } else { level };
        let outcome = elf::strip(object, most);
        let sums = match &outcome {
            Outcome::Replaced(recipe) => sums(recipe.chunks(object), recipe.size, of),
            Outcome::Unchanged(_) => None,
        };
        match (outcome, sums) {
            (Outcome::Replaced(_), None) => Strip { level, outcome: Outcome::Unchanged(Reason::Unreadable), sums },
            (outcome, sums) => Strip { level, outcome, sums },
        }
    };
    levels.iter().map(one).collect()
}

/// The checksums of a new file that are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SumsOf {
    /// Only their length: zeros stand for them.
    Length { legacy: bool },
    /// Only the one that language's package managers use.
    Sha256,
    /// All.
    All,
}

/// Returns the checksums of the new file; `None` if it could not be read to its end.
fn sums<'a>(chunks: impl Iterator<Item = Cow<'a, [u8]>>, size: u64, of: SumsOf) -> Option<Sums> {
    if let SumsOf::Length { legacy } = of {
        return Some(Sums { sha256: [0; 32], legacy: legacy.then_some(([0; 16], [0; 20])) });
    }
    let legacy = of == SumsOf::All;
    let (mut sha256, mut md5, mut sha1) = (sha2::Sha256::new(), md5::Md5::new(), sha1::Sha1::new());
    let mut read = 0;
    for chunk in chunks {
        read += chunk.len() as u64;
        sha256.update(&chunk);
        if legacy {
            md5.update(&chunk);
            sha1.update(&chunk);
        }
    }
    let legacy = legacy.then(|| (md5.finalize().into(), sha1.finalize().into()));
    (read == size).then(|| Sums { sha256: sha256.finalize().into(), legacy })
}

/// A file as it is stored in a layer.
#[derive(Clone)]
pub(super) struct Stored<'a> {
    pub(super) place: Place<'a>,
    pub(super) range: Range<u64>,
}

impl Object for Stored<'_> {
    fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        if range.start > range.end || range.end > self.size() {
            return None;
        }
        let start = self.range.start.checked_add(range.start)?;
        let reader = self.place.input.open_blob_at(&self.place.layer.blob, start).ok()?;
        let length = range.end - range.start;
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        reader.take(length).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 == length).then_some(Cow::Owned(bytes))
    }
}
