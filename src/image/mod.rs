//! The documents of an image: configs, manifests and indexes as JSON, what they say, and edits that lose nothing.
//!
//! Nothing here reads or writes files. Documents are kept as their bytes beside their JSON, so that what is not edited
//! keeps its digest, and edits go to the JSON value, so that fields nobody here knows survive: oci-spec's types, by which
//! documents are read (`field.rs`), would lose Healthcheck, Shell, OnBuild and others.

pub mod about;
pub mod config;
pub mod descriptor;
pub mod doc;
pub mod facts;
mod field;
pub mod media;
pub mod platform;
mod record;
pub mod reference;

pub use config::ConfigChange;
pub use descriptor::Descriptor;
pub use doc::Doc;
pub use facts::{ImageFacts, config_facts};
pub use media::{Compression, LayerMedia};
pub use platform::Platform;
pub use record::Record;
pub use reference::Reference;
