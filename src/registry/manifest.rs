//! Manifests and indexes of a registry, checked against their digests.

use super::client::{Ask, Client};
use super::http::Payload;
use super::name::Version;
use super::retry::pause;
use crate::image::doc;
use crate::image::media::{DOCKER_LIST, DOCKER_MANIFEST, MediaType, untyped};
use crate::{Digest, Error, ErrorKind, Result};
use serde_json::Value;
use ureq::http::Method;
use ureq::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};

/// The header with the digest of what a reply has.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// The types of documents that are asked for, as a header has them.
pub fn manifest_types() -> String {
    let [index, manifest] = [MediaType::ImageIndex, MediaType::ImageManifest].map(|media| media.to_string());
    [index.as_str(), &manifest, DOCKER_LIST, DOCKER_MANIFEST].join(", ")
}

/// Gets a manifest or index, and its media type.
///
/// # Errors
/// Returns an error if the registry does not have it, or if it is not what its digest says.
pub fn manifest(client: &Client, reference: &str, version: &Version) -> Result<(Vec<u8>, String)> {
    let what = format!("manifest {reference}");
    let uri = client.uri(&format!("{}/manifests/{reference}", client.repository()))?;
    let (headers, scopes) = (vec![(ACCEPT, manifest_types())], client.to_pull());
    let ask =
        Ask { what: &what, method: Method::GET, uri, headers, payload: Payload::None, scopes: &scopes, once: false };
    let mut attempt = 0;
    let (reply, bytes) = loop {
        let mut reply = client.send(&ask)?;
        if reply.status == 404 {
            let error = client.refused(&what, &reply);
            return Err(error.hint("is the name right? A registry may also answer so where a login is missing"));
        }
        if reply.status != 200 {
            return Err(client.refused(&what, &reply));
        }
        match reply.bytes(doc::MAX_SIZE + 1) {
            Ok(bytes) => break (reply, bytes),
            Err(_) if attempt < client.options.retries => std::thread::sleep(pause(attempt, None)),
            Err(e) => return Err(client.error(&format!("{what} breaks off")).cause(e)),
        }
        attempt += 1;
    };
    if bytes.len() as u64 > doc::MAX_SIZE {
        return Err(client.error(&format!("{what} is far too large")));
    }
    let found = Digest::of(&bytes);
    let wrong = |expected: &Digest, which: &str| {
        let error = client.error(&format!("{what} has other bytes than {which} says")).expected(expected, found);
        Err(Error { kind: ErrorKind::Digest, ..error })
    };
    match (version, reply.header(&CONTENT_DIGEST).and_then(Digest::parse)) {
        (Version::Digest(digest), _) if *digest != found => return wrong(digest, "its digest"),
        (_, Some(digest)) if digest != found => return wrong(&digest, "the registry's Docker-Content-Digest"),
        _ => {}
    }
    let Ok(json) = serde_json::from_slice::<Value>(&bytes) else {
        let kind = reply.header(&CONTENT_TYPE).unwrap_or("unknown");
        let error = client.error(&format!("{what} is no JSON document, but of type {}", kind.escape_debug()));
        return Err(error.hint("is this the address of a registry, and not of its web pages?"));
    };
    let media = json["mediaType"].as_str().map_or_else(|| untyped(&json).to_string(), str::to_owned);
    Ok((bytes, media))
}
