//! The second pass: layers are read again and written as their plans say, hashed and compressed on the way.
//!
//! Blobs of known size are written in parallel, each to a place of its own; blobs that are compressed anew are written one
//! after the other, as the encoder uses all threads itself. The order of the blobs depends on the plans alone.

use crate::codec::{self, Compression};
use crate::digest::Hashing;
use crate::plan::{LayerPlan, Piece};
use crate::sink::{BlobWriter, OutLayer, Output};
use crate::source::{Input, LayerRef};
use crate::{Digest, Error, ErrorKind, Result};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

/// Options for writing layers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The compression asked for, with its level; `None` keeps that of each layer.
    pub compression: Option<(Compression, Option<u32>)>,
    /// The compression of layers that have none, if none is asked for; `None` leaves them as they are.
    pub plain: Option<Compression>,
    /// The number of threads of the encoders.
    pub threads: usize,
}

/// One image to be written.
pub struct Job<'a> {
    /// The image's layers.
    pub layers: &'a [LayerRef],
    /// Per layer: the verified digest of its blob.
    pub digests: &'a [Digest],
    /// Per layer: the size of its decompressed tar in bytes.
    pub tar_bytes: &'a [u64],
    /// For each output layer: the ranges to copy and the bytes to write.
    pub outputs: &'a [LayerPlan],
    /// The file with other programs' new contents, if there are any.
    pub spool: Option<&'a File>,
    /// The number of layers in the base, whose blobs stay whatever compression is asked for.
    pub base: usize,
}

/// A blob to be written, once for all images that share it.
struct Unit<'a> {
    job: &'a Job<'a>,
    plan: &'a LayerPlan,
    /// The compression to encode with; `None` if the blob passes unchanged.
    encode: Option<(Compression, u32)>,
    from: &'a LayerRef,
}

/// The blob that was written for a unit.
#[derive(Clone, Copy)]
struct Blob {
    digest: Digest,
    size: u64,
    diff_id: Digest,
    compression: Compression,
}

impl Unit<'_> {
    /// Returns the blob's size in bytes if it is known before it is written.
    fn size(&self) -> Option<u64> {
        match (self.encode, self.plan) {
            (None, _) => Some(self.from.size),
            (Some((Compression::None, _)), LayerPlan::Verbatim(from)) => Some(self.job.tar_bytes[*from as usize]),
            (Some((Compression::None, _)), LayerPlan::Splice { size, .. }) => Some(*size),
            _ => None,
        }
    }

    /// Returns the blob, if it is the input's.
    fn unchanged(&self) -> Option<Blob> {
        self.encode.is_none().then(|| self.passed(self.plan.from()))
    }

    /// Returns the blob of a layer of the input.
    fn passed(&self, layer: u32) -> Blob {
        let LayerRef { size, diff_id, compression, .. } = *self.from;
        Blob { digest: self.job.digests[layer as usize], size, diff_id, compression }
    }

    fn tar_size(&self) -> u64 {
        match self.plan {
            LayerPlan::Verbatim(from) => self.job.tar_bytes[*from as usize],
            LayerPlan::Splice { size, .. } => *size,
        }
    }

    /// Returns a digest that is equal for two units which give the same blob: of the input bytes and of what is done with them.
    fn key(&self) -> Digest {
        let mut text = Hashing::new(io::sink());
        let mut add = |bytes: &[u8]| {
            let _ = text.write_all(&(bytes.len() as u64).to_le_bytes());
            let _ = text.write_all(bytes);
        };
        add(format!("{:?}", self.encode).as_bytes());
        match self.plan {
            LayerPlan::Verbatim(from) => add(format!("verbatim {}", self.job.digests[*from as usize]).as_bytes()),
            LayerPlan::Splice { pieces, .. } => {
                for piece in pieces {
                    match piece {
                        Piece::Bytes(bytes) => add(bytes),
                        Piece::Spooled(range) => add(format!("spooled {range:?}").as_bytes()),
                        Piece::Copy { layer, range } => {
                            add(format!("copy {} {range:?}", self.job.digests[*layer as usize]).as_bytes());
                        }
                    }
                }
            }
        }
        text.finish().1
    }
}

/// Writes the layers of all images into `output`. Returns for each image the layers for its documents. `advance` is called with
/// the number of bytes of decompressed layers as they are written.
///
/// # Errors
/// Returns the errors of input and output; [`ErrorKind::Digest`] if the input changed since it was scanned.
pub fn emit(
    input: &Input,
    jobs: &[Job<'_>],
    output: &Output,
    options: Options,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Vec<OutLayer>>> {
    let mut units = Vec::new();
    let mut by_key = HashMap::new();
    let mut wanted: Vec<Vec<(usize, u32)>> = Vec::new();
    for job in jobs {
        let mut layers = Vec::new();
        for plan in job.outputs {
            let from = &job.layers[plan.from() as usize];
            let base = (plan.from() as usize) < job.base && matches!(plan, LayerPlan::Verbatim(_));
            let compress = from.compression == Compression::None && options.plain.is_some();
            let encode = if base && !compress { None } else { encode(plan, from, options) };
            let unit = Unit { job, plan, encode, from };
            let id = *by_key.entry(unit.key()).or_insert_with(|| {
                units.push(unit);
                units.len() - 1
            });
            layers.push((id, plan.from()));
        }
        wanted.push(layers);
    }
    let blobs = write_all(input, &units, output, options, advance)?;
    let out_layer = |&(id, from): &(usize, u32)| {
        let Blob { digest, size, diff_id, compression } = blobs[id];
        OutLayer { digest, size, diff_id, compression, from: Some(from as usize) }
    };
    Ok(wanted.iter().map(|layers| layers.iter().map(out_layer).collect()).collect())
}

/// Returns the compression to encode a layer with; `None` if its blob can stay.
fn encode(plan: &LayerPlan, from: &LayerRef, options: Options) -> Option<(Compression, u32)> {
    let own = options.plain.filter(|_| from.compression == Compression::None).unwrap_or(from.compression);
    let (compression, level) = options.compression.unwrap_or((own, None));
    let same = compression == from.compression && (level.is_none() || compression == Compression::None);
    if same && matches!(plan, LayerPlan::Verbatim(_)) {
        return None;
    }
    Some((compression, level.unwrap_or_else(|| compression.default_level())))
}

fn write_all(
    input: &Input,
    units: &[Unit<'_>],
    output: &Output,
    options: Options,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Blob>> {
    let mut fixed = Vec::new();
    let (mut growing, mut there) = (Vec::new(), Vec::new());
    for (id, unit) in units.iter().enumerate() {
        match unit.size() {
            Some(size) => match unit.unchanged() {
                Some(blob) if output.adopt(&blob.digest, blob.size)? => {
                    advance(unit.tar_size());
                    there.push((id, blob));
                }
                _ => fixed.push((id, unit, output.begin(Some(size))?)),
            },
            None => growing.push((id, unit)),
        }
    }
    // The largest first, so that no thread begins with it when the others are done.
    fixed.sort_by_key(|(id, unit, _)| (std::cmp::Reverse(unit.tar_size()), *id));
    let mut blobs: Vec<(usize, Blob)> = fixed
        .into_par_iter()
        .with_max_len(1)
        .map(|(id, unit, writer)| Ok((id, write(input, unit, output, writer, options, advance)?)))
        .collect::<Result<_>>()?;
    for (id, unit) in growing {
        blobs.push((id, write(input, unit, output, output.begin(None)?, options, advance)?));
    }
    blobs.extend(there);
    blobs.sort_by_key(|(id, _)| *id);
    Ok(blobs.into_iter().map(|(_, blob)| blob).collect())
}

fn write(
    input: &Input,
    unit: &Unit<'_>,
    output: &Output,
    writer: BlobWriter,
    options: Options,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Blob> {
    let place = |e: Error| e.layer(&unit.from.name).archive(&input.name);
    let (writer, blob) = match (unit.encode, unit.plan) {
        (None, plan) => copy_blob(input, unit, plan.from(), writer, advance).map_err(place)?,
        (Some((compression, level)), plan) => {
            let pieces = match plan {
                LayerPlan::Splice { pieces, .. } => Cow::Borrowed(pieces.as_slice()),
                LayerPlan::Verbatim(layer) => {
                    Cow::Owned(vec![Piece::Copy { layer: *layer, range: 0..unit.tar_size() }])
                }
            };
            let end_marker = matches!(plan, LayerPlan::Splice { .. });
            let Job { layers, spool, .. } = *unit.job;
            let mut sources = Sources { input, layers, spool, open: HashMap::new() };
            if compression == Compression::None {
                let mut tar = Hashing::new(writer);
                sources.write(&pieces, end_marker, &mut tar, advance)?;
                let (writer, diff_id, size) = tar.finish();
                (writer, Blob { digest: diff_id, size, diff_id, compression })
            } else {
                let encoder =
                    codec::encoder(compression, level, options.threads, Some(unit.tar_size()), Hashing::new(writer))?;
                let mut tar = Hashing::new(encoder);
                sources.write(&pieces, end_marker, &mut tar, advance)?;
                let (encoder, diff_id, _) = tar.finish();
                let (writer, digest, size) = encoder.finish()?.finish();
                (writer, Blob { digest, size, diff_id, compression })
            }
        }
    };
    output.commit(writer, blob.digest)?;
    Ok(blob)
}

/// Copies a blob unchanged. Its digest was verified by the scan; only the length is checked again.
fn copy_blob(
    input: &Input,
    unit: &Unit<'_>,
    layer: u32,
    mut writer: BlobWriter,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<(BlobWriter, Blob)> {
    let mut reader = input.open_blob(&unit.from.blob)?;
    copy_exactly(&mut reader, unit.from.size, &mut vec![0; codec::CHUNK], &mut writer, &|_| ())?;
    advance(unit.tar_size());
    Ok((writer, unit.passed(layer)))
}

/// Open decompressed layers, each at some position.
struct Sources<'a> {
    input: &'a Input,
    layers: &'a [LayerRef],
    spool: Option<&'a File>,
    open: HashMap<u32, (Box<dyn Read + Send>, u64)>,
}

/// Layers open at the same time: a group of hard links may take its data from a lower one.
const MOST_OPEN: usize = 4;

impl Sources<'_> {
    fn write(
        &mut self,
        pieces: &[Piece],
        end_marker: bool,
        out: &mut impl Write,
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<()> {
        // One buffer for all pieces, as there may be a million of them.
        let mut buffer = vec![0; codec::CHUNK];
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => out.write_all(bytes)?,
                Piece::Spooled(range) => {
                    let Some(file) = self.spool else {
                        return Err(Error::new(ErrorKind::Io, "the temporary file of new contents is gone"));
                    };
                    let mut reader = Spooled { file, at: range.start };
                    copy_exactly(&mut reader, range.end - range.start, &mut buffer, out, advance)?;
                }
                Piece::Copy { layer, range } => {
                    let name = &self.layers[*layer as usize].name;
                    let place = |e: Error| e.layer(name).archive(&self.input.name);
                    let reader = self.seek(*layer, range.start).map_err(place)?;
                    copy_exactly(reader, range.end - range.start, &mut buffer, out, advance).map_err(place)?;
                    if let Some((_, position)) = self.open.get_mut(layer) {
                        *position = range.end;
                    }
                }
            }
        }
        if end_marker {
            out.write_all(&[0; 1024])?;
        }
        Ok(())
    }

    /// Returns the layer's decompressed tar at this offset. A compressed layer is read on from its present position, or from
    /// its beginning.
    fn seek(&mut self, layer: u32, offset: u64) -> Result<&mut Box<dyn Read + Send>> {
        let source = &self.layers[layer as usize];
        let known = self.open.remove(&layer).filter(|(_, position)| *position <= offset);
        let (mut reader, position) = match known {
            Some(known) if known.1 == offset => known,
            _ if source.compression == Compression::None => (self.input.open_blob_at(&source.blob, offset)?, offset),
            Some(known) => known,
            None => (codec::decoder(source.compression, self.input.open_blob(&source.blob)?)?, 0),
        };
        skip(&mut reader, offset - position)?;
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        Ok(&mut self.open.entry(layer).or_insert((reader, offset)).0)
    }
}

/// A reader of the spool file from an offset on; the file's own position does not change.
struct Spooled<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Spooled<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Reads bytes and drops them.
fn skip(reader: &mut impl Read, left: u64) -> Result<()> {
    let mut buffer = vec![0; codec::CHUNK.min(usize::try_from(left).unwrap_or(codec::CHUNK))];
    copy_exactly(reader, left, &mut buffer, &mut io::sink(), &|_| ())
}

fn copy_exactly(
    reader: &mut impl Read,
    mut left: u64,
    buffer: &mut [u8],
    out: &mut impl Write,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<()> {
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(buffer.len()));
        let n = match reader.read(&mut buffer[..most]) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        if n == 0 {
            return Err(Error::new(ErrorKind::Digest, "the input changed while it was read: a layer is shorter now"));
        }
        out.write_all(&buffer[..n])?;
        left -= n as u64;
        advance(n as u64);
    }
    Ok(())
}
