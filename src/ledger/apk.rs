//! apk's `installed`: a line a field, `F:` for a directory, `R:` for a file in it, `Z:` for the file's checksum.

use super::{Row, lines};
use crate::path;

pub(super) fn rows(text: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut dir, mut file) = (&b""[..], None);
    for (start, line) in lines(text) {
        match line.split_at_checked(2) {
            Some((b"F:", name)) => (dir, file) = (name, None),
            Some((b"R:", name)) => file = Some(name),
            // Other digests (`Q2`) are of packages that no released apk writes.
            Some((b"Z:", sum)) if sum.starts_with(b"Q1") => {
                let checksum = start + 2..start + line.len();
                rows.extend(file.take().map(|f| Row { path: path::join(dir, f).into(), checksum, size: 0..0 }));
            }
            // A package begins.
            Some((b"P:", _)) => (dir, file) = (b"", None),
            _ => {}
        }
    }
    rows
}
