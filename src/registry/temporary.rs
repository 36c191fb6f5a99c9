//! Temporary files for blobs that move.

use crate::{Error, Result};
use std::fs::File;
use std::io;

/// A temporary file without a name, for a blob that moves.
///
/// # Errors
/// Returns an error if there can be none.
pub fn temporary_file() -> Result<File> {
    tempfile::tempfile().map_err(|e| no_room("cannot make a temporary file", e))
}

/// The error for a temporary file that cannot be made or written.
pub fn no_room(what: &str, cause: io::Error) -> Error {
    let dir = std::env::temp_dir();
    let error = Error::io(format!("{what} in {}", dir.display()), cause);
    error.hint(
        "TMPDIR names another directory; it needs room for the compressed layers of IN, and those of OUT that are new",
    )
}
