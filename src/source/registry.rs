//! An image in a registry as a source: documents when they are asked for, blobs while they are read.

use super::format::ImageFormat;
use super::traits::{BlobRef, Source, Spot, foreign};
use crate::registry::{Found, Name, Options, Remote};
use crate::{Digest, Result, Warning};
use std::io::Read;
use std::time::Duration;

/// An image in a registry.
pub struct Registry {
    remote: Remote,
    index: BlobRef,
    repository: (String, String),
}

impl Registry {
    /// Opens an image by its name.
    ///
    /// # Errors
    /// Returns an error if the registry does not have it.
    pub fn new(name: &Name, options: &Options) -> Result<Self> {
        let remote = Remote::open(name, options)?;
        let index = BlobRef::memory(remote.index()?);
        Ok(Self { remote, index, repository: (name.host.clone(), name.repository.clone()) })
    }
}

impl Source for Registry {
    fn find(&self, name: &str) -> Result<Option<BlobRef>> {
        Ok((name == "index.json").then(|| self.index.clone()))
    }

    fn blob(&self, digest: &Digest) -> Result<Option<BlobRef>> {
        Ok(self.remote.find(digest)?.map(|found| match found {
            Found::Document(bytes) => BlobRef::memory(bytes),
            Found::Blob(size) => BlobRef::new(Spot::Digest(*digest), size),
        }))
    }

    fn open(&self, spot: &Spot, size: u64, skip: u64) -> Result<Box<dyn Read + Send>> {
        let Spot::Digest(digest) = spot else { return Err(foreign()) };
        self.remote.open_blob(digest, size, skip)
    }

    fn peek(&self, spot: &Spot, size: u64, most: u64) -> Result<Box<dyn Read + Send>> {
        let Spot::Digest(digest) = spot else { return Err(foreign()) };
        self.remote.peek(digest, size, most)
    }

    fn fetch(&self, blobs: &[&BlobRef]) {
        let named = |blob: &&BlobRef| match blob.spot() {
            Spot::Digest(digest) => Some((*digest, blob.size())),
            _ => None,
        };
        self.remote.fetch(&blobs.iter().filter_map(named).collect::<Vec<_>>());
    }

    fn arrived(&self) -> Result<()> {
        self.remote.arrived()
    }

    fn top(&self) -> Vec<String> {
        Vec::new()
    }

    fn unchanged(&self) -> Result<()> {
        // What was pulled lies in files without a name.
        Ok(())
    }

    fn form(&self) -> Option<ImageFormat> {
        Some(ImageFormat::Registry)
    }

    fn repository(&self) -> Option<(&str, &str)> {
        Some((&self.repository.0, &self.repository.1))
    }

    fn referrers(&self) -> Vec<String> {
        self.remote.referrers()
    }

    fn pulled_in(&self) -> Option<(Duration, u64)> {
        self.remote.pulled_in()
    }

    fn warnings(&self) -> Vec<Warning> {
        self.remote.warnings()
    }
}
