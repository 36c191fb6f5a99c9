//! Media types: what they say about layers, manifests and indexes.
//! Sources: <https://github.com/opencontainers/image-spec/blob/main/media-types.md>,
//! <https://github.com/distribution/distribution/blob/main/docs/content/spec/manifest-v2-2.md>.

use crate::{Error, ErrorKind, Result};

/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker's index.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const OCI_FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";

pub use crate::codec::Compression;

/// Whose media types a document uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `application/vnd.oci…`
    Oci,
    /// `application/vnd.docker…`
    Docker,
}

/// What a layer's media type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerMedia {
    /// Whose type it is.
    pub family: Family,
    /// The compression it declares; the bytes may differ.
    pub compression: Compression,
    /// Whether it may lie elsewhere (nondistributable, foreign).
    pub foreign: bool,
}

impl LayerMedia {
    /// Parses a layer's media type.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], which names the type, for an encrypted or an unknown one.
    pub fn parse(media: &str) -> Result<Self> {
        let unsupported = |what: &str| Error::new(ErrorKind::Unsupported, format!("{what} `{media}`"));
        if media.split('+').any(|part| part == "encrypted") {
            let hint = "decrypt the image first, for example with `skopeo copy --decryption-key`";
            return Err(unsupported("encrypted layer of media type").hint(hint));
        }
        // The longer names first: one is no prefix of another but for these suffixes.
        let names = [
            (OCI_LAYER, Family::Oci, false),
            (OCI_FOREIGN, Family::Oci, true),
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

    /// The media type of an ordinary layer. Docker knows no zstd: that is OCI's in any family.
    #[must_use]
    pub const fn name(family: Family, compression: Compression) -> &'static str {
        match (family, compression) {
            (Family::Docker, Compression::None) => DOCKER_LAYER,
            (Family::Docker, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (Family::Oci, Compression::None) => OCI_LAYER,
            (Family::Oci, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            // Not docker's own name, but containerd's and BuildKit's.
            (Family::Docker, Compression::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
            (Family::Oci, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// What a manifest-like document or a descriptor of one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestKind {
    /// An index or manifest list.
    Index(Family),
    /// An image manifest (or an artifact in its form).
    Manifest(Family),
}

impl ManifestKind {
    /// What the media type says; `None` for any other.
    #[must_use]
    pub fn parse(media: &str) -> Option<Self> {
        match media {
            OCI_INDEX => Some(Self::Index(Family::Oci)),
            DOCKER_LIST => Some(Self::Index(Family::Docker)),
            OCI_MANIFEST => Some(Self::Manifest(Family::Oci)),
            DOCKER_MANIFEST => Some(Self::Manifest(Family::Docker)),
            _ => None,
        }
    }
}

/// Whether `media` is the type of an image's config; a missing one is taken for it, as engines do.
#[must_use]
pub fn is_config(media: &str) -> bool {
    matches!(media, OCI_CONFIG | DOCKER_CONFIG | "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_types_say_family_compression_and_foreign() {
        let parse = |m| LayerMedia::parse(m).unwrap();
        for family in [Family::Oci, Family::Docker] {
            for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                let media = LayerMedia::name(family, compression);
                assert_eq!(parse(media), LayerMedia { family, compression, foreign: false }, "{media}");
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
