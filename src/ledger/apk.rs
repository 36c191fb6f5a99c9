//! apk's `installed`: a line a field, `F:` for a directory, `R:` for a file in it, `Z:` for the file's checksum.

use super::{Row, lines};
use crate::path;

pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Row> + '_ {
    let (mut dir, mut file) = (&b""[..], None);
    lines(text).filter_map(move |(start, line)| {
        match line.split_at_checked(2)? {
            (b"F:", name) => (dir, file) = (name, None),
            (b"R:", name) => file = Some(name),
            (b"Z:", _) => {
                let checksum = start + 2..start + line.len();
                return file.take().map(|f| Row { path: path::join(dir, f).into(), checksum, size: 0..0 });
            }
            // A package begins.
            (b"P:", _) => (dir, file) = (b"", None),
            _ => {}
        }
        None
    })
}
