//! An image that an engine has.

use super::cleanup::Leftover;

/// An image in an engine. It is removed when this is dropped, unless it was there before.
#[derive(Debug)]
pub struct Loaded {
    pub(super) id: String,
    /// Held only to be dropped.
    pub(super) _leftover: Option<Leftover>,
}

impl Loaded {
    /// Returns the id by which the engine knows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
