//! Writing images: blobs, then the documents that name them, into an archive or a layout directory. Both are kinds of
//! [`traits::Sink`], which [`Output`] writes to.
//!
//! Everything goes to a temporary beside the output, which is synced and named at the end: on any error nothing named
//! like the output appears, and an existing one stays as it was. What cannot be replaced by renaming (a pipe, a device, an open
//! descriptor, a file that is a mount of its own) gets a copy of the whole when that is verified.

mod archive;
mod assembly;
mod dir;
mod docker;
mod documents;
mod host;
mod index;
mod manifest;
mod output;
mod registry;
mod target;
pub(crate) mod temp;
#[cfg(test)]
mod tests;
mod traits;

pub(crate) use archive::tar_header;
pub use assembly::{Assembly, Documents, OutLayer, Rewritten};
pub use documents::assemble;
pub use manifest::moves;
pub use output::{BlobWriter, Output, Sealed};
pub use target::Target;
pub use temp::remove_temporaries;
