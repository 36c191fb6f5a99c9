//! The merged layers of an image, and the number of them that stay as they are. In a Windows image all stay: the registry's
//! hives of all layers count together, and names differ by more than their case, so nothing of it is merged.

use super::image::{Inputs, Scans, key};
use super::request::{Base, Request};
use crate::source::{Image, Input, LayerRef};
use crate::tar::Member;
use crate::tree::merge::{self, Merged};
use crate::{Digest, Error, ErrorKind, Result, Warning};

/// The reason that a Windows image is no stack of files.
const WINDOWS: &str = "the registry hives of all its layers count together, and its names do not tell case apart";

/// An image's layers, merged.
pub struct MergedImage {
    /// The layers, merged.
    pub merged: Merged,
    /// The number of layers that stay as they are.
    pub base: usize,
}

/// Merges the layers of all images of an input; nothing is merged of a Windows image.
///
/// # Errors
/// Returns an error if layers do not fit on each other, or `--base` fits no image.
pub fn merge(inputs: Inputs<'_>) -> Result<Vec<MergedImage>> {
    let Inputs { request, input, scans, .. } = inputs;
    merge_above(input, scans, &bases(request, input)?)
}

/// Merges the layers with this number of layers of each image kept as they are.
///
/// # Errors
/// Returns an error if layers do not fit on each other.
pub(super) fn merge_above(input: &Input, scans: &Scans, bases: &[usize]) -> Result<Vec<MergedImage>> {
    let one = |(image, &base): (&Image, &usize)| {
        if image.is_windows() {
            let none: Vec<&[Member]> = image.layers.iter().map(|_| &[][..]).collect();
            let base = image.layers.len();
            return Ok(MergedImage { merged: merge::merge(&none, base)?, base });
        }
        Ok(MergedImage { merged: merged(input, image, scans, base)?, base })
    };
    input.images.iter().zip(bases).map(one).collect()
}

/// Returns the warning about a Windows image.
pub(super) fn windows(image: &Image) -> Warning {
    Warning::new(
        "windows-image",
        format!("{} is a Windows image, whose layers pass as they are: {WINDOWS}", image.name()),
    )
}

/// Merges the layers of one image.
///
/// # Errors
/// Returns an error if they do not fit on each other, or it is a Windows image.
pub fn merge_layers(input: &Input, image: &Image, scans: &Scans) -> Result<Merged> {
    if image.is_windows() {
        let what = format!("{} is a Windows image, and cannot be looked into: {WINDOWS}", image.name());
        let error = Error::new(ErrorKind::Unsupported, what).archive(&input.name);
        return Err(error.hint("where other platforms are in the input, pick one of them with --platform"));
    }
    merged(input, image, scans, 0)
}

fn merged(input: &Input, image: &Image, scans: &Scans, base: usize) -> Result<Merged> {
    let members: Vec<&[Member]> = image.layers.iter().map(|l| scans[&key(l)].index.members.as_slice()).collect();
    merge::merge(&members, base).map_err(|e| e.archive(&input.name))
}

/// Returns the number of layers of each image that are its base.
fn bases(request: &Request, input: &Input) -> Result<Vec<usize>> {
    let of = |image: &Image| match &request.base {
        None => Ok(Some(0)),
        Some(Base::Count(n)) if *n > image.layers.len() => {
            Err(Error::new(ErrorKind::Usage, "--base names more layers than the image has")
                .archive(&input.name)
                .expected(format!("at most {}", image.layers.len()), n))
        }
        Some(Base::Count(n)) => Ok(Some(*n)),
        Some(Base::Digest(digest)) => Ok(base_by_digest(&image.layers, *digest)),
    };
    let found: Vec<Option<usize>> = input.images.iter().map(of).collect::<Result<_>>()?;
    if found.iter().all(Option::is_none) {
        let ids: Vec<String> = input.images.iter().flat_map(|i| &i.layers).map(|l| l.diff_id.to_string()).collect();
        let what = "--base names no layer of the image, neither by diff id nor by chain id";
        return Err(Error::new(ErrorKind::Usage, what)
            .archive(&input.name)
            .hint(format!("the diff ids from the bottom up are {}", ids.join(", "))));
    }
    Ok(found.into_iter().map(|n| n.unwrap_or(0)).collect())
}

/// Returns the number of layers up to the one with this diff_id or chain id.
/// Source: <https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>.
fn base_by_digest(layers: &[LayerRef], wanted: Digest) -> Option<usize> {
    let mut chain: Option<Digest> = None;
    for (index, layer) in layers.iter().enumerate() {
        let next = chain.map_or(layer.diff_id, |c| Digest::of(format!("{c} {}", layer.diff_id).as_bytes()));
        if next == wanted || layer.diff_id == wanted {
            return Some(index + 1);
        }
        chain = Some(next);
    }
    None
}
