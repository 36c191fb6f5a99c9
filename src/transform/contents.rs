//! The contents of some members, which any thread can read in any order: in their place in a plain layer; those of compressed
//! layers, which are decompressed once more for this, from a temporary file.

use crate::codec::{self, Compression};
use crate::elf::Object;
use crate::layer::LayerIndex;
use crate::source::{Input, LayerRef};
use crate::tar::Sparse;
use crate::tree::MemberId;
use crate::{Error, ErrorKind, Result};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// A reader of the contents of some members.
pub struct ContentReader<'a> {
    input: &'a Input,
    layers: &'a [LayerRef],
    indexes: &'a [&'a LayerIndex],
    /// The temporary file with the contents from compressed layers.
    file: Option<File>,
    /// The offset of each of these in that file.
    places: HashMap<MemberId, u64>,
}

/// One content, read piece by piece.
pub struct Content<'a> {
    contents: &'a ContentReader<'a>,
    at: MemberId,
    range: Range<u64>,
}

impl<'a> ContentReader<'a> {
    /// Makes the files of these members readable.
    ///
    /// # Errors
    /// Returns the errors of the input and of the temporary file.
    pub fn new(
        input: &'a Input,
        layers: &'a [LayerRef],
        indexes: &'a [&'a LayerIndex],
        wanted: impl IntoIterator<Item = MemberId>,
    ) -> Result<Self> {
        let mut contents = Self { input, layers, indexes, file: None, places: HashMap::new() };
        let mut packed: BTreeMap<u32, Vec<MemberId>> = BTreeMap::new();
        for at in wanted {
            if layers[at.layer as usize].compression != Compression::None {
                packed.entry(at.layer).or_default().push(at);
            }
        }
        if packed.is_empty() {
            return Ok(contents);
        }
        let failed = |e| Error::io("cannot write a temporary file", e);
        let mut out = Counting { inner: BufWriter::new(tempfile::tempfile().map_err(failed)?), count: 0 };
        for (layer, mut members) in packed {
            members.sort_unstable();
            members.dedup();
            let source = &layers[layer as usize];
            contents.unpack(source, &members, &mut out).map_err(|e| e.layer(&source.name).archive(&input.name))?;
        }
        contents.file = Some(out.inner.into_inner().map_err(|e| failed(e.into_error()))?);
        Ok(contents)
    }

    fn unpack(&mut self, source: &LayerRef, members: &[MemberId], out: &mut Counting<impl Write>) -> Result<()> {
        let mut reader = codec::decoder(source.compression, self.input.open_blob(&source.blob)?)?;
        let mut position = 0;
        for &at in members {
            let range = self.range(at);
            copy(&mut reader, range.start.saturating_sub(position), &mut io::sink())?;
            self.places.insert(at, out.count);
            copy(&mut reader, range.end - range.start, out)?;
            position = range.end;
        }
        Ok(())
    }

    fn range(&self, at: MemberId) -> Range<u64> {
        self.indexes[at.layer as usize].members[at.member as usize].data()
    }

    /// Returns the layout of one of the members, if it is a sparse file: its content here is the stored data, without the
    /// holes.
    #[must_use]
    pub fn sparse(&self, at: MemberId) -> Option<&Sparse> {
        self.indexes[at.layer as usize].members[at.member as usize].sparse.as_deref()
    }

    /// Returns the content of one of the members.
    #[must_use]
    pub fn content(&'a self, at: MemberId) -> Content<'a> {
        Content { contents: self, at, range: self.range(at) }
    }
}

impl Content<'_> {
    /// Reads a range of the content.
    ///
    /// # Errors
    /// Returns the errors of the input and of the temporary file, and one for a range that is out of bounds.
    pub fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= self.size());
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| Error::new(ErrorKind::Io, "a range that the file has not"))?;
        let mut bytes = vec![0; length];
        let contents = self.contents;
        match (&contents.file, contents.places.get(&self.at)) {
            (Some(file), Some(place)) => file.read_exact_at(&mut bytes, place + range.start)?,
            _ => {
                let blob = &contents.layers[self.at.layer as usize].blob;
                contents.input.open_blob_at(blob, self.range.start + range.start)?.read_exact(&mut bytes)?;
            }
        }
        Ok(bytes)
    }
}

impl Object for Content<'_> {
    fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        self.bytes(range).ok().map(Cow::Owned)
    }
}

fn copy(reader: &mut impl Read, length: u64, out: &mut impl Write) -> Result<()> {
    if io::copy(&mut reader.take(length), out)? == length {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Digest, "the input changed while it was read: a layer is shorter now"))
}

/// A writer that counts its bytes.
struct Counting<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.count += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
