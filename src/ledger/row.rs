//! The rows of a list, and the lines of its text.

use std::ops::Range;

/// What one row says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The file's path from the root. There may be `..` and symbolic links in it.
    pub path: Vec<u8>,
    /// Where its checksum is in the text; empty where the row has none.
    pub checksum: Range<usize>,
    /// Where its size is; empty where the row has none.
    pub size: Range<usize>,
    /// The line with its end; of `installed` the line of the checksum.
    pub line: Range<usize>,
}

/// The lines of a text without line ends, and the ranges that they take with them.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (Range<usize>, &[u8])> {
    text.split_inclusive(|&c| c == b'\n').scan(0, |at, line| {
        let range = *at..*at + line.len();
        *at = range.end;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some((range, line.strip_suffix(b"\r").unwrap_or(line)))
    })
}
