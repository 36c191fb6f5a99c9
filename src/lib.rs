//! `slim` rewrites container images: it reads an OCI or Docker image, drops what a declarative profile says a running
//! container never needs, keeps what must stay byte for byte, and writes a new, digest-correct image.
//!
//! The phases are values and run in one direction: [`source`] → [`scan`] → [`tree`] → [`plan`] → [`emit`] → [`sink`],
//! with [`report`] and [`explain`] beside them. `DESIGN.md` maps each phase to its file.

pub mod analyze;
pub mod cli;
pub mod codec;
pub mod compare;
pub mod diff;
pub mod digest;
pub mod elf;
pub mod emit;
pub mod engine;
pub mod error;
pub mod explain;
pub mod image;
pub mod layer;
pub mod ledger;
pub mod package;
pub mod page;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod profile;
pub mod refs;
pub mod report;
pub mod scan;
pub mod sink;
pub mod source;
pub mod tar;
pub mod transform;
pub mod tree;
pub mod verify;

pub use digest::Digest;
pub use error::{Error, ErrorKind, Result, Warning};
