//! Docker's `manifest.json`, by which docker 20.10, podman and skopeo read an archive.

use super::manifest::Manifest;
use super::traits::blob_path;
use super::{Assembly, OutLayer, Rewritten};
use crate::image::{Compression, Doc, Reference};
use crate::source::ImageFormat;
use crate::{Digest, Warning};
use serde_json::{Map, Value, json};

/// Writes `manifest.json`: the input's entries, or one per image. `manifests` is per image of the input.
pub fn manifest_json(assembly: &Assembly<'_>, manifests: &[Manifest], warnings: &mut Vec<Warning>) -> Vec<u8> {
    warn_of_zstd(assembly, warnings);
    let out = |image: usize| assembly.images.iter().find(|r| r.image == image);
    let Some(docker) = &assembly.input.trees.docker else {
        let entries = made(assembly, warnings);
        return Doc::new(Value::Array(entries)).raw;
    };
    let old = docker.doc.json.as_array().into_iter().flatten();
    let mut entries = Vec::new();
    let mut named = Vec::new();
    for (entry, image) in old.zip(&docker.images) {
        let Some((image, rewritten)) = image.and_then(|i| Some((i, out(i)?))) else {
            continue;
        };
        let mut entry = entry.clone();
        if !assembly.tags.is_empty() {
            // Entries that became the same image are one now.
            let config = &rewritten.config.digest();
            if named.contains(&image) || entries.iter().any(|e: &Value| e["Config"] == json!(blob_path(config))) {
                continue;
            }
            entry["RepoTags"] = if named.is_empty() { familiar(assembly.tags) } else { Value::Null };
        }
        named.push(image);
        entry["Config"] = json!(blob_path(&rewritten.config.digest()));
        entry["Layers"] = rewritten.layers.iter().map(|l| json!(blob_path(&l.digest))).collect();
        if let Some(sources) = entry.get("LayerSources").filter(|s| s.is_object()) {
            entry["LayerSources"] = layer_sources(sources, rewritten, &manifests[image]);
        }
        repoint_parent(&mut entry, assembly);
        entries.push(entry);
    }
    docker.doc.with(Value::Array(entries)).raw
}

/// Entries for an input that has none.
fn made(assembly: &Assembly<'_>, warnings: &mut Vec<Warning>) -> Vec<Value> {
    let mut taken: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    for (nth, rewritten) in assembly.images.iter().enumerate() {
        let image = &assembly.input.images[rewritten.image];
        let tags = match assembly.tags {
            // A bare tag, as layouts have it, is no name.
            [] => image.tags.iter().filter(|t| t.contains([':', '/'])).filter_map(|t| familiar_name(t)).collect(),
            // Several platforms of one image can share no tag in this form.
            tags if nth == 0 => tags.iter().filter_map(|t| familiar_name(t)).collect(),
            _ => Vec::new(),
        };
        let tags: Vec<String> = tags.into_iter().filter(|t| !taken.contains(t)).collect();
        taken.extend(tags.iter().cloned());
        let layers: Vec<String> = rewritten.layers.iter().map(|l| blob_path(&l.digest)).collect();
        let tags = if tags.is_empty() { Value::Null } else { json!(tags) };
        entries.push(json!({"Config": blob_path(&rewritten.config.digest()), "RepoTags": tags, "Layers": layers}));
    }
    if taken.is_empty() {
        let message =
            "the input gives its image no full name: `docker load` will show it as <none>; name it with --tag";
        warnings.push(Warning::new("no-name", message));
    } else if entries.len() > 1 && entries.iter().any(|e| e["RepoTags"].is_null()) {
        let message = "manifest.json gives a tag to one platform's image only: pick another with --platform";
        warnings.push(Warning::new("several-platforms", message));
    }
    entries
}

fn warn_of_zstd(assembly: &Assembly<'_>, warnings: &mut Vec<Warning>) {
    let docker = matches!(assembly.input.form, ImageFormat::Docker | ImageFormat::Hybrid);
    let mut new = assembly.images.iter().flat_map(|r| r.layers.iter().map(move |l| (r, l)));
    let passed = |r: &Rewritten, l: &OutLayer| {
        let layers = &assembly.input.images[r.image].layers;
        docker && l.from.and_then(|i| layers.get(i)).is_some_and(|old| old.digest == Some(l.digest))
    };
    if new.any(|(r, l)| l.compression == Compression::Zstd && !passed(r, l)) {
        let message = "docker before 23 cannot load zstd layers: write gzip or plain ones for it with --compression";
        warnings.push(Warning::new("zstd-in-docker-archive", message));
    }
}

/// `LayerSources`: by diff_id, the descriptor of the layer's blob.
fn layer_sources(old: &Value, rewritten: &Rewritten, manifest: &Manifest) -> Value {
    let descriptors = manifest.doc.json["layers"].as_array().into_iter().flatten();
    let mut sources = Map::new();
    for (layer, descriptor) in rewritten.layers.iter().zip(descriptors) {
        let key = layer.diff_id.to_string();
        let same = old.get(&key).filter(|s| s["digest"] == descriptor["digest"]);
        let new =
            || json!({"mediaType": descriptor["mediaType"], "size": layer.size, "digest": layer.digest.to_string()});
        sources.insert(key, same.cloned().unwrap_or_else(new));
    }
    Value::Object(sources)
}

/// `Parent` is another image's id.
fn repoint_parent(entry: &mut Value, assembly: &Assembly<'_>) {
    let parent = entry.get("Parent").and_then(Value::as_str).and_then(Digest::parse);
    let is_parent = |r: &&Rewritten| Some(assembly.input.images[r.image].config_digest) == parent;
    if let Some(new) = assembly.images.iter().find(is_parent) {
        entry["Parent"] = json!(new.config.digest().to_string());
    }
}

fn familiar(tags: &[String]) -> Value {
    tags.iter().filter_map(|t| familiar_name(t)).map(Value::String).collect()
}

fn familiar_name(tag: &str) -> Option<String> {
    Reference::parse(tag).ok().map(|r| r.familiar())
}
