//! The bytes of one tar member, in whatever dialect a test asks for.

/// How names of more than 100 bytes are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Long {
    /// In the ustar prefix where that is possible, else in a PAX record.
    Auto,
    /// GNU `L` and `K` members.
    Gnu,
    /// PAX `path` and `linkpath`, whatever the length.
    Pax,
}

/// How a sparse file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SparseForm {
    OldGnu,
    Pax00,
    Pax01,
    Pax10,
}

/// Data chunks: offset and length.
pub type Map = Vec<(u64, u64)>;

/// One member. The writer takes it literally.
#[derive(Clone, Debug)]
pub struct TarEntry {
    pub name: Vec<u8>,
    pub flag: u8,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub secs: i64,
    pub nanos: u32,
    pub uname: Vec<u8>,
    pub gname: Vec<u8>,
    pub link: Vec<u8>,
    pub content: Vec<u8>,
    pub rdev: (u32, u32),
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
    pub long: Long,
    /// Ids as PAX records instead of octal or base-256.
    pub pax_ids: bool,
    /// Ids as base-256 even where octal would do.
    pub base256: bool,
    /// The form, the real size and the map.
    pub sparse: Option<(SparseForm, u64, Map)>,
    /// What the size field says, if not the truth.
    pub size_field: Option<u64>,
    pub bad_checksum: bool,
    /// The magic and version of the header: `ustar\x0000`, GNU's, or none at all (v7).
    pub magic: [u8; 8],
}

impl TarEntry {
    pub fn new(name: &[u8], flag: u8) -> Self {
        Self {
            name: name.to_vec(),
            flag,
            mode: 0o644,
            uid: 0,
            gid: 0,
            secs: 1_700_000_000,
            nanos: 0,
            uname: Vec::new(),
            gname: Vec::new(),
            link: Vec::new(),
            content: Vec::new(),
            rdev: (0, 0),
            records: Vec::new(),
            long: Long::Auto,
            pax_ids: false,
            base256: false,
            sparse: None,
            size_field: None,
            bad_checksum: false,
            magic: *b"ustar\x0000",
        }
    }

    /// Appends the member to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut e = self.clone();
        let mut records = Vec::new();
        let mut map_block = Vec::new();
        if let Some((form, real, map)) = &self.sparse {
            e.sparse_records(*form, *real, map, &mut records, &mut map_block);
        }
        if e.nanos != 0 {
            records.push((b"mtime".to_vec(), pax_time(e.secs, e.nanos).into_bytes()));
        }
        if e.pax_ids {
            records.push((b"uid".to_vec(), e.uid.to_string().into_bytes()));
            records.push((b"gid".to_vec(), e.gid.to_string().into_bytes()));
            (e.uid, e.gid) = (e.uid.min(0o7_777_777), e.gid.min(0o7_777_777));
        }
        let (prefix, name) = e.name_fields(&mut records, out);
        let link = e.link_field(&mut records, out);
        records.extend(self.records.iter().cloned());
        if !records.is_empty() {
            pax(b'x', &records, out);
        }
        let stored = (map_block.len() + e.content.len()) as u64;
        let header = e.header(&name, &prefix, &link, e.size_field.unwrap_or(stored));
        out.extend(header);
        if let Some((SparseForm::OldGnu, _, map)) = &self.sparse {
            extension_blocks(map, out);
        }
        out.extend(map_block);
        out.extend(&e.content);
        pad(out);
    }

    /// The PAX records of a sparse file, and for 1.0 the map that goes before the data. Renames 0.1 and 1.0 as GNU tar does.
    fn sparse_records(
        &mut self,
        form: SparseForm,
        real: u64,
        map: &[(u64, u64)],
        records: &mut Vec<(Vec<u8>, Vec<u8>)>,
        block: &mut Vec<u8>,
    ) {
        let mut add = |k: &str, v: String| records.push((format!("GNU.sparse.{k}").into_bytes(), v.into_bytes()));
        match form {
            SparseForm::OldGnu => self.magic = *b"ustar  \0",
            SparseForm::Pax00 => {
                add("size", real.to_string());
                add("numblocks", map.len().to_string());
                for (offset, len) in map {
                    add("offset", offset.to_string());
                    add("numbytes", len.to_string());
                }
            }
            SparseForm::Pax01 => {
                add("size", real.to_string());
                add("numblocks", map.len().to_string());
                let list: Vec<String> = map.iter().map(|(o, l)| format!("{o},{l}")).collect();
                add("map", list.join(","));
            }
            SparseForm::Pax10 => {
                add("major", "1".into());
                add("minor", "0".into());
                add("realsize", real.to_string());
                let lines: String = map.iter().map(|(o, l)| format!("{o}\n{l}\n")).collect();
                block.extend(format!("{}\n{lines}", map.len()).bytes());
                pad(block);
            }
        }
        if matches!(form, SparseForm::Pax01 | SparseForm::Pax10) {
            records.push((b"GNU.sparse.name".to_vec(), self.name.clone()));
            let base = self.name.rsplit(|&c| c == b'/').next().unwrap_or_default().to_vec();
            self.name = [b"./GNUSparseFile.1/", &base[..base.len().min(60)]].concat();
        }
    }

    /// The prefix and name fields; a long name goes ahead as a record or an `L` member.
    fn name_fields(&self, records: &mut Vec<(Vec<u8>, Vec<u8>)>, out: &mut Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        if self.long == Long::Pax {
            records.push((b"path".to_vec(), self.name.clone()));
        }
        if self.name.len() <= 100 {
            return (Vec::new(), self.name.clone());
        }
        match self.long {
            Long::Gnu => gnu_long(b'L', &self.name, out),
            Long::Auto => {
                if let Some(split) = self.ustar_split() {
                    return split;
                }
                records.push((b"path".to_vec(), self.name.clone()));
            }
            Long::Pax => {}
        }
        (Vec::new(), self.name[..100].to_vec())
    }

    fn ustar_split(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let n = self.name.len();
        let at = (1..n.min(156)).rev().find(|&i| self.name[i] == b'/' && (1..=100).contains(&(n - i - 1)))?;
        Some((self.name[..at].to_vec(), self.name[at + 1..].to_vec()))
    }

    fn link_field(&self, records: &mut Vec<(Vec<u8>, Vec<u8>)>, out: &mut Vec<u8>) -> Vec<u8> {
        if self.long == Long::Pax && !self.link.is_empty() {
            records.push((b"linkpath".to_vec(), self.link.clone()));
        } else if self.link.len() > 100 && self.long == Long::Gnu {
            gnu_long(b'K', &self.link, out);
        } else if self.link.len() > 100 {
            records.push((b"linkpath".to_vec(), self.link.clone()));
        }
        self.link[..self.link.len().min(100)].to_vec()
    }

    fn header(&self, name: &[u8], prefix: &[u8], link: &[u8], size: u64) -> [u8; 512] {
        let mut h = [0u8; 512];
        put(&mut h, 0, name);
        number(&mut h[100..108], i128::from(self.mode), false);
        number(&mut h[108..116], i128::from(self.uid), self.base256);
        number(&mut h[116..124], i128::from(self.gid), self.base256);
        number(&mut h[124..136], i128::from(size), false);
        number(&mut h[136..148], i128::from(self.secs), false);
        h[156] = self.flag;
        put(&mut h, 157, link);
        put(&mut h, 257, &self.magic);
        if self.magic != [0; 8] {
            put(&mut h, 265, &self.uname[..self.uname.len().min(32)]);
            put(&mut h, 297, &self.gname[..self.gname.len().min(32)]);
            number(&mut h[329..337], i128::from(self.rdev.0), false);
            number(&mut h[337..345], i128::from(self.rdev.1), false);
        }
        if let Some((SparseForm::OldGnu, real, map)) = &self.sparse {
            assert!(prefix.is_empty(), "old GNU sparse headers have no prefix field: say long=gnu");
            for (i, (offset, len)) in map.iter().take(4).enumerate() {
                number(&mut h[386 + 24 * i..398 + 24 * i], i128::from(*offset), false);
                number(&mut h[398 + 24 * i..410 + 24 * i], i128::from(*len), false);
            }
            h[482] = u8::from(map.len() > 4);
            number(&mut h[483..495], i128::from(*real), false);
        } else {
            put(&mut h, 345, prefix);
        }
        checksum(&mut h, self.bad_checksum);
        h
    }
}

/// Old GNU extension blocks: 21 chunks each.
fn extension_blocks(map: &[(u64, u64)], out: &mut Vec<u8>) {
    let rest = &map[map.len().min(4)..];
    for (n, chunk) in rest.chunks(21).enumerate() {
        let mut b = [0u8; 512];
        for (i, (offset, len)) in chunk.iter().enumerate() {
            number(&mut b[24 * i..24 * i + 12], i128::from(*offset), false);
            number(&mut b[24 * i + 12..24 * i + 24], i128::from(*len), false);
        }
        b[504] = u8::from((n + 1) * 21 < rest.len());
        out.extend(b);
    }
}

/// Fills the checksum field.
pub fn checksum(h: &mut [u8; 512], bad: bool) {
    h[148..156].fill(b' ');
    let sum: u32 = h.iter().map(|&b| u32::from(b)).sum::<u32>() + u32::from(bad);
    put(h, 148, format!("{sum:06o}\0 ").as_bytes());
}

/// A PAX member (`x` for the next member, `g` for all that follow).
pub fn pax(flag: u8, records: &[(Vec<u8>, Vec<u8>)], out: &mut Vec<u8>) {
    let mut body = Vec::new();
    for (key, value) in records {
        body.extend(pax_record(key, value));
    }
    let mut e = TarEntry::new(b"PaxHeaders/x", flag);
    e.content = body;
    out.extend(e.header(&e.name, b"", b"", e.content.len() as u64));
    out.extend(&e.content);
    pad(out);
}

/// `LEN KEY=VALUE\n`, where LEN counts itself.
pub fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    [format!("{len} ").as_bytes(), key, b"=", value, b"\n"].concat()
}

fn pax_time(secs: i64, nanos: u32) -> String {
    if secs < 0 {
        // -0.25 is one second down and 750,000,000 nanoseconds up.
        let total = i128::from(secs) * 1_000_000_000 + i128::from(nanos);
        return format!("-{}.{:09}", -total / 1_000_000_000, -total % 1_000_000_000);
    }
    format!("{secs}.{nanos:09}")
}

fn gnu_long(flag: u8, name: &[u8], out: &mut Vec<u8>) {
    let mut e = TarEntry::new(b"././@LongLink", flag);
    e.magic = *b"ustar  \0";
    e.secs = 0;
    e.content = [name, b"\0"].concat();
    out.extend(e.header(&e.name, b"", b"", e.content.len() as u64));
    out.extend(&e.content);
    pad(out);
}

/// Octal with a NUL where it fits, else GNU's base-256.
fn number(field: &mut [u8], value: i128, base256: bool) {
    let digits = field.len() - 1;
    if !base256 && value >= 0 && value < 1i128 << (3 * digits) {
        field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
        field[digits] = 0;
        return;
    }
    let bytes = value.to_be_bytes();
    let n = field.len();
    field.copy_from_slice(&bytes[16 - n..]);
    field[0] = if value < 0 { 0xff } else { 0x80 };
}

fn put(h: &mut [u8], at: usize, bytes: &[u8]) {
    h[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Fills up to whole blocks.
pub fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().div_ceil(512) * 512, 0);
}
