//! Writing images: blobs through slots, then the documents that name them, into an archive or a layout directory.
//!
//! Everything goes to a temporary beside the output, which is synced and named at the end: on any error nothing named
//! like the output appears, and an existing one stays as it was. What cannot be replaced by renaming (a pipe, a device, an open
//! descriptor, a file that is a mount of its own) gets a copy of the whole when that is verified.

mod archive;
mod assembly;
mod copy;
mod dir;
mod docker;
mod documents;
mod host;
mod index;
mod manifest;
mod output;
mod target;
pub(crate) mod temp;
#[cfg(test)]
mod tests;

pub(crate) use archive::tar_header;
pub use assembly::{Assembly, Documents, OutLayer, Rewritten};
pub use documents::assemble;
pub use manifest::moves;
pub use output::{Output, Sealed, Slot};
pub use target::Target;
pub use temp::remove_temporaries;
