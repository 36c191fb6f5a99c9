//! Docker's `manifest.json`: a list of images, each with the paths of its config and its layers. Hybrid archives name each
//! image twice, there and in `index.json`: these become one. Source:
//! <https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format>.

use super::draft::{Draft, of_config, verified};
use super::traits::Source;
use crate::image::Doc;
use crate::image::doc::View;
use crate::{Digest, Error, ErrorKind, Result};

/// The name of the document.
pub const NAME: &str = "manifest.json";

/// Reads the images of `manifest.json`, one per entry.
pub fn read(source: &dyn Source, doc: &Doc) -> Result<Vec<Draft>> {
    let entries = doc.view(NAME).list()?;
    if entries.is_empty() {
        return Err(Error::new(ErrorKind::Archive, "names no image").member(NAME.as_bytes()));
    }
    entries.iter().map(|entry| read_entry(source, entry)).collect()
}

fn read_entry(source: &dyn Source, entry: &View<'_>) -> Result<Draft> {
    let path = entry.get("Config")?;
    let path = path.str()?.ok_or_else(|| path.error(ErrorKind::Archive, "no path"))?;
    let missing = || Error::new(ErrorKind::Archive, "missing, although manifest.json names it").member(path.as_bytes());
    let blob = source.find(path)?.ok_or_else(missing)?;
    let config = match digest_in(path) {
        Some(digest) => verified(source, &blob, path, &digest, None),
        None => source.document(&blob, path).and_then(|bytes| Doc::parse(path, bytes)),
    };
    let config = config.map_err(of_config)?;
    let digest = config.digest();
    let mut draft = Draft::new(config, digest, None).map_err(of_config)?;
    for tag in entry.get("RepoTags")?.read::<Vec<String>>()? {
        draft.tag(&tag);
    }
    let layers: Vec<String> = entry.get("Layers")?.read()?;
    let find = |path: String| source.find(&path).map(|blob| (path, blob));
    draft.files = Some(layers.into_iter().map(find).collect::<Result<_>>()?);
    Ok(draft)
}

/// Joins the images of `manifest.json` to those of `index.json` that have the same config; others are added. The result
/// says for each entry of `manifest.json` which image it is.
pub fn merge(source: &dyn Source, drafts: &mut Vec<Draft>, entries: Vec<Draft>) -> Result<Vec<usize>> {
    // The names of `manifest.json` win: one image has all of its there, as docker spells them.
    let mut named = vec![false; drafts.len() + entries.len()];
    let mut images = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = match same_image(source, drafts, &entry)? {
            Some(at) => at,
            None => {
                drafts.push(entry);
                named[drafts.len() - 1] = true;
                images.push(drafts.len() - 1);
                continue;
            }
        };
        let draft = &mut drafts[at];
        if !named[at] && !entry.tags.is_empty() {
            draft.tags.clear();
            named[at] = true;
        }
        entry.tags.iter().for_each(|tag| draft.tag(tag));
        draft.files = draft.files.take().or(entry.files);
        images.push(at);
    }
    Ok(images)
}

/// The image with the entry's config: of several (one in gzip, one in zstd) the one with the same blobs.
fn same_image(source: &dyn Source, drafts: &[Draft], entry: &Draft) -> Result<Option<usize>> {
    let mut first = None;
    for (at, draft) in drafts.iter().enumerate().filter(|(_, d)| d.config_digest == entry.config_digest) {
        first = first.or(Some(at));
        if same_blobs(source, draft, entry)? {
            return Ok(Some(at));
        }
    }
    Ok(first)
}

fn same_blobs(source: &dyn Source, draft: &Draft, entry: &Draft) -> Result<bool> {
    let files = entry.files.as_deref().unwrap_or_default();
    if draft.manifest.is_none() || draft.descriptors.len() != files.len() {
        return Ok(false);
    }
    for (descriptor, (_, blob)) in draft.descriptors.iter().zip(files) {
        if source.blob(&descriptor.digest)? != *blob {
            return Ok(false);
        }
    }
    Ok(true)
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
