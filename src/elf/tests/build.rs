//! Makes small ELF files of any class and byte order.

/// A program header.
#[derive(Clone)]
pub struct Segment {
    pub kind: u32,
    pub offset: u64,
    pub addr: u64,
    pub size: u64,
    pub memory: u64,
    pub align: u64,
}

/// A section and its bytes.
#[derive(Clone)]
pub struct Section {
    pub name: &'static str,
    pub kind: u32,
    pub flags: u64,
    pub addr: u64,
    /// The offset of the bytes; `None` for the end of the section before.
    pub at: Option<u64>,
    pub bytes: Vec<u8>,
    /// The size in bytes of a section without bytes.
    pub size: u64,
    pub link: u32,
    pub info: u32,
    pub align: u64,
}

/// A file; [`File::bytes`] puts it together.
#[derive(Clone)]
pub struct File {
    pub wide: bool,
    pub big: bool,
    pub kind: u16,
    pub machine: u16,
    pub segments: Vec<Segment>,
    pub sections: Vec<Section>,
    /// The bytes after the section table.
    pub tail: Vec<u8>,
}

/// Every class and byte order.
pub const FORMS: [(bool, bool); 4] = [(true, false), (true, true), (false, false), (false, true)];

pub const ALLOC: u64 = 2;
pub const EXEC: u64 = 4;

pub fn section(name: &'static str, kind: u32, flags: u64, bytes: impl Into<Vec<u8>>) -> Section {
    let bytes = bytes.into();
    Section { name, kind, flags, addr: 0, at: None, size: bytes.len() as u64, bytes, link: 0, info: 0, align: 1 }
}

impl Section {
    pub fn at(mut self, at: u64, addr: u64) -> Self {
        (self.at, self.addr) = (Some(at), addr);
        self
    }

    pub fn links(mut self, link: u32, info: u32) -> Self {
        (self.link, self.info) = (link, info);
        self
    }

    pub fn aligned(mut self, align: u64) -> Self {
        self.align = align;
        self
    }
}

pub fn load(offset: u64, addr: u64, size: u64) -> Segment {
    Segment { kind: 1, offset, addr, size, memory: size, align: 0x1000 }
}

impl File {
    /// A shared object: code and dynamic symbols, data at 0x1000, and after it comment, debug data, a section of a kind
    /// that is not known, symbols.
    pub fn usual(wide: bool, big: bool) -> Self {
        let mut file = Self {
            wide,
            big,
            kind: 3,
            machine: if wide { 62 } else { 20 },
            segments: vec![],
            sections: vec![],
            tail: vec![],
        };
        if !wide && !big {
            file.machine = 3;
        }
        file.segments =
            vec![load(0, 0, 0x800), load(0x1000, 0x2000, 0x240), Segment { kind: 2, ..load(0x1000, 0x2000, 0x40) }];
        if let Some(data) = file.segments.get_mut(1) {
            data.memory = 0x500;
        }
        let dynsym = [file.symbol(0, 0), file.symbol(1, 3), file.symbol(1, 5)].concat();
        file.sections = vec![
            section("", 0, 0, []),
            section(".dynsym", 11, ALLOC, dynsym).at(0x400, 0x400).links(2, 1).aligned(8),
            section(".dynstr", 3, ALLOC, *b"\0name\0").at(0x4c0, 0x4c0),
            section(".text", 1, ALLOC | EXEC, [0x90; 0x100]).at(0x600, 0x600).aligned(16),
            section(".dynamic", 6, ALLOC | 1, file.dynamic()).at(0x1000, 0x2000).links(2, 0).aligned(8),
            section(".data", 1, ALLOC | 1, [7; 0x200]).at(0x1040, 0x2040).aligned(32),
            Section { size: 0x2c0, ..section(".bss", 8, ALLOC | 1, []).at(0x1240, 0x2240) },
            section(".comment", 1, 0x30, *b"made by hand\0"),
            section(".debug_info", 1, 0, [1; 3000]),
            section(".dep-v0", 1, 0, *b"kept: 23 bytes of JSON."),
            section(".symtab", 2, 0, file.symbol(1, 3).repeat(40)).links(11, 1).aligned(8),
            section(".strtab", 3, 0, *b"\0name\0"),
        ];
        file
    }

    /// Returns the usual file with a third segment behind the symbols, as patchelf leaves it.
    pub fn patched(wide: bool, big: bool) -> Self {
        let mut file = Self::usual(wide, big);
        let page = if file.machine == 20 { 0x10000 } else { 0x1000 };
        let at = 0x2000 + 9 * page;
        file.segments.push(load(at, at + 0x1000, 0x100));
        file.sections.push(section(".note.gnu.build-id", 7, ALLOC, [3; 0x100]).at(at, at + 0x1000));
        file
    }

    /// Replaces the sections of these names with ones of no meaning.
    pub fn without(mut self, names: &[&str]) -> Self {
        for section in self.sections.iter_mut().filter(|section| names.contains(&section.name)) {
            *section = Section { name: section.name, ..self::section("x", 1, 0, [1]) };
        }
        self
    }

    pub fn section(&mut self, name: &str) -> &mut Section {
        self.sections.iter_mut().find(|section| section.name == name).expect("a section of that name")
    }

    /// A symbol defined in a section.
    pub fn symbol(&self, name: u64, section: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out, 4, name);
        if self.wide {
            out.extend([0x12, 0]);
            self.put(&mut out, 2, section);
            self.put(&mut out, 8, 0x600);
            self.put(&mut out, 8, 1);
        } else {
            self.put(&mut out, 4, 0x600);
            self.put(&mut out, 4, 1);
            out.extend([0x12, 0]);
            self.put(&mut out, 2, section);
        }
        out
    }

    fn dynamic(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (tag, value) in [(5, 0x4c0), (10, 6), (6, 0x400), (0, 0)] {
            self.word(&mut out, tag);
            self.word(&mut out, value);
        }
        out
    }

    pub fn put(&self, out: &mut Vec<u8>, size: usize, value: u64) {
        match self.big {
            true => out.extend(&value.to_be_bytes()[8 - size..]),
            false => out.extend(&value.to_le_bytes()[..size]),
        }
    }

    fn word(&self, out: &mut Vec<u8>, value: u64) {
        self.put(out, if self.wide { 8 } else { 4 }, value);
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; 0x400];
        let (mut names, mut entries) = (vec![0], Vec::new());
        let mut all = self.sections.clone();
        all.push(section(".shstrtab", 3, 0, []));
        for section in &mut all {
            let name = if section.name.is_empty() { 0 } else { names.len() };
            names.extend(section.name.bytes());
            names.push(0);
            if section.name == ".shstrtab" {
                (section.bytes, section.size) = (names.clone(), names.len() as u64);
            }
            let at = section.at.unwrap_or_else(|| (out.len() as u64).next_multiple_of(section.align));
            let at = if section.kind == 0 { 0 } else { at };
            if !section.bytes.is_empty() {
                let (start, end) = (at as usize, at as usize + section.bytes.len());
                out.resize(out.len().max(end), 0);
                out[start..end].copy_from_slice(&section.bytes);
            }
            entries.push(self.section_header(section, name as u64, at));
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let header = self.header(out.len() as u64, all.len() as u64);
        out.extend(entries.concat());
        out.extend(&self.tail);
        out[..header.len()].copy_from_slice(&header);
        out
    }

    fn header(&self, table: u64, count: u64) -> Vec<u8> {
        let mut out = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(self.wide), 1 + u8::from(self.big), 1];
        out.resize(16, 0);
        self.put(&mut out, 2, self.kind.into());
        self.put(&mut out, 2, self.machine.into());
        self.put(&mut out, 4, 1);
        let size = if self.wide { 64 } else { 52 };
        for value in [0x600, size, table] {
            self.word(&mut out, value);
        }
        self.put(&mut out, 4, 0);
        let (segment, section) = if self.wide { (56, 64) } else { (32, 40) };
        for value in [size, segment, self.segments.len() as u64, section, count, count - 1] {
            self.put(&mut out, 2, value);
        }
        for segment in &self.segments {
            self.put(&mut out, 4, segment.kind.into());
            if self.wide {
                self.put(&mut out, 4, 7);
            }
            for value in [segment.offset, segment.addr, segment.addr, segment.size, segment.memory] {
                self.word(&mut out, value);
            }
            if !self.wide {
                self.put(&mut out, 4, 7);
            }
            self.word(&mut out, segment.align);
        }
        out
    }

    fn section_header(&self, section: &Section, name: u64, at: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out, 4, name);
        self.put(&mut out, 4, section.kind.into());
        for value in [section.flags, section.addr, at, section.size] {
            self.word(&mut out, value);
        }
        self.put(&mut out, 4, section.link.into());
        self.put(&mut out, 4, section.info.into());
        self.word(&mut out, if section.kind == 0 { 0 } else { section.align });
        let symbols = [2, 11].contains(&section.kind);
        self.word(&mut out, if symbols { if self.wide { 24 } else { 16 } } else { 0 });
        out
    }
}
