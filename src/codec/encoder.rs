//! The trait of all compressing writers.

use std::io::{self, Write};

/// A writer that compresses, and ends its stream only in [`Encoder::finish`].
pub trait Encoder<W>: Write {
    /// Writes the rest and the end of the stream.
    ///
    /// # Errors
    /// Returns the errors of the writer underneath.
    fn finish(self: Box<Self>) -> io::Result<W>;
}
