//! Kinds of files by their names.

use bstr::{BStr, ByteSlice};

/// Extensions that may be left out of a module's path.
pub(super) const EXTENSIONS: [&str; 10] = ["js", "mjs", "cjs", "json", "node", "ts", "mts", "cts", "tsx", "jsx"];

/// True if a file's references are those of JavaScript.
pub(super) fn is_javascript(name: &BStr) -> bool {
    let extension = extension(name);
    name == "package.json" || (extension != b"json" && EXTENSIONS.iter().any(|e| e.as_bytes() == extension))
}

/// Returns the part after the last dot; empty if the name begins with it.
pub(super) fn extension(name: &[u8]) -> &[u8] {
    match name.rfind_byte(b'.') {
        Some(at) if at > 0 => &name[at + 1..],
        _ => b"",
    }
}
