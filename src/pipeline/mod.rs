//! The main job: `open → scan → merge → plan → write`, each a function from value to value.
//!
//! [`run`] calls them one after the other. Callers that need the values in between call the functions themselves, as `slim
//! plan`, `slim verify` and `slim compare` do.

pub(crate) mod advise;
mod clock;
pub(crate) mod estimate;
pub(crate) mod expect;
mod idle;
mod image;
mod kept;
mod needs;
mod open;
mod plan;
mod profiles;
mod progress;
mod provenance;
mod request;
mod run;
mod scan;
mod shared;
mod stack;
mod summary;
pub(crate) mod transfer;
mod write;

pub use crate::registry::{Creds as RegistryCreds, Options as RegistryOptions};
pub use estimate::request_of;
pub use image::{Inputs, LayerKey, Planned, Scans, key};
pub use needs::needs;
pub use open::{check_creds, open, open_image, open_one};
pub use plan::{Plans, plan, taken_by};
pub use profiles::Profiles;
pub use progress::{Silent, Ui};
pub use provenance::{PREDICATE_TYPE, predicate, statement};
pub use request::{Base, Encoding, LayersMode, Reading, Request};
pub use run::{Outcome, run};
pub use scan::scan;
pub use stack::{MergedImage, merge, merge_layers};
pub use summary::report;
pub use write::{Written, rules, write};
