//! x
/// Removes all temporaries of outputs that are being written, for a handler of signals.
pub fn remove_temporaries() { todo!() }
