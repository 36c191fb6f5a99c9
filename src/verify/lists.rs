//! The files that list checksums of others, told by their paths.

use crate::path::split;

/// The format of a list of checksums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `RECORD` of pip.
    Record,
    /// `md5sums` of dpkg.
    Md5sums,
    /// `installed` of apk.
    Apk,
}

/// True if a file lists checksums of others.
#[must_use]
pub fn is_list(path: &[u8]) -> bool {
    format(path).is_some()
}

/// Returns the format of a list of checksums; `None` if the file is no list.
#[must_use]
pub fn format(path: &[u8]) -> Option<Format> {
    let (dir, name) = split(path);
    if name == b"RECORD" && dir.ends_with(b".dist-info") {
        Some(Format::Record)
    } else if name.ends_with(b".md5sums") && dir.starts_with(b"var/lib/dpkg/") {
        Some(Format::Md5sums)
    } else {
        (name == b"installed" && dir.ends_with(b"lib/apk/db")).then_some(Format::Apk)
    }
}
