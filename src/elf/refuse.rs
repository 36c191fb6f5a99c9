//! Refuses files that must not be stripped because of what they are.

use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::{SHF_EXECINSTR, SHT_NOBITS, SectionHeader};

use super::read::{Image, is_loaded, range};
use super::{Object, Reason};

/// The number of bytes of notes that are searched.
const NOTES_MAX: u64 = 64 << 10;

/// The type of the note in which libgcrypt and gnutls keep a checksum of their own file; its owner is `FDO`.
const INTEGRITY: u32 = 0xcafe_2a8e;

/// Refuses files that must not be stripped.
pub(super) fn refuse<O: Object + ?Sized>(object: &O, image: &Image) -> Result<(), Reason> {
    if is_debug_file(image) {
        return Err(Reason::DebugFile);
    }
    if checks_itself(object, image)? {
        return Err(Reason::SelfChecking);
    }
    Ok(())
}

/// True for a file that `objcopy --only-keep-debug` made: the code's headers are there, but it has no bytes.
fn is_debug_file(image: &Image) -> bool {
    let code = u64::from(SHF_EXECINSTR);
    let hollow = |s: &SectionHeader| is_loaded(s) && s.sh_size > 0 && s.sh_type == SHT_NOBITS;
    image.sections.iter().any(|s| hollow(s) && s.sh_flags & code != 0)
}

/// True if the file has a checksum of itself: a note, or the `.rodata1` of 32 bytes of Red Hat's OpenSSL and libgcrypt.
fn checks_itself<O: Object + ?Sized>(object: &O, image: &Image) -> Result<bool, Reason> {
    if image.sections.iter().any(|s| is_loaded(s) && s.sh_size == 32 && image.name(s) == b".rodata1") {
        return Ok(true);
    }
    let mut left = 16 * NOTES_MAX;
    for segment in image.segments.iter().filter(|s| s.p_type == PT_NOTE && s.p_filesz > 0) {
        let size = segment.p_filesz.min(NOTES_MAX);
        left = left.checked_sub(size).ok_or(Reason::Limit)?;
        let notes = object.read(range(segment.p_offset, size)).ok_or(Reason::Unreadable)?;
        if has_integrity(image, &notes, segment.p_align) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_integrity(image: &Image, notes: &[u8], align: u64) -> bool {
    let align = if align == 8 { 8 } else { 4 };
    let mut at = 0_usize;
    let field = |at: usize| image.form.u32(notes, at).and_then(|value| usize::try_from(value).ok());
    while let (Some(name), Some(body), Some(kind)) = (field(at), field(at + 4), image.form.u32(notes, at + 8)) {
        let begin = at + 12;
        if kind == INTEGRITY && notes.get(begin..).is_some_and(|rest| rest.starts_with(b"FDO")) {
            return true;
        }
        let end = begin.checked_add(name).and_then(|end| end.checked_next_multiple_of(align));
        let next = end.and_then(|end| end.checked_add(body)).and_then(|end| end.checked_next_multiple_of(align));
        match next {
            Some(next) if next > at && next < notes.len() => at = next,
            _ => return false,
        }
    }
    false
}
