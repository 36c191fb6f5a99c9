//! Docker's `manifest.json`: a list of images, each with the paths of its config and its layers.
//! Source: <https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format>.

use super::draft::{Draft, of_config, verified};
use super::store::Store;
use crate::image::Doc;
use crate::image::doc::View;
use crate::{Digest, Error, ErrorKind, Result};

/// The name of the document.
pub const NAME: &str = "manifest.json";

/// Reads the images of `manifest.json`, one per entry.
pub fn read(store: &Store, doc: &Doc) -> Result<Vec<Draft>> {
    let entries = doc.view(NAME).list()?;
    if entries.is_empty() {
        return Err(Error::new(ErrorKind::Archive, "names no image").member(NAME.as_bytes()));
    }
    entries.iter().map(|entry| read_entry(store, entry)).collect()
}

fn read_entry(store: &Store, entry: &View<'_>) -> Result<Draft> {
    let path = entry.get("Config")?;
    let path = path.str()?.ok_or_else(|| path.error(ErrorKind::Archive, "no path"))?;
    let missing = || Error::new(ErrorKind::Archive, "missing, although manifest.json names it").member(path.as_bytes());
    let blob = store.find(path)?.ok_or_else(missing)?;
    let config = match digest_in(path) {
        Some(digest) => verified(store, &blob, path, &digest, None),
        None => store.document(&blob, path).and_then(|bytes| Doc::parse(path, bytes)),
    };
    let config = config.map_err(of_config)?;
    let digest = config.digest();
    let mut draft = Draft::new(config, digest, None).map_err(of_config)?;
    for tag in entry.get("RepoTags")?.read::<Vec<String>>()? {
        draft.tag(&tag);
    }
    let layers: Vec<String> = entry.get("Layers")?.read()?;
    let find = |path: String| store.find(&path).map(|blob| (path, blob));
    draft.files = Some(layers.into_iter().map(find).collect::<Result<_>>()?);
    Ok(draft)
}

/// The digest that a path names: `HEX.json` of old archives, `blobs/sha256/HEX` of new ones.
fn digest_in(path: &str) -> Option<Digest> {
    let path = path.trim_start_matches("./");
    blob_digest(path).or_else(|| Digest::from_hex(path.strip_suffix(".json")?))
}

/// The digest that the path of a blob names.
pub fn blob_digest(path: &str) -> Option<Digest> {
    Digest::from_hex(path.trim_start_matches("./").strip_prefix("blobs/sha256/")?)
}
