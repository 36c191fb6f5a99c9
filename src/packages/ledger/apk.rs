//! apk's `installed`: one field in each line, `F:` for a directory, `R:` for a file in it, `Z:` for the file's checksum.

use super::row::{Row, lines};
use crate::path;

pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Row> + '_ {
    let (mut dir, mut file) = (&b""[..], None);
    lines(text).filter_map(move |(range, line)| {
        match line.split_at_checked(2)? {
            (b"F:", name) => (dir, file) = (name, None),
            (b"R:", name) => file = Some(name),
            (b"Z:", _) => {
                let checksum = range.start + 2..range.start + line.len();
                let path = |f| path::join(dir, f).into();
                return file.take().map(|f| Row { path: path(f), checksum, size: 0..0, line: range });
            }
            // A package begins.
            (b"P:", _) => (dir, file) = (b"", None),
            _ => {}
        }
        None
    })
}
