//! Reads the headers of an ELF file and checks all of them against its size: everything in an [`Image`] is in bounds.

use std::ops::Range;

use goblin::container::Ctx;
use goblin::elf::Elf;
use goblin::elf::header::{
    self, EI_CLASS, EI_DATA, EI_VERSION, ELFCLASS32, ELFCLASS64, EM_BPF, ET_CORE, ET_DYN, ET_EXEC, ET_REL, Header,
    header32, header64,
};
use goblin::elf::program_header::{PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, PT_NULL, PT_PHDR, ProgramHeader};
use goblin::elf::section_header::{SHF_ALLOC, SHF_INFO_LINK, SHT_NOBITS, SHT_NULL, SHT_REL, SHT_RELA, SectionHeader};

use super::{Object, Reason};

/// The most bytes of section names that are read; a known program has some hundred.
const NAMES_MAX: u64 = 1 << 20;

/// The number of bytes that a section's name is cut to.
pub(super) const NAME_MAX: usize = 1024;

/// The number of program headers that means: the true number is in the first section header.
const PN_XNUM: u16 = 0xffff;

/// The lowest special section number: from it on, the true number is in the first section header, or the number has a meaning
/// of its own.
const SHN_LORESERVE: u16 = 0xff00;

/// The processors that Linux runs on. Others (eBPF, CUDA, AMD GPUs, Guile's bytecode) load ELF files in ways of their own.
const MACHINES: [u16; 27] = [
    header::EM_386,
    header::EM_68K,
    header::EM_AARCH64,
    0x9026, // Alpha
    header::EM_ARC_COMPACT,
    header::EM_ARC_COMPACT2,
    header::EM_ARM,
    header::EM_CSKY,
    header::EM_IA_64,
    header::EM_LOONGARCH,
    header::EM_MICROBLAZE,
    header::EM_MIPS,
    header::EM_MIPS_RS3_LE,
    header::EM_ALTERA_NIOS2,
    header::EM_OPENRISC,
    header::EM_PARISC,
    header::EM_PPC,
    header::EM_PPC64,
    header::EM_RISCV,
    header::EM_S390,
    header::EM_SH,
    header::EM_SPARC,
    header::EM_SPARC32PLUS,
    header::EM_SPARCV9,
    header::EM_X86_64,
    header::EM_XTENSA,
    header::EM_TILEGX,
];

/// The class and byte order of an ELF file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// 64 bits, not 32.
    pub(super) wide: bool,
    /// The most significant byte first.
    pub(super) big: bool,
}

impl Form {
    /// Writes `value` in `size` bytes at `at`; returns `None` if it does not fit there.
    pub(super) fn put(self, bytes: &mut [u8], at: usize, size: usize, value: u64) -> Option<()> {
        let place = bytes.get_mut(at..at.checked_add(size)?)?;
        let all = value.to_be_bytes();
        let (zeros, low) = all.split_at(all.len().checked_sub(size)?);
        if zeros.iter().any(|&byte| byte != 0) {
            return None;
        }
        place.copy_from_slice(low);
        if !self.big {
            place.reverse();
        }
        Some(())
    }

    /// Writes an address or offset.
    pub(super) fn put_word(self, bytes: &mut [u8], at: usize, value: u64) -> Option<()> {
        self.put(bytes, at, if self.wide { 8 } else { 4 }, value)
    }

    /// Reads four bytes.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }
}

/// The headers of an ELF file.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) size: u64,
    pub(super) form: Form,
    pub(super) ctx: Ctx,
    pub(super) header: Header,
    /// The bytes of the header and the two tables.
    pub(super) header_bytes: Vec<u8>,
    pub(super) segment_bytes: Vec<u8>,
    pub(super) section_bytes: Vec<u8>,
    pub(super) segments: Vec<ProgramHeader>,
    pub(super) sections: Vec<SectionHeader>,
    names: Vec<u8>,
}

impl Image {
    pub(super) fn read<O: Object + ?Sized>(object: &O) -> Result<Self, Reason> {
        let size = object.size();
        let (form, header_bytes) = head(object)?;
        let header = Elf::parse_header(&header_bytes).map_err(|_| Reason::NotElf)?;
        let (Ok(container), Ok(endian)) = (header.container(), header.endianness()) else {
            return Err(Reason::NotElf);
        };
        let ctx = Ctx::new(container, endian);
        kind(&header)?;
        counts(&header, ctx, header_bytes.len())?;
        let segment_bytes =
            table(object, header.e_phoff, usize::from(header.e_phnum), ProgramHeader::size(ctx), Reason::NoSegments)?;
        let segments =
            ProgramHeader::parse(&segment_bytes, 0, usize::from(header.e_phnum), ctx).map_err(|_| Reason::Header)?;
        if header.e_shoff == 0 {
            return Err(Reason::NoSections);
        }
        let section_bytes =
            table(object, header.e_shoff, usize::from(header.e_shnum), SectionHeader::size(ctx), Reason::NoSections)?;
        let sections = SectionHeader::parse_from(&section_bytes, 0, usize::from(header.e_shnum), ctx)
            .map_err(|_| Reason::Header)?;
        let mut image = Self {
            size,
            form,
            ctx,
            header,
            header_bytes,
            segment_bytes,
            section_bytes,
            segments,
            sections,
            names: Vec::new(),
        };
        image.check_bounds()?;
        image.check_links()?;
        image.names = image.read_names(object)?;
        Ok(image)
    }

    /// Returns the number of the section with the section names.
    pub(super) fn names_index(&self) -> usize {
        usize::from(self.header.e_shstrndx)
    }

    /// Returns a section's name.
    pub(super) fn name(&self, section: &SectionHeader) -> &[u8] {
        let rest = self.names.get(section.sh_name..).unwrap_or_default();
        let rest = rest.get(..NAME_MAX).unwrap_or(rest);
        rest.split(|&c| c == 0).next().unwrap_or_default()
    }

    /// Returns the range of the program headers.
    pub(super) fn segment_table(&self) -> Range<u64> {
        range(self.header.e_phoff, self.segment_bytes.len() as u64)
    }

    /// Returns the range of the section headers.
    pub(super) fn section_table(&self) -> Range<u64> {
        range(self.header.e_shoff, self.section_bytes.len() as u64)
    }

    fn check_bounds(&self) -> Result<(), Reason> {
        let inside = |offset: u64, size: u64| offset.checked_add(size).is_some_and(|end| end <= self.size);
        let segments = self.segments.iter().filter(|s| is_content(s)).all(|s| inside(s.p_offset, s.p_filesz));
        let sections = self.sections.iter().filter(|s| has_bytes(s)).all(|s| inside(s.sh_offset, s.sh_size));
        if !segments || !sections {
            return Err(Reason::OutOfBounds);
        }
        let header = 0..self.header_bytes.len() as u64;
        let tables = [self.segment_table(), self.section_table()];
        let [segments, sections] = &tables;
        if overlap(&header, segments)
            || overlap(&header, sections)
            || overlap(segments, sections)
            || self.reaches_into(&header)
        {
            return Err(Reason::Overlap);
        }
        if !self.segments.iter().any(|s| s.p_type == PT_LOAD && s.p_filesz > 0) {
            return Err(Reason::NoSegments);
        }
        Ok(())
    }

    /// True if anything other than a loaded segment has bytes in a range: headers change, and it would change with them.
    pub(super) fn reaches_into(&self, range: &Range<u64>) -> bool {
        let parts = self.segments.iter().filter(|s| is_content(s) && !matches!(s.p_type, PT_LOAD | PT_PHDR));
        let loaded = self.sections.iter().filter(|s| has_bytes(s) && is_loaded(s));
        let parts = parts.map(|s| self::range(s.p_offset, s.p_filesz));
        parts.chain(loaded.map(|s| self::range(s.sh_offset, s.sh_size))).any(|part| overlap(&part, range))
    }

    fn check_links(&self) -> Result<(), Reason> {
        let there = |number: u32| self.sections.get(usize::try_from(number).ok()?);
        let known = |number: u32| number == 0 || there(number).is_some_and(|s| s.sh_type != SHT_NULL);
        let used = |s: &&SectionHeader| s.sh_type != SHT_NULL;
        match self.sections.iter().filter(used).all(|s| known(s.sh_link) && info_link(s).is_none_or(known)) {
            true => Ok(()),
            false => Err(Reason::Link),
        }
    }

    fn read_names<O: Object + ?Sized>(&self, object: &O) -> Result<Vec<u8>, Reason> {
        let section = self.sections.get(self.names_index()).filter(|s| has_bytes(s)).ok_or(Reason::Names)?;
        if section.sh_size > NAMES_MAX {
            return Err(Reason::Limit);
        }
        let names = object.read(range(section.sh_offset, section.sh_size)).ok_or(Reason::Unreadable)?.into_owned();
        let last = names.iter().rposition(|&c| c == 0).ok_or(Reason::Names)?;
        let named = self.sections.iter().filter(|s| s.sh_type != SHT_NULL).all(|s| s.sh_name <= last);
        if named { Ok(names) } else { Err(Reason::Names) }
    }
}

/// Reads the form and the bytes of the header.
fn head<O: Object + ?Sized>(object: &O) -> Result<(Form, Vec<u8>), Reason> {
    let size = object.size();
    let ident = object.read(0..size.min(16)).ok_or(Reason::Unreadable)?;
    if !ident.starts_with(b"\x7fELF") {
        return Err(Reason::NotElf);
    }
    let wide = match ident.get(EI_CLASS) {
        Some(&ELFCLASS32) => false,
        Some(&ELFCLASS64) => true,
        _ => return Err(Reason::NotElf),
    };
    let big = match (ident.get(EI_DATA), ident.get(EI_VERSION)) {
        (Some(1), Some(1)) => false,
        (Some(2), Some(1)) => true,
        _ => return Err(Reason::NotElf),
    };
    let length = if wide { header64::SIZEOF_EHDR } else { header32::SIZEOF_EHDR } as u64;
    if size < length {
        return Err(Reason::OutOfBounds);
    }
    Ok((Form { wide, big }, object.read(0..length).ok_or(Reason::Unreadable)?.into_owned()))
}

/// Refuses headers that state their counts elsewhere or have entries of an unusual size.
fn counts(header: &Header, ctx: Ctx, length: usize) -> Result<(), Reason> {
    if header.e_phnum == PN_XNUM {
        return Err(Reason::ManySegments);
    }
    if header.e_shnum >= SHN_LORESERVE
        || header.e_shstrndx >= SHN_LORESERVE
        || (header.e_shnum == 0 && header.e_shoff > 0)
    {
        return Err(Reason::ManySections);
    }
    let odd = |count: u16, size: u16, usual: usize| count > 0 && usize::from(size) != usual;
    if odd(header.e_phnum, header.e_phentsize, ProgramHeader::size(ctx))
        || odd(header.e_shnum, header.e_shentsize, SectionHeader::size(ctx))
        || usize::from(header.e_ehsize) != length
    {
        return Err(Reason::Header);
    }
    Ok(())
}

/// Reads the bytes of a table of `count` entries.
fn table<O: Object + ?Sized>(object: &O, at: u64, count: usize, size: usize, none: Reason) -> Result<Vec<u8>, Reason> {
    if count == 0 {
        return Err(none);
    }
    let length = (count as u64).checked_mul(size as u64).ok_or(Reason::OutOfBounds)?;
    let end = at.checked_add(length).filter(|&end| end <= object.size()).ok_or(Reason::OutOfBounds)?;
    Ok(object.read(at..end).ok_or(Reason::Unreadable)?.into_owned())
}

/// Returns a range that was checked to be in bounds.
pub(super) fn range(start: u64, size: u64) -> Range<u64> {
    start..start.saturating_add(size)
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

/// True if a segment's range in the file is its content. `PT_GNU_RELRO` and `PT_GNU_STACK` only describe memory.
pub(super) fn is_content(segment: &ProgramHeader) -> bool {
    !matches!(segment.p_type, PT_NULL | PT_GNU_RELRO | PT_GNU_STACK) && segment.p_filesz > 0
}

/// True if a section has bytes in the file.
pub(super) fn has_bytes(section: &SectionHeader) -> bool {
    !matches!(section.sh_type, SHT_NULL | SHT_NOBITS) && section.sh_size > 0
}

/// True if a section is in memory when the program runs.
pub(super) fn is_loaded(section: &SectionHeader) -> bool {
    section.sh_flags & u64::from(SHF_ALLOC) != 0
}

/// True if a section has relocations.
pub(super) fn is_relocation(section: &SectionHeader) -> bool {
    matches!(section.sh_type, SHT_REL | SHT_RELA)
}

/// Returns the number of the section that `sh_info` refers to, if it refers to one.
pub(super) fn info_link(section: &SectionHeader) -> Option<u32> {
    (section.sh_flags & u64::from(SHF_INFO_LINK) != 0 || is_relocation(section)).then_some(section.sh_info)
}

/// Refuses files that the header alone rules out.
fn kind(header: &Header) -> Result<(), Reason> {
    match header.e_type {
        ET_EXEC | ET_DYN if MACHINES.contains(&header.e_machine) => Ok(()),
        ET_EXEC | ET_DYN => Err(Reason::Machine),
        ET_REL if header.e_machine == EM_BPF => Err(Reason::Machine),
        ET_REL => Err(Reason::Relocatable),
        ET_CORE => Err(Reason::Core),
        _ => Err(Reason::Type),
    }
}
