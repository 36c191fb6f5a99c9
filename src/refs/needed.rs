//! The libraries that an ELF object asks the dynamic loader for, and the directories it says to look in. Source: ld.so(8).

use goblin::container::Ctx;
use goblin::elf::Elf;
use goblin::elf::dynamic::{DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, Dyn};
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD, ProgramHeader};
use std::borrow::Cow;
use std::ops::Range;

/// The size in bytes of the largest dynamic section or string table that is read: the largest known ones have some megabytes.
const MAX_TABLE: u64 = 64 << 20;
/// The size in bytes of the largest header of an ELF file.
const HEADER: u64 = 64;

/// The libraries that an object needs, and the directories to look in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The names of libraries (`libc.so.6`), sometimes paths.
    pub names: Vec<Box<[u8]>>,
    /// The directories to look in first (`$ORIGIN/../lib`): RUNPATH, or else RPATH.
    pub dirs: Vec<Box<[u8]>>,
}

/// Reads what the object needs; `read` returns a range of its bytes, or `None` if the object has no such range. Returns `None`
/// if it is no ELF file for a dynamic loader.
pub fn needed<'b>(read: impl Fn(Range<u64>) -> Option<Cow<'b, [u8]>>, size: u64) -> Option<Needed> {
    let header = Elf::parse_header(&read(0..HEADER.min(size))?).ok()?;
    let ctx = Ctx::new(header.container().ok()?, header.endianness().ok()?);
    let count = usize::from(header.e_phnum);
    if usize::from(header.e_phentsize) != ProgramHeader::size(ctx) || count == 0xffff {
        return None;
    }
    let end = header.e_phoff.checked_add((count * ProgramHeader::size(ctx)) as u64)?;
    let segments = ProgramHeader::parse(&read(header.e_phoff..end)?, 0, count, ctx).ok()?;
    let dynamic = segments.iter().find(|segment| segment.p_type == PT_DYNAMIC)?;
    let table = read(part(dynamic.p_offset, dynamic.p_filesz)?)?;
    let entries = entries(&table, ctx);
    let value = |tag: u64| entries.iter().find(|entry| entry.d_tag == tag).map(|entry| entry.d_val);
    let (address, length) = (value(DT_STRTAB)?, value(DT_STRSZ)?);
    let inside = |s: &&ProgramHeader| s.p_type == PT_LOAD && s.p_vaddr <= address && address - s.p_vaddr < s.p_filesz;
    let segment = segments.iter().find(inside)?;
    let strings = read(part(segment.p_offset.checked_add(address - segment.p_vaddr)?, length)?)?;
    let string = |at: u64| {
        let rest = strings.get(usize::try_from(at).ok()?..)?;
        rest.split(|&c| c == 0).next().filter(|text| !text.is_empty() && text.len() < 4096)
    };
    let of = |tag: u64| entries.iter().filter(move |e| e.d_tag == tag).filter_map(|e| string(e.d_val));
    let path = of(DT_RUNPATH).next().or_else(|| of(DT_RPATH).next()).unwrap_or_default();
    Some(Needed {
        names: of(DT_NEEDED).map(Into::into).collect(),
        dirs: path.split(|&c| c == b':').filter(|dir| !dir.is_empty()).map(Into::into).collect(),
    })
}

fn part(offset: u64, length: u64) -> Option<Range<u64>> {
    (length <= MAX_TABLE).then_some(offset..offset.checked_add(length)?)
}

/// Returns the entries of a dynamic section up to the one that ends it.
fn entries(table: &[u8], ctx: Ctx) -> Vec<Dyn> {
    use goblin::container::Container;
    let word = |bytes: &[u8]| -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if ctx.le.is_little() { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    };
    let size = if ctx.container == Container::Big { 8 } else { 4 };
    let entry = |bytes: &[u8]| Dyn { d_tag: word(&bytes[..size]), d_val: word(&bytes[size..]) };
    table.chunks_exact(2 * size).map(entry).take_while(|entry| entry.d_tag != 0).collect()
}

impl Needed {
    /// Returns roughly the number of bytes of memory that this takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let each = |text: &[u8]| text.len() + 32;
        self.names.iter().chain(&self.dirs).map(|text| each(text)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> Option<Needed> {
        let read = |range: Range<u64>| {
            let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
            bytes.get(start..end).map(Cow::Borrowed)
        };
        needed(read, bytes.len() as u64)
    }

    #[test]
    fn a_running_program_needs_libc() {
        let found = of(&std::fs::read("/bin/sh").unwrap()).unwrap();
        assert!(found.names.iter().any(|name| name.starts_with(b"libc.")), "{found:?}");
        assert_eq!(of(b"#!/bin/sh\n"), None);
        assert_eq!(of(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0..400_usize, noise: Vec<u8>, cut in 0..4000_usize) {
            let mut file = std::fs::read("/bin/sh").unwrap();
            file.truncate(20_000 + cut);
            for (to, from) in file.iter_mut().skip(at.max(4)).zip(&noise) {
                *to = *from;
            }
            let _ = of(&file);
        }
    }
}
