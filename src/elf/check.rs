//! Compares the new file with the old one, by headers read anew: it knows nothing of layouts. A recipe that does not pass is
//! not used.

use std::ops::Range;

use goblin::elf::program_header::{PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHT_NULL, SectionHeader};

use super::pick::{Picked, Slot};
use super::read::{Image, has_bytes, info_link, is_content, is_loaded, range};
use super::recipe::{Made, Piece, Recipe};
use super::{LEAST, Object};

/// Returns `Some` if every loader treats the new file as it treats the old one.
pub(super) fn check<O: Object + ?Sized>(original: &O, old: &Image, picked: &Picked, recipe: &Recipe) -> Option<()> {
    let made = Made { original, recipe };
    let new = Image::read(&made).ok()?;
    let origin = Origin::new(recipe);
    require(recipe.size.checked_add(LEAST)? <= old.size)?;
    headers(old, &new)?;
    require(old.segments.len() == new.segments.len())?;
    let mut tables = vec![0..new.header_bytes.len() as u64, new.segment_table()];
    if new.header.e_phoff == new.header_bytes.len() as u64 {
        tables.push(0..new.segment_table().end);
    }
    for (before, after) in old.segments.iter().zip(&new.segments) {
        segment(before, after, new.size)?;
        if is_content(before) {
            require(origin.is(&range(after.p_offset, after.p_filesz), before.p_offset, &tables))?;
        }
    }
    require(new.sections.len() == picked.slots.len())?;
    let mut loaded = 0;
    for (after, slot) in new.sections.iter().zip(&picked.slots) {
        let Slot::Kept(number) = *slot else {
            require(after.sh_type == SHT_NULL)?;
            continue;
        };
        let before = old.sections.get(number)?;
        section(old, before, &new, after)?;
        loaded += usize::from(is_loaded(before));
        let names = number == old.names_index() && !is_loaded(before);
        if has_bytes(before) && !names {
            require(origin.is(&range(after.sh_offset, after.sh_size), before.sh_offset, &tables))?;
        }
    }
    require(loaded == old.sections.iter().filter(|s| is_loaded(s)).count())
}

fn require(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn headers(old: &Image, new: &Image) -> Option<()> {
    let mut expected = old.header;
    expected.e_phoff = new.header.e_phoff;
    expected.e_shoff = new.header.e_shoff;
    expected.e_shnum = new.header.e_shnum;
    expected.e_shstrndx = new.header.e_shstrndx;
    require(expected == new.header)
}

/// Checks that a program header is unchanged except for its offset, which is as congruent to the address as it was.
fn segment(before: &ProgramHeader, after: &ProgramHeader, size: u64) -> Option<()> {
    let expected = ProgramHeader { p_offset: after.p_offset, ..before.clone() };
    let moved = before.p_offset.checked_sub(after.p_offset)?;
    require(expected == *after)?;
    require(moved.is_multiple_of(before.p_align.max(1)))?;
    if before.p_type == PT_LOAD {
        require(moved.is_multiple_of(4096))?;
        require(after.p_offset <= size || moved == 0)?;
    }
    Some(())
}

/// Checks that a section header is unchanged except for its place and the section numbers in it, which refer to sections of the
/// same name and address.
fn section(old: &Image, before: &SectionHeader, new: &Image, after: &SectionHeader) -> Option<()> {
    let same = |a: &SectionHeader, b: &SectionHeader| {
        let kind = a.sh_type == b.sh_type && a.sh_flags == b.sh_flags && a.sh_addr == b.sh_addr;
        kind && (a.sh_type == SHT_NULL || old.name(a) == new.name(b))
    };
    let linked = |a: u32, b: u32| Some(same(old.sections.get(a as usize)?, new.sections.get(b as usize)?));
    require(same(before, after))?;
    require(before.sh_addralign == after.sh_addralign && before.sh_entsize == after.sh_entsize)?;
    if before.sh_type == SHT_NULL {
        return Some(());
    }
    require(linked(before.sh_link, after.sh_link)?)?;
    match (info_link(before), info_link(after)) {
        (Some(a), Some(b)) => require(linked(a, b)?)?,
        (None, None) => require(before.sh_info == after.sh_info)?,
        _ => return None,
    }
    let moved = before.sh_offset.checked_sub(after.sh_offset);
    require(!is_loaded(before) || moved?.is_multiple_of(before.sh_addralign.max(1)))?;
    require(before.sh_size == after.sh_size || std::ptr::eq(after, new.sections.get(new.names_index())?))
}

/// The origin of each byte of a new file.
struct Origin<'a> {
    /// Ranges in the new file, in order.
    places: Vec<(Range<u64>, &'a Piece)>,
}

impl<'a> Origin<'a> {
    fn new(recipe: &'a Recipe) -> Self {
        let mut end = 0_u64;
        let mut place = |piece: &'a Piece| {
            let start = end;
            end = end.saturating_add(piece.size());
            (start..end, piece)
        };
        Self { places: recipe.pieces.iter().map(&mut place).collect() }
    }

    /// True if a range of the new file is the range of the old one that begins at `from`. `tables`, the headers that are
    /// compared by their fields, are left out.
    fn is(&self, range: &Range<u64>, from: u64, tables: &[Range<u64>]) -> bool {
        let first = self.places.partition_point(|(place, _)| place.end <= range.start);
        let mut reached = range.start;
        for (place, piece) in self.places.get(first..).unwrap_or_default() {
            if place.start >= range.end {
                break;
            }
            let start = place.start.max(range.start);
            let same = match piece {
                Piece::Copy(copied) => {
                    let there = copied.start.checked_add(start - place.start);
                    there.is_some() && there == from.checked_add(start - range.start)
                }
                _ => tables.iter().any(|table| table.start <= place.start && place.end <= table.end),
            };
            if !same {
                return false;
            }
            reached = place.end.min(range.end);
        }
        reached == range.end
    }
}
