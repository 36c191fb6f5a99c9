//! A push to a registry as a sink: blobs go to temporary files without a name, and from there to the registry as soon as their digest
//! is known; then the documents by their digests, and at the end the tags.

use super::traits::{Blob, Document, Sink};
use crate::image::descriptor::{IMAGE_NAME, REF_NAME};
use crate::image::doc;
use crate::image::media::{is_manifest, untyped};
use crate::registry::{Attachment, Client, Moved, Name, Options, Push, environment, no_room, own, temporary_file};
use crate::{Digest, Error, Result, Warning};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A push.
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    push: Push,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Blobs that were written, for those that turn out to be documents.
    small: HashMap<Digest, File>,
    /// The sizes of all blobs, in bytes.
    sizes: HashMap<Digest, u64>,
    /// Manifests and indexes, in the order in which they have to be put.
    documents: Vec<(Digest, Vec<u8>)>,
    /// The document that gets the tags.
    root: Option<Digest>,
    tags: Vec<String>,
}

impl State {
    /// The document that gets the tags, and its digest.
    fn root(&self) -> Option<&(Digest, Vec<u8>)> {
        self.documents.iter().find(|(digest, _)| self.root == Some(*digest))
    }
}

/// A blob being written.
struct Spooled {
    shared: Arc<Shared>,
    file: File,
    written: u64,
}

/// Begins a push to the repository of `name`. Layers may come from `from`, a registry's host and a repository there.
///
/// # Errors
/// Returns an error if registries must not be asked, or there are no threads.
pub fn push(name: &Name, options: &Options, from: Option<(&str, &str)>) -> Result<Push> {
    let client = Client::new(options, own(name, &environment)?)?;
    let from = from.filter(|(host, _)| *host == name.host).map(|(_, repository)| repository.to_owned());
    Push::new(client, from)
}

impl Registry {
    /// Begins a push.
    ///
    /// # Errors
    /// As [`push`].
    pub fn new(name: &Name, options: &Options, from: Option<(&str, &str)>) -> Result<Self> {
        let shared = Shared { push: push(name, options, from)?, state: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `index.json`: what gets the tags, and what else is a document.
    fn index(&self, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        let index: Value = serde_json::from_slice(bytes).map_err(|e| self.error("index.json is no JSON").cause(e))?;
        let written: HashSet<Digest> = state.documents.iter().map(|(digest, _)| *digest).collect();
        for entry in index["manifests"].as_array().into_iter().flatten() {
            let digest = entry["digest"].as_str().and_then(Digest::parse);
            let Some(digest) = digest.filter(|digest| written.contains(digest)) else { continue };
            if state.root.is_some_and(|root| root != digest) {
                return Err(self.error("several images cannot have one name in a registry"));
            }
            state.root = Some(digest);
            let full = entry["annotations"].get(IMAGE_NAME).is_some();
            let tag = entry["annotations"].get(REF_NAME).and_then(Value::as_str).filter(|_| full);
            state.tags.extend(tag.map(str::to_owned));
        }
        if state.root.is_none() || state.tags.is_empty() {
            return Err(self.error("there is no image to push"));
        }
        Ok(())
    }

    fn error(&self, what: &str) -> Error {
        self.push.client().error(what)
    }

    /// Puts what indexes name and is no document of slim's own: an attestation that passes as it is, say.
    fn put_copies(&self) -> Result<()> {
        let mut state = self.state();
        let written: HashSet<Digest> = state.documents.iter().map(|(digest, _)| *digest).collect();
        let mut named = Vec::new();
        for (_, bytes) in &state.documents {
            let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
            let list = json["manifests"].as_array().cloned().unwrap_or_default();
            named.extend(list.iter().filter_map(|entry| entry["digest"].as_str().and_then(Digest::parse)));
        }
        for digest in named.into_iter().filter(|digest| !written.contains(digest)) {
            let Some(file) = state.small.remove(&digest) else { continue };
            let mut bytes = vec![0; usize::try_from(state.sizes[&digest]).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut bytes, 0)?;
            self.push.manifest(&digest, &media(&bytes), &bytes)?;
        }
        Ok(())
    }
}

impl Sink for Registry {
    fn begin(&self, _: Option<u64>) -> Result<Box<dyn Blob>> {
        self.shared.push.check_failed()?;
        let file = temporary_file()?;
        Ok(Box::new(Spooled { shared: Arc::clone(&self.shared), file, written: 0 }))
    }

    fn adopt(&self, digest: &Digest, size: u64) -> Result<bool> {
        let has = self.shared.push.has(digest, size)?;
        if has {
            self.shared.state().sizes.insert(*digest, size);
        }
        Ok(has)
    }

    fn add(&self, document: Document, bytes: &[u8]) -> Result<()> {
        let mut state = self.shared.state();
        match document {
            Document::Config(digest) => {
                state.sizes.insert(digest, bytes.len() as u64);
                drop(state);
                self.shared.push.send(&digest, bytes)?;
            }
            Document::Manifest(digest) => {
                state.sizes.insert(digest, bytes.len() as u64);
                state.documents.push((digest, bytes.to_vec()));
            }
            Document::Index => {
                drop(state);
                self.shared.index(bytes)?;
            }
            Document::Layout | Document::DockerManifest => {}
        }
        Ok(())
    }

    fn seal(&self) -> Result<u64> {
        self.shared.push.wait()?;
        self.shared.put_copies()?;
        let state = self.shared.state();
        for (digest, bytes) in &state.documents {
            self.shared.push.manifest(digest, &media(bytes), bytes)?;
        }
        Ok(state.sizes.values().sum())
    }

    fn publish(self: Box<Self>) -> Result<()> {
        let state = self.shared.state();
        let (digest, bytes) = state.root().ok_or_else(|| self.shared.error("there is no image to push"))?;
        self.shared.push.tag(&state.tags, digest, &media(bytes), bytes)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.shared.push.client().warnings()
    }

    fn attach(&self, attachment: &Attachment<'_>) -> Result<()> {
        let state = self.shared.state();
        let (digest, bytes) = state.root().ok_or_else(|| self.shared.error("there is no image to attach to"))?;
        let subject = json!({ "mediaType": media(bytes), "digest": digest, "size": bytes.len() });
        self.shared.push.attach(&subject, attachment)
    }

    fn pushed(&self) -> Option<(Digest, Moved)> {
        Some((self.shared.state().root?, self.shared.push.moved()))
    }
}

impl Blob for Spooled {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|e| no_room("cannot write a layer to a temporary file", e))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn end(self: Box<Self>, digest: &Digest, new: bool) -> Result<()> {
        if !new {
            return Ok(());
        }
        let Self { shared, file, written } = *self;
        let mut state = shared.state();
        state.sizes.insert(*digest, written);
        let mut head = [0; 1];
        if written <= doc::MAX_SIZE && file.read_at(&mut head, 0).is_ok_and(|n| n == 1) && head[0] == b'{' {
            let copy = file.try_clone().map_err(|e| Error::io("cannot open a temporary file", e))?;
            state.small.insert(*digest, copy);
        }
        drop(state);
        shared.push.upload(*digest, written, file);
        Ok(())
    }
}

/// The media type of a manifest or an index.
fn media(bytes: &[u8]) -> String {
    let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
    json["mediaType"].as_str().filter(|m| is_manifest(m)).map_or_else(|| untyped(&json).to_string(), str::to_owned)
}
