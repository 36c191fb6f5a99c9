//! Picking images: by `:REF` and by platform.

use super::draft::Draft;
use super::oci::images_below;
use super::tree::{NodeKind, OciTree, Trees};
use crate::image::descriptor::{IMAGE_NAME, REF_NAME};
use crate::image::{Platform, Reference};
use crate::{Digest, Error, ErrorKind, Result};

/// Leaves the images that are wanted; the trees then count these alone.
pub fn select(
    drafts: Vec<Draft>,
    trees: &mut Trees,
    reference: Option<&str>,
    platform: Option<&Platform>,
) -> Result<Vec<Draft>> {
    let mut keep = vec![true; drafts.len()];
    if let Some(reference) = reference {
        keep = by_reference(&drafts, trees, reference)?;
    }
    if let Some(platform) = platform {
        let chosen = drafts.iter().zip(&keep).filter(|(_, keep)| **keep);
        let skipped = trees.oci.iter().flat_map(|oci| &oci.skipped);
        let found = listed(chosen.map(|(d, _)| &d.platform).chain(skipped).map(ToString::to_string));
        // What says nothing runs anywhere, but is not what is meant where another says it.
        let exact = drafts.iter().zip(&keep).any(|(draft, keep)| *keep && draft.platform == *platform);
        for (keep, draft) in keep.iter_mut().zip(&drafts) {
            *keep &= if exact { draft.platform == *platform } else { draft.runs_on(platform) };
        }
        if !keep.contains(&true) {
            let error = Error::new(ErrorKind::Usage, format!("no image for platform {platform}"));
            return Err(error.hint(format!("platforms in the input: {}", none_or(&found))));
        }
    } else if !keep.contains(&true) {
        let what = format!("`{}` is no image, or its image is not there", reference.unwrap_or_default());
        return Err(Error::new(ErrorKind::Usage, what));
    }
    let mut next = 0;
    let places: Vec<Option<usize>> = keep
        .iter()
        .map(|&keep| {
            next += usize::from(keep);
            keep.then(|| next - 1)
        })
        .collect();
    let place = |image: &mut Option<usize>| *image = image.and_then(|i| places[i]);
    if let Some(oci) = &mut trees.oci {
        for node in &mut oci.nodes {
            if let NodeKind::Image(image) = &mut node.kind {
                place(image);
            }
        }
    }
    if let Some(docker) = &mut trees.docker {
        docker.images.iter_mut().for_each(place);
    }
    Ok(drafts.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(draft, _)| draft).collect())
}

/// The images that `reference` names. Full names first; a bare tag (an OCI layout's) only where it is one image's.
fn by_reference(drafts: &[Draft], trees: &mut Trees, reference: &str) -> Result<Vec<bool>> {
    let wanted = Reference::parse(reference).ok();
    let same = |name: &str| name == reference || (wanted.is_some() && Reference::parse(name).ok() == wanted);
    let mut keep: Vec<bool> = drafts.iter().map(|d| d.tags.iter().any(|t| same(t)) || has_id(d, reference)).collect();
    let in_docker = |i: usize| trees.docker.as_ref().is_some_and(|d| d.images.contains(&Some(i)));
    let mut found = false;
    if let Some(oci) = &mut trees.oci {
        let by_name = pick(oci, &|edge| [IMAGE_NAME, REF_NAME].iter().any(|k| edge.annotation(k).is_some_and(same)));
        let by_name = if by_name.is_empty() {
            let digest = Digest::parse(reference);
            pick(oci, &|edge| edge.annotation(REF_NAME) == Some(reference) || Some(edge.digest) == digest)
        } else {
            by_name
        };
        let named: Vec<usize> = by_name.iter().flat_map(|&e| images_below(&oci.nodes, oci.edges[e].node)).collect();
        for (i, keep) in keep.iter_mut().enumerate() {
            // A tag stands for the whole of its descriptor, and for nothing that only shares a name with it.
            *keep = if by_name.is_empty() { *keep } else { named.contains(&i) || (*keep && in_docker(i)) };
        }
        found = !by_name.is_empty();
        let chosen: Vec<Digest> = by_name.iter().map(|&e| oci.edges[e].descriptor.digest).collect();
        let OciTree { nodes, edges, .. } = oci;
        for edge in edges {
            let kept = || images_below(nodes, edge.node).iter().any(|&image| keep[image]);
            let about = edge.refers.is_some_and(|digest| chosen.contains(&digest));
            edge.selected = about || if chosen.is_empty() { kept() } else { chosen.contains(&edge.descriptor.digest) };
        }
    }
    if found || keep.contains(&true) {
        return Ok(keep);
    }
    let names = listed(drafts.iter().flat_map(|d| if d.tags.is_empty() { vec![d.name()] } else { d.tags.clone() }));
    let error = Error::new(ErrorKind::Usage, format!("no image `{reference}` in the input"));
    Err(error.hint(format!("images in the input: {}", none_or(&names))))
}

fn pick(oci: &OciTree, matches: &dyn Fn(&crate::image::Descriptor) -> bool) -> Vec<usize> {
    (0..oci.edges.len()).filter(|&i| matches(&oci.edges[i].descriptor)).collect()
}

/// `sha256:` and at least 12 digits of the image's id or its manifest's digest.
fn has_id(draft: &Draft, reference: &str) -> bool {
    let manifest = draft.manifest.as_ref().map(|(_, digest)| digest.to_string());
    reference.len() >= "sha256:".len() + 12
        && (draft.config_digest.to_string().starts_with(reference)
            || manifest.is_some_and(|m| m.starts_with(reference)))
}

fn listed(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.take(50).collect();
    names.dedup();
    names
}

fn none_or(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
