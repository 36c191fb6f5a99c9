//! Opens an image: its documents are read, but none of its layers.

use super::progress::Ui;
use super::request::Request;
use crate::Result;
use crate::image::Platform;
use crate::sink::Target;
use crate::source::tree::NodeKind;
use crate::source::{self, Input, Location, OpenOptions};
use std::collections::HashSet;

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
    let reference = target.and_then(Target::reference);
    check_tags(&input, request.tags.len() + usize::from(reference.is_some()))?;
    input.warnings.iter().for_each(|w| ui.warn(w));
    Ok(input)
}

/// Refuses names (`count` of them) for an output with several images, before the work. The platforms of an index are one image.
fn check_tags(input: &Input, count: usize) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let images: HashSet<usize> = match (&input.trees.oci, &input.trees.docker) {
        (Some(oci), _) => {
            let is_image =
                |node: usize| matches!(oci.nodes[node].kind, NodeKind::Image(Some(_)) | NodeKind::Index { .. });
            oci.edges.iter().filter(|edge| edge.selected && is_image(edge.node)).map(|edge| edge.node).collect()
        }
        (None, Some(docker)) => docker.images.iter().flatten().copied().collect(),
        (None, None) => return Ok(()),
    };
    if images.len() < 2 {
        return Ok(());
    }
    Err(input.tag_for_several())
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
