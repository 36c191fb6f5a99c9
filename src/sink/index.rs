//! Indexes: the input's tree with its digests and sizes re-pointed, and `index.json` at its root.

use super::manifest::{Manifest, point};
use super::traits::Document;
use super::{Assembly, Documents};
use crate::image::about::Place;
use crate::image::descriptor::{IMAGE_NAME, REF_NAME};
use crate::image::media::{DOCKER_LIST, MediaType};
use crate::image::reference::is_tag;
use crate::image::{Doc, Reference, descriptor};
use crate::source::ImageFormat;
use crate::source::tree::{Edge, NodeKind, OciTree};
use crate::{Digest, Result, Warning};
use oci_spec::image::ImageIndexBuilder;
use serde_json::{Map, Value, json};

/// The output's version of a node of the input's tree.
#[derive(Clone, Debug)]
enum Outcome {
    /// The document passes as it is.
    Same,
    /// The document is replaced by one of another digest.
    Changed { digest: Digest, size: u64, media: Option<MediaType> },
    /// The document goes: it is not selected, or nothing is left below it.
    Gone,
    /// The document was not in the input.
    Absent,
}

/// The list of descriptors of an index in the output.
struct List {
    /// The descriptors that stay, with their edges.
    kept: Vec<(usize, Value)>,
    /// True if anything differs from the input.
    changed: bool,
    /// True if a manifest below now has OCI's media type in place of docker's.
    converted: bool,
}

struct Rebuild<'a> {
    tree: &'a OciTree,
    /// The manifest of each image of the input.
    manifests: &'a [Manifest],
    outcomes: Vec<Option<Outcome>>,
    documents: &'a mut Documents,
    warnings: &'a mut Vec<Warning>,
}

/// Writes `index.json`, and into `documents` the indexes and artifacts below it.
pub fn index_json(
    assembly: &Assembly<'_>,
    manifests: &[Manifest],
    documents: &mut Documents,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<u8>> {
    let tree = assembly.input.trees.oci.as_ref();
    let empty = ImageIndexBuilder::default().schema_version(2u32).media_type(MediaType::ImageIndex).manifests([]);
    let empty = Doc::new(descriptor::json(&empty.build()?)?);
    let root = tree.map_or(&empty, |t| &t.root);
    let (mut entries, mut reached) = (Vec::new(), vec![false; manifests.len()]);
    if let Some(tree) = tree {
        let outcomes = vec![None; tree.nodes.len()];
        let mut rebuild = Rebuild { tree, manifests, outcomes, documents, warnings };
        let list = rebuild.list(&root.json, &tree.edges);
        for (node, outcome) in tree.nodes.iter().zip(&rebuild.outcomes) {
            if let (NodeKind::Image(Some(image)), Some(_)) = (&node.kind, outcome) {
                reached[*image] = true;
            }
        }
        let artifact = |edge: &Edge| matches!(tree.nodes[edge.node].kind, NodeKind::Artifact { .. } | NodeKind::Absent);
        entries = list.kept.into_iter().map(|(i, value)| Entry { value, artifact: artifact(&tree.edges[i]) }).collect();
        if !list.changed {
            // Descriptors of what is absent stay in an index that stays.
            entries = root.json["manifests"]
                .as_array()
                .into_iter()
                .flatten()
                .zip(&tree.edges)
                .map(|(value, edge)| Entry { value: value.clone(), artifact: artifact(edge) })
                .collect();
        }
    }
    for (image, manifest) in manifests.iter().enumerate().filter(|(i, _)| !reached[*i]) {
        append(&mut entries, assembly, image, manifest)?;
    }
    if !assembly.tags.is_empty() {
        entries = retag(entries, assembly)?;
    } else if assembly.form.has_full_names() && assembly.input.trees.docker.is_none() {
        entries.iter_mut().for_each(add_image_name);
    }
    let mut json = root.json.clone();
    json["manifests"] = entries.into_iter().map(|e| e.value).collect();
    Ok(root.with(json).raw)
}

/// A descriptor at the root.
struct Entry {
    value: Value,
    artifact: bool,
}

/// Adds an image that no index names, as docker 25 writes it: once per tag.
fn append(entries: &mut Vec<Entry>, assembly: &Assembly<'_>, image: usize, manifest: &Manifest) -> Result<()> {
    let media = manifest.doc.json.get("mediaType").and_then(Value::as_str);
    let media = media.map_or(MediaType::ImageManifest, MediaType::from);
    let plain = descriptor::json(&descriptor::made(media, manifest.digest, manifest.doc.size())?)?;
    let tags = &assembly.input.images[image].tags;
    for tag in tags.iter().filter(|_| assembly.tags.is_empty()) {
        let mut value = plain.clone();
        annotate(&mut value, tag, assembly.form.has_full_names());
        entries.push(Entry { value, artifact: false });
    }
    if tags.is_empty() || !assembly.tags.is_empty() {
        entries.push(Entry { value: plain, artifact: false });
    }
    Ok(())
}

/// Names a descriptor: by full name and tag as docker 25 does, or by the bare reference as skopeo does for layouts.
fn annotate(descriptor: &mut Value, tag: &str, full: bool) {
    let reference = Reference::parse(tag).ok().filter(|_| full);
    let annotations = descriptor.as_object_mut().map(|d| d.entry("annotations").or_insert_with(|| json!({})));
    let Some(annotations) = annotations else { return };
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    match reference {
        Some(reference) => {
            annotations[IMAGE_NAME] = json!(reference.to_string());
            annotations[REF_NAME] = json!(reference.tag);
        }
        None => annotations[REF_NAME] = json!(tag),
    }
}

/// containerd takes the name of an image of a hybrid from an annotation.
fn add_image_name(entry: &mut Entry) {
    let Some(annotations) = entry.value.get_mut("annotations").and_then(Value::as_object_mut) else {
        return;
    };
    let name = annotations.get(REF_NAME).and_then(Value::as_str).filter(|n| n.contains([':', '/']));
    if let Some(reference) = name.and_then(|n| Reference::parse(n).ok())
        && !annotations.contains_key(IMAGE_NAME)
    {
        annotations.insert(IMAGE_NAME.into(), json!(reference.to_string()));
    }
}

/// Gives the one image (or multi-platform index) of `entries` new tags.
fn retag(entries: Vec<Entry>, assembly: &Assembly<'_>) -> Result<Vec<Entry>> {
    let (mut images, artifacts): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|e| !e.artifact);
    images.dedup_by(|a, b| a.value["digest"] == b.value["digest"]);
    let digests: Vec<&Value> = images.iter().map(|e| &e.value["digest"]).collect();
    if digests.iter().any(|d| *d != digests[0]) {
        return Err(assembly.input.tag_for_several());
    }
    let Some(first) = images.into_iter().next() else {
        return Ok(artifacts);
    };
    let full = assembly.form.has_full_names() || first.value.pointer(&pointer(IMAGE_NAME)).is_some();
    let tagged = assembly.tags.iter().map(|tag| {
        let mut value = first.value.clone();
        annotate(&mut value, tag, full);
        Entry { value, artifact: false }
    });
    Ok(tagged.chain(artifacts).collect())
}

fn pointer(annotation: &str) -> String {
    format!("/annotations/{}", annotation.replace('/', "~1"))
}

/// Checks the tags that the user gives.
pub fn check_tags(tags: &[String], form: ImageFormat) -> Result<()> {
    for tag in tags {
        // A bare tag is a name in a layout, such as `v1.2`.
        if let Err(error) = Reference::parse(tag)
            && (form.has_full_names() || !is_tag(tag))
        {
            return Err(error);
        }
    }
    Ok(())
}

impl Rebuild<'_> {
    fn outcome(&mut self, node: usize) -> Outcome {
        if let Some(outcome) = &self.outcomes[node] {
            return outcome.clone();
        }
        // No document can contain its own digest; so this mark is never seen.
        self.outcomes[node] = Some(Outcome::Same);
        let tree = self.tree;
        let outcome = match &tree.nodes[node].kind {
            NodeKind::Image(None) => Outcome::Gone,
            NodeKind::Absent => Outcome::Absent,
            NodeKind::Artifact { .. } => Outcome::Same,
            NodeKind::Image(Some(image)) => {
                let manifest = &self.manifests[*image];
                let (digest, size, media) = (manifest.digest, manifest.doc.size(), manifest.media.clone());
                if digest == tree.nodes[node].digest { Outcome::Same } else { Outcome::Changed { digest, size, media } }
            }
            NodeKind::Index { doc, edges } => self.index(doc, edges),
        };
        self.outcomes[node] = Some(outcome.clone());
        outcome
    }

    fn index(&mut self, doc: &Doc, edges: &[Edge]) -> Outcome {
        let list = self.list(&doc.json, edges);
        if !list.changed {
            self.documents.blobs.push((Document::Manifest(doc.digest()), doc.raw.clone()));
            return Outcome::Same;
        }
        if list.kept.is_empty() {
            return Outcome::Gone;
        }
        let mut json = doc.json.clone();
        json["manifests"] = list.kept.into_iter().map(|(_, value)| value).collect();
        let mut media = None;
        if list.converted && json.get("mediaType").and_then(Value::as_str) == Some(DOCKER_LIST) {
            json["mediaType"] = json!(MediaType::ImageIndex);
            media = Some(MediaType::ImageIndex);
        }
        let new = doc.with(json);
        let (digest, size) = (new.digest(), new.size());
        self.documents.blobs.push((Document::Manifest(digest), new.raw));
        Outcome::Changed { digest, size, media }
    }

    /// Re-points the descriptors of an index.
    fn list(&mut self, index: &Value, edges: &[Edge]) -> List {
        let mut list = List { kept: Vec::new(), changed: false, converted: false };
        let mut absent = Vec::new();
        let values = index["manifests"].as_array().into_iter().flatten();
        for (i, (edge, value)) in edges.iter().zip(values).enumerate() {
            if !edge.selected || self.is_stale(edge) {
                list.changed = true;
                continue;
            }
            match self.outcome(edge.node) {
                Outcome::Gone => list.changed = true,
                Outcome::Absent => absent.push(i),
                Outcome::Same => {
                    if let NodeKind::Artifact { raw, .. } = &self.tree.nodes[edge.node].kind {
                        self.documents.copies.extend(raw.iter().map(|r| (r.digest, r.blob.clone())));
                    }
                    list.kept.push((i, value.clone()));
                }
                Outcome::Changed { digest, size, media } => {
                    let mut value = value.clone();
                    point(&mut value, &digest, size);
                    if let NodeKind::Image(Some(image)) = self.tree.nodes[edge.node].kind {
                        let told = self.manifests[image].moves.edit_at(Place::Index, &mut value, &["annotations"]);
                        self.warnings.extend(told);
                    }
                    if let Some(media) = media {
                        value["mediaType"] = json!(media);
                        list.converted = true;
                    }
                    list.changed = true;
                    list.kept.push((i, value));
                }
            }
        }
        list
    }

    /// Returns true if an attestation, a signature or the like is about something that is not the same in the output.
    fn is_stale(&mut self, edge: &Edge) -> bool {
        let Some(about) = edge.refers else { return false };
        let Some(node) = self.tree.nodes.iter().position(|n| n.digest == about) else {
            return false;
        };
        match self.outcome(node) {
            Outcome::Same | Outcome::Absent => false,
            Outcome::Gone => true,
            Outcome::Changed { .. } => {
                let digest = edge.descriptor.digest;
                let message =
                    format!("{digest} (an attestation or signature) is about {about}, which changes: dropped");
                self.warnings.push(Warning::new("attestation-dropped", message));
                true
            }
        }
    }
}
