//! Opens an image: its documents are read, but none of its layers.

use super::progress::Ui;
use super::request::Request;
use crate::Result;
use crate::image::Platform;
use crate::sink::Target;
use crate::source::{self, Input, Location, OpenOptions};

/// Opens the images of a request, once it is clear that the output can be written to its place.
///
/// # Errors
/// Returns the errors of the documents, and one if input and output contradict each other.
pub fn open(request: &Request, target: Option<&Target>, ui: &dyn Ui) -> Result<Input> {
    let location = Location::parse(&request.input)?;
    if let Some(target) = target {
        target.check(&location, None)?;
    }
    let input = at(&location, request.platform.as_deref(), ui)?;
    if let Some(target) = target {
        target.check(&location, Some(input.form))?;
        if let Some(text) = target.note(input.form)? {
            ui.note(&text);
        }
    }
    input.warnings.iter().for_each(|w| ui.warn(w));
    Ok(input)
}

/// Opens an image that the command line names and of which nothing will be written.
///
/// # Errors
/// Returns the errors of the documents.
pub fn open_image(location: &str, platform: Option<&str>, ui: &dyn Ui) -> Result<Input> {
    let input = at(&Location::parse(location)?, platform, ui)?;
    input.warnings.iter().for_each(|w| ui.warn(w));
    Ok(input)
}

fn at(location: &Location, platform: Option<&str>, ui: &dyn Ui) -> Result<Input> {
    let platform = platform.map(Platform::parse).transpose()?;
    source::open(location, &OpenOptions { platform, spool_note: &|message| ui.note(message) })
}
