//! Loads an image into an engine, as an archive in docker's format with one image and no name, which is made while it is read.
//! So the input may have a format that the engine does not read, or be a directory, and no tag of the user's ever moves.

use super::cleanup::{self, Kind, Leftover, Loaded, Loading};
use super::process::{self, Limits};
use super::{Engine, GREETING};
use crate::codec::{self, Compression};
use crate::sink::tar_header;
use crate::source::{Image, Input, LayerRef};
use crate::tar::{BLOCK, padded};
use crate::{Digest, Error, ErrorKind, Result};
use serde_json::json;
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::process::Command;
use std::time::Duration;

/// The time and output that loading an image may take.
const LOADING: Limits = Limits { time: Duration::from_secs(3600), keep: 64 << 10 };

impl Engine {
    /// Loads an image without a name, unless the engine has it.
    ///
    /// # Errors
    /// Returns the errors of the input, and the engine's message if it refuses the image.
    pub fn load(&self, input: &Input, image: &Image) -> Result<Loaded> {
        let id = image.config_digest.to_string();
        if self.has(&id)? {
            return Ok(Loaded { id, _leftover: None });
        }
        let leftover = Leftover::new(self.program(), Kind::Image, &id)?;
        let mut command = Command::new(self.program());
        command.arg("load");
        let mut feed = |to: &mut dyn Write| write(input, image, to);
        let loading = Loading::new();
        let ended = process::run(command, Some(&mut feed), LOADING, &|| ());
        drop(loading);
        let ended = ended?;
        let failed = |why: String| {
            let what = format!("`{} load` does not take the image: {why}", self.name());
            Error::new(ErrorKind::Io, what).archive(&input.name)
        };
        if ended.code != Some(0) {
            return Err(failed(if ended.timed_out { "it took too long".into() } else { ended.last_words() }));
        }
        if self.has(&id)? {
            return Ok(Loaded { id, _leftover: Some(leftover) });
        }
        // Engines with another store know images by the digests of manifests that they make.
        let said = String::from_utf8_lossy(&ended.stdout.head).into_owned();
        let other = said.split_whitespace().rev().find_map(Digest::parse).map(|d| d.to_string());
        let other = other.ok_or_else(|| failed(format!("it says {:?}, which names no image", said.trim())))?;
        leftover.gone();
        let leftover = Leftover::new(self.program(), Kind::Image, &other)?;
        Ok(Loaded { id: other, _leftover: Some(leftover) })
    }

    fn has(&self, id: &str) -> Result<bool> {
        Ok(self.call(&["image", "inspect", "--format", "{{.Id}}", id], GREETING)?.code == Some(0))
    }
}

/// Writes the archive. The document that makes it an image comes last: an archive that is cut off has none.
fn write(input: &Input, image: &Image, to: &mut dyn Write) -> Result<()> {
    let mut to = io::BufWriter::with_capacity(codec::CHUNK, to);
    let config = format!("{}.json", image.config_digest.hex());
    file(&mut to, &config, &image.config.raw)?;
    let name = |layer: &LayerRef| format!("{}.tar", layer.diff_id.hex());
    let mut written = HashSet::new();
    for layer in &image.layers {
        if written.insert(layer.diff_id) {
            blob(input, layer, &name(layer), &mut to).map_err(|e| e.layer(&layer.name).archive(&input.name))?;
        }
    }
    let layers: Vec<String> = image.layers.iter().map(name).collect();
    let manifest = json!([{"Config": config, "RepoTags": null, "Layers": layers}]);
    file(&mut to, "manifest.json", manifest.to_string().as_bytes())?;
    to.write_all(&[0; 2 * BLOCK as usize])?;
    Ok(to.flush()?)
}

fn file(to: &mut dyn Write, name: &str, bytes: &[u8]) -> Result<()> {
    member(to, name, bytes.len() as u64, &mut &bytes[..])
}

/// Writes a layer as it is stored, except that zstd, which some engines cannot read, is decompressed.
fn blob(input: &Input, layer: &LayerRef, name: &str, to: &mut dyn Write) -> Result<()> {
    if layer.compression != Compression::Zstd {
        return member(to, name, layer.size, &mut input.open_blob(&layer.blob)?);
    }
    let plain = || Ok::<_, Error>(codec::decoder(layer.compression, input.open_blob(&layer.blob)?)?);
    // The size of a member comes before its bytes.
    let size = io::copy(&mut plain()?, &mut io::sink())?;
    member(to, name, size, &mut plain()?)
}

fn member(to: &mut dyn Write, name: &str, size: u64, from: &mut dyn Read) -> Result<()> {
    if cleanup::is_closing() {
        return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
    }
    to.write_all(&tar_header(name, size))?;
    let copied = io::copy(&mut from.take(size), to)?;
    if copied != size {
        return Err(Error::new(ErrorKind::Digest, "the input changed while it was read").expected(size, copied));
    }
    let padding = usize::try_from(padded(size) - size).unwrap_or(0);
    Ok(to.write_all(&[0; BLOCK as usize][..padding])?)
}
