//! `slim` rewrites container images: it reads an OCI or Docker image, drops what a declarative profile says a running
//! container never needs, keeps what must stay byte for byte, and writes a new, digest-correct image.
//!
//! ```no_run
//! use slim::pipeline::{Request, Silent, run};
//!
//! let request = Request {
//!     input: "app.tar".into(),
//!     output: Some("app-slim.tar".into()),
//!     profiles: vec!["auto".into()],
//!     ..Request::default()
//! };
//! let report = run(&request, &Silent)?.publish()?;
//! println!("{} bytes of layers before", report.input.uncompressed_bytes);
//! # Ok::<(), slim::Error>(())
//! ```
//!
//! [`pipeline`] has the phases one by one, for callers who want to see a plan before it is carried out. [`report`] is what a run
//! says, [`page`] a page of HTML about files, [`elf`] what becomes of executables and shared objects. The command line is the
//! feature `cli`, which is on by default; without it neither clap nor a progress bar is built.

#![cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        unused_imports,
        reason = "what only the command line calls is built all the same, so that one set of modules is tested"
    )
)]

mod analyze;
#[cfg(feature = "cli")]
pub mod cli;
mod codec;
mod compare;
mod diff;
mod digest;
pub mod elf;
mod emit;
mod engine;
mod error;
mod explain;
mod image;
mod layer;
mod ownership;
mod packages;
pub mod page;
mod path;
pub mod pipeline;
mod plan;
mod profile;
mod refs;
mod registry;
pub mod report;
mod scan;
mod secrets;
mod sink;
mod source;
mod stores;
mod tar;
mod transform;
mod tree;
mod verify;

pub use digest::Digest;
pub use error::{Error, ErrorKind, Result, Warning};
