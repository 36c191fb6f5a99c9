//! x
use super::{Input, Location, OpenOptions};
use crate::Result;
/// Opens the images at `location`.
///
/// # Errors
/// Where there is no image that can be read; the message says what there is instead.
pub fn open(location: &Location, options: &OpenOptions<'_>) -> Result<Input> {
    let _ = (location, options);
    todo!()
}
