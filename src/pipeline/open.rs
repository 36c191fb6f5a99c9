//! Opens an image: its documents are read, but none of its layers.

use super::progress::Ui;
use super::request::{Reading, Request};
use crate::image::Platform;
use crate::sink::Target;
use crate::source::tree::NodeKind;
use crate::source::{self, Image, ImageFormat, Input, Location, OpenOptions};
use crate::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// Opens the images of a request, once it is clear that the output can be written to its place.
///
/// # Errors
/// Returns the errors of the documents, and one if input and output contradict each other.
pub fn open(request: &Request, target: Option<&Target>, ui: &dyn Ui) -> Result<Input> {
    let location = Location::parse(&request.input)?;
    let output = request.output.as_deref();
    check_creds(&[Some(request.input.as_str()), output].into_iter().flatten().collect::<Vec<_>>(), &request.reading)?;
    if let Some(target) = target {
        target.check(&location, None)?;
    }
    let input = at(&location, &request.reading, ui)?;
    if let Some(target) = target {
        target.check(&location, Some(input.form))?;
        if let Some(text) = target.note(input.form)? {
            ui.note(&text);
        }
    }
    let names = target.map_or_else(|| Ok(request.tags.clone()), |target| target.names(&request.tags))?;
    check_tags(&input, names.len())?;
    input.warnings.iter().for_each(|w| ui.warn(w));
    Ok(input)
}

/// Refuses one password for two registries: it is the secret of one of them.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if it would be given to two of the registries that `images` are in.
pub fn check_creds(images: &[&str], reading: &Reading) -> Result<()> {
    let mut hosts = HashSet::new();
    for image in images {
        hosts.extend(Location::parse(image)?.registry().map(|name| name.host.clone()));
    }
    if reading.registry.creds.is_none() || hosts.len() < 2 {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Usage, "--creds is for one registry, and the images are in two");
    Err(error.hint("`docker login` to both, or give --authfile"))
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
pub fn open_image(location: &str, reading: &Reading, ui: &dyn Ui) -> Result<Input> {
    let input = at(&Location::parse(location)?, reading, ui)?;
    input.warnings.iter().for_each(|w| ui.warn(w));
    Ok(input)
}

/// Opens the one image that the command line names. Of several platforms in a registry it is this machine's, as docker takes it.
///
/// # Errors
/// As [`open_image`].
pub fn open_one(location: &str, reading: &Reading, ui: &dyn Ui) -> Result<Input> {
    let input = open_image(location, reading, ui)?;
    if input.images.len() < 2 || reading.platform.is_some() || input.form != ImageFormat::Registry {
        return Ok(input);
    }
    let own = format!("linux/{}", architecture(std::env::consts::ARCH));
    let is_own = |image: &&Image| image.platform.to_string().starts_with(&own);
    let Some(platform) = input.images.iter().find(is_own).map(|image| image.platform.to_string()) else {
        return Ok(input);
    };
    ui.note(&format!("{location} has {} platforms, and this is about {platform}: see --platform", input.images.len()));
    open_image(location, &Reading { platform: Some(platform), ..reading.clone() }, ui)
}

/// The name of an architecture in images. Source: <https://go.dev/doc/install/source#environment>.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

fn at(location: &Location, reading: &Reading, ui: &dyn Ui) -> Result<Input> {
    let platform = reading.platform.as_deref().map(Platform::parse).transpose()?;
    source::open(
        location,
        &OpenOptions { platform, registry: &reading.registry, spool_note: &|message| ui.note(message) },
    )
}
