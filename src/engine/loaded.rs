//! An image that an engine has.

use super::cleanup::Leftover;

/// An image in an engine. It goes when this is dropped, unless it was there before.
#[derive(Debug)]
pub struct Loaded {
    pub(super) id: String,
    /// Held for its end alone.
    pub(super) _leftover: Option<Leftover>,
}

impl Loaded {
    /// The id by which the engine knows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
