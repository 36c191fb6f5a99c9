//! Checks that the bytes that were read are those that the documents describe.

use crate::source::LayerRef;
use crate::{Digest, Error, ErrorKind, Result};

pub(super) fn check_size(layer: &LayerRef, size: u64) -> Result<()> {
    if size == layer.size {
        return Ok(());
    }
    let what = "the blob has not the size that its descriptor says";
    Err(Error::new(ErrorKind::Digest, what).expected(format!("{} bytes", layer.size), format!("{size} bytes")))
}

pub(super) fn check_blob(layer: &LayerRef, digest: Digest) -> Result<()> {
    layer.digest.map_or(Ok(()), |expected| check_digest("digest of the blob", expected, digest))
}

pub(super) fn check_digest(what: &str, expected: Digest, found: Digest) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let what = format!("the bytes do not have the {what} that names them");
    Err(Error::new(ErrorKind::Digest, what)
        .expected(expected, found)
        .hint("the image is damaged or was edited by hand: save or pull it again"))
}
