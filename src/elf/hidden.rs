//! Looks for data that no header describes in the ranges that a layout drops: some programs append archives to themselves. The
//! section table that patchelf leaves behind when it writes a new one is no such data.

use std::ops::Range;

use goblin::elf::section_header::{SHT_NOBITS, SectionHeader};

use super::layout::Layout;
use super::read::{Image, has_bytes, range};
use super::{Object, Reason};

/// The number of bytes that are read at once.
const RUN: u64 = 1 << 20;

/// The size in bytes of the largest section table that is looked for among unknown bytes.
const STALE_MAX: u64 = 64 << 10;

/// The most unknown bytes that are read to see if they are zeros.
const UNKNOWN_MAX: u64 = 64 << 20;

/// Refuses a layout that would drop data that neither a section nor a table accounts for.
pub(super) fn look<O: Object + ?Sized>(object: &O, image: &Image, layout: &Layout) -> Result<(), Reason> {
    let mut known: Vec<Range<u64>> = layout.clusters.iter().map(|cluster| cluster.from.clone()).collect();
    known.push(image.section_table());
    known.extend(image.sections.iter().filter(|s| has_bytes(s)).map(|s| range(s.sh_offset, s.sh_size)));
    known.sort_by_key(|range| (range.start, range.end));
    let mut end = 0;
    let mut left = UNKNOWN_MAX;
    for next in known {
        let hole = end..next.start.max(end);
        let rest = hole.start.saturating_add(stale_table(object, image, &hole)?)..hole.end;
        if !zeros(object, rest, &mut left)? {
            return Err(Reason::Hidden);
        }
        end = end.max(next.end);
    }
    if zeros(object, end..image.size, &mut left)? { Ok(()) } else { Err(Reason::Appended) }
}

/// Returns the number of the unknown bytes that are a section table: an empty entry, then entries that could be of this file.
fn stale_table<O: Object + ?Sized>(object: &O, image: &Image, hole: &Range<u64>) -> Result<u64, Reason> {
    let (entry, align) = if image.form.wide { (64, 8) } else { (40, 4) };
    let end = hole.end.min(hole.start.saturating_add(STALE_MAX));
    let begin = hole.start.checked_next_multiple_of(align).unwrap_or(u64::MAX);
    if end.saturating_sub(begin) < entry as u64 {
        return Ok(0);
    }
    let bytes = object.read(hole.start..end).ok_or(Reason::Unreadable)?;
    let blank = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    let (pad, rest) = bytes.split_at_checked(usize::try_from(begin - hole.start).unwrap_or(0)).unwrap_or_default();
    let mut entries = rest.chunks_exact(entry);
    if !blank(pad) || !entries.next().is_some_and(blank) {
        return Ok(0);
    }
    let count = entries.take_while(|bytes| !blank(bytes) && could_be_section(image, bytes)).count();
    Ok(begin - hole.start + ((count + 1) * entry) as u64)
}

fn could_be_section(image: &Image, bytes: &[u8]) -> bool {
    let parsed = SectionHeader::parse_from(bytes, 0, 1, image.ctx).unwrap_or_default();
    let Some(section) = parsed.first() else {
        return false;
    };
    let inside = section.sh_offset.checked_add(section.sh_size).is_some_and(|end| end <= image.size);
    let align = section.sh_addralign;
    let known = matches!(section.sh_type, 1..=19 | 0x6000_0000..=0x7fff_ffff);
    let small = section.sh_link < 0xff00 && section.sh_entsize <= 1 << 16;
    known
        && small
        && (inside || section.sh_type == SHT_NOBITS)
        && (align == 0 || align.is_power_of_two())
        && section.sh_name < 1 << 20
}

fn zeros<O: Object + ?Sized>(object: &O, unknown: Range<u64>, left: &mut u64) -> Result<bool, Reason> {
    let mut begin = unknown.start;
    while begin < unknown.end {
        let end = begin.saturating_add(RUN).min(unknown.end);
        *left = match left.checked_sub(end - begin) {
            Some(left) => left,
            None => return Ok(false),
        };
        let bytes = object.read(begin..end).ok_or(Reason::Unreadable)?;
        if bytes.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        begin = end;
    }
    Ok(true)
}
