//! Files that are new in the image, and edits of texts that it has.

use crate::tar::Meta;
use crate::tree::MemberId;
use bstr::BString;
use std::collections::BTreeMap;

/// A file that the image did not have before.
#[derive(Clone, Debug)]
pub struct Added {
    /// The layer that it goes into.
    pub layer: u32,
    /// The file's path; its directory is in the tree.
    pub path: BString,
    /// Owner, mode and time.
    pub meta: Meta,
    /// The file's content.
    pub text: Vec<u8>,
}

/// An edit of a text: the range in bytes that is replaced, and the new bytes.
pub type Edit = (std::ops::Range<usize>, Vec<u8>);

/// Edits by the member that has the text.
pub type Edits = BTreeMap<MemberId, Vec<Edit>>;
