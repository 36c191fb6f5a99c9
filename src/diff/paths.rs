//! Paths in JSON.

use crate::report::escape;
use bstr::BString;
use serde::{Serialize, Serializer};

pub(super) fn path<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape(path))
}

pub(super) fn target<S: Serializer>(target: &Option<BString>, serializer: S) -> Result<S::Ok, S::Error> {
    target.as_ref().map(|t| escape(t)).serialize(serializer)
}
