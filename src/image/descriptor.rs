//! Descriptors: how indexes and manifests point to blobs.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md>.

use super::platform::{Platform, UNKNOWN};
use crate::{Digest, Error, ErrorKind, Result};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use oci_spec::OciSpecError;
use oci_spec::image::{DescriptorBuilder, MediaType};

/// The annotation with a manifest's tag in an OCI layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with a manifest's full name, as containerd and docker 25+ write it.
pub const IMAGE_NAME: &str = "io.containerd.image.name";
/// The annotation that makes a manifest a BuildKit attestation.
pub const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// The annotation with the digest of the manifest that an attestation is about.
pub const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// A descriptor of a blob that slim can check.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// The digest of the blob.
    pub digest: Digest,
    /// All that the descriptor says.
    pub fields: oci_spec::image::Descriptor,
}

impl Descriptor {
    /// A descriptor as oci-spec reads it.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Unsupported`] if the digest is not a sha256 one.
    pub fn new(fields: &oci_spec::image::Descriptor) -> Result<Self> {
        let unsupported = || Error::new(ErrorKind::Unsupported, format!("digest `{}`", fields.digest()));
        let digest = Digest::parse(fields.digest().as_ref()).ok_or_else(unsupported)?;
        Ok(Self { digest, fields: fields.clone() })
    }

    /// The declared media type; empty where it is missing.
    #[must_use]
    pub fn media(&self) -> &str {
        self.fields.media_type().as_ref()
    }

    /// The platform that is named, if one is.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        let platform = self.fields.platform().as_ref()?;
        let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
        let known = |text: &str| !text.is_empty() && text != UNKNOWN;
        let variant = platform.variant().as_deref().unwrap_or_default();
        (known(&os) && known(&architecture)).then(|| Platform::new(&os, &architecture, variant))
    }

    /// The annotation `key`.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.fields.annotations().as_ref()?.get(key).map(String::as_str)
    }

    /// The embedded blob, where it is what the digest and size say.
    #[must_use]
    pub fn verified_data(&self) -> Option<Vec<u8>> {
        let data = base64(self.fields.data().as_deref()?)?;
        (data.len() as u64 == self.fields.size() && Digest::of(&data) == self.digest).then_some(data)
    }
}

/// A descriptor made anew.
///
/// # Errors
/// Returns an error if oci-spec refuses the digest.
pub fn made(media: MediaType, digest: Digest, size: u64) -> Result<oci_spec::image::Descriptor> {
    let digest: oci_spec::image::Digest = digest.to_string().parse()?;
    Ok(DescriptorBuilder::default().media_type(media).digest(digest).size(size).build()?)
}

/// A document or descriptor of oci-spec's as JSON, to be edited further.
///
/// # Errors
/// Returns an error if serde_json cannot write it.
pub fn json(document: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(document).map_err(not_made)
}

impl From<OciSpecError> for Error {
    fn from(error: OciSpecError) -> Self {
        not_made(error)
    }
}

fn not_made(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Archive, "a document cannot be made").cause(cause)
}

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes standard base64 with or without padding; `None` where it is none.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Doc;
    use serde_json::{Value, json};

    fn read(json: &Value) -> Result<Descriptor> {
        Descriptor::new(&Doc::new(json.clone()).view("d").read()?)
    }

    #[test]
    fn embedded_data_counts_where_it_is_what_the_digest_says() {
        assert_eq!(base64("e30=").unwrap(), b"{}");
        assert_eq!(base64("TWFu").unwrap(), b"Man");
        assert_eq!(base64("TWE=").unwrap(), b"Ma");
        assert_eq!(base64("!"), None);
        assert_eq!(base64("A"), None);
        let digest = Digest::of(b"{}").to_string();
        let mut json = json!({"mediaType": "x", "digest": digest, "size": 2, "data": "e30="});
        assert_eq!(read(&json).unwrap().verified_data().unwrap(), b"{}");
        json["size"] = json!(3);
        assert_eq!(read(&json).unwrap().verified_data(), None);
    }

    #[test]
    fn a_descriptor_without_digest_or_size_is_an_error() {
        for json in [json!({}), json!({"digest": Digest::of(b"").to_string()}), json!([1])] {
            assert!(read(&json).is_err());
        }
    }
}
