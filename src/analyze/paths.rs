//! Paths in JSON.

use crate::report::escape;
use bstr::{BString, ByteSlice};
use serde::Serializer;

/// Serializes a path as Go writes strings: bytes that are not UTF-8 are replaced.
pub(super) fn lossy<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_str_lossy())
}

/// Serializes a path as slim writes it.
pub(super) fn path<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape(path))
}
