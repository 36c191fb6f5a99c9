//! Reading images: an archive or a layout on the host, as images with their layers.
//!
//! An archive is indexed once, headers only; blobs are then slices of the one file, read with `pread`, from any number
//! of threads. Nothing in an archive ever names a file of the host: links are resolved among the members alone.

use crate::image::{Compression, Doc, ImageFacts, Platform};
use crate::{Digest, Error, ErrorKind, Result, Warning};
use std::io::Read;
use std::time::Duration;

mod archive;
mod artifact;
mod dir;
mod docker;
mod draft;
mod foreign;
mod format;
mod layers;
mod location;
mod oci;
mod open;
mod outer;
mod registry;
mod select;
mod slice;
mod spool;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod traits;
pub(crate) mod tree;

pub use format::ImageFormat;
pub use location::{Location, Prefix};
pub use open::open;
pub use traits::BlobRef;

/// The options for opening an input.
pub struct OpenOptions<'a> {
    /// The platform of the images that are wanted; `None` for all.
    pub platform: Option<Platform>,
    /// The options of registries.
    pub registry: &'a crate::registry::Options,
    /// Called with one sentence if the input must be copied to a temporary file first.
    pub spool_note: &'a dyn Fn(&str),
}

/// An open input.
pub struct Input {
    /// The name in errors and the report: a path or `standard input`.
    pub name: String,
    /// The image format.
    pub form: ImageFormat,
    /// The size of the archive file as given (compressed, where it is); `None` for a directory.
    pub archive_bytes: Option<u64>,
    /// The selected images: each once, whatever the number of its tags.
    pub images: Vec<Image>,
    /// Warnings about what is wrong and could be read all the same.
    pub warnings: Vec<Warning>,
    pub(crate) source: Box<dyn traits::Source>,
    pub(crate) trees: tree::Trees,
}

/// One image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The config.
    pub config: Doc,
    /// The config's digest, the image id.
    pub config_digest: Digest,
    /// The manifest; `docker save` before 25 has none.
    pub manifest: Option<Doc>,
    /// The manifest's digest.
    pub manifest_digest: Option<Digest>,
    /// The layers, bottom first: as many as the config has diff_ids.
    pub layers: Vec<LayerRef>,
    /// The names of the image, in the input's order and spelling.
    pub tags: Vec<String>,
    /// The platform that the image runs on.
    pub platform: Platform,
    /// The facts of the config.
    pub facts: ImageFacts,
}

/// One layer of an image, not read yet.
#[derive(Clone, Debug)]
pub struct LayerRef {
    /// The place of the bytes: equal for layers that share them.
    pub blob: BlobRef,
    /// The name in errors: `layer 3 of 7 (sha256:…)`, with the diff_id.
    pub name: String,
    /// The blob's digest, if a document or the path names one.
    pub digest: Option<Digest>,
    /// The blob's size as stored, in bytes.
    pub size: u64,
    /// The digest of the decompressed bytes, from the config.
    pub diff_id: Digest,
    /// The compression that the blob's first bytes show.
    pub compression: Compression,
    /// The declared media type; empty if there is none.
    pub media: String,
}

impl Image {
    /// The name in messages: the first name of the image, or its id.
    #[must_use]
    pub fn name(&self) -> String {
        self.tags.first().cloned().unwrap_or_else(|| format!("sha256:{}", self.config_digest.short()))
    }

    /// Returns true for a Windows image, whose layers mean more than their files.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        self.platform.os.eq_ignore_ascii_case("windows")
    }
}

impl Input {
    /// Returns the error for one name that is given to several images.
    pub(crate) fn tag_for_several(&self) -> Error {
        let names: Vec<String> = self.images.iter().map(Image::name).collect();
        let hint = format!(
            "pick one of them by :REF (`docker-archive:PATH:REF`, `oci:DIR:REF`) or by --platform; there are: {}",
            names.join(", ")
        );
        let error = Error::new(ErrorKind::Usage, "a tag was given, and the input has several images");
        error.archive(&self.name).hint(hint)
    }

    /// The one image of an input that may have one only; `what` is a participle for the message, such as `analyzed`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] if there are several, with their names.
    pub fn only(&self, what: &str) -> Result<&Image> {
        if let [image] = self.images.as_slice() {
            return Ok(image);
        }
        let name = |image: &Image| format!("{} ({})", image.tags.join(", "), image.platform);
        let names: Vec<String> = self.images.iter().map(name).collect();
        Err(Error::new(
            ErrorKind::Usage,
            format!("it has {} images, and only one at a time can be {what}", names.len()),
        )
        .archive(&self.name)
        .hint(format!(
            "name it, {}--platform: {}",
            if self.form == ImageFormat::Registry { "" } else { "`IN:REF` or " },
            names.join("; ")
        )))
    }

    /// The raw stored bytes of `blob`. They are not verified here: the caller that reads them to the end does that.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, or is no regular file of the layout any more.
    pub fn open_blob(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>> {
        self.open_blob_at(blob, 0)
    }

    /// The raw stored bytes of `blob` from an offset in bytes on.
    ///
    /// # Errors
    /// As [`Input::open_blob`].
    pub fn open_blob_at(&self, blob: &BlobRef, offset: u64) -> Result<Box<dyn Read + Send>> {
        self.source.open_at(blob, offset).map_err(|e| e.archive(&self.name))
    }

    /// Says which layers will be read next, in this order.
    pub(crate) fn fetch(&self, layers: &[&LayerRef]) {
        self.source.fetch(&layers.iter().map(|layer| &layer.blob).collect::<Vec<_>>());
    }

    /// Waits until all layers that are on their way are there, and checks their digests: a reader that skips data sees no digest.
    pub(crate) fn arrived(&self) -> Result<()> {
        self.source.arrived().map_err(|e| e.archive(&self.name))
    }

    /// The host of a registry and the repository there, for an image in one.
    pub(crate) fn repository(&self) -> Option<(&str, &str)> {
        self.source.repository()
    }

    /// The time that blobs took to come from a registry, and their bytes.
    pub(crate) fn pulled_in(&self) -> Option<(Duration, u64)> {
        self.source.pulled_in()
    }

    /// Warns of signatures and the like that a registry has of the image, and that will say nothing of another one.
    pub(crate) fn referrers(&self) -> Option<Warning> {
        let found = self.source.referrers();
        let message = format!(
            "{}: what refers to it in the registry does not describe the output and is not copied: {}",
            self.name,
            found.join(", ")
        );
        (!found.is_empty()).then(|| Warning::new("referrers-left", message))
    }

    /// Checks that nobody wrote to the input since it was opened (by size and modification time).
    ///
    /// # Errors
    /// Returns [`crate::ErrorKind::Io`] if somebody did.
    pub fn unchanged_since_open(&self) -> Result<()> {
        self.source.unchanged().map_err(|e| e.archive(&self.name))
    }
}
