//! An ELF file as it is loaded: its segments with their bytes, and the sections in them. Stripping may change nothing of this.
//! It is read by goblin alone, not by the code that strips.

use super::findings::hex;
use goblin::container::Ctx;
use goblin::elf::Elf as Parser;
use goblin::elf::program_header::{PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS, SHT_NULL, SectionHeader};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::ops::Range;

/// The number of bytes that are read at a time.
const CHUNK: u64 = 256 << 10;
/// The size in bytes of the largest table of headers.
const MAX_TABLE: u64 = 16 << 20;

/// The most times a file's size that all its segments may have together.
const MAX_OVERLAP: u64 = 16;

/// The loaded parts of an ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The header's fields that tell what the file is.
    pub header: Vec<u64>,
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// The sections that are in memory, in order.
    pub sections: Vec<Section>,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Type, flags, address, physical address, size in memory, alignment.
    pub is: [u64; 6],
    /// The size in the file.
    pub size: u64,
    /// The hash of its bytes, without the file's own headers in them.
    pub hash: [u8; 32],
}

/// A section in memory: type, flags, address, size, alignment, size of entries.
pub type Section = [u64; 6];

type Read<'r> = &'r dyn Fn(Range<u64>) -> Option<Cow<'static, [u8]>>;

/// Reads an ELF file of `size` bytes; `read` returns a range of them.
///
/// # Errors
/// Returns a description of what is wrong with it, in a few words.
pub fn read(read: Read<'_>, size: u64) -> Result<Elf, String> {
    let head = read(0..64.min(size)).ok_or("it cannot be read")?;
    let header = Parser::parse_header(&head).map_err(|e| e.to_string())?;
    let ctx = Ctx::new(header.container().map_err(|e| e.to_string())?, header.endianness().map_err(|e| e.to_string())?);
    let count = usize::from(header.e_phnum);
    let length = (count * ProgramHeader::size(ctx)) as u64;
    let table = header.e_phoff..header.e_phoff.checked_add(length).ok_or("its segments lie nowhere")?;
    let bytes = read(table.clone()).ok_or("its table of segments is not in the file")?;
    let segments = ProgramHeader::parse(&bytes, 0, count, ctx).map_err(|e| e.to_string())?;
    // Some segments lie in others, like the table of dynamic entries; but not all are as large as the file.
    let total = segments.iter().fold(0_u64, |sum, s| sum.saturating_add(s.p_filesz));
    if total > size.saturating_mul(MAX_OVERLAP) {
        return Err("its segments lie on each other".into());
    }
    let own = [0..u64::from(header.e_ehsize), table];
    Ok(Elf {
        header: vec![
            head.get(4..16).unwrap_or_default().iter().fold(0_u64, |sum, b| sum.rotate_left(5) ^ u64::from(*b)),
            u64::from(header.e_type),
            u64::from(header.e_machine),
            header.e_entry,
            u64::from(header.e_flags),
        ],
        segments: segments.iter().map(|s| segment(read, size, s, &own)).collect::<Result<_, _>>()?,
        sections: sections(read, size, &header, ctx)?,
    })
}

fn segment(read: Read<'_>, size: u64, header: &ProgramHeader, own: &[Range<u64>]) -> Result<Segment, String> {
    let range = header.p_offset..header.p_offset.saturating_add(header.p_filesz);
    if header.p_filesz > 0 && range.end > size {
        return Err("a segment is not in the file".into());
    }
    let misplaced = |align: u64| header.p_offset % align != header.p_vaddr % align;
    if header.p_type == PT_LOAD && header.p_align > 1 && misplaced(header.p_align) {
        return Err("a segment's offset does not fit its alignment".into());
    }
    let mut sha = Sha256::new();
    let mut at = range.start;
    while at < range.end {
        let end = (at + CHUNK).min(range.end);
        let mut bytes = read(at..end).ok_or("it cannot be read")?.into_owned();
        for own in own {
            let (from, to) = (own.start.max(at), own.end.min(end));
            if from < to {
                bytes[(from - at) as usize..(to - at) as usize].fill(0);
            }
        }
        sha.update(&bytes);
        at = end;
    }
    let is = [
        u64::from(header.p_type),
        u64::from(header.p_flags),
        header.p_vaddr,
        header.p_paddr,
        header.p_memsz,
        header.p_align,
    ];
    Ok(Segment { is, size: header.p_filesz, hash: sha.finalize().into() })
}

fn sections(read: Read<'_>, size: u64, header: &goblin::elf::Header, ctx: Ctx) -> Result<Vec<Section>, String> {
    let each = SectionHeader::size(ctx) as u64;
    if header.e_shoff == 0 {
        return Ok(Vec::new());
    }
    let mut count = u64::from(header.e_shnum);
    let part = |count: u64| {
        let length = count.checked_mul(each).filter(|length| *length <= MAX_TABLE)?;
        let bytes = read(header.e_shoff..header.e_shoff.checked_add(length)?)?;
        // The parser takes the first header for no section.
        SectionHeader::parse_from(&bytes, 0, usize::try_from(count).ok()?, ctx).ok()
    };
    let missing = "its table of sections is not in the file";
    if count == 0 {
        count = part(1).and_then(|first| Some(first.first()?.sh_size)).ok_or(missing)?;
    }
    let all = part(count).ok_or(missing)?;
    let mut out = Vec::new();
    for section in all.iter().filter(|s| s.sh_type != SHT_NULL) {
        if section.sh_type != SHT_NOBITS && section.sh_offset.saturating_add(section.sh_size) > size {
            return Err("a section is not in the file".into());
        }
        if section.sh_flags & u64::from(SHF_ALLOC) != 0 {
            let (kind, flags) = (u64::from(section.sh_type), section.sh_flags);
            out.push([kind, flags, section.sh_addr, section.sh_size, section.sh_addralign, section.sh_entsize]);
        }
    }
    Ok(out)
}

/// Returns the differences of `new` from `old`: the part, the expected value, the found one.
#[must_use]
pub fn differences(old: &Elf, new: &Elf) -> Vec<(String, String, String)> {
    let mut out = Vec::new();
    let mut differ = |what: String, old: String, new: String| out.push((what, old, new));
    if old.header != new.header {
        differ("ELF header".into(), format!("{:x?}", old.header), format!("{:x?}", new.header));
    }
    if old.segments.len() != new.segments.len() {
        differ("number of segments".into(), old.segments.len().to_string(), new.segments.len().to_string());
    }
    for (index, (old, new)) in old.segments.iter().zip(&new.segments).enumerate() {
        let show = |s: &Segment| format!("{:x?}, {} bytes in the file", s.is, s.size);
        if (old.is, old.size) != (new.is, new.size) {
            differ(format!("segment {index}"), show(old), show(new));
        } else if old.hash != new.hash {
            let at = format!("bytes of segment {index} (address {:#x})", old.is[2]);
            differ(at, hex(&old.hash), hex(&new.hash));
        }
    }
    if old.sections != new.sections {
        let of = |sections: &[Section]| format!("{} sections in memory", sections.len());
        let first = old.sections.iter().zip(&new.sections).find(|(a, b)| a != b);
        let (a, b) = first
            .map_or_else(|| (of(&old.sections), of(&new.sections)), |(a, b)| (format!("{a:x?}"), format!("{b:x?}")));
        differ("sections in memory".into(), a, b);
    }
    out
}
