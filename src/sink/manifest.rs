//! Image manifests: the input's edited, or new ones if it has none.

use super::{OutLayer, Rewritten};
use crate::image::about::{Ids, Moves, Place};
use crate::image::media::{DOCKER_MANIFEST, Family, MediaType};
use crate::image::{Compression, Doc, LayerMedia, descriptor};
use crate::source::Image;
use crate::{Digest, Result, Warning};
use oci_spec::image::ImageManifestBuilder;
use serde_json::{Value, json};

/// A manifest as it is written.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The document.
    pub doc: Doc,
    /// The digest of the document.
    pub digest: Digest,
    /// The media type, if descriptors of it need another than before.
    pub media: Option<MediaType>,
    /// The image's layers before and after, for annotations of its descriptors.
    pub moves: Moves,
}

/// The layers of `image` before and after.
#[must_use]
pub fn moves(image: &Image, layers: &[OutLayer]) -> Moves {
    let before: Vec<Ids> = image.layers.iter().map(|l| Ids { diff_id: l.diff_id, blob: l.digest }).collect();
    let after: Vec<(Option<usize>, Ids)> = layers.iter().map(|l| (l.from, ids(l))).collect();
    Moves::new(&before, &after, layers.iter().any(|l| l.compression == Compression::Zstd))
}

const fn ids(layer: &OutLayer) -> Ids {
    Ids { diff_id: layer.diff_id, blob: Some(layer.digest) }
}

/// The manifest of `image` as `out` has it; the same bytes if nothing in it changes.
pub fn manifest(image: &Image, out: &Rewritten, warnings: &mut Vec<Warning>) -> Result<Manifest> {
    let mut json = match &image.manifest {
        None => made(&out.config)?,
        Some(doc) => doc.json.clone(),
    };
    let docker = json.get("mediaType").and_then(Value::as_str) == Some(DOCKER_MANIFEST);
    let old_layers = json.get("layers").and_then(Value::as_array).cloned().unwrap_or_default();
    let before = |layer: &OutLayer| layer.from.and_then(|i| old_layers.get(i));
    let changed = |layer: &&OutLayer| !names(before(layer), &layer.digest);
    // containerd has a name of its own for zstd layers in such a manifest: what has it already keeps it.
    let zstd = |layer: Option<&Value>| layer_media(layer).is_some_and(|m| m.compression == Compression::Zstd);
    let new_zstd = |l: &OutLayer| l.compression == Compression::Zstd && !zstd(before(l));
    let convert = docker && out.layers.iter().filter(changed).any(new_zstd);
    if convert {
        let message = "docker's manifests know no zstd layers: the manifest is written with OCI media types";
        warnings.push(Warning::new("manifest-converted", message));
    }
    let family = if docker && !convert { Family::Docker } else { Family::Oci };
    let mut told = Vec::new();
    let mut descriptor = |layer: &OutLayer| {
        let was = layer.from.and_then(|i| image.layers.get(i)).map(|l| Ids { diff_id: l.diff_id, blob: l.digest });
        let zstd = layer.compression == Compression::Zstd;
        let moves = Moves::new(was.as_slice(), &[(Some(0), ids(layer))], zstd);
        layer_descriptor(layer, before(layer), family, convert, &moves, &mut told)
    };
    json["layers"] = Value::Array(out.layers.iter().map(&mut descriptor).collect::<Result<_>>()?);
    let moves = moves(image, &out.layers);
    told.extend(moves.edit_at(Place::Manifest, &mut json, &["annotations"]));
    // What holds for several layers is told once.
    for warning in told {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    if let Some(config) = json.get_mut("config")
        && !names(Some(config), &out.config.digest())
    {
        point(config, &out.config.digest(), out.config.size());
    }
    if convert {
        json["mediaType"] = json!(MediaType::ImageManifest);
        json["config"]["mediaType"] = json!(MediaType::ImageConfig);
    }
    let media = (convert || image.manifest.is_none()).then_some(MediaType::ImageManifest);
    let doc = match &image.manifest {
        None => Doc::new(json),
        Some(doc) => doc.with(json),
    };
    Ok(Manifest { digest: doc.digest(), doc, media, moves })
}

/// A new manifest of `config`, without layers.
fn made(config: &Doc) -> Result<Value> {
    let config = descriptor::made(MediaType::ImageConfig, config.digest(), config.size())?;
    let manifest = ImageManifestBuilder::default().schema_version(2u32).media_type(MediaType::ImageManifest);
    descriptor::json(&manifest.config(config).layers([]).build()?)
}

/// Returns true if `descriptor` is of the blob `digest`.
fn names(descriptor: Option<&Value>, digest: &Digest) -> bool {
    let text = descriptor.and_then(|d| d.get("digest")).and_then(Value::as_str);
    text.and_then(Digest::parse) == Some(*digest)
}

/// Makes `descriptor` one of another blob.
pub fn point(descriptor: &mut Value, digest: &Digest, size: u64) {
    if let Some(fields) = descriptor.as_object_mut() {
        fields.insert("digest".into(), json!(digest.to_string()));
        fields.insert("size".into(), json!(size));
        fields.shift_remove("data");
    }
}

fn layer_media(descriptor: Option<&Value>) -> Option<LayerMedia> {
    LayerMedia::parse(descriptor?.get("mediaType")?.as_str()?).ok()
}

fn layer_descriptor(
    layer: &OutLayer,
    old: Option<&Value>,
    family: Family,
    convert: bool,
    moves: &Moves,
    told: &mut Vec<Warning>,
) -> Result<Value> {
    let media = layer_media(old);
    if let Some(old) = old.filter(|_| names(old, &layer.digest)) {
        let mut kept = old.clone();
        if let (true, Some(media)) = (convert, media) {
            kept["mediaType"] = json!(media.oci_name());
        }
        return Ok(kept);
    }
    let family = if convert { Family::Oci } else { media.map_or(family, |m| m.family) };
    let media = LayerMedia::name(family, layer.compression);
    let mut new = descriptor::json(&descriptor::made(media, layer.digest, layer.size)?)?;
    let some = |annotations: &&Value| annotations.as_object().is_some_and(|fields| !fields.is_empty());
    if let Some(annotations) = old.and_then(|d| d.get("annotations")).filter(some) {
        new["annotations"] = annotations.clone();
        told.extend(moves.edit_at(Place::Layer, &mut new, &["annotations"]));
    }
    Ok(new)
}
