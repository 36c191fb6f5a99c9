//! Hybrid archives name each image twice, in `manifest.json` and in `index.json`: these become one.

use super::draft::Draft;
use super::store::Store;
use crate::Result;

/// Joins the images of `manifest.json` to those of `index.json` that have the same config; others are added. The result
/// says for each entry of `manifest.json` which image it is.
pub fn merge(store: &Store, drafts: &mut Vec<Draft>, entries: Vec<Draft>) -> Result<Vec<usize>> {
    // The names of `manifest.json` win: one image has all of its there, as docker spells them.
    let mut named = vec![false; drafts.len() + entries.len()];
    let mut images = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = match find(store, drafts, &entry)? {
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
fn find(store: &Store, drafts: &[Draft], entry: &Draft) -> Result<Option<usize>> {
    let mut first = None;
    for (at, draft) in drafts.iter().enumerate().filter(|(_, d)| d.config_digest == entry.config_digest) {
        first = first.or(Some(at));
        if same_blobs(store, draft, entry)? {
            return Ok(Some(at));
        }
    }
    Ok(first)
}

fn same_blobs(store: &Store, draft: &Draft, entry: &Draft) -> Result<bool> {
    let files = entry.files.as_deref().unwrap_or_default();
    if draft.manifest.is_none() || draft.descriptors.len() != files.len() {
        return Ok(false);
    }
    for (descriptor, (_, blob)) in draft.descriptors.iter().zip(files) {
        if store.blob(&descriptor.digest)? != *blob {
            return Ok(false);
        }
    }
    Ok(true)
}
