//! The formats of images.

/// The format of an archive or layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageFormat {
    /// `docker save` before 25: `manifest.json` alone. It is written as [`ImageFormat::Hybrid`].
    Docker,
    /// An OCI layout in an archive.
    Oci,
    /// Both at once, as docker 25+ saves.
    Hybrid,
    /// An OCI layout in a directory.
    OciDir,
    /// An image in a registry.
    Registry,
}

impl ImageFormat {
    /// Returns true if images have their full names in it, and not only tags.
    #[must_use]
    pub const fn has_full_names(self) -> bool {
        matches!(self, Self::Hybrid | Self::Registry)
    }
}
