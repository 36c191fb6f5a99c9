//! What the documents of images alone say of their layers: `slim analyze --manifest`, for which no layer is read.

use super::shown;
use crate::report::paint::Paint;
use crate::report::table::Table;
use crate::report::{printable, units};
use crate::source::{Image, Input};
use serde::Serialize;
use std::collections::HashSet;
use std::io;

/// The images of an input.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Manifests {
    /// IN as given.
    pub path: String,
    /// The images, in the input's order.
    pub images: Vec<Manifest>,
}

/// An image by its documents.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The image's names.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]`.
    pub platform: String,
    /// The digest of the manifest, if there is one.
    pub manifest: Option<String>,
    /// The digest of the config.
    pub config: String,
    /// The bytes of all layers as they are stored, each once.
    pub blob_bytes: u64,
    /// The layers, bottom first.
    pub layers: Vec<Layer>,
}

/// A layer by what the documents say of it.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The layer's number, from 1 at the bottom.
    pub index: usize,
    /// `created_by` of the history entry, secrets masked; empty if there is none.
    pub instruction: String,
    /// The digest of the blob, if a document names it.
    pub digest: Option<String>,
    /// The digest of the tar.
    pub diff_id: String,
    /// The media type, if a document names it.
    pub media_type: String,
    /// The size as stored, in bytes.
    pub blob_bytes: u64,
}

impl Manifests {
    /// Returns what the documents of `input` say; `path` is its name on the command line.
    #[must_use]
    pub fn new(path: &str, input: &Input) -> Self {
        Self { path: path.to_owned(), images: input.images.iter().map(Manifest::new).collect() }
    }

    /// Writes the JSON form.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub fn json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// Renders the text for people, `width` columns wide.
    #[must_use]
    pub fn text(&self, width: usize, paint: Paint) -> String {
        self.images.iter().map(|image| image.text(width, paint)).collect::<Vec<_>>().join("\n")
    }
}

impl Manifest {
    fn new(image: &Image) -> Self {
        let instructions = shown(&image.facts, image.layers.len());
        let layer = |(index, (layer, instruction)): (usize, (&crate::source::LayerRef, Option<String>))| Layer {
            index: index + 1,
            instruction: instruction.unwrap_or_default(),
            digest: layer.digest.map(|digest| digest.to_string()),
            diff_id: layer.diff_id.to_string(),
            media_type: layer.media.clone(),
            blob_bytes: layer.size,
        };
        let mut seen = HashSet::new();
        // What a document claims may be any number.
        let new = image.layers.iter().filter(|layer| seen.insert((layer.digest, layer.diff_id)));
        let sizes = new.map(|layer| layer.size);
        Self {
            tags: image.tags.clone(),
            platform: image.platform.to_string(),
            manifest: image.manifest_digest.map(|digest| digest.to_string()),
            config: image.config_digest.to_string(),
            blob_bytes: sizes.fold(0, u64::saturating_add),
            layers: image.layers.iter().zip(instructions).enumerate().map(layer).collect(),
        }
    }

    fn text(&self, width: usize, paint: Paint) -> String {
        let name = if self.tags.is_empty() { "untagged".to_owned() } else { self.tags.join(", ") };
        let head = format!("image {}, {}", printable(&name, false), printable(&self.platform, false));
        let mut out = format!("{}\n", paint.bold(&head));
        let count = self.layers.len();
        out.push_str(&format!(
            "  stored   {} in {count} layers; of layers only the first bytes were read\n",
            units::bytes(self.blob_bytes)
        ));
        if let Some(manifest) = &self.manifest {
            out.push_str(&format!("  manifest {}\n", printable(manifest, false)));
        }
        out.push_str(&format!("  config   {}\n\n", printable(&self.config, false)));
        let mut table = Table::new(">><").header(&["layer", "stored", "instruction"]);
        for layer in &self.layers {
            let instruction = printable(&layer.instruction, false).into_owned();
            table.row([layer.index.to_string(), units::bytes(layer.blob_bytes), instruction]);
        }
        out.push_str(&table.render(2, width, paint));
        out
    }
}
