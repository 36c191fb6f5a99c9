//! Manifests of artifacts, which are no images: signatures, attestations, charts, modules, bundles, models. An artifact passes
//! as it is, unless it is about an image that changes: then it goes.

use super::traits::Source;
use super::tree::Raw;
use crate::Digest;
use crate::Result;
use crate::image::Descriptor;
use crate::image::descriptor::base64;
use crate::image::doc::View;
use crate::image::media::{self, LayerMedia};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// The media type that registries and tools give a config whose type they do not care for; docker and podman take it for an
/// image's.
const ANYTHING: &str = "application/octet-stream";
/// The fields of which an image's config has at least one.
const FIELDS: [&str; 5] = ["rootfs", "architecture", "os", "config", "history"];
/// Limits for reading the documents of an artifact: bytes of one document, and number of documents.
const MAX_DOCUMENT: u64 = 4 << 20;
const MAX_DOCUMENTS: usize = 64;
/// Limits for one artifact: bytes of its documents that are read, and number of digests in them that count.
const MAX_READ: u64 = 16 << 20;
const MAX_NAMED: usize = 256;

/// The type of the artifact that a manifest is of, `None` for an image. An image has layers that are tars, or none at all, and a
/// config with a field of an image's.
pub fn kind(source: &dyn Source, manifest: &View<'_>) -> Result<Option<String>> {
    let stated: String = manifest.get("artifactType")?.read()?;
    if !stated.is_empty() && !media::is_config(&stated) {
        return Ok(Some(stated));
    }
    let config = manifest.get("config")?;
    let of_config: String = config.get("mediaType")?.read()?;
    if !media::is_config(&of_config) && of_config != ANYTHING {
        return Ok(Some(of_config));
    }
    let layers = manifest.get("layers")?.list()?;
    let layers = layers.iter().map(|l| l.get("mediaType")?.read()).collect::<Result<Vec<String>>>()?;
    if let (Some(first), false) = (layers.first(), layers.iter().any(|media| is_tar(media))) {
        return Ok(Some(first.clone()));
    }
    let Some(json) = document(source, &config)? else { return Ok(None) };
    let says = |object: &serde_json::Map<String, Value>| match of_config == ANYTHING {
        true => object.get("rootfs").is_some_and(|rootfs| rootfs["diff_ids"].is_array()),
        false => FIELDS.iter().any(|field| object.contains_key(*field)),
    };
    let is_config = match (&json, json.as_ref().and_then(Value::as_object)) {
        (_, Some(object)) => says(object),
        // What is broken may be a config; of any type it is none.
        _ => of_config != ANYTHING,
    };
    let what = || {
        let media = layers.first().cloned().unwrap_or(of_config);
        format!("{media} (with a config that says nothing of an image)")
    };
    Ok((!is_config).then(what))
}

/// Returns true if a layer's type says that it is a tar, known or not.
fn is_tar(media: &str) -> bool {
    let word = |word: &str| word == "tar" || word == "encrypted";
    media.is_empty() || LayerMedia::parse(media).is_ok() || media.split(['.', '/', '+', '-']).any(word)
}

/// The document that a descriptor names: `None` if it is not there, `Some(None)` if it is no JSON.
fn document(source: &dyn Source, descriptor: &View<'_>) -> Result<Option<Option<Value>>> {
    let Some(digest) = descriptor.get("digest")?.str()?.and_then(Digest::parse) else { return Ok(None) };
    let Some(blob) = source.blob(&digest)?.filter(|blob| blob.size() <= MAX_DOCUMENT) else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&source.document(&blob, "config")?).ok()))
}

/// The digests that an artifact names, in order: in its manifest's annotations, and in the documents among its other blobs. A
/// signature's payload and an attestation's statement name what they are about.
pub fn named(source: &dyn Source, manifest: &View<'_>, blobs: &[Raw]) -> Result<Vec<Digest>> {
    let mut found = Vec::new();
    manifest.get("annotations")?.value().iter().for_each(|annotations| digests(annotations, false, &mut found));
    let (mut seen, mut left) = (HashSet::new(), MAX_READ);
    let small = blobs.iter().skip(1).filter(|raw| raw.blob.size() <= MAX_DOCUMENT);
    for raw in small.filter(|raw| seen.insert(raw.digest)).take(MAX_DOCUMENTS) {
        let Some(rest) = left.checked_sub(raw.blob.size()).filter(|_| found.len() < MAX_NAMED) else { break };
        left = rest;
        let Ok(bytes) = source.document(&raw.blob, "artifact") else { continue };
        // Several documents may stand on lines of their own.
        let documents = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
        documents.map_while(std::result::Result::ok).for_each(|json| digests(&json, true, &mut found));
    }
    found.truncate(MAX_NAMED);
    Ok(found)
}

/// The digests that the annotations of a descriptor name, in the order of their keys, in which Go's encoder writes them.
pub fn in_annotations(descriptor: &Descriptor) -> Vec<Digest> {
    let annotations: BTreeMap<_, _> = descriptor.fields.annotations().iter().flatten().collect();
    annotations.values().flat_map(|text| in_text(text)).collect()
}

fn in_text(text: &str) -> impl Iterator<Item = Digest> {
    text.split(|c: char| !c.is_ascii_hexdigit()).filter_map(Digest::from_hex)
}

fn digests(json: &Value, packed: bool, found: &mut Vec<Digest>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| digests(item, packed, found)),
        Value::Object(fields) => fields.values().for_each(|value| digests(value, packed, found)),
        Value::String(text) => {
            found.extend(in_text(text));
            // An envelope has its payload in base64.
            let inner = || serde_json::from_slice::<Value>(&base64(text)?).ok();
            if let Some(inner) = Some(text).filter(|text| packed && text.len() > 60).and_then(|_| inner()) {
                digests(&inner, false, found);
            }
        }
        _ => {}
    }
}
