//! The documents of the output, made from the input's with as few edits as can be: what does not change keeps its bytes
//! and its digest.

use super::assembly::{Assembly, Documents};
use super::traits::Document;
use super::{docker, index, manifest};
use crate::image::{Doc, descriptor};
use crate::source::ImageFormat;
use crate::{Error, ErrorKind, Result, Warning};
use oci_spec::image::OciLayoutBuilder;

/// Makes the documents of the output. No I/O.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] for wrong tags, or tags on an input with several images.
pub fn assemble(assembly: &Assembly<'_>) -> Result<(Documents, Vec<Warning>)> {
    index::check_tags(assembly.tags, assembly.form)?;
    let mut warnings = Vec::new();
    let mut documents = Documents::default();
    let mut manifests = Vec::new();
    for (i, image) in assembly.input.images.iter().enumerate() {
        let rewritten = assembly.images.iter().find(|r| r.image == i);
        let missing = || Error::new(ErrorKind::Usage, format!("image {i} of the input was not rewritten"));
        let rewritten = rewritten.ok_or_else(missing)?;
        manifests.push(manifest::manifest(image, rewritten, &mut warnings)?);
    }
    for rewritten in assembly.images {
        let manifest = &manifests[rewritten.image];
        documents.manifests.push(manifest.digest);
        documents.layers.extend(rewritten.layers.iter().map(|l| l.digest));
        documents.blobs.push((Document::Config(rewritten.config.digest()), rewritten.config.raw.clone()));
        documents.blobs.push((Document::Manifest(manifest.digest), manifest.doc.raw.clone()));
    }
    documents.index_json = index::index_json(assembly, &manifests, &mut documents, &mut warnings)?;
    if assembly.form == ImageFormat::Hybrid {
        documents.manifest_json = Some(docker::manifest_json(assembly, &manifests, &mut warnings));
    }
    documents.oci_layout = match assembly.input.trees.oci.as_ref().and_then(|t| t.layout.as_ref()) {
        Some(doc) => doc.raw.clone(),
        None => Doc::new(descriptor::json(&OciLayoutBuilder::default().image_layout_version("1.0.0").build()?)?).raw,
    };
    warnings.dedup();
    Ok((documents, warnings))
}
