//! Media types of layers, manifests and indexes.
//! Sources: <https://github.com/opencontainers/image-spec/blob/main/media-types.md>,
//! <https://github.com/distribution/distribution/blob/main/docs/content/spec/manifest-v2-2.md>.

use crate::{Error, ErrorKind, Result};
pub use oci_spec::image::MediaType;

/// The media type of docker's index.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The media type of docker's manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";

pub use crate::codec::Compression;

/// The vendor of the media types that a document uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `application/vnd.oci…`
    Oci,
    /// `application/vnd.docker…`
    Docker,
}

/// A layer's media type, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerMedia {
    /// The vendor of the type.
    pub family: Family,
    /// The compression it declares; the bytes may differ.
    pub compression: Compression,
    /// True if the layer may lie elsewhere (nondistributable, foreign).
    pub foreign: bool,
}

impl LayerMedia {
    /// Parses a layer's media type.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Unsupported`], which names the type, for an encrypted or an unknown one.
    pub fn parse(media: &str) -> Result<Self> {
        let unsupported = |what: &str| Error::new(ErrorKind::Unsupported, format!("{what} `{media}`"));
        if media.split('+').any(|part| part == "encrypted") {
            let hint = "decrypt the image first, for example with `skopeo copy --decryption-key`";
            return Err(unsupported("encrypted layer of media type").hint(hint));
        }
        // The longer names first: one is no prefix of another but for these suffixes.
        let names = [
            (MediaType::ImageLayer.as_ref(), Family::Oci, false),
            (MediaType::ImageLayerNonDistributable.as_ref(), Family::Oci, true),
            (DOCKER_LAYER, Family::Docker, false),
            (DOCKER_FOREIGN, Family::Docker, true),
        ];
        for (name, family, foreign) in names {
            let compression = match media.strip_prefix(name) {
                Some("") => Compression::None,
                Some("+gzip" | ".gzip") => Compression::Gzip,
                Some("+zstd" | ".zstd") => Compression::Zstd,
                _ => continue,
            };
            return Ok(Self { family, compression, foreign });
        }
        Err(unsupported("unknown layer media type"))
    }

    /// The media type of an ordinary layer.
    #[must_use]
    pub fn name(family: Family, compression: Compression) -> MediaType {
        match (family, compression) {
            (Family::Oci, _) => Self { family, compression, foreign: false }.oci_name(),
            (Family::Docker, Compression::None) => MediaType::Other(DOCKER_LAYER.into()),
            (Family::Docker, Compression::Gzip) => MediaType::Other(format!("{DOCKER_LAYER}.gzip")),
            // Not docker's own name, but containerd's and BuildKit's.
            (Family::Docker, Compression::Zstd) => MediaType::Other(format!("{DOCKER_LAYER}.zstd")),
        }
    }

    /// The OCI media type that says the same.
    #[must_use]
    pub const fn oci_name(self) -> MediaType {
        match (self.foreign, self.compression) {
            (false, Compression::None) => MediaType::ImageLayer,
            (false, Compression::Gzip) => MediaType::ImageLayerGzip,
            (false, Compression::Zstd) => MediaType::ImageLayerZstd,
            (true, Compression::None) => MediaType::ImageLayerNonDistributable,
            (true, Compression::Gzip) => MediaType::ImageLayerNonDistributableGzip,
            (true, Compression::Zstd) => MediaType::ImageLayerNonDistributableZstd,
        }
    }
}

/// The media type of a manifest or an index that states none: an index has a list of manifests.
pub fn untyped(document: &serde_json::Value) -> MediaType {
    if document.get("manifests").is_some() { MediaType::ImageIndex } else { MediaType::ImageManifest }
}

/// Returns true if `media` is the type of an index, or of an image manifest or an artifact in the form of one.
#[must_use]
pub fn is_manifest(media: &str) -> bool {
    match MediaType::from(media) {
        MediaType::ImageIndex | MediaType::ImageManifest => true,
        MediaType::Other(other) => other == DOCKER_LIST || other == DOCKER_MANIFEST,
        _ => false,
    }
}

/// Returns true if `media` is the type of an image's config; a missing one is taken for it, as engines do.
#[must_use]
pub fn is_config(media: &str) -> bool {
    media == MediaType::ImageConfig.as_ref() || media == DOCKER_CONFIG || media.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_types_say_family_compression_and_foreign() {
        let parse = |media: &str| LayerMedia::parse(media).unwrap();
        for family in [Family::Oci, Family::Docker] {
            for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                let media = LayerMedia::name(family, compression);
                assert_eq!(parse(media.as_ref()), LayerMedia { family, compression, foreign: false }, "{media}");
            }
        }
        for foreign in [
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        ] {
            assert!(parse(foreign).foreign);
        }
    }

    #[test]
    fn encrypted_and_unknown_layer_types_are_named() {
        for media in [
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            "application/vnd.oci.image.layer.v1.tar+xz",
            "application/vnd.in-toto+json",
            "",
        ] {
            let e = LayerMedia::parse(media).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Unsupported);
            assert!(e.what.contains(&format!("`{media}`")), "{e}");
        }
    }
}
