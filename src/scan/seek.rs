//! A plain layer that can be seeked in, for scans that need a few files' contents and no digest.

use crate::source::{Input, LayerRef};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// The number of bytes that are read at once. Most files are smaller, so a larger buffer would read parts that are skipped.
const BUFFER: usize = 16 << 10;

/// The blob of a plain layer.
pub(super) struct Seeking<'a> {
    input: &'a Input,
    layer: &'a LayerRef,
    at: u64,
    /// A reader of the bytes from the present position on; `None` after a jump.
    reader: Option<Box<dyn Read + Send>>,
}

impl<'a> Seeking<'a> {
    pub(super) fn new(input: &'a Input, layer: &'a LayerRef) -> BufReader<Self> {
        BufReader::with_capacity(BUFFER, Self { input, layer, at: 0, reader: None })
    }
}

impl Read for Seeking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.input.open_blob_at(&self.layer.blob, self.at)?),
        };
        let n = reader.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Seeking<'_> {
    /// Beyond the end there is nothing to read, as in a file.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.layer.size.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if at != self.at {
            (self.at, self.reader) = (at, None);
        }
        Ok(at)
    }
}
