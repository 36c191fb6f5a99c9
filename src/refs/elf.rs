//! The interpreter that an ELF file asks for (`PT_INTERP`), read from the file's first bytes. A layer is read once, from its
//! beginning, so a path that lies further on is returned as its place in the file.

use bstr::BString;
use goblin::container::Ctx;
use goblin::elf::header::{ELFMAG, Header, SELFMAG};
use goblin::elf::program_header::{PT_INTERP, ProgramHeader};
use goblin::elf::{Elf, header};

/// Linux refuses paths that are longer than this, and paths of less than two bytes.
const PATH_MAX: u64 = 4096;

/// The number of program headers that means: the true number is in the first section header.
const PN_XNUM: u16 = 0xffff;

/// The interpreter that an ELF file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interp {
    /// The file is no ELF file.
    NotElf,
    /// It asks for no interpreter, or in a way that Linux refuses.
    None,
    /// It asks for this path.
    Here(BString),
    /// The path lies in the file beyond the given head; [`path`] reads the bytes there.
    Place {
        /// The offset in the file.
        offset: u64,
        /// The number of bytes, at most 4,096.
        len: u64,
    },
    /// The program headers lie beyond the given head, or their number does not fit in the ELF header.
    Unknown,
}

/// Returns the interpreter of the file that begins with `head`. A head of 4 KiB is enough for all usual files.
#[must_use]
pub fn interp(head: &[u8]) -> Interp {
    if head.get(..SELFMAG) != Some(ELFMAG.as_slice()) {
        return Interp::NotElf;
    }
    let Some(class) = head.get(header::EI_CLASS) else {
        return Interp::Unknown;
    };
    let size = match *class {
        header::ELFCLASS32 => header::header32::SIZEOF_EHDR,
        header::ELFCLASS64 => header::header64::SIZEOF_EHDR,
        _ => return Interp::NotElf,
    };
    if head.len() < size {
        return Interp::Unknown;
    }
    let Ok(header) = Elf::parse_header(head) else {
        return Interp::NotElf;
    };
    match program_headers(head, &header) {
        Ok(headers) => headers.iter().find(|h| h.p_type == PT_INTERP).map_or(Interp::None, |found| locate(head, found)),
        Err(answer) => answer,
    }
}

/// Returns the path in the bytes at the place that [`interp`] returned: up to the NUL that ends it.
#[must_use]
pub fn path(bytes: &[u8]) -> Option<BString> {
    let path = bytes.split(|&c| c == 0).next().unwrap_or_default();
    (!path.is_empty()).then(|| path.into())
}

/// Returns the program headers, or the answer if none can be seen.
fn program_headers(head: &[u8], header: &Header) -> Result<Vec<ProgramHeader>, Interp> {
    let (Ok(container), Ok(endian)) = (header.container(), header.endianness()) else {
        return Err(Interp::NotElf);
    };
    let ctx = Ctx::new(container, endian);
    if header.e_phnum == 0 || usize::from(header.e_phentsize) != ProgramHeader::size(ctx) {
        return Err(Interp::None);
    }
    if header.e_phnum == PN_XNUM {
        return Err(Interp::Unknown);
    }
    let count = usize::from(header.e_phnum);
    let begin = usize::try_from(header.e_phoff).map_err(|_| Interp::Unknown)?;
    let end = begin.checked_add(count * ProgramHeader::size(ctx)).ok_or(Interp::None)?;
    let table = head.get(begin..end).ok_or(Interp::Unknown)?;
    ProgramHeader::parse(table, 0, count, ctx).map_err(|_| Interp::None)
}

fn locate(head: &[u8], found: &ProgramHeader) -> Interp {
    let (offset, len) = (found.p_offset, found.p_filesz);
    let Some(end) = offset.checked_add(len) else {
        return Interp::None;
    };
    if !(2..=PATH_MAX).contains(&len) {
        return Interp::None;
    }
    let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(begin, end)| head.get(begin..end)) {
        Some(bytes) => path(bytes).map_or(Interp::None, Interp::Here),
        None => Interp::Place { offset, len },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATH: &[u8] = b"/lib64/ld-linux-x86-64.so.2\0";

    /// Writes `size` bytes of `value` at `at`.
    fn put(file: &mut Vec<u8>, big: bool, at: usize, size: usize, value: u64) {
        file.resize(file.len().max(at + size), 0);
        let bytes = if big { value.to_be_bytes()[8 - size..].to_vec() } else { value.to_le_bytes()[..size].to_vec() };
        file[at..at + size].copy_from_slice(&bytes);
    }

    /// An ELF file of a class and endianness, with a PT_LOAD and a PT_INTERP that points to `offset`.
    fn elf(wide: bool, big: bool, offset: u64, len: u64) -> Vec<u8> {
        let mut file = b"\x7fELF".to_vec();
        file.extend([if wide { 2 } else { 1 }, if big { 2 } else { 1 }, 1]);
        // The offsets of phoff, phentsize and phnum, those of p_offset and p_filesz in a program header, and the sizes of both
        // headers.
        let (phoff, phentsize, p_offset, p_filesz, word, header, entry) =
            if wide { (32, 54, 8, 32, 8, 64, 56) } else { (28, 42, 4, 16, 4, 52, 32) };
        put(&mut file, big, phoff, word, header);
        put(&mut file, big, phentsize, 2, entry);
        put(&mut file, big, phentsize + 2, 2, 2);
        let second = usize::try_from(header + entry).unwrap();
        put(&mut file, big, usize::try_from(header).unwrap(), 4, 1);
        put(&mut file, big, second, 4, 3);
        put(&mut file, big, second + p_offset, word, offset);
        put(&mut file, big, second + p_filesz, word, len);
        file.resize(usize::try_from(header + 2 * entry).unwrap(), 0);
        file
    }

    #[test]
    fn the_path_is_found_in_both_classes_and_endians() {
        for (wide, big) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut file = elf(wide, big, 200, PATH.len() as u64);
            let headers = file.len();
            file.resize(200, 0);
            file.extend(PATH);
            assert_eq!(interp(&file), Interp::Here("/lib64/ld-linux-x86-64.so.2".into()), "{wide} {big}");
            let at = Interp::Place { offset: 200, len: PATH.len() as u64 };
            assert_eq!(interp(&file[..220]), at);
            assert_eq!(interp(&file[..headers]), at);
            assert_eq!(interp(&file[..headers - 1]), Interp::Unknown);
            assert_eq!(interp(&file[..20]), Interp::Unknown);
            assert_eq!(interp(&file[..4]), Interp::Unknown);
        }
        assert_eq!(path(PATH), Some("/lib64/ld-linux-x86-64.so.2".into()));
    }

    #[test]
    fn a_running_program_has_one() {
        // `sh` is dynamically linked wherever these tests run.
        let file = std::fs::read("/bin/sh").unwrap();
        let Interp::Here(path) = interp(&file[..4096]) else { panic!("{:?}", interp(&file[..4096])) };
        assert!(path.starts_with(b"/lib"), "{path}");
    }

    #[test]
    fn what_linux_refuses_asks_for_nothing() {
        assert_eq!(interp(b""), Interp::NotElf);
        assert_eq!(interp(b"#!/bin/sh"), Interp::NotElf);
        assert_eq!(interp(b"\x7fELF\x07\x01\x01"), Interp::NotElf);
        for (offset, len) in [(0, 0), (0, 1), (0, 4097), (u64::MAX, 2), (2, u64::MAX)] {
            assert_eq!(interp(&elf(true, false, offset, len)), Interp::None, "{offset} {len}");
        }
        let mut none = elf(true, false, 0, 4);
        put(&mut none, false, 54 + 2, 2, 0);
        assert_eq!(interp(&none), Interp::None);
        let mut odd = elf(true, false, 0, 4);
        put(&mut odd, false, 54, 2, 57);
        assert_eq!(interp(&odd), Interp::None);
        let mut far = elf(true, false, 0, 4);
        put(&mut far, false, 32, 8, u64::MAX);
        assert_ne!(interp(&far), Interp::Here("\x7fELF".into()));
        let mut many = elf(true, false, 0, 4);
        put(&mut many, false, 54 + 2, 2, 0xffff);
        assert_eq!(interp(&many), Interp::Unknown);
    }

    proptest! {
        #[test]
        fn no_head_makes_it_panic(wide: bool, big: bool, at in 0..120_usize, noise: Vec<u8>, cut in 0..300_usize) {
            let mut file = elf(wide, big, 150, 20);
            file.resize(260, b'x');
            for (to, from) in file.iter_mut().skip(at.max(4)).zip(&noise) {
                *to = *from;
            }
            let _ = interp(&file[..cut.min(260)]);
            let _ = interp(&noise);
            let _ = path(&noise);
        }
    }
}
