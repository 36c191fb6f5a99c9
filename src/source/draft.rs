//! An image whose documents have been read and whose layers have not been looked for yet, so that an input with a
//! broken image can still give another one.

use super::BlobRef;
use super::traits::Source;
use crate::image::platform::UNKNOWN;
use crate::image::{Descriptor, Doc, ImageFacts, Platform, config_facts};
use crate::{Digest, Error, ErrorKind, Result};

/// An image's documents.
#[derive(Debug)]
pub struct Draft {
    /// The manifest with its digest, in an OCI layout.
    pub manifest: Option<(Doc, Digest)>,
    /// The manifest's layers.
    pub descriptors: Vec<Descriptor>,
    /// The `Layers` of docker's `manifest.json`: path and blob.
    pub files: Option<Vec<(String, Option<BlobRef>)>>,
    /// The config.
    pub config: Doc,
    /// The config's digest.
    pub config_digest: Digest,
    /// The names, in order.
    pub tags: Vec<String>,
    /// The platform that the image runs on.
    pub platform: Platform,
    /// The facts of the config.
    pub facts: ImageFacts,
}

impl Draft {
    /// A draft of `config`. If that names no platform, the descriptor's counts.
    pub fn new(config: Doc, config_digest: Digest, descriptor: Option<Platform>) -> Result<Self> {
        let facts = config_facts(&config)?;
        let platform = match descriptor {
            Some(platform) if facts.architecture.is_empty() => platform,
            _ => {
                let or = |text: &str, default: &str| {
                    if text.is_empty() { default.to_owned() } else { text.to_owned() }
                };
                Platform::new(&or(&facts.os, "linux"), &or(&facts.architecture, UNKNOWN), &facts.variant)
            }
        };
        let (manifest, descriptors, files, tags) = (None, Vec::new(), None, Vec::new());
        Ok(Self { manifest, descriptors, files, config, config_digest, tags, platform, facts })
    }

    /// Returns true if it runs on `wanted`: an image that names no architecture runs on any, as docker takes it.
    pub fn runs_on(&self, wanted: &Platform) -> bool {
        let any = self.platform.architecture == UNKNOWN && self.platform.os == wanted.os;
        any || self.platform == *wanted
    }

    /// Adds a name, unless it has it.
    pub fn tag(&mut self, name: &str) {
        if !self.tags.iter().any(|t| t == name) {
            self.tags.push(name.to_owned());
        }
    }

    /// The name in messages: the first name of the image, or its id.
    pub fn name(&self) -> String {
        self.tags.first().cloned().unwrap_or_else(|| format!("sha256:{}", self.config_digest.short()))
    }
}

/// Reads the document at `blob` and verifies it against `digest` and, if given, `size` in bytes.
pub fn verified(source: &dyn Source, blob: &BlobRef, name: &str, digest: &Digest, size: Option<u64>) -> Result<Doc> {
    let wrong = |what: &str| Error::new(ErrorKind::Digest, what).member(name.as_bytes());
    if let Some(size) = size.filter(|&s| s != blob.size()) {
        let count = |n: u64| format!("{n} bytes");
        return Err(wrong("wrong size").expected(count(size), count(blob.size())));
    }
    let raw = source.document(blob, name)?;
    let found = Digest::of(&raw);
    if found != *digest {
        return Err(wrong("wrong digest").expected(digest, found));
    }
    Doc::parse(name, raw)
}

/// Says in an error that it is about an image's config, as the file name, a digest, does not.
pub fn of_config(mut error: Error) -> Error {
    error.what = format!("the image's config is broken: {}", error.what);
    error
}
