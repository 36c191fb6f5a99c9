//! What kept files refer to: the facts behind the guard, which lets no rule drop a file that a kept one needs. Each
//! module reads one kind of file, takes bytes and gives facts back; none knows of trees, rules or the host.

pub mod elf;
pub mod pyc;
pub mod python;
pub use python::{Reference, Target};
pub mod script;
