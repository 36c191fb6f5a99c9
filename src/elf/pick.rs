//! Decides which sections go, and gives the others their new numbers.
//!
//! A section goes only if its name is on a list, nothing loads it, and no section that stays refers to it. Unknown sections
//! stay: programs keep data of their own in such sections (`PyInstaller`'s `pydata`, the `.dep-v0` of cargo-auditable,
//! `.note.package`).

use goblin::elf::section_header::{
    SHF_GROUP, SHT_DYNSYM, SHT_GROUP, SHT_NULL, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX, SectionHeader,
};

use super::read::{Image, has_bytes, info_link, is_loaded, is_relocation, range};
use super::{Level, Object, Reason};

/// Prefixes of the names of debug sections.
const DEBUG: [&[u8]; 8] =
    [b".debug", b".zdebug", b".gnu.debuglto_", b".gnu.lto_", b".stab", b".gdb_index", b".line", b".gnu.linkonce.wi."];

/// Prefixes of the names of sections that may go as well at [`Level::All`].
const MORE: [&[u8]; 2] = [b".comment", b".gnu_debugdata"];

/// Symbols are read in runs of this many bytes, a multiple of their size.
const RUN: u64 = 3 << 18;

/// A section's place in the new table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The section that had this number.
    Kept(usize),
    /// Nothing: an empty entry, so that the sections after it keep their numbers.
    Empty,
}

/// The sections that stay.
#[derive(Debug)]
pub(super) struct Picked {
    /// The new section table.
    pub(super) slots: Vec<Slot>,
    /// The new number of each section, by its old one; `None` if it goes.
    pub(super) renumbered: Vec<Option<u32>>,
}

impl Picked {
    /// True if any section goes.
    pub(super) fn any(&self) -> bool {
        self.renumbered.iter().any(Option::is_none)
    }

    /// True if the section of this old number stays.
    pub(super) fn keeps(&self, number: usize) -> bool {
        self.renumbered.get(number).is_some_and(Option::is_some)
    }
}

pub(super) fn pick<O: Object + ?Sized>(object: &O, image: &Image, level: Level) -> Result<Picked, Reason> {
    let mut goes: Vec<bool> = image.sections.iter().map(|section| may_go(image, section, level)).collect();
    follow(image, level, &mut goes);
    keep_needed(image, &mut goes);
    let fixed = fixed(object, image, &goes)?;
    let mut slots = Vec::new();
    let mut renumbered = Vec::with_capacity(goes.len());
    let last = goes.iter().rposition(|gone| !gone).unwrap_or(0);
    for (number, &gone) in goes.iter().enumerate() {
        let empty = gone && number < fixed && number < last;
        renumbered.push(if gone { None } else { u32::try_from(slots.len()).ok() });
        match (gone, empty) {
            (false, _) => slots.push(Slot::Kept(number)),
            (true, true) => slots.push(Slot::Empty),
            (true, false) => {}
        }
    }
    Ok(Picked { slots, renumbered })
}

/// True if a section is on the lists. The cheap check for loaded sections comes before the name.
pub(super) fn may_go(image: &Image, section: &SectionHeader, level: Level) -> bool {
    if is_loaded(section) || section.sh_type == SHT_NULL || section.sh_flags & u64::from(SHF_GROUP) != 0 {
        return false;
    }
    let name = image.name(section);
    match section.sh_type {
        SHT_SYMTAB | SHT_SYMTAB_SHNDX => level == Level::All,
        SHT_STRTAB => level == Level::All && name == b".strtab",
        _ => is_debug(name) || (level == Level::All && MORE.iter().any(|start| name.starts_with(start))),
    }
}

/// True if a section's name is one of debug data.
pub(super) fn is_debug(name: &[u8]) -> bool {
    DEBUG.iter().any(|start| name.starts_with(start))
}

/// Removes relocations with the section that they relocate, and those that a linker left for another linker with its symbols.
fn follow(image: &Image, level: Level, goes: &mut [bool]) {
    for (number, section) in image.sections.iter().enumerate() {
        if !is_relocation(section) || is_loaded(section) {
            continue;
        }
        let gone = |number: u32| goes.get(number as usize).is_some_and(|&gone| gone);
        let target = section.sh_info != 0 && gone(section.sh_info);
        let symbols = level == Level::All && gone(section.sh_link);
        if let Some(place) = goes.get_mut(number)
            && (target || symbols)
        {
            *place = true;
        }
    }
}

/// Keeps every section that a section which stays refers to.
fn keep_needed(image: &Image, goes: &mut [bool]) {
    let mut todo: Vec<usize> = (0..goes.len()).filter(|&number| goes.get(number) == Some(&false)).collect();
    if let Some(gone) = goes.get_mut(image.names_index()) {
        *gone = false;
    }
    todo.push(image.names_index());
    while let Some(number) = todo.pop() {
        let Some(section) = image.sections.get(number).filter(|s| s.sh_type != SHT_NULL) else {
            continue;
        };
        for needed in [Some(section.sh_link), info_link(section)].into_iter().flatten().map(|needed| needed as usize) {
            if let Some(gone) = goes.get_mut(needed).filter(|gone| **gone) {
                *gone = false;
                todo.push(needed);
            }
        }
    }
}

/// Returns the number before which sections keep their numbers, as content that stays, such as symbols, refers to them. A
/// loaded section keeps its number in any case, as there may be dynamic symbols that no section describes.
fn fixed<O: Object + ?Sized>(object: &O, image: &Image, goes: &[bool]) -> Result<usize, Reason> {
    if !goes.contains(&true) {
        return Ok(0);
    }
    // More symbols than the file has bytes are tables upon tables.
    let mut left = image.size;
    let mut fixed = image.sections.iter().rposition(is_loaded).map_or(0, |last| last + 1);
    for (section, _) in image.sections.iter().zip(goes).filter(|(_, gone)| !**gone) {
        match section.sh_type {
            // These are not read through: if they stay, all sections keep their numbers.
            SHT_SYMTAB | SHT_SYMTAB_SHNDX | SHT_GROUP => return Ok(goes.len()),
            SHT_DYNSYM if has_bytes(section) => match left.checked_sub(section.sh_size) {
                Some(rest) => {
                    left = rest;
                    fixed = fixed.max(highest(object, image, section, goes.len())? + 1);
                }
                None => return Ok(goes.len()),
            },
            _ => {}
        }
    }
    Ok(fixed)
}

/// Returns the highest section number in a table's symbols.
fn highest<O: Object + ?Sized>(
    object: &O,
    image: &Image,
    table: &SectionHeader,
    count: usize,
) -> Result<usize, Reason> {
    let (size, at) = if image.form.wide { (24, 6) } else { (16, 14) };
    let all = range(table.sh_offset, table.sh_size);
    let mut begin = all.start;
    let mut highest = 0;
    while begin < all.end && highest + 1 < count {
        let end = begin.saturating_add(RUN).min(all.end);
        let symbols = object.read(begin..end).ok_or(Reason::Unreadable)?;
        for symbol in symbols.chunks_exact(size) {
            let bytes = symbol.get(at..at + 2).and_then(|two| <[u8; 2]>::try_from(two).ok()).unwrap_or_default();
            let number =
                usize::from(if image.form.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) });
            if number < count {
                highest = highest.max(number);
            }
        }
        begin = end;
    }
    Ok(highest)
}
