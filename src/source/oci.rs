//! OCI layouts: `index.json`, the indexes below it, and the manifests of images and of what refers to them.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.

use super::BlobRef;
use super::artifact;
use super::draft::{Draft, of_config, verified};
use super::format::ImageFormat;
use super::traits::Source;
use super::tree::{Edge, Node, NodeKind, OciTree, Raw};
use crate::image::descriptor::{IMAGE_NAME, REF_NAME, REFERENCE_DIGEST, REFERENCE_TYPE};
use crate::image::doc::View;
use crate::image::media;
use crate::image::{Descriptor, Doc, Platform};
use crate::{Digest, Error, ErrorKind, Result, Warning};
use oci_spec::image::{ImageManifest, OciLayout};
use std::collections::HashMap;

const MAX_DEPTH: u32 = 8;
const MAX_DESCRIPTORS: usize = 10_000;

/// The content of an OCI layout.
pub struct Layout {
    /// The documents.
    pub tree: OciTree,
    /// The images that [`NodeKind::Image`] counts.
    pub drafts: Vec<Draft>,
    /// Warnings about what is missing or odd.
    pub warnings: Vec<Warning>,
}

/// Reads the tree of documents below `index.json`. Of an image whose descriptor names another platform than `platform`, nothing is
/// read.
pub fn read(source: &dyn Source, index: &BlobRef, platform: Option<&Platform>) -> Result<Layout> {
    let layout = layout_file(source)?;
    let root = Doc::parse("index.json", source.document(index, "index.json")?)?;
    let mut reader = Reader {
        source,
        platform,
        nodes: Vec::new(),
        seen: HashMap::new(),
        drafts: Vec::new(),
        warnings: Vec::new(),
        descriptors: 0,
        skipped: Vec::new(),
    };
    let view = root.view("index.json");
    if view.get("manifests")?.value().is_none() {
        return Err(view.error(ErrorKind::Archive, "not an image index").expected("a list of `manifests`", "none"));
    }
    let mut edges = reader.edges(&view, 1)?;
    let Reader { mut nodes, mut drafts, warnings, skipped, .. } = reader;
    find_subjects(&mut edges, &mut nodes, &drafts);
    for edge in &edges {
        let name = edge.descriptor.annotation(IMAGE_NAME).or_else(|| edge.descriptor.annotation(REF_NAME));
        if let Some(name) = name {
            images_below(&nodes, edge.node).into_iter().for_each(|i| drafts[i].tag(name));
        }
    }
    Ok(Layout { tree: OciTree { root, layout, edges, nodes, skipped }, drafts, warnings })
}

/// The images at and below a node, each once.
pub fn images_below(nodes: &[Node], node: usize) -> Vec<usize> {
    let (mut images, mut todo, mut seen) = (Vec::new(), vec![node], vec![false; nodes.len()]);
    while let Some(node) = todo.pop() {
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        match &nodes[node].kind {
            NodeKind::Image(Some(image)) => images.push(*image),
            NodeKind::Index { edges, .. } => todo.extend(edges.iter().rev().map(|e| e.node)),
            _ => {}
        }
    }
    images
}

fn layout_file(source: &dyn Source) -> Result<Option<Doc>> {
    let Some(blob) = source.find("oci-layout")? else {
        return Ok(None);
    };
    let doc = Doc::parse("oci-layout", source.document(&blob, "oci-layout")?)?;
    let layout: OciLayout = doc.view("oci-layout").read()?;
    let version = layout.image_layout_version();
    if !version.starts_with("1.") {
        let error = Error::new(ErrorKind::Unsupported, "OCI layout of another version").member(b"oci-layout");
        return Err(error.expected("imageLayoutVersion 1.0.0", format!("{version:?}")));
    }
    Ok(Some(doc))
}

struct Reader<'a> {
    source: &'a dyn Source,
    platform: Option<&'a Platform>,
    nodes: Vec<Node>,
    /// The node of each digest, so that no document is read twice, however often it is named.
    seen: HashMap<Digest, usize>,
    drafts: Vec<Draft>,
    warnings: Vec<Warning>,
    descriptors: usize,
    skipped: Vec<Platform>,
}

impl Reader<'_> {
    fn edges(&mut self, index: &View<'_>, depth: u32) -> Result<Vec<Edge>> {
        // Not all of an `ImageIndex`: engines take a `subject` that does not say its size.
        let list: Vec<oci_spec::image::Descriptor> = index.get("manifests")?.read()?;
        self.descriptors += list.len();
        if depth > MAX_DEPTH || self.descriptors > MAX_DESCRIPTORS {
            let what = format!("indexes nested more than {MAX_DEPTH} deep, or more than {MAX_DESCRIPTORS} descriptors");
            return Err(index.error(ErrorKind::Archive, &what));
        }
        list.iter().map(|item| self.edge(Descriptor::new(item)?, depth)).collect()
    }

    fn edge(&mut self, descriptor: Descriptor, depth: u32) -> Result<Edge> {
        let about = about(&descriptor);
        let node = match self.seen.get(&descriptor.digest) {
            Some(&node) => node,
            None => {
                let (subject, kind) = self.node(&descriptor, about.is_some(), depth)?;
                self.nodes.push(Node { digest: descriptor.digest, subject, kind });
                self.seen.insert(descriptor.digest, self.nodes.len() - 1);
                self.nodes.len() - 1
            }
        };
        let refers = about.or(self.nodes[node].subject);
        Ok(Edge { descriptor, node, refers, selected: true })
    }

    /// The node that `descriptor` points to, with the digest of its subject.
    fn node(&mut self, descriptor: &Descriptor, artifact: bool, depth: u32) -> Result<(Option<Digest>, NodeKind)> {
        let platform = descriptor.platform();
        if let (Some(wanted), Some(platform)) = (self.platform, &platform)
            && wanted != platform
        {
            if self.is_whole(&descriptor.digest) {
                self.skipped.push(platform.clone());
            }
            return Ok((None, NodeKind::Image(None)));
        }
        let embedded = || descriptor.verified_data().map(BlobRef::memory);
        let Some(blob) = self.source.blob(&descriptor.digest)?.or_else(embedded) else {
            self.absent(&descriptor.digest, platform.as_ref(), "the manifest", artifact);
            return Ok((None, NodeKind::Absent));
        };
        let raw = Raw { digest: descriptor.digest, blob };
        if !descriptor.media().is_empty() && !media::is_manifest(descriptor.media()) {
            let what = descriptor.media().to_owned();
            return Ok((None, NodeKind::Artifact { what, raw: vec![raw], named: Vec::new() }));
        }
        let name = format!("blobs/sha256/{}", descriptor.digest.hex());
        let doc = verified(self.source, &raw.blob, &name, &descriptor.digest, Some(descriptor.fields.size()))?;
        let view = doc.view(&name);
        let subject = view.get("subject")?;
        let subject = if subject.value().is_some() { Some(subject.get("digest")?.digest()?) } else { None };
        if view.get("manifests")?.value().is_some() {
            let edges = self.edges(&view, depth + 1)?;
            return Ok((subject, NodeKind::Index { edges, doc }));
        }
        if view.get("fsLayers")?.value().is_some() {
            let hint = "convert it, for example with `skopeo copy --format oci`";
            return Err(view.error(ErrorKind::Unsupported, "docker manifest of schema 1").hint(hint));
        }
        let what = artifact::kind(self.source, &view)?;
        if let Some(what) = what.or_else(|| (artifact || subject.is_some()).then(|| descriptor.media().to_owned())) {
            let raw = self.raw_blobs(raw, &view)?;
            let named =
                if artifact || subject.is_some() { Vec::new() } else { artifact::named(self.source, &view, &raw)? };
            return Ok((subject, NodeKind::Artifact { what, raw, named }));
        }
        Ok((None, self.image(&name, &doc, descriptor, platform)?))
    }

    fn image(
        &mut self,
        name: &str,
        doc: &Doc,
        descriptor: &Descriptor,
        platform: Option<Platform>,
    ) -> Result<NodeKind> {
        let manifest: ImageManifest = doc.view(name).read()?;
        let config = Descriptor::new(manifest.config())?;
        let layers = manifest.layers().iter().map(Descriptor::new).collect::<Result<_>>()?;
        let embedded = || config.verified_data().map(BlobRef::memory);
        let Some(blob) = self.source.blob(&config.digest)?.or_else(embedded) else {
            self.absent(&config.digest, platform.as_ref(), "the config", false);
            return Ok(NodeKind::Absent);
        };
        let path = format!("blobs/sha256/{}", config.digest.hex());
        let config_doc =
            verified(self.source, &blob, &path, &config.digest, Some(config.fields.size())).map_err(of_config)?;
        let draft = Draft::new(config_doc, config.digest, platform);
        let mut draft = draft.map_err(|e| of_config(e).member(path.as_bytes()))?;
        draft.manifest = Some((doc.clone(), descriptor.digest));
        draft.descriptors = layers;
        self.drafts.push(draft);
        Ok(NodeKind::Image(Some(self.drafts.len() - 1)))
    }

    /// Returns true if a manifest is there with all that it names, so that its platform can be picked.
    fn is_whole(&self, manifest: &Digest) -> bool {
        if self.source.form() == Some(ImageFormat::Registry) {
            // Nothing is pulled to find out.
            return true;
        }
        let there = |descriptor: &View<'_>| -> Option<bool> {
            let digest = Digest::parse(descriptor.get("digest").ok()?.str().ok()??)?;
            Some(self.source.blob(&digest).ok()?.is_some())
        };
        let whole = || -> Option<bool> {
            let blob = self.source.blob(manifest).ok()??;
            let doc = Doc::parse("manifest", self.source.document(&blob, "manifest").ok()?).ok()?;
            let view = doc.view("manifest");
            let mut named = view.get("layers").ok()?.list().ok()?;
            named.push(view.get("config").ok()?);
            Some(named.iter().all(|descriptor| there(descriptor) == Some(true)))
        };
        whole() == Some(true)
    }

    /// Warns of a document that is not there, unless it is an artifact's: a pull of one platform leaves the others of its index
    /// out.
    fn absent(&mut self, missing: &Digest, platform: Option<&Platform>, what: &str, artifact: bool) {
        if artifact {
            return;
        }
        let of = platform.map_or_else(String::new, |p| format!("{p}: "));
        let message = format!("{of}{what} {missing} is not in the input: skipped");
        self.warnings.push(Warning::new("absent-image", message));
    }

    /// All blobs of an artifact that are there. Broken descriptors are passed over, as the artifact is copied all the same.
    fn raw_blobs(&self, manifest: Raw, view: &View<'_>) -> Result<Vec<Raw>> {
        let mut list = view.get("layers")?.list()?;
        list.extend(view.get("blobs")?.list()?);
        list.push(view.get("config")?);
        let mut raw = vec![manifest];
        for descriptor in list {
            let Ok(digest) = descriptor.get("digest").and_then(|digest| digest.digest()) else {
                continue;
            };
            if let Some(blob) = self.source.blob(&digest)? {
                raw.push(Raw { digest, blob });
            }
        }
        Ok(raw)
    }
}

/// The digest of the manifest that an attestation (by annotation) or a cosign signature (by name: `sha256-HEX.sig`) is about.
fn about(descriptor: &Descriptor) -> Option<Digest> {
    if descriptor.annotation(REFERENCE_TYPE).is_some() {
        return Digest::parse(descriptor.annotation(REFERENCE_DIGEST)?);
    }
    let name = descriptor.annotation(REF_NAME)?;
    let (hex, _) = name[name.rfind("sha256-")? + 7..].split_once('.')?;
    Digest::from_hex(hex)
}

/// Finds the subjects of artifacts that do not name them in a field for that: of the digests that their documents name the first
/// that is an image or index here.
fn find_subjects(edges: &mut [Edge], nodes: &mut [Node], drafts: &[Draft]) {
    let mut about: HashMap<Digest, Digest> = HashMap::new();
    for node in nodes.iter() {
        if let NodeKind::Image(_) | NodeKind::Index { .. } = node.kind {
            about.insert(node.digest, node.digest);
        }
    }
    for draft in drafts {
        about.extend(draft.manifest.as_ref().map(|(_, digest)| (draft.config_digest, *digest)));
    }
    let of = |node: &Node| match &node.kind {
        NodeKind::Artifact { named, .. } => Some(named.iter().find_map(|digest| about.get(digest).copied())),
        _ => None,
    };
    let subjects: Vec<Option<Option<Digest>>> = nodes.iter().map(of).collect();
    let find = |edge: &mut Edge| {
        let Some(subject) = subjects[edge.node].filter(|_| edge.refers.is_none()) else { return };
        let named = artifact::in_annotations(&edge.descriptor);
        edge.refers = named.iter().find_map(|digest| about.get(digest).copied()).or(subject);
    };
    edges.iter_mut().for_each(find);
    for node in nodes {
        if let NodeKind::Index { edges, .. } = &mut node.kind {
            edges.iter_mut().for_each(find);
        }
    }
}
