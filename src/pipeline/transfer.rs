//! The bytes that a push and a pull move: layers are compressed for them, and archives of `docker save` have them plain.

use super::image::{LayerKey, key};
use super::progress::Ui;
use crate::codec::{self, Compression};
use crate::source::{Image, Input};
use crate::{Error, Result};
use std::collections::HashMap;
use std::io::{self, Read, Write};

/// A writer that counts its bytes.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the bytes of a tar of this size, and those that each compression makes of it at slim's own level, in one reading.
///
/// # Errors
/// Returns the errors of the reader.
pub fn sizes<const N: usize>(
    reader: &mut dyn Read,
    size: u64,
    compressions: [Compression; N],
    advance: &dyn Fn(u64),
) -> Result<(u64, [u64; N])> {
    let threads = rayon::current_num_threads();
    let encoder = |c: Compression| codec::encoder(c, c.default_level(), threads, Some(size), Count(0));
    let mut encoders = compressions.into_iter().map(encoder).collect::<io::Result<Vec<_>>>()?;
    let mut buffer = vec![0; codec::CHUNK];
    let mut plain = 0;
    loop {
        let n = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        for encoder in &mut encoders {
            encoder.write_all(&buffer[..n])?;
        }
        plain += n as u64;
        advance(n as u64);
    }
    let mut out = [0; N];
    for (size, encoder) in out.iter_mut().zip(encoders) {
        *size = encoder.finish()?.0;
    }
    Ok((plain, out))
}

/// Returns the compressed size of each layer of an image: as stored if it is compressed, otherwise with gzip if `measure` is
/// true.
///
/// # Errors
/// Returns the errors of the input.
pub fn compressed(input: &Input, image: &Image, measure: bool, ui: &dyn Ui) -> Result<Vec<Option<u64>>> {
    let plain = || image.layers.iter().filter(|l| l.compression == Compression::None);
    let mut known: HashMap<LayerKey, u64> = HashMap::new();
    if measure {
        ui.phase("compressing", plain().map(|l| l.size).sum());
        for layer in plain() {
            let key = key(layer);
            if known.contains_key(&key) {
                ui.advance(layer.size);
                continue;
            }
            let place = |e: Error| e.layer(&layer.name).archive(&input.name);
            let mut reader = input.open_blob(&layer.blob).map_err(place)?;
            let (_, [gzip]) = sizes(&mut reader, layer.size, [Compression::Gzip], &|n| ui.advance(n)).map_err(place)?;
            known.insert(key, gzip);
        }
        ui.done();
    }
    let one = |layer: &crate::source::LayerRef| {
        if layer.compression == Compression::None { known.get(&key(layer)).copied() } else { Some(layer.size) }
    };
    Ok(image.layers.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_encoders() {
        let data = vec![7; 3 << 20];
        let (plain, [gzip, zstd]) =
            sizes(&mut data.as_slice(), 3 << 20, [Compression::Gzip, Compression::Zstd], &|_| ()).unwrap();
        assert_eq!(plain, 3 << 20);
        let mut one = codec::encoder(Compression::Gzip, 6, 1, None, Vec::new()).unwrap();
        one.write_all(&data).unwrap();
        assert_eq!((gzip, zstd > 0 && zstd < gzip), (one.finish().unwrap().len() as u64, true));
    }
}
