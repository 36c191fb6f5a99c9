//! Compares a stripped file with its original, by goblin's full parse and nothing of slim's, and edits headers at
//! random. The bench and the fuzz target use it too.

use goblin::elf::Elf;
use goblin::elf::dynamic::{DT_GNU_HASH, DT_HASH, DT_JMPREL, DT_REL, DT_RELA, DT_STRTAB, DT_SYMTAB};
use goblin::elf::program_header::{PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, PT_NULL};
use goblin::elf::section_header::{SHF_ALLOC, SHT_DYNSYM, SHT_NOBITS, SHT_NULL, SHT_SYMTAB};

/// The dynamic entries by whose addresses goblin finds symbols.
const ADDRESSES: [u64; 7] = [DT_STRTAB, DT_SYMTAB, DT_HASH, DT_GNU_HASH, DT_REL, DT_RELA, DT_JMPREL];

/// Numbers that follow from a seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

/// Edits one to eight bytes of the header and its tables; returns their places and old values, in order.
pub fn mutate(object: &mut [u8], random: &mut Random) -> Vec<(usize, u8)> {
    let wide = object.get(4) == Some(&2);
    let big = object.get(5) == Some(&2);
    let number = |object: &[u8], at: usize, size: usize| {
        let mut bytes = object.get(at..at + size).unwrap_or_default().to_vec();
        if big {
            bytes.reverse();
        }
        bytes.iter().rev().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte))
    };
    let tables = if wide {
        [(number(object, 32, 8), 56 * number(object, 56, 2)), (number(object, 40, 8), 64 * number(object, 60, 2))]
    } else {
        [(number(object, 28, 4), 32 * number(object, 44, 2)), (number(object, 32, 4), 40 * number(object, 48, 2))]
    };
    let mut edits = Vec::new();
    for _ in 0..=random.below(8) {
        let at = match random.below(10) {
            0 => random.below(64),
            1..=4 => tables[0].0.saturating_add(random.below(tables[0].1)),
            5..=8 => tables[1].0.saturating_add(random.below(tables[1].1)),
            _ => random.below(object.len() as u64),
        };
        let value = match random.below(4) {
            0 => 0,
            1 => 0xff,
            2 => 1 << random.below(8),
            _ => random.below(256),
        };
        if let Some(place) = usize::try_from(at).ok().and_then(|at| object.get_mut(at)) {
            edits.push((at as usize, *place));
            *place = value as u8;
        }
    }
    edits
}

/// Checks that a loader sees the same in `after` as in `before`.
pub fn verify(before: &[u8], after: &[u8]) -> Result<(), String> {
    if after.len() + 512 > before.len() {
        return Err(format!("saves too little: {} of {}", after.len(), before.len()));
    }
    let headers = |file| Elf::parse_header(file).map_err(|error| format!("no header: {error}"));
    let (mut old, new) = (headers(before)?, headers(after)?);
    (old.e_phoff, old.e_shoff, old.e_shnum, old.e_shstrndx) = (new.e_phoff, new.e_shoff, new.e_shnum, new.e_shstrndx);
    equal("header", &old, &new)?;
    let patched =
        [0..u64::from(new.e_ehsize), new.e_phoff..new.e_phoff + u64::from(new.e_phnum) * u64::from(new.e_phentsize)];
    let lazy = |file| Elf::lazy_parse(headers(file)?).map_err(|error| format!("no ELF: {error}"));
    let (_, _) = (lazy(before)?, lazy(after)?);
    let (old, new) = (tables(before)?, tables(after)?);
    equal("number of program headers", &old.0.len(), &new.0.len())?;
    for (a, b) in old.0.iter().zip(&new.0) {
        let mut moved = a.clone();
        moved.p_offset = b.p_offset;
        equal("program header", &moved, b)?;
        let by = a.p_offset.checked_sub(b.p_offset).ok_or("a segment moved up")?;
        if by % a.p_align.max(1) != 0 || (a.p_type == PT_LOAD && by % 4096 != 0) {
            return Err(format!("a segment moved by {by}"));
        }
        if a.p_filesz > 0 && !matches!(a.p_type, PT_NULL | PT_GNU_RELRO | PT_GNU_STACK) {
            same_bytes(before, a.p_offset, after, b.p_offset, a.p_filesz, &patched)?;
        }
    }
    let loaded = |s: &&goblin::elf::SectionHeader| s.sh_flags & u64::from(SHF_ALLOC) != 0 && s.sh_type != SHT_NULL;
    let (a, b): (Vec<_>, Vec<_>) = (old.1.iter().filter(loaded).collect(), new.1.iter().filter(loaded).collect());
    equal("number of loaded sections", &a.len(), &b.len())?;
    for (a, b) in a.into_iter().zip(b) {
        equal(
            "section",
            &(a.sh_type, a.sh_addr, a.sh_size, a.sh_flags),
            &(b.sh_type, b.sh_addr, b.sh_size, b.sh_flags),
        )?;
        if a.sh_type != SHT_NOBITS && a.sh_size > 0 {
            same_bytes(before, a.sh_offset, after, b.sh_offset, a.sh_size, &patched)?;
        }
    }
    // With a second symbol table, which is loaded, goblin would parse that one instead of the one that went; and it
    // believes the size of a table's entries.
    let strange = new.1.iter().filter(|s| matches!(s.sh_type, SHT_SYMTAB | SHT_DYNSYM));
    let symbol = if before.get(4) == Some(&2) { 24 } else { 16 };
    match strange.into_iter().any(|s| s.sh_entsize != symbol || (s.sh_type == SHT_SYMTAB && loaded(&s))) {
        true => Ok(()),
        false => parsed(before, after),
    }
}

/// Checks that goblin finds the same in the new file as in the original, if it can parse all of that.
fn parsed(before: &[u8], after: &[u8]) -> Result<(), String> {
    let Ok(old) = Elf::parse(before) else {
        return Ok(());
    };
    if !is_backed(&old) || [0, 0x6d].iter().any(|&fill| !is_told_by_segments(before, &old, fill)) {
        return Ok(());
    }
    let new = Elf::parse(after).map_err(|error| format!("no longer parsed: {error}"))?;
    let dynamic = |elf: &Elf| elf.dynamic.as_ref().map(|dynamic| dynamic.dyns.clone());
    equal("dynamic table", &dynamic(&old), &dynamic(&new))?;
    equal("libraries", &old.libraries, &new.libraries)?;
    equal("soname", &old.soname, &new.soname)?;
    equal("interpreter", &old.interpreter, &new.interpreter)?;
    equal("dynamic symbols", &old.dynsyms.to_vec(), &new.dynsyms.to_vec())?;
    let symbols = old.dynamic.as_ref().map_or(0, |dynamic| dynamic.info.symtab as u64);
    let size = old.dynsyms.len() as u64 * if old.is_64 { 24 } else { 16 };
    let table = |s: &&goblin::elf::SectionHeader| s.sh_type == SHT_DYNSYM && s.sh_offset == symbols;
    let told = old.section_headers.iter().filter(table).any(|s| s.sh_size >= size);
    let loaded = |s: &goblin::elf::SectionHeader| s.sh_flags & u64::from(SHF_ALLOC) != 0;
    for symbol in &old.dynsyms {
        equal("a symbol's name", &old.dynstrtab.get_at(symbol.st_name), &new.dynstrtab.get_at(symbol.st_name))?;
        if let Some(a) = old.section_headers.get(symbol.st_shndx).filter(|s| told || loaded(s)) {
            let b = new.section_headers.get(symbol.st_shndx).ok_or("a symbol's section is gone")?;
            if b.sh_type != SHT_NULL {
                equal("a symbol's section", &(a.sh_addr, a.sh_size), &(b.sh_addr, b.sh_size))?;
            }
        }
    }
    Ok(())
}

/// True if goblin finds the same symbols in the segments alone, whatever else is there. A broken hash table may send it through
/// all of a file.
fn is_told_by_segments(file: &[u8], elf: &Elf, fill: u8) -> bool {
    let mut bare = vec![fill; file.len()];
    let content = elf.program_headers.iter().filter(|s| !matches!(s.p_type, PT_NULL | PT_GNU_RELRO | PT_GNU_STACK));
    let table = (elf.header.e_phoff, u64::from(elf.header.e_phnum) * u64::from(elf.header.e_phentsize));
    for (at, size) in content.map(|s| (s.p_offset, s.p_filesz)).chain([(0, u64::from(elf.header.e_ehsize)), table]) {
        let range = at as usize..at.saturating_add(size) as usize;
        if let (Some(to), Some(from)) = (bare.get_mut(range.clone()), file.get(range)) {
            to.copy_from_slice(from);
        }
    }
    let (offset, count) = if elf.is_64 { (40..48, 60..62) } else { (32..36, 48..50) };
    bare[offset].fill(0);
    bare[count].fill(0);
    Elf::parse(&bare).is_ok_and(|bare| bare.dynsyms.to_vec() == elf.dynsyms.to_vec())
}

/// True if the dynamic symbols and strings are where a loader finds them: wholly in one segment that is loaded from the file. A
/// mutation may have moved them to a place that goblin reads, but no loader does.
fn is_backed(elf: &Elf) -> bool {
    let Some(dynamic) = &elf.dynamic else {
        return true;
    };
    let symbol = if elf.is_64 { 24 } else { 16 };
    let loads = || elf.program_headers.iter().filter(|s| s.p_type == PT_LOAD);
    loads().all(|s| s.p_offset.wrapping_sub(s.p_vaddr) % 4096 == 0)
        && dynamic.dyns.iter().filter(|entry| ADDRESSES.contains(&entry.d_tag)).all(|entry| {
            let size = match entry.d_tag {
                DT_STRTAB => dynamic.info.strsz as u64,
                DT_SYMTAB => elf.dynsyms.len() as u64 * symbol,
                _ => 1,
            };
            let mut found = loads().filter(|s| s.p_vaddr <= entry.d_val && entry.d_val - s.p_vaddr < s.p_memsz);
            let (Some(load), None) = (found.next(), found.next()) else { return false };
            let at = entry.d_val - load.p_vaddr;
            at.checked_add(size).is_some_and(|end| end <= load.p_filesz) && !in_headers(elf, load.p_offset + at, size)
        })
}

/// True if a range is partly in the header or the program headers, which change.
fn in_headers(elf: &Elf, at: u64, size: u64) -> bool {
    let table =
        elf.header.e_phoff..elf.header.e_phoff + u64::from(elf.header.e_phnum) * u64::from(elf.header.e_phentsize);
    at < u64::from(elf.header.e_ehsize) || (at < table.end && table.start < at + size)
}

type Tables = (Vec<goblin::elf::ProgramHeader>, Vec<goblin::elf::SectionHeader>);

fn tables(file: &[u8]) -> Result<Tables, String> {
    let said = |error| format!("no tables: {error}");
    let header = Elf::parse_header(file).map_err(said)?;
    let ctx = goblin::container::Ctx::new(header.container().map_err(said)?, header.endianness().map_err(said)?);
    let segments = goblin::elf::ProgramHeader::parse(file, header.e_phoff as usize, header.e_phnum.into(), ctx);
    let sections = goblin::elf::SectionHeader::parse(file, header.e_shoff as usize, header.e_shnum.into(), ctx);
    Ok((segments.map_err(said)?, sections.map_err(said)?))
}

/// Checks that bytes are equal, except for headers whose fields are compared.
fn same_bytes(
    before: &[u8],
    old: u64,
    after: &[u8],
    new: u64,
    size: u64,
    patched: &[std::ops::Range<u64>],
) -> Result<(), String> {
    let part = |file: &[u8], at: u64| file.get(at as usize..(at + size) as usize).map(<[u8]>::to_vec);
    let (Some(mut a), Some(mut b)) = (part(before, old), part(after, new)) else {
        return Err(format!("{size} bytes at {old}, now {new}, are beyond the end"));
    };
    for range in patched {
        for at in range.start.max(new)..range.end.min(new + size) {
            a[(at - new) as usize] = 0;
            b[(at - new) as usize] = 0;
        }
    }
    if a == b { Ok(()) } else { Err(format!("{size} bytes at {old}, now {new}, differ")) }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, a: &T, b: &T) -> Result<(), String> {
    if a == b { Ok(()) } else { Err(format!("{what} differs")) }
}
