//! A second way to tell whether a manifest is of an image: images have tars for layers and a config that describes an image.
//! Everything else that layouts hold (signatures, charts, modules, models) is checked as blobs alone.

use super::store::Store;
use crate::{Digest, Result};
use serde_json::Value;

/// The types of an image's config.
const CONFIGS: [&str; 3] =
    ["", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// A type without meaning, which some registries put in the place of the true one.
const BYTES: &str = "application/octet-stream";
/// The size in bytes of the largest config that is read here.
const MAX_CONFIG: u64 = 4 << 20;

/// True if a descriptor of this type leads to a manifest or an index.
pub fn leads_on(media: &str) -> bool {
    let (oci, docker) = ("application/vnd.oci.image.", "application/vnd.docker.distribution.manifest.");
    let rest = media.strip_prefix(oci).map(|rest| ["manifest.v1+json", "index.v1+json"].contains(&rest));
    let rest = rest.or_else(|| Some(["v2+json", "list.v2+json"].contains(&media.strip_prefix(docker)?)));
    media.is_empty() || rest == Some(true)
}

/// True if a manifest is of something else than an image.
///
/// # Errors
/// Returns an error if the host does not let its config be read.
pub fn is_one(store: &Store, manifest: &Value) -> Result<bool> {
    let media = |value: &Value| value["mediaType"].as_str().unwrap_or_default().to_owned();
    let stated = manifest["artifactType"].as_str().unwrap_or_default();
    let of_config = media(&manifest["config"]);
    if !CONFIGS.contains(&stated) || !CONFIGS.contains(&of_config.as_str()) && of_config != BYTES {
        return Ok(true);
    }
    let layers: Vec<String> = manifest["layers"].as_array().into_iter().flatten().map(media).collect();
    let is_tar = |media: &String| {
        let mut words = media.split(|c: char| !c.is_ascii_alphanumeric());
        media.is_empty() || words.any(|word| word == "tar" || word == "encrypted")
    };
    if !layers.is_empty() && !layers.iter().any(is_tar) {
        return Ok(true);
    }
    let digest = manifest["config"]["digest"].as_str().and_then(Digest::parse);
    let blob = digest.map_or(Ok(None), |digest| store.find(&format!("blobs/sha256/{}", digest.hex())))?;
    let Some(blob) = blob.filter(|blob| blob.size <= MAX_CONFIG) else { return Ok(false) };
    let config: Value = serde_json::from_slice(&store.document(&blob)?).unwrap_or_default();
    if of_config == BYTES {
        return Ok(!config["rootfs"]["diff_ids"].is_array());
    }
    let fields = ["rootfs", "architecture", "os", "config", "history"];
    Ok(config.as_object().is_some_and(|object| fields.iter().all(|field| !object.contains_key(*field))))
}
