//! `slim verify`: checks that an image is consistent, and that it is what it was to become. Everything that is checked is read
//! a second time, by code that shares no reading of archives, layers and trees with the code that writes (except hashes, the
//! spelling of paths in [`crate::path`], and the references of texts, from [`crate::refs`]): [`store`] and [`documents`] find
//! the layers, [`layer`], [`member`] and [`pax`] read them once, [`replay`] makes the tree, `compare` compares it with another
//! and with the expectation of a plan ([`expected`]).

use crate::registry::Options;
use crate::source::Location;
use crate::{Digest, Error, ErrorKind, Result};
use bstr::BString;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicUsize;

mod artifact;
mod compare;
pub mod compression;
mod config;
pub mod content;
pub mod documents;
pub mod elf;
pub mod expected;
pub mod findings;
pub mod layer;
pub mod ledgers;
pub mod lists;
pub mod member;
mod modules;
mod outer;
pub mod output;
pub mod pax;
mod platform;
mod references;
pub mod replay;
pub mod store;

use content::Wanted;
use documents::{Claim, Image};
use expected::Expected;
use findings::Outcome;
use layer::Layer;
use replay::Tree;
use store::{Blob, Store};

/// The input of a verification.
pub struct Request<'a> {
    /// The image.
    pub output: &'a Location,
    /// The image that it was made from.
    pub against: Option<&'a Location>,
    /// The only platform to take of the image that it was made from; `None` for all.
    pub platform: Option<&'a str>,
    /// The plans' expectations for the images of `against`, if there are plans.
    pub expected: Option<&'a [Expected]>,
    /// The options of registries.
    pub registry: &'a Options,
    /// Called with a phase and the number of bytes to be read in it.
    pub phase: &'a dyn Fn(&str, u64),
    /// Called with the number of bytes as they are read.
    pub advance: &'a (dyn Fn(u64) + Sync),
}

/// One side: an open archive with its images.
struct Side {
    store: Store,
    images: Vec<Image>,
    layers: BTreeMap<Blob, Layer>,
}

impl Side {
    fn open(location: &Location, options: &Options, out: &mut Outcome) -> Result<Self> {
        let store = Store::open(location, options)?;
        let mut images = documents::read(&store, out)?;
        if let Some(reference) = &location.reference {
            // A name without a tag means the tag `latest`.
            let latest = format!("{reference}:latest");
            let is = |tag: &String, name: &str| tag == name || tag.ends_with(&format!("/{name}"));
            let named = |tag: &String| is(tag, reference) || is(tag, &latest);
            images.retain(|image| image.tags.iter().any(named) || image.id.to_string() == *reference);
        }
        if images.is_empty() {
            let error = Error::new(ErrorKind::Archive, "there is no image to look at").archive(&store.name);
            return Err(error.hint("of an index whose blobs are not there, save the image again"));
        }
        Ok(Self { store, images, layers: BTreeMap::new() })
    }

    fn blobs(&self) -> Vec<&Claim> {
        let mut unique: BTreeMap<&Blob, &Claim> = BTreeMap::new();
        for claim in self.images.iter().flat_map(|image| &image.layers) {
            if let Some(blob) = &claim.blob {
                unique.entry(blob).or_insert(claim);
            }
        }
        unique.into_values().collect()
    }

    /// Returns the tree of an image; `None` if a layer of it is missing or broken, which has been reported.
    fn tree(&self, image: &Image) -> Result<Option<Tree<'_>>, String> {
        let layer = |claim: &Claim| self.layers.get(claim.blob.as_ref()?).filter(|layer| layer.wrong.is_none());
        let layers: Option<Vec<&Layer>> = image.layers.iter().map(layer).collect();
        layers.map(Tree::new).transpose()
    }
}

/// Verifies an image.
///
/// # Errors
/// Returns an error if there is nothing that could be verified, or the host does not let it be read. Mistakes in the image are
/// no errors, but part of the outcome.
pub fn verify(request: &Request<'_>) -> Result<Outcome> {
    let mut out = Outcome::default();
    let mut new = Side::open(request.output, request.registry, &mut out)?;
    let mut of_input = Outcome::default();
    let mut old = request.against.map(|location| Side::open(location, request.registry, &mut of_input)).transpose()?;
    for finding in of_input.mismatches {
        let place = format!("IN: {}", finding.place);
        out.note(finding.kind, place, finding.expected, finding.found);
    }
    if let Some(old) = &mut old {
        let wanted = |image: &Image| match (request.expected, request.platform) {
            (Some(expected), _) => expected.iter().any(|e| e.id == Some(image.id)),
            (None, Some(wanted)) => platform::agree(&platform::parts(&image.config), &platform::written(wanted)),
            (None, None) => true,
        };
        old.images.retain(wanted);
    }
    read_layers(request, &mut new, old.as_mut())?;
    for index in 0..new.images.len() {
        let from = out.counts();
        let image = &new.images[index];
        layers_of(&new, image, &mut out);
        config::check(image, &mut out);
        out.checked.images += 1;
        let tree = if image.is_windows() { Ok(None) } else { new.tree(image) };
        let tree = tree.unwrap_or_else(|e| {
            out.wrong("layer", "the layers on top of each other", "a tree", e);
            None
        });
        let windows = |old: &Side| image.is_windows() || old.images.iter().all(Image::is_windows);
        match (&tree, &old) {
            (_, Some(old)) if windows(old) => windows_layers(pair(old, &new, index), image, &mut out),
            (Some(tree), Some(old)) => match pair(old, &new, index) {
                Some(before) => against(request, old, before, image, tree, &mut out)?,
                None => out.wrong("image", image.name(), "an image of IN that it was made from", "none"),
            },
            _ => {}
        }
        if new.images.len() > 1 {
            out.name(from, &image.name());
        }
    }
    if let Some(old) = &old {
        for image in old.images.iter().skip(new.images.len()) {
            out.wrong("image", image.name(), "an image of OUT that is made from it", "none");
        }
    }
    Ok(out)
}

fn read_layers(request: &Request<'_>, new: &mut Side, old: Option<&mut Side>) -> Result<()> {
    let whole: HashSet<BString> =
        request.expected.into_iter().flatten().flat_map(|e| e.whole.iter().cloned()).collect();
    let ledgers = request.expected.is_some();
    let memory = AtomicUsize::new(0);
    let (references, advance) = (old.is_some(), request.advance);
    let of_new = Wanted { references, whole: &whole, ledgers, advance, memory: &memory };
    let of_old = Wanted { references: false, ..of_new };
    let sides: Vec<(&Side, &Wanted<'_>)> =
        std::iter::once((&*new, &of_new)).chain(old.as_deref().map(|old| (old, &of_old))).collect();
    let mut jobs: Vec<(usize, &Store, &Blob, &Wanted<'_>)> = Vec::new();
    for (index, (side, wanted)) in sides.iter().enumerate() {
        jobs.extend(side.blobs().into_iter().filter_map(|c| Some((index, &side.store, c.blob.as_ref()?, *wanted))));
    }
    (request.phase)("verifying", jobs.iter().map(|job| job.2.size).sum());
    // The largest first, so that no thread begins with it when the others are done.
    jobs.sort_by_key(|job| std::cmp::Reverse(job.2.size));
    let read = |(side, store, blob, wanted): &(usize, &Store, &Blob, &Wanted<'_>)| {
        layer::read(store, blob, wanted)
            .map(|layer| (*side, (*blob).clone(), layer))
            .map_err(|e| e.archive(&store.name))
    };
    let done: Vec<(usize, Blob, Layer)> = jobs.par_iter().with_max_len(1).map(read).collect::<Result<_>>()?;
    let mut old = old;
    for (side, blob, layer) in done {
        match (side, &mut old) {
            (0, _) => drop(new.layers.insert(blob, layer)),
            (_, Some(old)) => drop(old.layers.insert(blob, layer)),
            (_, None) => {}
        }
    }
    if let Some(old) = old {
        let wrong = old.layers.values().find_map(|layer| layer.wrong.as_ref());
        if let Some(wrong) = wrong {
            return Err(Error::new(ErrorKind::Layer, format!("a layer is broken: {wrong}")).archive(&old.store.name));
        }
    }
    Ok(())
}

/// Compares the layers of an image with the documents about them.
fn layers_of(side: &Side, image: &Image, out: &mut Outcome) {
    let diff_ids: Vec<Option<Digest>> = config::diff_ids(&image.config);
    out.same("config", "config: number of rootfs.diff_ids", &image.layers.len(), &diff_ids.len());
    for (index, claim) in image.layers.iter().enumerate() {
        let Some(layer) = claim.blob.as_ref().and_then(|blob| side.layers.get(blob)) else { continue };
        out.checked.layers += 1;
        if let Some(digest) = layer.digest {
            documents::held(out, claim, digest, layer.size);
        }
        if let Some(wrong) = &layer.wrong {
            out.wrong("layer", &claim.name, "a well-formed tar", wrong);
        }
        let said = diff_ids.get(index).copied().flatten();
        if let (Some(said), Some(found)) = (said, layer.diff_id) {
            out.checked.digests += 1;
            out.same("diff-id", &format!("config: rootfs.diff_ids[{index}]"), &said, &found);
        }
        if let Some(found) = layer.compression.filter(|_| !claim.media.is_empty()) {
            match compression::Compression::of_media(&claim.media) {
                Some(said) => {
                    out.same("media-type", &format!("{}: mediaType", claim.name), &said.name(), &found.name())
                }
                None => out.wrong("media-type", format!("{}: mediaType", claim.name), "a layer's", &claim.media),
            }
        }
    }
}

/// Returns the image that one was made from: by name and platform, or else by place.
fn pair<'s>(old: &'s Side, new: &Side, index: usize) -> Option<&'s Image> {
    let image = &new.images[index];
    let same =
        |other: &&Image| other.platform == image.platform && other.tags.iter().any(|tag| image.tags.contains(tag));
    let of_platform = |other: &&Image| other.platform == image.platform;
    let mut named = old.images.iter().filter(same);
    if let (Some(found), None) = (named.next(), named.next()) {
        return Some(found);
    }
    let mut alone = old.images.iter().filter(of_platform);
    if let (Some(found), None) = (alone.next(), alone.next()) {
        return Some(found);
    }
    old.images.get(index)
}

/// Compares a Windows image with the one it was made from: its layers mean more than the files that they make together, so they
/// must be the same layers.
fn windows_layers(before: Option<&Image>, image: &Image, out: &mut Outcome) {
    let Some(before) = before else {
        return out.wrong("image", image.name(), "an image of IN that it was made from", "none");
    };
    let layers = |image: &Image| {
        let ids = config::diff_ids(&image.config).into_iter();
        ids.map(|id| id.map_or_else(|| "no digest".to_owned(), |id| id.to_string())).collect::<Vec<_>>().join(", ")
    };
    out.same("layer", "the layers of a Windows image", &layers(before), &layers(image));
    config::compare(&before.config, &image.config, false, out);
}

fn against(
    request: &Request<'_>,
    old: &Side,
    before: &Image,
    image: &Image,
    tree: &Tree<'_>,
    out: &mut Outcome,
) -> Result<()> {
    let of_input = |e: String| Error::new(ErrorKind::Layer, e).archive(&old.store.name);
    let old_tree = old.tree(before).map_err(of_input)?;
    let old_tree = old_tree.ok_or_else(|| of_input("a layer is missing".into()))?;
    let expected = request.expected.and_then(|all| all.iter().find(|e| e.id == Some(before.id)));
    config::compare(&before.config, &image.config, expected.is_some(), out);
    compare::trees(&old_tree, tree, expected, out);
    references::check(&old_tree, tree, &image.config, expected, out);
    Ok(())
}
