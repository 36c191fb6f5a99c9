//! Labels and annotations that describe the very bytes of an image, and their edit when its layers are replaced. Their keys are
//! data, `profiles/about.toml`.

use super::doc::Doc;
use crate::{Digest, Warning};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The table; a test holds that it is one.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../profiles/about.toml")).unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: String,
    on: Vec<Place>,
    becomes: Fate,
    of: Option<Of>,
}

/// The object that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The labels of a config.
    Label,
    /// The annotations of a manifest.
    Manifest,
    /// The annotations of a layer's descriptor.
    Layer,
    /// The annotations of an image's descriptor in an index.
    Index,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    Followed,
    Dropped,
    ZstdOnly,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Of {
    Files,
    Bytes,
}

impl Key {
    fn is(&self, place: Place, key: &str) -> bool {
        let named = match self.name.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => key == self.name,
        };
        named && self.on.contains(&place)
    }
}

/// A layer as digests name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The digest of the decompressed bytes.
    pub diff_id: Digest,
    /// The digest of the blob, if it is known.
    pub blob: Option<Digest>,
}

/// The layers of an image before and after, as far as labels and annotations name them.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    /// For each digest of the input the digest of the output that stands for it; `None` if its layer is gone.
    to: HashMap<Digest, Option<Digest>>,
    /// True if the content of a layer differs, and true if a blob does.
    files: bool,
    bytes: bool,
    zstd: bool,
}

impl Moves {
    /// Compares the layers `before` with the layers `after`, which are made from those at these positions. `zstd` is true if one of
    /// them is compressed with zstd.
    #[must_use]
    pub fn new(before: &[Ids], after: &[(Option<usize>, Ids)], zstd: bool) -> Self {
        let mut moves = Self { zstd, ..Self::default() };
        for (index, old) in before.iter().enumerate() {
            let new = after.iter().find(|(from, _)| *from == Some(index)).map(|(_, ids)| *ids);
            moves.files |= new.is_none_or(|new| new.diff_id != old.diff_id);
            moves.bytes |= new.is_none_or(|new| new.blob != old.blob && old.blob.is_some());
            // Of equal layers the first one that stays counts.
            let mut put = |old: Digest, new: Option<Digest>| {
                let known = moves.to.entry(old).or_insert(new);
                *known = known.or(new);
            };
            put(old.diff_id, new.map(|new| new.diff_id));
            if let Some(blob) = old.blob.filter(|blob| *blob != old.diff_id) {
                put(blob, new.and_then(|new| new.blob));
            }
        }
        moves
    }

    fn changed(&self, of: Option<Of>) -> bool {
        match of {
            Some(Of::Files) => self.files,
            _ => self.files || self.bytes,
        }
    }

    /// The text with the output's digests in place of the input's, and the digests in it whose layers are gone.
    fn follow(&self, text: &str) -> Result<String, Digest> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        loop {
            let begin = rest.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(rest.len());
            out.push_str(&rest[..begin]);
            rest = &rest[begin..];
            if rest.is_empty() {
                return Ok(out);
            }
            let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
            let word = &rest[..end];
            match Digest::from_hex(word).and_then(|old| Some((old, self.to.get(&old)?))) {
                None => out.push_str(word),
                Some((_, Some(new))) => out.push_str(&new.hex()),
                Some((old, None)) => return Err(old),
            }
            rest = &rest[end..];
        }
    }

    /// Edits labels or annotations and returns the warnings about it. If no layer changes, nothing does.
    pub fn edit(&self, place: Place, fields: &mut Map<String, Value>) -> Vec<Warning> {
        if !self.changed(None) {
            return Vec::new();
        }
        let what = if place == Place::Label { "label" } else { "annotation" };
        let mut told = Vec::new();
        let mut edit = |key: &String, value: &mut Value| -> bool {
            let mut tell = |text: String| told.push(Warning::new("stale-annotation", format!("{what} {key} {text}")));
            let followed = value.as_str().map(|text| self.follow(text));
            match (TABLE.key.iter().find(|known| known.is(place, key)), followed) {
                (Some(Key { becomes: Fate::Followed, .. }), Some(Ok(text))) => *value = Value::String(text),
                (Some(Key { becomes: Fate::Followed, .. }), Some(Err(gone))) => {
                    tell(format!("names the layer {gone}, which no layer of the output is made from: dropped"));
                    return false;
                }
                (Some(Key { becomes: Fate::Dropped, of, .. }), _) if self.changed(*of) => {
                    tell("describes bytes that are others now: dropped".into());
                    return false;
                }
                (Some(Key { becomes: Fate::ZstdOnly, .. }), _) if !self.zstd => {
                    tell("is of zstd, and no layer is compressed so now: dropped".into());
                    return false;
                }
                (None, Some(Ok(text))) if value.as_str() != Some(&text) => {
                    tell("names a layer of the input by a digest that it no longer has: left as it is".into());
                }
                (None, Some(Err(gone))) => {
                    tell(format!("names the layer {gone}, which no layer of the output is made from: left as it is"));
                }
                _ => {}
            }
            true
        };
        let gone: Vec<String> =
            fields.iter_mut().filter_map(|(key, value)| (!edit(key, value)).then(|| key.clone())).collect();
        gone.iter().for_each(|key| drop(fields.shift_remove(key)));
        told
    }

    /// Edits the object of labels or annotations at `path` of a document, if there is one, and returns the warnings; an object that
    /// becomes empty goes.
    pub fn edit_at(&self, place: Place, json: &mut Value, path: &[&str]) -> Vec<Warning> {
        let Some((last, way)) = path.split_last() else { return Vec::new() };
        let parent = way.iter().try_fold(json, |at, key| at.get_mut(*key)).and_then(Value::as_object_mut);
        let Some(parent) = parent else { return Vec::new() };
        let Some(fields) = parent.get_mut(*last).and_then(Value::as_object_mut).filter(|fields| !fields.is_empty())
        else {
            return Vec::new();
        };
        let told = self.edit(place, fields);
        if fields.is_empty() {
            parent.shift_remove(*last);
        }
        told
    }

    /// The config with labels that fit the output's layers, and the warnings about them.
    #[must_use]
    pub fn relabel(&self, config: &Doc) -> (Doc, Vec<Warning>) {
        let mut json = config.json.clone();
        let told = self.edit_at(Place::Label, &mut json, &["config", "Labels"]);
        (config.with(json), told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(name: &str) -> Ids {
        Ids { diff_id: Digest::of(name.as_bytes()), blob: Some(Digest::of(format!("{name}.gz").as_bytes())) }
    }

    fn edited(moves: &Moves, place: Place, fields: Value) -> (Value, Vec<String>) {
        let mut fields = fields.as_object().unwrap().clone();
        let told = moves.edit(place, &mut fields);
        (Value::Object(fields), told.into_iter().map(|warning| warning.message).collect())
    }

    #[test]
    fn the_table_is_one() {
        let table: Table = toml::from_str(include_str!("../../profiles/about.toml")).unwrap();
        assert!(!table.key.is_empty());
        assert!(table.key.iter().all(|key| (key.becomes == Fate::Dropped) == key.of.is_some()));
    }

    #[test]
    fn what_names_a_layer_follows_it_or_goes() {
        let moves = Moves::new(&[ids("a"), ids("b"), ids("c")], &[(Some(0), ids("a")), (Some(2), ids("c2"))], false);
        let label = |name: &str| format!("sha256:{}", ids(name).diff_id.hex());
        let key = "ostree.final-diffid";
        assert_eq!(
            edited(&moves, Place::Label, json!({key: label("a"), "x": "y"})),
            (json!({key: label("a"), "x": "y"}), vec![])
        );
        assert_eq!(edited(&moves, Place::Label, json!({key: label("c")})), (json!({key: label("c2")}), vec![]));
        let (fields, told) = edited(&moves, Place::Label, json!({key: label("b"), "x": "y"}));
        assert_eq!((fields, told.len()), (json!({"x": "y"}), 1));
        assert!(told[0].contains(key) && told[0].contains(&label("b")), "{told:?}");
        // Text round digests stays, and digests of blobs follow too.
        let nested = |a: &str, c: &str| json!({"layers": [{"sha": a, "x": 1.50}], "top": c}).to_string();
        let before = nested(&label("a"), &format!("{}", ids("c").blob.unwrap()));
        let after = nested(&label("a"), &format!("{}", ids("c2").blob.unwrap()));
        let metadata = "io.buildpacks.lifecycle.metadata";
        assert_eq!(edited(&moves, Place::Label, json!({metadata: before})), (json!({metadata: after}), vec![]));
        // A key that nobody knows stays, and that is told.
        let (fields, told) = edited(&moves, Place::Label, json!({"who.knows": label("c")}));
        assert_eq!((fields, told.len()), (json!({"who.knows": label("c")}), 1));
        let (_, told) =
            edited(&moves, Place::Label, json!({"who.knows": label("b"), "fine": label("a"), "other": label("z")}));
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn what_describes_bytes_goes_with_them() {
        let packed = Ids { blob: Some(Digest::of(b"another")), ..ids("a") };
        let (same, repacked, other) = (ids("a"), packed, ids("a2"));
        let moves = |new| Moves::new(&[ids("a")], &[(Some(0), new)], false);
        let of_files = json!({"containers.composefs.fsverity": "ab"});
        let of_bytes = json!({"containerd.io/snapshot/stargz/toc.digest": "sha256:ab", "mine": "1"});
        let left = |new, place, fields: &Value| edited(&moves(new), place, fields.clone()).0;
        assert_eq!(left(same, Place::Label, &of_files), of_files);
        assert_eq!(left(repacked, Place::Label, &of_files), of_files);
        assert_eq!(left(other, Place::Label, &of_files), json!({}));
        assert_eq!(left(same, Place::Layer, &of_bytes), of_bytes);
        assert_eq!(left(repacked, Place::Layer, &of_bytes), json!({"mine": "1"}));
        assert_eq!(left(other, Place::Label, &of_bytes), of_bytes, "as a label it means nothing");
        let zstd = json!({"io.github.containers.compression.zstd": "true"});
        assert_eq!(left(repacked, Place::Index, &zstd), json!({}));
        let stays = Moves::new(&[ids("a")], &[(Some(0), ids("a2"))], true);
        assert_eq!(edited(&stays, Place::Index, zstd.clone()).0, zstd);
    }

    #[test]
    fn objects_are_found_in_documents_and_empty_ones_go() {
        let moves = Moves::new(&[ids("a")], &[], false);
        let text = ids("a").diff_id.to_string();
        let mut json = json!({"config": {"Labels": {"ostree.final-diffid": text}, "Cmd": null}});
        assert_eq!(moves.edit_at(Place::Label, &mut json, &["config", "Labels"]).len(), 1);
        assert_eq!(json, json!({"config": {"Cmd": null}}));
        for mut json in
            [json!({}), json!({"config": null}), json!({"config": {"Labels": null}}), json!({"config": {"Labels": {}}})]
        {
            let before = json.clone();
            assert!(moves.edit_at(Place::Label, &mut json, &["config", "Labels"]).is_empty());
            assert_eq!(json, before);
        }
    }
}
