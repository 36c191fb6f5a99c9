//! Files that are new in the image, and edits of texts that it has.

use crate::tar::Meta;
use crate::tree::MemberId;
use bstr::BString;
use std::collections::BTreeMap;

/// A file that the image has not had.
#[derive(Clone, Debug)]
pub struct Added {
    /// The layer that it goes into.
    pub layer: u32,
    /// Its path; its directory is in the tree.
    pub path: BString,
    /// Its metadata.
    pub meta: Meta,
    /// Its content.
    pub text: Vec<u8>,
}

/// An edit of a ledger: a range of its text and what comes in its place.
pub type Edit = (std::ops::Range<usize>, Vec<u8>);

/// Edits by the member that has the text.
pub type Edits = BTreeMap<MemberId, Vec<Edit>>;
