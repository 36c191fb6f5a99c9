//! The `--removed` file: one line for each path that went.
//!
//! ```text
//! PATH<TAB>LAYER<TAB>BYTES<TAB>RULE
//! ```
//!
//! - `PATH` is relative to the image's root, without a leading slash. `\\`, `\t`, `\n` and `\r` stand for what they stand for
//!   in C, `\xNN` for a byte of another control character or one that is not UTF-8; so a line is always one path, and
//!   its bytes can be had back.
//! - `LAYER` is the input's layer that it lay in, from 1 at the bottom.
//! - `BYTES` are the bytes of that layer's tar that went with it: header, data and padding.
//! - `RULE` is the id of the rule that took it.
//!
//! The lines stand in the order of the layers and of their members; a path that lay in several layers has several lines.

use std::io::{self, Write};

use super::{RemovedPath, escape};

/// Writes the list.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(removed: &[RemovedPath], out: &mut dyn Write) -> io::Result<()> {
    for RemovedPath { path, layer, bytes, rule } in removed {
        writeln!(out, "{}\t{layer}\t{bytes}\t{}", escape(path), escape(rule.as_bytes()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_one_line_of_four_fields() {
        let path = |path: &[u8], layer, bytes| RemovedPath {
            path: Box::<[u8]>::from(path).into(),
            layer,
            bytes,
            rule: "docs".into(),
        };
        let removed = [path(b"usr/share/doc/a", 1, 1536), path(b"odd\n\t\\\xff", 12, 512)];
        let mut out = Vec::new();
        write(&removed, &mut out).unwrap();
        let expected = "usr/share/doc/a\t1\t1536\tdocs\nodd\\n\\t\\\\\\xff\t12\t512\tdocs\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
