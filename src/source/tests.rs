//! Whole inputs, made from bytes.

use std::io::Write;

/// A tar built member by member, without any of the code under test.
pub struct Tar(Vec<u8>);

impl Tar {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    fn header(mut self, flag: u8, name: &str, size: u64, link: &str) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000644");
        let octal = format!("{size:o}");
        if octal.len() <= 11 {
            block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        } else {
            block[124] = 0x80;
            block[128..136].copy_from_slice(&size.to_be_bytes());
        }
        block[148..156].fill(b' ');
        block[156] = flag;
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend(block);
        self
    }

    fn data(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn raw(self, flag: u8, name: &str, data: &[u8]) -> Self {
        self.header(flag, name, data.len() as u64, "").data(data)
    }

    pub fn sized(self, name: &str, size: u64) -> Self {
        self.header(b'0', name, size, "")
    }

    pub fn file(self, name: &str, data: &[u8]) -> Self {
        if name.len() <= 100 {
            return self.raw(b'0', name, data);
        }
        self.raw(b'L', "././@LongLink", format!("{name}\0").as_bytes()).raw(b'0', &name[..100], data)
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.header(b'2', name, 0, target)
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.header(b'1', name, 0, target)
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
