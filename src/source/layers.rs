//! From an image's documents to its layers: finding the blob of each, and choosing between two documents that disagree.

use super::draft::Draft;
use super::traits::Source;
use super::{BlobRef, Image, LayerRef, docker};
use crate::digest::Hashing;
use crate::image::{Compression, Descriptor, LayerMedia, facts};
use crate::{Digest, Error, ErrorKind, Result, Warning, codec};
use std::io;

/// Finds the layers of `draft`.
pub fn complete(source: &dyn Source, draft: Draft, warnings: &mut Vec<Warning>) -> Result<Image> {
    let diff_ids = facts::diff_ids(&draft.config)?;
    let mut manifest = draft.manifest.clone();
    let count = diff_ids.len();
    let files = draft.files.as_deref();
    let fits = |n: usize| n == count;
    if manifest.is_some() && !fits(draft.descriptors.len()) && files.is_some_and(|f| fits(f.len())) {
        let message = format!(
            "{}: index.json gives it {} layers, manifest.json and its config {count}: manifest.json is used",
            draft.name(),
            draft.descriptors.len()
        );
        warnings.push(Warning::new("hybrid-mismatch", message));
        manifest = None;
    }
    let found = if manifest.is_some() { draft.descriptors.len() } else { files.map_or(0, <[_]>::len) };
    if found != count {
        let what = format!("{}: the number of layers does not fit the config", draft.name());
        let (expected, found) = (format!("{count} (its diff_ids)"), format!("{found} layers in the manifest"));
        return Err(Error::new(ErrorKind::Archive, what).expected(expected, found));
    }
    let mut layers = Vec::with_capacity(count);
    for (i, diff_id) in diff_ids.into_iter().enumerate() {
        let name = format!("layer {} of {count} (sha256:{}…)", i + 1, diff_id.short());
        let finder = Finder { source, name, diff_id };
        let descriptor = manifest.is_some().then(|| &draft.descriptors[i]);
        let file = files.and_then(|f| f.get(i));
        let layer = finder.find(descriptor, file, warnings).map_err(|e| e.layer(&finder.name))?;
        layers.push(layer);
    }
    let (manifest, manifest_digest) = manifest.unzip();
    let Draft { config, config_digest, tags, platform, facts, .. } = draft;
    Ok(Image { config, config_digest, manifest, manifest_digest, layers, tags, platform, facts })
}

struct Finder<'a> {
    source: &'a dyn Source,
    name: String,
    diff_id: Digest,
}

/// A file that `manifest.json` names.
type Named = (String, Option<BlobRef>);

impl Finder<'_> {
    fn find(
        &self,
        descriptor: Option<&Descriptor>,
        file: Option<&Named>,
        warnings: &mut Vec<Warning>,
    ) -> Result<LayerRef> {
        let Some(descriptor) = descriptor else {
            return self.by_file(file);
        };
        let media = LayerMedia::parse(descriptor.media())?;
        let embedded = || descriptor.verified_data().map(BlobRef::memory);
        let blob = self.source.blob(&descriptor.digest)?.or_else(embedded);
        let other = file.and_then(|(_, blob)| blob.as_ref());
        if let Some(other) = other.filter(|o| blob.as_ref() != Some(*o)) {
            return self.settle(descriptor, blob, file, other, warnings);
        }
        let Some(blob) = blob else {
            return Err(missing(descriptor, media));
        };
        let layer = self.by_descriptor(descriptor, blob)?;
        if layer.compression != media.compression {
            let message = format!(
                "{}: its media type {} says {}, its bytes are {}",
                self.name,
                descriptor.media(),
                word(media.compression),
                word(layer.compression)
            );
            warnings.push(Warning::new("media-type-mismatch", message));
        }
        Ok(layer)
    }

    /// `index.json` and `manifest.json` name different bytes: those that verify are used.
    fn settle(
        &self,
        descriptor: &Descriptor,
        blob: Option<BlobRef>,
        file: Option<&Named>,
        other: &BlobRef,
        warnings: &mut Vec<Warning>,
    ) -> Result<LayerRef> {
        let mut warn = |used: &str| {
            let message = format!("{}: index.json and manifest.json name different blobs: {used} is right", self.name);
            warnings.push(Warning::new("hybrid-mismatch", message));
        };
        if let Some(blob) = blob
            && blob.size() == descriptor.fields.size()
            && self.verifies(&blob, Some(&descriptor.digest))
        {
            // Two copies of one layer (say, plain and gzip) disagree only by name.
            warn("index.json");
            return self.by_descriptor(descriptor, blob);
        }
        let digest = file.and_then(|(path, _)| docker::blob_digest(path));
        if !self.verifies(other, digest.as_ref()) {
            let what = "index.json and manifest.json name different blobs, and neither has the diff_id of the config";
            return Err(Error::new(ErrorKind::Digest, what));
        }
        warn("manifest.json");
        self.by_file(file)
    }

    fn by_descriptor(&self, descriptor: &Descriptor, blob: BlobRef) -> Result<LayerRef> {
        if blob.size() != descriptor.fields.size() {
            let count = |n: u64| format!("{n} bytes");
            let error = Error::new(ErrorKind::Digest, format!("blob {} has the wrong size", descriptor.digest));
            return Err(error.expected(count(descriptor.fields.size()), count(blob.size())));
        }
        let mut layer = self.layer(blob, Some(descriptor.digest))?;
        layer.media = descriptor.media().to_owned();
        Ok(layer)
    }

    fn by_file(&self, file: Option<&Named>) -> Result<LayerRef> {
        let Some((path, Some(blob))) = file else {
            let path = file.map_or("", |(path, _)| path);
            let error = Error::new(ErrorKind::Archive, "missing, although manifest.json names it");
            return Err(error.member(path.as_bytes()));
        };
        self.layer(blob.clone(), docker::blob_digest(path))
    }

    fn layer(&self, blob: BlobRef, digest: Option<Digest>) -> Result<LayerRef> {
        let head = self.source.head(&blob)?;
        for (magic, name) in [(&b"BZh"[..], "bzip2"), (b"\xfd7zXZ\0", "xz")] {
            if head.starts_with(magic) && head.get(257..262) != Some(b"ustar") {
                let hint = "`docker load` the image and save it again";
                return Err(Error::new(ErrorKind::Unsupported, format!("layer compressed with {name}")).hint(hint));
            }
        }
        let (size, compression) = (blob.size(), Compression::sniff(&head));
        let (name, diff_id, media) = (self.name.clone(), self.diff_id, String::new());
        Ok(LayerRef { blob, name, digest, size, diff_id, compression, media })
    }

    /// Returns true if the blob has `digest`, and its decompressed bytes have the diff_id.
    fn verifies(&self, blob: &BlobRef, digest: Option<&Digest>) -> bool {
        let check = || -> io::Result<bool> {
            let head = self.source.head(blob)?;
            let mut stored = Hashing::new(self.source.open_at(blob, 0)?);
            let mut diff = Hashing::new(codec::decoder(Compression::sniff(&head), &mut stored)?);
            io::copy(&mut diff, &mut io::sink())?;
            let (decoder, diff_id, _) = diff.finish();
            drop(decoder);
            io::copy(&mut stored, &mut io::sink())?;
            let (_, found, _) = stored.finish();
            Ok(diff_id == self.diff_id && digest.is_none_or(|d| *d == found))
        };
        check().unwrap_or(false)
    }
}

fn missing(descriptor: &Descriptor, media: LayerMedia) -> Error {
    let digest = descriptor.digest;
    if media.foreign || descriptor.fields.urls().as_ref().is_some_and(|urls| !urls.is_empty()) {
        let what = format!("foreign layer of media type `{}` ({digest}) is not in the input", descriptor.media());
        return Error::new(ErrorKind::Unsupported, what)
            .hint("its bytes lie at the URLs of the manifest: slim fetches nothing");
    }
    let error = Error::new(ErrorKind::Archive, format!("blob {digest} is missing, although the manifest names it"));
    error.hint("where only some platforms were saved, pick one of them with --platform")
}

const fn word(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "a plain tar",
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}
