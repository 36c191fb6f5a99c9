//! A naive replay of images, to compare inputs and outputs by. It decodes whole layers into memory, knows one way to do each
//! thing, and shares no code with the library under test: where the two agree, both are likely right.
//!
//! The meaning of a layer, from the head of the list of traps: a layer is unpacked alone, in tar order, into its own tree (the
//! last entry wins, symlinked parents are followed within it only); then its whiteouts, opaque ones too, hide lower entries,
//! whatever their order; a directory over a directory merges, anything else replaces.

pub mod archive;
pub mod check;
pub mod replay;
pub mod tar;

pub use archive::open;
pub use check::{Checks, well_formed};
pub use replay::{Tree, diff, dump, replay};
