//! Descriptors: how indexes and manifests point to blobs.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md>.

use super::doc::View;
use crate::{Digest, Result};
use serde_json::Value;

/// The annotation with a manifest's tag in an OCI layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with a manifest's full name, as containerd and docker 25+ write it.
pub const IMAGE_NAME: &str = "io.containerd.image.name";
/// The annotation that makes a manifest a BuildKit attestation.
pub const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// The annotation with the digest of the manifest that an attestation is about.
pub const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// A descriptor's fields that slim acts on.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// The declared media type; empty where it is missing.
    pub media: String,
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's size in bytes.
    pub size: u64,
    /// The annotations object, as it is.
    pub annotations: Option<Value>,
    /// Whether the blob may be fetched from elsewhere.
    pub urls: bool,
    /// The blob itself, decoded, where the descriptor embeds it.
    pub data: Option<Vec<u8>>,
}

impl Descriptor {
    /// Reads the descriptor at `view`.
    ///
    /// # Errors
    /// Where a field is missing or has the wrong type.
    pub fn read(view: &View<'_>) -> Result<Self> {
        Ok(Self {
            media: view.get("mediaType")?.string()?,
            digest: view.get("digest")?.digest()?,
            size: view.get("size")?.size()?,
            annotations: view.get("annotations")?.object()?.map(|o| Value::Object(o.clone())),
            urls: !view.get("urls")?.strings()?.is_empty(),
            data: view.get("data")?.str()?.and_then(base64),
        })
    }

    /// The annotation `key`, where it is a string.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key)?.as_str()
    }

    /// The embedded data, where it is what the digest and size say.
    #[must_use]
    pub fn verified_data(&self) -> Option<&[u8]> {
        let data = self.data.as_deref()?;
        (data.len() as u64 == self.size && Digest::of(data) == self.digest).then_some(data)
    }
}

/// Decodes standard base64 with or without padding; `None` where it is none.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    (count < 6).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Doc;
    use serde_json::json;

    #[test]
    fn embedded_data_counts_where_it_is_what_the_digest_says() {
        assert_eq!(base64("e30=").unwrap(), b"{}");
        assert_eq!(base64("TWFu").unwrap(), b"Man");
        assert_eq!(base64("TWE=").unwrap(), b"Ma");
        assert_eq!(base64("!"), None);
        assert_eq!(base64("A"), None);
        let digest = Digest::of(b"{}").to_string();
        let mut json = json!({"mediaType": "x", "digest": digest, "size": 2, "data": "e30="});
        let read = |json: &Value| Descriptor::read(&Doc::new(json.clone()).view("d")).unwrap();
        assert_eq!(read(&json).verified_data(), Some(&b"{}"[..]));
        json["size"] = json!(3);
        assert_eq!(read(&json).verified_data(), None);
    }

    #[test]
    fn a_descriptor_without_digest_or_size_is_an_error() {
        for json in [json!({}), json!({"digest": Digest::of(b"").to_string()}), json!([1])] {
            assert!(Descriptor::read(&Doc::new(json).view("index.json")).is_err());
        }
    }
}
