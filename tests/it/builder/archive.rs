//! Whole images: layers and a config become an archive in one of the layouts that tools write.

use super::codec::{Comp, sha256};
use super::tar::TarEntry;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The layout of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// docker save before 25: `ID/layer.tar`, equal layers as symlinks, `repositories`.
    Docker,
    /// docker save since 25: an OCI layout with `manifest.json`.
    Hybrid,
    /// A tar of an OCI layout.
    OciTar,
    /// A directory that is an OCI layout.
    OciDir,
}

/// One platform's image.
#[derive(Clone, Debug)]
pub struct Image {
    pub layers: Vec<Vec<u8>>,
    /// Per layer; the last counts for all that follow.
    pub comp: Vec<Comp>,
    /// Keys added to the config.
    pub config: Value,
    /// One entry per layer if `None`; no history at all if empty.
    pub history: Option<Vec<Value>>,
    pub platform: (&'static str, &'static str, Option<&'static str>),
    pub annotations: Value,
}

/// What one tag names: an image, or an index of images.
#[derive(Clone, Debug)]
pub struct Item {
    pub tags: Vec<&'static str>,
    pub images: Vec<Image>,
    /// An index even for a single image.
    pub nested: bool,
    /// An attestation manifest beside every image.
    pub attest: bool,
}

/// An archive to be written.
#[derive(Clone, Debug)]
pub struct Archive {
    pub items: Vec<Item>,
    pub form: Form,
    /// Docker's media types instead of OCI's.
    pub schema2: bool,
}

/// What an archive's member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    File(Vec<u8>),
    Symlink(String),
    Dir,
}

pub type Entries = Vec<(String, Entry)>;

impl Image {
    pub fn new(layers: Vec<Vec<u8>>) -> Self {
        Self {
            layers,
            comp: vec![Comp::None],
            config: json!({}),
            history: None,
            platform: ("linux", "amd64", None),
            annotations: json!({}),
        }
    }

    pub fn comp(mut self, comp: Comp) -> Self {
        self.comp = vec![comp];
        self
    }

    fn comp_of(&self, layer: usize) -> Comp {
        self.comp[layer.min(self.comp.len() - 1)]
    }

    /// The config's bytes.
    pub fn config_bytes(&self) -> Vec<u8> {
        let mut config = json!({
            "architecture": self.platform.1,
            "os": self.platform.0,
            "created": "2024-02-03T04:05:06.789012345Z",
            "config": {"Cmd": ["/bin/app"], "Env": ["PATH=/usr/bin:/bin"], "Labels": {"kept": "yes"}},
        });
        if let Some(variant) = self.platform.2 {
            config["variant"] = variant.into();
        }
        for (key, value) in self.config.as_object().unwrap() {
            config[key] = value.clone();
        }
        let diff_ids: Vec<String> = self.layers.iter().map(|l| sha256(l)).collect();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        let history = self.history.clone().unwrap_or_else(|| (0..self.layers.len()).map(history_entry).collect());
        if !history.is_empty() {
            config["history"] = history.into();
        }
        serde_json::to_vec(&config).unwrap()
    }
}

/// What a builder notes for layer `i`, with a field that no specification knows.
pub fn history_entry(i: usize) -> Value {
    json!({"created": format!("2024-02-03T04:05:{i:02}Z"), "created_by": format!("RUN step-{i}"), "x-unknown": i})
}

impl Item {
    pub fn new(image: Image) -> Self {
        Self { tags: vec!["example.com/app:1.0"], images: vec![image], nested: false, attest: false }
    }
}

impl Archive {
    pub fn new(image: Image, form: Form) -> Self {
        Self { items: vec![Item::new(image)], form, schema2: false }
    }

    /// The members, in the order a tool would write them.
    pub fn entries(&self) -> Entries {
        if self.form == Form::Docker { self.docker() } else { self.oci() }
    }

    /// Writes `in.tar` or the directory `in` below `dir`.
    pub fn write(&self, dir: &Path) -> PathBuf {
        if self.form == Form::OciDir {
            let path = dir.join("in");
            write_dir(&self.entries(), &path);
            path
        } else {
            let path = dir.join("in.tar");
            std::fs::write(&path, to_tar(&self.entries())).unwrap();
            path
        }
    }

    fn docker(&self) -> Entries {
        let mut out = Entries::new();
        let mut manifests = Vec::new();
        let mut repositories = json!({});
        let mut seen: Vec<(String, String)> = Vec::new();
        for item in &self.items {
            let image = &item.images[0];
            let config = image.config_bytes();
            let config_name = format!("{}.json", &sha256(&config)[7..]);
            let mut parent = String::new();
            let mut paths = Vec::new();
            for (i, layer) in image.layers.iter().enumerate() {
                let id = sha256(format!("{parent}{}{i}", sha256(layer)).as_bytes())[7..].to_owned();
                let path = format!("{id}/layer.tar");
                let blob = image.comp_of(i).encode(layer);
                paths.push(path.clone());
                parent.clone_from(&id);
                if out.iter().any(|(name, _)| *name == path) {
                    continue;
                }
                out.push((format!("{id}/"), Entry::Dir));
                out.push((format!("{id}/VERSION"), Entry::File(b"1.0".to_vec())));
                out.push((format!("{id}/json"), Entry::File(format!("{{\"id\":\"{id}\"}}").into_bytes())));
                let digest = sha256(&blob);
                if let Some((_, first)) = seen.iter().find(|(d, _)| *d == digest) {
                    out.push((path, Entry::Symlink(format!("../{first}"))));
                } else {
                    seen.push((digest, path.clone()));
                    out.push((path, Entry::File(blob)));
                }
            }
            for tag in &item.tags {
                let (name, version) = tag.rsplit_once(':').unwrap();
                repositories[name][version] = parent.clone().into();
            }
            out.push((config_name.clone(), Entry::File(config)));
            let tags = if item.tags.is_empty() { Value::Null } else { json!(item.tags) };
            manifests.push(json!({"Config": config_name, "RepoTags": tags, "Layers": paths}));
        }
        out.push(("manifest.json".into(), Entry::File(serde_json::to_vec(&manifests).unwrap())));
        out.push(("repositories".into(), Entry::File(repositories.to_string().into_bytes())));
        out
    }

    fn oci(&self) -> Entries {
        let mut out = vec![
            ("blobs/".into(), Entry::Dir),
            ("blobs/sha256/".into(), Entry::Dir),
            ("oci-layout".into(), Entry::File(br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())),
        ];
        let mut descriptors = Vec::new();
        let mut manifests = Vec::new();
        for item in &self.items {
            let mut inner = Vec::new();
            for image in &item.images {
                let (descriptor, layers) = self.manifest(image, &mut out);
                let config = format!("blobs/sha256/{}", &sha256(&image.config_bytes())[7..]);
                let tags = if item.tags.is_empty() { Value::Null } else { json!(item.tags) };
                manifests.push(json!({"Config": config, "RepoTags": tags, "Layers": layers}));
                let attestation = item.attest.then(|| attestation(&descriptor, &mut out));
                inner.push(descriptor);
                inner.extend(attestation);
            }
            let target = if inner.len() > 1 || item.nested {
                let media = if self.schema2 { DOCKER_LIST } else { OCI_INDEX };
                let index = json!({"schemaVersion": 2, "mediaType": media, "manifests": inner});
                push_blob(&mut out, media, serde_json::to_vec(&index).unwrap())
            } else {
                inner.remove(0)
            };
            if item.tags.is_empty() {
                descriptors.push(target.clone());
            }
            for tag in &item.tags {
                let mut d = target.clone();
                if self.form == Form::Hybrid {
                    d["annotations"]["io.containerd.image.name"] = crate::oracle::archive::full(tag).into();
                }
                let version = tag.rsplit_once(':').unwrap().1;
                let name = if self.form == Form::Hybrid { version } else { tag };
                d["annotations"]["org.opencontainers.image.ref.name"] = name.into();
                descriptors.push(d);
            }
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors});
        out.push(("index.json".into(), Entry::File(serde_json::to_vec(&index).unwrap())));
        if self.form == Form::Hybrid {
            out.push(("manifest.json".into(), Entry::File(serde_json::to_vec(&manifests).unwrap())));
        }
        out
    }

    /// The blobs of one image; its descriptor and the paths of its layers.
    fn manifest(&self, image: &Image, out: &mut Entries) -> (Value, Vec<String>) {
        let (manifest, config, layer) = if self.schema2 {
            (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
        } else {
            (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER)
        };
        let config = push_blob(out, config, image.config_bytes());
        let mut layers = Vec::new();
        let mut paths = Vec::new();
        for (i, bytes) in image.layers.iter().enumerate() {
            let comp = image.comp_of(i);
            let media = format!("{layer}{}", comp.suffix(self.schema2));
            let d = push_blob(out, &media, comp.encode(bytes));
            paths.push(blob_path(d["digest"].as_str().unwrap()));
            layers.push(d);
        }
        let mut doc = json!({"schemaVersion": 2, "mediaType": manifest, "config": config, "layers": layers});
        if !image.annotations.as_object().unwrap().is_empty() {
            doc["annotations"] = image.annotations.clone();
        }
        let mut d = push_blob(out, manifest, serde_json::to_vec(&doc).unwrap());
        d["platform"] = json!({"architecture": image.platform.1, "os": image.platform.0});
        if let Some(variant) = image.platform.2 {
            d["platform"]["variant"] = variant.into();
        }
        (d, paths)
    }
}

/// What buildx writes beside an image: a statement on the manifest of that digest.
fn attestation(of: &Value, out: &mut Entries) -> Value {
    let statement = json!({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "app", "digest": {"sha256": &of["digest"].as_str().unwrap()[7..]}}], "predicate": {}});
    let layer = push_blob(out, "application/vnd.in-toto+json", serde_json::to_vec(&statement).unwrap());
    let config = json!({"architecture": "unknown", "os": "unknown", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
    let config = push_blob(out, OCI_CONFIG, serde_json::to_vec(&config).unwrap());
    let doc = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
    let mut d = push_blob(out, OCI_MANIFEST, serde_json::to_vec(&doc).unwrap());
    d["annotations"] =
        json!({"vnd.docker.reference.digest": of["digest"], "vnd.docker.reference.type": "attestation-manifest"});
    d["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    d
}

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// Where a layout keeps the blob with this digest.
pub fn blob_path(digest: &str) -> String {
    format!("blobs/sha256/{}", &digest[7..])
}

/// Adds a blob, once, and returns its descriptor.
pub fn push_blob(out: &mut Entries, media: &str, bytes: Vec<u8>) -> Value {
    let digest = sha256(&bytes);
    let d = json!({"mediaType": media, "digest": digest, "size": bytes.len()});
    let path = blob_path(&digest);
    if !out.iter().any(|(name, _)| *name == path) {
        out.push((path, Entry::File(bytes)));
    }
    d
}

/// The archive's own tar.
pub fn to_tar(entries: &Entries) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, entry) in entries {
        let mut e = TarEntry::new(name.as_bytes(), b'0');
        match entry {
            Entry::File(bytes) => e.content.clone_from(bytes),
            Entry::Symlink(target) => (e.flag, e.link, e.mode) = (b'2', target.clone().into_bytes(), 0o777),
            Entry::Dir => (e.flag, e.mode) = (b'5', 0o755),
        }
        e.write(&mut out);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// The archive as a directory.
pub fn write_dir(entries: &Entries, dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for (name, entry) in entries {
        let path = dir.join(name);
        match entry {
            Entry::File(bytes) => std::fs::write(path, bytes).unwrap(),
            Entry::Symlink(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            Entry::Dir => std::fs::create_dir_all(path).unwrap(),
        }
    }
}
