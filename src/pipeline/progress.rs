//! The interface by which the phases report what they do.

use crate::Warning;

/// A listener to a run's reports. Several threads may call it.
pub trait Ui: Sync {
    /// A phase begins, in which `total_bytes` are to pass; 0 if that is not known.
    fn phase(&self, name: &str, total_bytes: u64);
    /// `bytes` more have passed. Must be cheap: an atomic addition, and a redraw a few times a second.
    fn advance(&self, bytes: u64);
    /// `done` of `total` layers have passed.
    fn layers(&self, done: usize, total: usize) {
        let _ = (done, total);
    }
    /// Something good to know, such as that standard input is spooled.
    fn note(&self, message: &str);
    /// Something that the user should know.
    fn warn(&self, warning: &Warning);
    /// There is nothing more to show.
    fn done(&self);
}

/// A [`Ui`] that says nothing, for tests and for callers of the library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Ui for Silent {
    fn phase(&self, _name: &str, _total_bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn note(&self, _message: &str) {}
    fn warn(&self, _warning: &Warning) {}
    fn done(&self) {}
}
