//! The parts of an object that hold no strings it uses: instructions, symbols, relocations and debug data.

use std::ops::Range;

use goblin::elf::section_header::{SHF_EXECINSTR, SHF_WRITE, SHT_DYNSYM, SHT_STRTAB, SHT_SYMTAB, SectionHeader};

use super::read::{Image, has_bytes, is_loaded, is_relocation, range};
use super::{Object, pick};

/// The size in bytes of the smallest part that is worth skipping.
const LEAST: u64 = 16 << 10;
/// The most parts that are skipped, the largest first: a program has ten or so.
const MOST: usize = 64;

/// Returns the ranges of `object`, in bytes and in order, in which it has no strings that it uses; none if its headers do not
/// tell.
#[must_use]
pub fn silent<O: Object + ?Sized>(object: &O) -> Vec<Range<u64>> {
    let Ok(image) = Image::read(object) else { return Vec::new() };
    let sections = image.sections.iter().filter(|section| has_bytes(section) && section.sh_size >= LEAST);
    let mut all: Vec<Range<u64>> = sections
        .filter(|section| is_silent(&image, section))
        .map(|section| range(section.sh_offset, section.sh_size))
        .collect();
    all.sort_by_key(|range| std::cmp::Reverse(range.end - range.start));
    all.truncate(MOST);
    all.sort_by_key(|range| range.start);
    all
}

fn is_silent(image: &Image, section: &SectionHeader) -> bool {
    // The image of a Lisp has its heap in sections that are executable and writable.
    let code = section.sh_flags & u64::from(SHF_EXECINSTR | SHF_WRITE) == u64::from(SHF_EXECINSTR);
    let symbols = matches!(section.sh_type, SHT_SYMTAB | SHT_DYNSYM) || is_relocation(section);
    let names = section.sh_type == SHT_STRTAB && !is_loaded(section);
    code || symbols || names || (!is_loaded(section) && pick::is_debug(image.name(section)))
}
