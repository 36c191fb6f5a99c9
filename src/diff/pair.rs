//! Two images side by side.

use super::Image;
use super::layers::{self, Aligned};
use super::measured::Measured;
use super::walk::{self, Row};

/// Two images side by side.
pub struct Pair<'a> {
    pub(super) images: [Image<'a>; 2],
    pub(super) sides: [Measured<'a>; 2],
    pub(super) rows: Vec<Row>,
    pub(super) layers: Aligned,
}

impl<'a> Pair<'a> {
    /// Puts two images side by side.
    #[must_use]
    pub fn new(before: Image<'a>, after: Image<'a>) -> Self {
        Self {
            sides: [Measured::new(&before), Measured::new(&after)],
            rows: walk::walk(before.tree, after.tree),
            layers: layers::align(&before, &after),
            images: [before, after],
        }
    }
}
