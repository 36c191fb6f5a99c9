//! Platforms: `OS/ARCH[/VARIANT]`, with the spellings of an architecture made one, as containerd and docker do.
//! Source: <https://github.com/containerd/platforms/blob/main/database.go>.

use crate::{Error, ErrorKind, Result};
use std::fmt;

/// The architecture of an image whose config names none; attestations name it.
pub const UNKNOWN: &str = "unknown";

/// The system that an image runs on, in normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// The operating system, such as `linux`.
    pub os: String,
    /// Go's name of the architecture, such as `amd64`.
    pub architecture: String,
    /// The variant of the architecture, such as `v7`; empty if the architecture alone says it.
    pub variant: String,
}

impl Platform {
    /// The normal form of the three parts.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386" | "i486" | "i586" | "i686" | "x86", _) => ("386", ""),
            ("amd64" | "x86_64" | "x86-64", "v1") => ("amd64", ""),
            ("amd64" | "x86_64" | "x86-64", v) => ("amd64", v),
            ("arm64" | "aarch64", "8" | "v8") => ("arm64", ""),
            ("arm64" | "aarch64", v) => ("arm64", v),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" | "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            (a, v) => (a, v),
        };
        Self { os, architecture: architecture.to_owned(), variant: variant.to_owned() }
    }

    /// Parses `OS/ARCH[/VARIANT]`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let clean = |p: &&str| p.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'));
        let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty()).filter(clean).collect();
        match (parts.as_slice(), text.split('/').count()) {
            ([os, architecture], 2) => Ok(Self::new(os, architecture, "")),
            ([os, architecture, variant], 3) => Ok(Self::new(os, architecture, variant)),
            _ => Err(Error::new(ErrorKind::Usage, format!("`{text}` is no platform"))
                .hint("give OS/ARCH or OS/ARCH/VARIANT, such as `linux/amd64` or `linux/arm/v7`")),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_platform_are_one() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("Linux/AMD64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/i686", "linux/386"),
            ("linux/ppc64le", "linux/ppc64le"),
        ] {
            assert_eq!(Platform::parse(text).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn what_is_no_platform_is_an_error() {
        for text in ["", "linux", "linux/", "/amd64", "linux//v7", "a/b/c/d", "linux/am d64", "linux/amd64/"] {
            assert_eq!(Platform::parse(text).unwrap_err().kind, ErrorKind::Usage, "{text}");
        }
    }
}
