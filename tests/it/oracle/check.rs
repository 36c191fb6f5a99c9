//! What holds for every output, whatever the input was.

use super::archive::{ImageView, View};
use super::replay::{normal, show, split};
use super::tar::{self, Member};
use crate::builder::sha256;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Which checks a run asks for beyond digests.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// A squash onto this many kept layers.
    pub squash: Option<usize>,
    /// The layers up to here are the input's blobs.
    pub base: usize,
}

/// Every violation found in `output`, which was made from `input`.
pub fn well_formed(input: &View, output: &View, checks: Checks) -> Vec<String> {
    let mut bad = output.problems.clone();
    if output.images.len() != input.images.len() {
        bad.push(format!("{} images became {}", input.images.len(), output.images.len()));
    }
    // Images may come in another order only if nobody can tell them apart, so they are compared one by one.
    for (i, (a, b)) in input.images.iter().zip(&output.images).enumerate() {
        let mut found = Vec::new();
        image(a, b, checks, &mut found);
        bad.extend(found.into_iter().map(|f| format!("image {i}: {f}")));
    }
    if output.index.is_some() {
        for d in &output.docker {
            if !output.images.iter().any(|i| i.config_bytes == d.config_bytes) {
                bad.push("manifest.json names a config that index.json does not".into());
            }
            for image in output.images.iter().filter(|i| i.config_bytes == d.config_bytes) {
                if image.tars() != d.tars() {
                    bad.push("manifest.json and index.json name different layers".into());
                }
            }
        }
    }
    bad
}

fn image(input: &ImageView, output: &ImageView, checks: Checks, bad: &mut Vec<String>) {
    let diff_ids: Vec<String> = output.tars().iter().map(|t| sha256(t)).collect();
    if output.config["rootfs"]["diff_ids"] != serde_json::json!(diff_ids) {
        bad.push(format!("diff_ids {} where the layers are {diff_ids:?}", output.config["rootfs"]["diff_ids"]));
    }
    if input.tags != output.tags {
        bad.push(format!("tags {:?} became {:?}", input.tags, output.tags));
    }
    for (key, field) in [("platform", &input.platform)] {
        if *field != output.platform && !field.is_null() && !output.platform.is_null() {
            bad.push(format!("{key} {field} became {}", output.platform));
        }
    }
    for (i, layer) in input.layers.iter().take(checks.base).enumerate() {
        if output.layers.get(i).map(|l| &l.blob) != Some(&layer.blob) {
            bad.push(format!("layer {i} belongs to the base and was not kept byte for byte"));
        }
    }
    if let Some(kept) = checks.squash
        && output.layers.len() > kept + 1
    {
        bad.push(format!("a squash left {} layers", output.layers.len()));
    }
    config(&input.config, &output.config, diff_ids.len(), bad);
    let old: BTreeSet<String> = input.tars().iter().map(|t| sha256(t)).collect();
    let kept: BTreeSet<String> =
        input.tars().iter().filter_map(|t| tar::read(t).ok()).flatten().map(|m| signature(&m)).collect();
    for (i, layer) in output.layers.iter().enumerate().skip(checks.base) {
        if !old.contains(&diff_ids[i]) {
            match tar::read(&layer.tar) {
                Ok(members) => written(&members, i == 0, &kept, &mut |f| bad.push(format!("layer {i}: {f}"))),
                Err(e) => bad.push(format!("layer {i}: {e}")),
            }
            if !layer.tar.ends_with(&[0; 1024]) || layer.tar.len() % 512 != 0 {
                bad.push(format!("layer {i}: no end marker"));
            }
        }
    }
}

/// Every field stays, known or not; history keeps its entries and counts the layers.
fn config(input: &Value, output: &Value, layers: usize, bad: &mut Vec<String>) {
    let (Some(a), Some(b)) = (input.as_object(), output.as_object()) else {
        bad.push("a config is no object".into());
        return;
    };
    let keys = |m: &serde_json::Map<String, Value>| m.keys().cloned().collect::<Vec<_>>();
    if keys(a) != keys(b) {
        bad.push(format!("config keys {:?} became {:?}", keys(a), keys(b)));
    }
    for (key, value) in a.iter().filter(|(k, _)| *k != "rootfs" && *k != "history") {
        if b.get(key) != Some(value) {
            bad.push(format!("config {key}: {value} became {:?}", b.get(key)));
        }
    }
    let Some(before) = a.get("history").and_then(Value::as_array) else {
        return;
    };
    let after = b.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
    if before.len() != after.len() {
        bad.push(format!("{} history entries became {}", before.len(), after.len()));
    }
    for (x, y) in before.iter().zip(&after) {
        let without = |v: &Value| {
            let mut v = v.clone();
            v.as_object_mut().map(|m| m.remove("empty_layer"));
            v
        };
        if without(x) != without(y) {
            bad.push(format!("history entry {x} became {y}"));
        }
        if x["empty_layer"] == true && y["empty_layer"] != true {
            bad.push(format!("history entry {x} got a layer"));
        }
    }
    let full = after.iter().filter(|h| h["empty_layer"] != true).count();
    if full != layers {
        bad.push(format!("{full} history entries with a layer, and {layers} layers"));
    }
}

/// "On writing": what engines need of a layer that was made here.
fn written(members: &[Member], bottom: bool, kept: &BTreeSet<String>, bad: &mut dyn FnMut(String)) {
    let mut seen: BTreeMap<Vec<u8>, &Member> = BTreeMap::new();
    for m in members {
        let path = match normal(&m.name) {
            Ok(path) => path,
            Err(e) => return bad(e),
        };
        let name = show(&path);
        if split(&path).1.starts_with(b".wh.") && bottom {
            bad(format!("the whiteout {name} in the bottom layer"));
        }
        if path == b".wh..wh..opq" {
            bad("an opaque marker at the root".into());
        }
        if m.flag == b'1' {
            link(m, &name, &seen, kept, bad);
        }
        if seen.insert(path, m).is_some() {
            bad(format!("{name} is there twice"));
        }
    }
    for path in seen.keys() {
        let (parent, base) = split(path);
        let Some(hidden) = base.strip_prefix(b".wh.").filter(|h| *h != b".wh..opq") else {
            continue;
        };
        let target = if parent.is_empty() { hidden.to_vec() } else { [parent, b"/", hidden].concat() };
        let dir = [target.as_slice(), b"/"].concat();
        if seen.keys().any(|p| *p == target || p.starts_with(&dir)) {
            bad(format!("{} beside {}", show(path), show(&target)));
        }
    }
}

/// All that a member says, to know it by in another layer.
fn signature(m: &Member) -> String {
    format!("{:?} {}", Member { content: std::rc::Rc::default(), ..m.clone() }, sha256(&m.content))
}

fn link(
    m: &Member,
    name: &str,
    seen: &BTreeMap<Vec<u8>, &Member>,
    kept: &BTreeSet<String>,
    bad: &mut dyn FnMut(String),
) {
    let target = show(&m.link);
    let target_path = normal(&m.link).unwrap_or_default();
    let Some(t) = seen.get(&target_path) else {
        return bad(format!("{name} is a link to {target}, which is not before it in this layer"));
    };
    let meta = |m: &Member| (m.mode, m.uid, m.gid, m.mtime);
    if meta(m) != meta(t) {
        bad(format!("{name} is a link to {target} and has other metadata: {:?}, {:?}", meta(m), meta(t)));
    }
    let xattrs = |m: &Member| {
        m.records
            .iter()
            .filter(|(k, _)| k.starts_with(b"SCHILY.xattr."))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Vec<_>>()
    };
    // GNU tar writes no xattrs with a link: where both members are the input's, engines do what they did before.
    let as_before = xattrs(m).is_empty() && kept.contains(&signature(m)) && kept.contains(&signature(t));
    if xattrs(m) != xattrs(t) && !as_before {
        bad(format!("{name} is a link to {target} and has other xattrs"));
    }
}
