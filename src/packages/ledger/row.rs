//! The rows of a list, and the lines of its text.

use std::ops::Range;

/// One row: a file, its checksum and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The file's path from the root. There may be `..` and symbolic links in it.
    pub path: Vec<u8>,
    /// The range of the checksum in the text; empty if the row has none.
    pub checksum: Range<usize>,
    /// The range of the size; empty if the row has none.
    pub size: Range<usize>,
    /// The range of the line with its end; for `installed` the line of the checksum.
    pub line: Range<usize>,
}

/// Returns the lines of a text without line ends, and their ranges, line ends included.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (Range<usize>, &[u8])> {
    text.split_inclusive(|&c| c == b'\n').scan(0, |at, line| {
        let range = *at..*at + line.len();
        *at = range.end;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some((range, line.strip_suffix(b"\r").unwrap_or(line)))
    })
}
