//! The documents of an archive or layout: every descriptor on the way from `index.json` and `manifest.json` to a layer is
//! checked against the bytes that it names, and two documents about one image against each other.

use super::artifact;
use super::findings::Outcome;
use super::platform;
use super::store::{Blob, Store};
use crate::{Digest, Error, ErrorKind, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// The most levels of indexes within indexes.
const MAX_DEPTH: usize = 8;

/// The most descriptors of all indexes together: one that names another several times could lead on for ever.
const MAX_DESCRIPTORS: usize = 10_000;

/// A layer as documents describe it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The name in findings.
    pub name: String,
    /// The place of its bytes; `None` if they are not in the input.
    pub blob: Option<Blob>,
    /// The digest, if one is stated.
    pub digest: Option<Digest>,
    /// The size in bytes, if one is stated.
    pub size: Option<u64>,
    /// The media type; empty if none is stated.
    pub media: String,
}

/// An image as documents describe it.
#[derive(Clone, Debug)]
pub struct Image {
    /// The tags, in order.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]` of the config.
    pub platform: String,
    /// The config.
    pub config: Value,
    /// The digest of the config.
    pub id: Digest,
    /// The layers, bottom first.
    pub layers: Vec<Claim>,
}

impl Image {
    /// Returns the name for people.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ({})", self.tags.first().map_or_else(|| self.id.short(), Clone::clone), self.platform)
    }

    /// True if it is one for Windows: the registry hives of all its layers count together, so no tree of files describes it.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        self.platform.split('/').next().is_some_and(|os| os.eq_ignore_ascii_case("windows"))
    }
}

/// Reads the documents; mistakes in them are added to `out`.
///
/// # Errors
/// Returns an error if there is no image at all, or the host does not let it be read.
pub fn read(store: &Store, out: &mut Outcome) -> Result<Vec<Image>> {
    let mut walk = Walk { store, out, images: Vec::new(), descriptors: 0 };
    let index = store.find("index.json")?;
    if let Some(blob) = &index {
        walk.layout_file()?;
        let index = parse(store, "index.json", &store.document(blob)?)?;
        walk.index("index.json", &index, &[], 0)?;
    }
    let docker = store.find("manifest.json")?.filter(|_| !(store.is_dir() && index.is_some()));
    if let Some(blob) = &docker {
        let list = parse(store, "manifest.json", &store.document(blob)?)?;
        walk.docker(&list, index.is_some())?;
    }
    if index.is_none() && docker.is_none() {
        let what = "neither index.json nor manifest.json: no image";
        return Err(Error::new(ErrorKind::Archive, what).archive(&store.name));
    }
    walk.repositories()?;
    Ok(walk.images)
}

fn parse(store: &Store, name: &str, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes)
        .map_err(|e| Error::new(ErrorKind::Archive, "not JSON").archive(&store.name).member(name.as_bytes()).cause(e))
}

struct Walk<'a> {
    store: &'a Store,
    out: &'a mut Outcome,
    images: Vec<Image>,
    /// The number of descriptors in indexes so far.
    descriptors: usize,
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

impl Walk<'_> {
    fn layout_file(&mut self) -> Result<()> {
        let version = match self.store.find("oci-layout")? {
            Some(blob) => serde_json::from_slice::<Value>(&self.store.document(&blob)?).unwrap_or_default(),
            None => Value::Null,
        };
        let found = version["imageLayoutVersion"].as_str().unwrap_or("none").to_owned();
        self.out.same("document", "oci-layout: imageLayoutVersion", &"1.0.0".to_owned(), &found);
        Ok(())
    }

    /// Returns the document that a descriptor names, checked against it; `None` if it is not there.
    fn document(&mut self, place: &str, descriptor: &Value) -> Result<Option<(Digest, Value)>> {
        let claim = self.claim(place, descriptor)?;
        let (Some(blob), Some(digest)) = (&claim.blob, claim.digest) else { return Ok(None) };
        let bytes = self.store.document(blob)?;
        self.held(&claim, Digest::of(&bytes), bytes.len() as u64);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(json) if json.is_object() => Ok(Some((digest, json))),
            _ => {
                self.out.wrong("document", claim.name, "a JSON object", "something else");
                Ok(None)
            }
        }
    }

    fn held(&mut self, claim: &Claim, digest: Digest, size: u64) {
        held(self.out, claim, digest, size);
    }

    fn claim(&mut self, place: &str, descriptor: &Value) -> Result<Claim> {
        let said = descriptor["digest"].as_str().unwrap_or_default();
        let digest = Digest::parse(said);
        let name = digest.map_or_else(|| place.to_owned(), |d| format!("{place} {}", d.short()));
        if digest.is_none() {
            self.out.wrong("document", format!("{place}: digest"), "sha256:HEX", format!("`{said}`"));
        }
        let size = descriptor["size"].as_u64();
        if size.is_none() {
            self.out.wrong("document", format!("{name}: size"), "a number", descriptor["size"].to_string());
        }
        let blob = digest.map_or(Ok(None), |digest| self.store.find(&blob_name(&digest)))?;
        let media = descriptor["mediaType"].as_str().unwrap_or_default().to_owned();
        Ok(Claim { name, blob, digest, size, media })
    }

    fn index(&mut self, place: &str, index: &Value, tags: &[String], depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            self.out.wrong("document", place, "indexes at most 8 deep", "more");
            return Ok(());
        }
        if !index["manifests"].is_array() {
            self.out.wrong("document", format!("{place}: manifests"), "a list", index["manifests"].to_string());
        }
        for (number, descriptor) in items(index, "manifests").iter().enumerate() {
            self.descriptors += 1;
            if self.descriptors > MAX_DESCRIPTORS {
                let what = format!("indexes with more than {MAX_DESCRIPTORS} descriptors");
                return Err(Error::new(ErrorKind::Archive, what).archive(&self.store.name));
            }
            let notes = &descriptor["annotations"];
            let own = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            let own = own.iter().find_map(|key| notes[*key].as_str()).map(str::to_owned);
            let tags: Vec<String> = tags.iter().cloned().chain(own).collect();
            let at = format!("{place}: manifest {}", number + 1);
            if !artifact::leads_on(descriptor["mediaType"].as_str().unwrap_or_default()) {
                let claim = self.claim(&at, descriptor)?;
                self.blob(&claim)?;
                continue;
            }
            let Some((digest, json)) = self.document(&at, descriptor)? else {
                if let Some(digest) = descriptor["digest"].as_str() {
                    self.out.note("absent", at, digest, "not in the input");
                }
                continue;
            };
            let said = descriptor["mediaType"].as_str().unwrap_or_default().to_owned();
            if let Some(own) = json["mediaType"].as_str() {
                self.out.same("media-type", &format!("{at}: mediaType"), &said, &own.to_owned());
            }
            let is_index = json["manifests"].is_array();
            if is_index != (said.contains("index") || said.contains("manifest.list")) {
                let what = if is_index { "an index" } else { "a manifest" };
                self.out.wrong("media-type", format!("{at}: mediaType"), said, what);
            }
            let at = format!("{} {}", if is_index { "index" } else { "manifest" }, digest.short());
            if is_index {
                self.index(&at, &json, &tags, depth + 1)?;
            } else {
                self.manifest(&at, &json, descriptor, tags)?;
            }
        }
        Ok(())
    }

    fn manifest(&mut self, at: &str, json: &Value, descriptor: &Value, tags: Vec<String>) -> Result<()> {
        let about = descriptor["annotations"]["vnd.docker.reference.type"].is_string() || json["subject"].is_object();
        if about || artifact::is_one(self.store, json)? {
            return self.artifact(at, json);
        }
        let config = self.document(&format!("{at}: config"), &json["config"])?;
        let mut layers = Vec::new();
        for (number, layer) in items(json, "layers").iter().enumerate() {
            let claim = self.claim(&format!("{at}: layer {}", number + 1), layer)?;
            if claim.blob.is_none() {
                let digest = claim.digest.map_or_else(|| "a digest".to_owned(), |d| d.to_string());
                self.out.wrong("absent", &claim.name, digest, "not in the input");
            }
            layers.push(claim);
        }
        let Some((id, config)) = config else {
            self.out.wrong("absent", format!("{at}: config"), json["config"]["digest"].to_string(), "not in the input");
            return Ok(());
        };
        let platform = platform(&config);
        // A part that one of them does not state, the other may.
        if !platform::agree(&platform::parts(&descriptor["platform"]), &platform::parts(&config)) {
            let said = platform_of(&descriptor["platform"]);
            self.out.wrong("platform", format!("{at}: platform"), said, platform.clone());
        }
        let image = Image { tags, platform, config, id, layers };
        let same = |other: &&mut Image| other.id == id && digests(other) == digests(&image);
        match self.images.iter_mut().find(same) {
            Some(known) => known.tags.extend(image.tags),
            None => self.images.push(image),
        }
        Ok(())
    }

    /// Checks an artifact, which is no image: the blobs that its manifest names, if they are there.
    fn artifact(&mut self, at: &str, json: &Value) -> Result<()> {
        let config = Some(&json["config"]).filter(|config| !config.is_null());
        for descriptor in config.into_iter().chain(items(json, "layers")).chain(items(json, "blobs")) {
            let claim = self.claim(&format!("{at}: blob"), descriptor)?;
            match claim.blob {
                Some(_) => self.blob(&claim)?,
                None => self.out.note("absent", &claim.name, descriptor["digest"].to_string(), "not in the input"),
            }
        }
        Ok(())
    }

    /// Checks a blob that is no layer: its digest and size alone.
    fn blob(&mut self, claim: &Claim) -> Result<()> {
        if let Some(blob) = &claim.blob {
            let mut reader = crate::digest::Hashing::new(self.store.read(blob)?);
            std::io::copy(&mut reader, &mut std::io::sink())?;
            let (_, digest, size) = reader.finish();
            self.held(claim, digest, size);
        }
        Ok(())
    }

    fn docker(&mut self, list: &Value, oci: bool) -> Result<()> {
        let entries = list.as_array().map_or(&[][..], Vec::as_slice);
        if entries.is_empty() {
            self.out.wrong("document", "manifest.json", "a list of images", "something else");
        }
        for (number, entry) in entries.iter().enumerate() {
            let at = format!("manifest.json: image {}", number + 1);
            let tags: Vec<String> =
                items(entry, "RepoTags").iter().filter_map(|t| t.as_str()).map(Into::into).collect();
            let Some(image) = self.docker_image(&at, entry, tags)? else { continue };
            let known = self.images.iter_mut().find(|known| known.id == image.id);
            match known {
                Some(known) => {
                    let (expected, found) = (digests(known), digests(&image));
                    let short = |all: &[Option<Digest>]| {
                        all.iter().map(|d| d.map_or_else(|| "?".into(), |d| d.short())).collect::<Vec<_>>().join(" ")
                    };
                    let differ = expected.len() != found.len()
                        || expected.iter().zip(&found).any(|(a, b)| a.is_some() && b.is_some() && a != b);
                    if differ {
                        self.out.wrong("document", format!("{at}: Layers"), short(&expected), short(&found));
                    }
                    let full = |tags: &[String]| tags.iter().map(|t| full(t)).collect::<BTreeSet<_>>();
                    let (named, here) = (full(&known.tags), full(&image.tags));
                    let strange = known.tags.iter().any(|t| t.contains(':') && !here.contains(&self::full(t)));
                    if oci && strange && !here.is_empty() {
                        self.out.wrong(
                            "document",
                            format!("{at}: RepoTags"),
                            format!("{named:?}"),
                            format!("{here:?}"),
                        );
                    }
                    known.tags = if image.tags.is_empty() { known.tags.clone() } else { image.tags };
                }
                None if oci => {
                    let what = "an image of index.json";
                    self.out.wrong("document", format!("{at}: Config"), what, image.id.to_string());
                }
                None => self.images.push(image),
            }
        }
        Ok(())
    }

    fn docker_image(&mut self, at: &str, entry: &Value, tags: Vec<String>) -> Result<Option<Image>> {
        let name = entry["Config"].as_str().unwrap_or_default();
        let Some(blob) = self.store.find(name)? else {
            self.out.wrong("absent", format!("{at}: Config"), format!("`{name}`"), "not in the input");
            return Ok(None);
        };
        let bytes = self.store.document(&blob)?;
        let id = Digest::of(&bytes);
        let said = of_name(name);
        self.out.checked.digests += 1;
        if said.is_some_and(|said| said != id) {
            self.out.wrong("digest", format!("{at}: Config"), name, id.to_string());
        }
        let config = parse(self.store, name, &bytes)?;
        let mut layers = Vec::new();
        for (number, path) in items(entry, "Layers").iter().filter_map(Value::as_str).enumerate() {
            let blob = self.store.find(path)?;
            let name = format!("{at}: layer {}", number + 1);
            if blob.is_none() {
                self.out.wrong("absent", &name, format!("`{path}`"), "not in the input");
            }
            // In the old form a directory's name is no digest of its contents.
            let digest = path.strip_prefix("blobs/sha256/").and_then(Digest::from_hex);
            layers.push(Claim { name, blob, digest, size: None, media: String::new() });
        }
        Ok(Some(Image { tags, platform: platform(&config), config, id, layers }))
    }

    /// Checks `repositories`, from before `manifest.json`: names and tags, each with the id of the top layer.
    fn repositories(&mut self) -> Result<()> {
        let Some(blob) = self.store.find("repositories")? else { return Ok(()) };
        let json = parse(self.store, "repositories", &self.store.document(&blob)?)?;
        let known: BTreeSet<String> = self.images.iter().flat_map(|i| &i.tags).map(|t| full(t)).collect();
        for (name, tags) in json.as_object().into_iter().flatten() {
            for (tag, id) in tags.as_object().into_iter().flatten() {
                let whole = format!("{name}:{tag}");
                let id = id.as_str().unwrap_or_default();
                if !known.contains(&full(&whole)) {
                    self.out.wrong("document", "repositories", "a name that manifest.json has", whole);
                } else if !self.store.has_below(id) && self.store.find(&format!("blobs/sha256/{id}"))?.is_none() {
                    self.out.wrong("document", format!("repositories: {whole}"), "a layer of the archive", id);
                }
            }
        }
        Ok(())
    }
}

/// Compares a descriptor with its bytes.
pub fn held(out: &mut Outcome, claim: &Claim, digest: Digest, size: u64) {
    out.checked.digests += 1;
    if let Some(said) = claim.digest {
        out.same("digest", &claim.name, &said, &digest);
    }
    if let Some(said) = claim.size.filter(|said| *said != size) {
        out.wrong("size", &claim.name, format!("{said} bytes"), format!("{size} bytes"));
    }
}

fn digests(image: &Image) -> Vec<Option<Digest>> {
    image.layers.iter().map(|layer| layer.digest).collect()
}

fn of_name(name: &str) -> Option<Digest> {
    let last = name.rsplit('/').next()?;
    Digest::from_hex(last.strip_suffix(".json").unwrap_or(last))
}

fn platform(config: &Value) -> String {
    platform_of(config)
}

fn platform_of(value: &Value) -> String {
    let parts = ["os", "architecture", "variant"].map(|key| value[key].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Returns a reference with its registry, as containerd writes it.
fn full(tag: &str) -> String {
    match tag.split_once('/') {
        None => format!("docker.io/library/{tag}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => tag.to_owned(),
        Some(_) => format!("docker.io/{tag}"),
    }
}
