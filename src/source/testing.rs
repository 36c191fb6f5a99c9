//! Inputs for tests, made from bytes, without any of the code under test.

use super::{Input, Location, OpenOptions, open};
use crate::image::{Compression, LayerMedia, Platform, media};
use crate::{Digest, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A tar built member by member.
pub struct Tar(Vec<u8>);

impl Tar {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    fn header(mut self, flag: u8, name: &str, size: u64, link: &str) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000644");
        let octal = format!("{size:o}");
        if octal.len() <= 11 {
            block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        } else {
            block[124] = 0x80;
            block[128..136].copy_from_slice(&size.to_be_bytes());
        }
        block[148..156].fill(b' ');
        block[156] = flag;
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend(block);
        self
    }

    fn data(mut self, data: &[u8]) -> Self {
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn raw(self, flag: u8, name: &str, data: &[u8]) -> Self {
        self.header(flag, name, data.len() as u64, "").data(data)
    }

    pub fn sized(self, name: &str, size: u64) -> Self {
        self.header(b'0', name, size, "")
    }

    pub fn file(self, name: &str, data: &[u8]) -> Self {
        if name.len() <= 100 {
            return self.raw(b'0', name, data);
        }
        self.raw(b'L', "././@LongLink", format!("{name}\0").as_bytes()).raw(b'0', &name[..100], data)
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.header(b'2', name, 0, target)
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.header(b'1', name, 0, target)
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn pack(bytes: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => gzip(bytes),
        Compression::Zstd => zstd::encode_all(bytes, 1).unwrap(),
    }
}

/// A layer's tar with one file.
pub fn layer(name: &str) -> Vec<u8> {
    Tar::new().file(name, name.as_bytes()).end()
}

/// The files of a layout or archive.
#[derive(Clone, Default)]
pub struct Build {
    pub files: Vec<(String, Vec<u8>)>,
}

impl Build {
    pub fn file(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.files.push((name.to_owned(), bytes.into()));
    }

    pub fn remove(&mut self, digest: &Value) {
        let hex = digest.as_str().unwrap().trim_start_matches("sha256:").to_owned();
        self.files.retain(|(name, _)| !name.ends_with(&hex));
    }

    /// Adds a blob; the result is its descriptor.
    pub fn blob(&mut self, media: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        let name = format!("blobs/sha256/{}", digest.hex());
        if !self.files.iter().any(|(n, _)| *n == name) {
            self.file(&name, bytes);
        }
        json!({"mediaType": media, "digest": digest.to_string(), "size": bytes.len()})
    }

    pub fn json(&mut self, media: &str, json: &Value) -> Value {
        self.blob(media, json.to_string().as_bytes())
    }

    /// Adds an OCI image with these layers; the result is its manifest.
    pub fn manifest(&mut self, layers: &[Vec<u8>], compression: Compression, arch: &str) -> Value {
        let config = self.json(media::MediaType::ImageConfig.as_ref(), &config(layers, arch));
        let name = LayerMedia::name(media::Family::Oci, compression);
        let layers: Vec<Value> = layers.iter().map(|l| self.blob(name.as_ref(), &pack(l, compression))).collect();
        json!({"schemaVersion": 2, "mediaType": media::MediaType::ImageManifest, "config": config, "layers": layers, "x-unknown": 1})
    }

    /// Adds an OCI image; the result is the manifest's descriptor with its platform.
    pub fn image(&mut self, layers: &[Vec<u8>], compression: Compression, arch: &str) -> Value {
        let manifest = self.manifest(layers, compression, arch);
        let mut descriptor = self.json(media::MediaType::ImageManifest.as_ref(), &manifest);
        descriptor["platform"] = json!({"os": "linux", "architecture": arch});
        descriptor
    }

    /// An attestation of the image that `about` describes.
    pub fn attestation(&mut self, about: &Value) -> Value {
        let statement = self.json("application/vnd.in-toto+json", &json!({"subject": about["digest"]}));
        let config =
            self.json(media::MediaType::ImageConfig.as_ref(), &json!({"architecture": "unknown", "os": "unknown"}));
        let manifest = json!({"schemaVersion": 2, "mediaType": media::MediaType::ImageManifest, "config": config, "layers": [statement]});
        let mut descriptor = self.json(media::MediaType::ImageManifest.as_ref(), &manifest);
        descriptor["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        descriptor["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about["digest"]});
        descriptor
    }

    /// Adds an index; the result is its descriptor.
    pub fn index(&mut self, manifests: &[Value]) -> Value {
        self.json(
            media::MediaType::ImageIndex.as_ref(),
            &json!({"schemaVersion": 2, "mediaType": media::MediaType::ImageIndex, "manifests": manifests}),
        )
    }

    /// Adds `index.json` and `oci-layout`.
    pub fn root(&mut self, manifests: &[Value]) {
        self.file("oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}\n");
        let index = json!({"schemaVersion": 2, "manifests": manifests, "x-root": true});
        self.file("index.json", serde_json::to_vec_pretty(&index).unwrap());
    }

    pub fn tar(&self) -> Vec<u8> {
        self.files.iter().fold(Tar::new(), |tar, (name, bytes)| tar.file(name, bytes)).end()
    }

    pub fn write_tar(&self, dir: &Path) -> PathBuf {
        let path = dir.join("in.tar");
        std::fs::write(&path, self.tar()).unwrap();
        path
    }

    pub fn write_dir(&self, dir: &Path) -> PathBuf {
        for (name, bytes) in &self.files {
            let path = dir.join("in").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir.join("in")
    }

    /// Opens it as an archive.
    pub fn open(&self) -> Result<Input> {
        let dir = tempfile::tempdir().unwrap();
        open_path(&self.write_tar(dir.path()))
    }

    /// Opens the image `reference` of it for `platform`.
    pub fn pick(&self, reference: Option<&str>, platform: Option<&str>) -> Result<Input> {
        let dir = tempfile::tempdir().unwrap();
        let mut location = Location::parse(self.write_tar(dir.path()).to_str().unwrap())?;
        location.reference = reference.map(str::to_owned);
        let platform = platform.map(Platform::parse).transpose()?;
        open(&location, &OpenOptions { platform, registry: &Default::default(), spool_note: &|_| () })
    }
}

pub fn config(layers: &[Vec<u8>], arch: &str) -> Value {
    let diff_ids: Vec<String> = layers.iter().map(|l| Digest::of(l).to_string()).collect();
    let history: Vec<Value> = layers.iter().map(|_| json!({"created_by": "RUN"})).collect();
    json!({
        "os": "linux", "architecture": arch, "config": {"Cmd": ["/x"]}, "x-unknown": 1,
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
    })
}

pub fn open_path(path: &Path) -> Result<Input> {
    open(
        &Location::parse(path.to_str().unwrap())?,
        &OpenOptions { platform: None, registry: &Default::default(), spool_note: &|_| () },
    )
}

/// An archive of docker 20.10: layers as `ID/layer.tar`, equal ones as symlinks.
pub fn docker_20(layers: &[Vec<u8>], tags: &Value) -> Build {
    let mut build = Build::default();
    let config = config(layers, "amd64").to_string();
    let name = format!("{}.json", Digest::of(config.as_bytes()).hex());
    build.file(&name, config);
    let paths: Vec<String> = (0..layers.len()).map(|i| format!("{i:064}/layer.tar")).collect();
    for (path, bytes) in paths.iter().zip(layers) {
        build.file(path, bytes.clone());
    }
    let manifest = json!([{"Config": name, "RepoTags": tags, "Layers": paths}]);
    build.file("manifest.json", manifest.to_string());
    build
}

/// An archive of docker 25: hybrid, with a nested index, gzip layers, an attestation and a platform that is not there.
pub fn docker_25() -> Build {
    let mut build = Build::default();
    let image = build.image(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    let files = build.files.len();
    let other = build.image(&[layer("c")], Compression::Gzip, "arm64");
    build.files.truncate(files);
    let attestation = build.attestation(&image);
    let mut index = build.index(&[image.clone(), other, attestation]);
    index["annotations"] =
        json!({"io.containerd.image.name": "docker.io/library/app:1", "org.opencontainers.image.ref.name": "1"});
    build.root(&[index]);
    let manifest = build.files.iter().find(|(n, _)| n.ends_with(&image["digest"].as_str().unwrap()[7..])).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest.1).unwrap();
    let path = |d: &Value| d["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let layers: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
    let entry = json!([{"Config": path(&manifest["config"]), "RepoTags": ["app:1"], "Layers": layers}]);
    build.file("manifest.json", entry.to_string());
    build
}
