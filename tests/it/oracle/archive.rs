//! Reads an image archive of any layout, recomputing every digest and size it meets.

use super::tar;
use crate::builder::codec::decode;
use crate::builder::{Entries, Entry, sha256};
use serde_json::Value;
use std::path::Path;
use std::rc::Rc;

/// A layer as it was found.
#[derive(Clone, Debug)]
pub struct LayerView {
    pub blob: Rc<Vec<u8>>,
    pub tar: Rc<Vec<u8>>,
    pub media: String,
}

/// One image of an archive.
#[derive(Clone, Debug)]
pub struct ImageView {
    pub tags: Vec<String>,
    /// From an OCI descriptor.
    pub platform: Value,
    /// The manifest's bytes, of an OCI image.
    pub manifest: Option<Vec<u8>>,
    pub config_bytes: Vec<u8>,
    pub config: Value,
    pub layers: Vec<LayerView>,
}

/// A whole archive. Problems are collected, not thrown, so that a test names them all.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// By `index.json`, where there is one, with attestations left out; else by `manifest.json`.
    pub images: Vec<ImageView>,
    /// By `manifest.json`.
    pub docker: Vec<ImageView>,
    pub index: Option<Value>,
    pub entries: Entries,
    pub problems: Vec<String>,
}

/// Opens a file or directory; a whole archive may itself be compressed.
pub fn open(path: &Path) -> View {
    let entries = if path.is_dir() { read_dir(path, path) } else { read_tar(&std::fs::read(path).unwrap()) };
    match entries {
        Ok(entries) => view(entries),
        Err(e) => View { problems: vec![e], ..View::default() },
    }
}

fn read_dir(root: &Path, dir: &Path) -> Result<Entries, String> {
    let mut out = Entries::new();
    for entry in std::fs::read_dir(dir).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            out.extend(read_dir(root, &path)?);
        } else {
            out.push((name, Entry::File(std::fs::read(&path).map_err(|e| e.to_string())?)));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(out)
}

/// The members of an archive's own tar.
pub fn read_tar(bytes: &[u8]) -> Result<Entries, String> {
    let bytes = decode(bytes)?;
    let mut out = Entries::new();
    for m in tar::read(&bytes)? {
        let name = String::from_utf8(super::replay::normal(&m.name)?).map_err(|e| e.to_string())?;
        let entry = match m.flag {
            b'5' => Entry::Dir,
            b'2' => Entry::Symlink(String::from_utf8_lossy(&m.link).into_owned()),
            b'1' => {
                let target = String::from_utf8_lossy(&m.link).into_owned();
                out.iter()
                    .find(|(n, _)| *n == target)
                    .map(|(_, e): &(_, Entry)| e.clone())
                    .ok_or("a dangling link in the archive")?
            }
            _ => Entry::File(m.content.to_vec()),
        };
        out.push((name, entry));
    }
    Ok(out)
}

fn view(entries: Entries) -> View {
    let mut v = View { entries, ..View::default() };
    if let Some(bytes) = get(&v.entries, "manifest.json") {
        match docker_images(&v.entries, &bytes) {
            Ok(images) => v.docker = images,
            Err(e) => v.problems.push(format!("manifest.json: {e}")),
        }
    }
    if let Some(bytes) = get(&v.entries, "index.json") {
        let layout = get(&v.entries, "oci-layout").unwrap_or_default();
        if !String::from_utf8_lossy(&layout).contains("imageLayoutVersion") {
            v.problems.push("no oci-layout file".into());
        }
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(index) => {
                let mut images = Vec::new();
                if let Err(e) = walk(&v.entries, &index, &[], &mut images, 0) {
                    v.problems.push(e);
                }
                v.images = merge_tags(images);
                v.index = Some(index);
            }
            Err(e) => v.problems.push(format!("index.json: {e}")),
        }
        // containerd's annotation has `docker.io/library/`; what the user sees is in `manifest.json`.
        for image in &mut v.images {
            if let Some(docker) = v.docker.iter().find(|d| d.config_bytes == image.config_bytes) {
                let known: Vec<String> = docker.tags.iter().map(|t| full(t)).collect();
                if image.tags.iter().any(|t| !known.contains(&full(t)) && t.contains(':')) {
                    v.problems.push(format!("index.json has tags {:?}, manifest.json {:?}", image.tags, docker.tags));
                }
                image.tags.clone_from(&docker.tags);
            }
        }
    } else {
        v.images.clone_from(&v.docker);
    }
    if v.images.is_empty() {
        v.problems.push("no image in the archive".into());
    }
    v
}

/// A reference with its registry, as containerd writes it.
pub fn full(tag: &str) -> String {
    match tag.split_once('/') {
        None => format!("docker.io/library/{tag}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => tag.to_owned(),
        Some(_) => format!("docker.io/{tag}"),
    }
}

/// The file of that name, symlinks within the archive followed.
pub fn get(entries: &Entries, name: &str) -> Option<Vec<u8>> {
    let (_, entry) = entries.iter().rev().find(|(n, _)| n == name)?;
    match entry {
        Entry::File(bytes) => Some(bytes.clone()),
        Entry::Symlink(target) => {
            let parent = name.rsplit_once('/').map_or("", |(p, _)| p);
            let path = super::replay::normal(format!("{parent}/{target}").as_bytes()).ok()?;
            get(entries, &String::from_utf8(path).ok()?)
        }
        Entry::Dir => None,
    }
}

/// The blob that a descriptor names, checked.
pub fn blob(entries: &Entries, descriptor: &Value) -> Result<Vec<u8>, String> {
    let digest = descriptor["digest"].as_str().ok_or("a descriptor without a digest")?;
    let path = digest.replacen(':', "/", 1);
    let bytes = get(entries, &format!("blobs/{path}")).ok_or_else(|| format!("blob {digest} is missing"))?;
    if sha256(&bytes) != digest {
        return Err(format!("blob {digest} has digest {}", sha256(&bytes)));
    }
    if descriptor["size"].as_u64() != Some(bytes.len() as u64) {
        return Err(format!("blob {digest}: size {} in the descriptor, {} bytes", descriptor["size"], bytes.len()));
    }
    Ok(bytes)
}

fn walk(entries: &Entries, index: &Value, tags: &[String], out: &mut Vec<ImageView>, depth: u32) -> Result<(), String> {
    for d in index["manifests"].as_array().ok_or("an index without manifests")? {
        let media = d["mediaType"].as_str().unwrap_or_default();
        let mut tags = tags.to_vec();
        let named = |key: &str| d["annotations"][key].as_str().map(str::to_owned);
        tags.extend(named("io.containerd.image.name").or_else(|| named("org.opencontainers.image.ref.name")));
        let bytes = blob(entries, d)?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        if media.contains("index") || media.contains("manifest.list") {
            if depth > 4 {
                return Err("indexes nest too deep".into());
            }
            walk(entries, &json, &tags, out, depth + 1)?;
        } else if d["annotations"]["vnd.docker.reference.type"] != "attestation-manifest" {
            let config = blob(entries, &json["config"])?;
            let layers = json["layers"].as_array().ok_or("a manifest without layers")?;
            let layer = |l: &Value| layer(blob(entries, l)?, l["mediaType"].as_str().unwrap_or_default());
            let layers = layers.iter().map(layer).collect::<Result<_, _>>()?;
            let mut image = image(tags, config, layers)?;
            image.platform = d["platform"].clone();
            image.manifest = Some(bytes);
            out.push(image);
        }
    }
    Ok(())
}

/// The same manifest under several tags is one image.
fn merge_tags(images: Vec<ImageView>) -> Vec<ImageView> {
    let mut out: Vec<ImageView> = Vec::new();
    for image in images {
        match out.iter_mut().find(|o| o.manifest == image.manifest) {
            Some(same) => same.tags.extend(image.tags),
            None => out.push(image),
        }
    }
    out
}

fn docker_images(entries: &Entries, manifest: &[u8]) -> Result<Vec<ImageView>, String> {
    let list: Vec<Value> = serde_json::from_slice(manifest).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    for m in list {
        let name = m["Config"].as_str().ok_or("no Config")?;
        let config = get(entries, name).ok_or_else(|| format!("{name} is missing"))?;
        let hex = name.rsplit('/').next().unwrap().trim_end_matches(".json");
        if sha256(&config) != format!("sha256:{hex}") {
            return Err(format!("{name} has digest {}", sha256(&config)));
        }
        let mut layers = Vec::new();
        for path in m["Layers"].as_array().ok_or("no Layers")? {
            let path = path.as_str().ok_or("a layer without a path")?;
            layers.push(layer(get(entries, path).ok_or_else(|| format!("{path} is missing"))?, "")?);
        }
        let tags = m["RepoTags"].as_array().into_iter().flatten();
        out.push(image(tags.filter_map(|t| t.as_str().map(str::to_owned)).collect(), config, layers)?);
    }
    Ok(out)
}

fn layer(blob: Vec<u8>, media: &str) -> Result<LayerView, String> {
    let tar = decode(&blob)?;
    Ok(LayerView { blob: Rc::new(blob), tar: Rc::new(tar), media: media.to_owned() })
}

fn image(tags: Vec<String>, config_bytes: Vec<u8>, layers: Vec<LayerView>) -> Result<ImageView, String> {
    let config: Value = serde_json::from_slice(&config_bytes).map_err(|e| format!("config: {e}"))?;
    Ok(ImageView { tags, platform: Value::Null, manifest: None, config_bytes, config, layers })
}

impl ImageView {
    pub fn tars(&self) -> Vec<&[u8]> {
        self.layers.iter().map(|l| l.tar.as_slice()).collect()
    }

    pub fn tree(&self) -> Result<super::Tree, String> {
        super::replay(&self.tars())
    }
}
