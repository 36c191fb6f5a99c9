//! An image's config: checks that it fits its layers, and compares it with another.

use super::documents::Image;
use super::findings::Outcome;
use crate::Digest;
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields that a rewritten image has anew, and which are checked against the layers: no comparison reports them.
const OWN: [&str; 2] = ["rootfs", "history"];
/// Fields that options of the main command set, so that a plan does not determine them.
const ASKED: [&str; 2] = ["created", "config.Labels"];

/// Returns the layers' diff_ids; `None` for one that is no digest.
pub fn diff_ids(config: &Value) -> Vec<Option<Digest>> {
    let list = config["rootfs"]["diff_ids"].as_array();
    list.into_iter().flatten().map(|id| Digest::parse(id.as_str()?)).collect()
}

/// Checks that the config fits its layers.
pub fn check(image: &Image, out: &mut Outcome) {
    let config = &image.config;
    for (index, id) in diff_ids(config).iter().enumerate().filter(|(_, id)| id.is_none()) {
        let found = config["rootfs"]["diff_ids"][index].to_string();
        out.wrong(
            "config",
            format!("config: rootfs.diff_ids[{index}]"),
            "sha256:HEX",
            id.map_or(found, |d| d.to_string()),
        );
    }
    if config["rootfs"]["type"] != "layers" {
        out.wrong("config", "config: rootfs.type", "\"layers\"", config["rootfs"]["type"].to_string());
    }
    for key in ["os", "architecture"] {
        // Engines take an image without this field for one of their own system.
        if !config[key].is_null() && !config[key].is_string() {
            out.wrong("platform", format!("config: {key}"), "a name", config[key].to_string());
        }
    }
    if let Some(history) = config["history"].as_array().filter(|history| !history.is_empty()) {
        let made = history.iter().filter(|entry| entry["empty_layer"] != true).count();
        if made != image.layers.len() {
            let expected = format!("{} entries with a layer, as there are layers", image.layers.len());
            out.wrong("history", "config: history", expected, made.to_string());
        }
    }
}

/// Lists the differences between two configs. With a plan most differences are mismatches.
pub fn compare(old: &Value, new: &Value, planned: bool, out: &mut Outcome) {
    let none = serde_json::Map::new();
    let object = |value: &Value| value.as_object().unwrap_or(&none).clone();
    let (mut before, mut after) = (object(old), object(new));
    let (inner_before, inner_after) = (before.remove("config"), after.remove("config"));
    let mut fields = Vec::new();
    let mut add = |prefix: &str, a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for key in keys {
            let side = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
            fields.push((format!("{prefix}{key}"), side(a), side(b)));
        }
    };
    add("", &before, &after);
    add("config.", &object(&inner_before.unwrap_or_default()), &object(&inner_after.unwrap_or_default()));
    for (field, a, b) in fields.into_iter().filter(|(_, a, b)| a != b) {
        if OWN.contains(&field.as_str()) {
            continue;
        }
        let place = format!("config: {field}");
        if planned && !ASKED.contains(&field.as_str()) {
            out.wrong("config", place, a.to_string(), b.to_string());
        } else {
            out.note("config", place, a.to_string(), b.to_string());
        }
    }
    history(old, new, planned, out);
}

/// Compares the steps of the image's history: they stay, but those whose layer is gone say so.
fn history(old: &Value, new: &Value, planned: bool, out: &mut Outcome) {
    let list = |config: &Value| config["history"].as_array().cloned().unwrap_or_default();
    let (before, after) = (list(old), list(new));
    let mut differ = |place: String, a: String, b: String| {
        if planned {
            out.wrong("history", place, a, b);
        } else {
            out.note("history", place, a, b);
        }
    };
    if before.len() != after.len() {
        differ("config: history".into(), format!("{} entries", before.len()), format!("{} entries", after.len()));
        return;
    }
    for (index, (a, b)) in before.iter().zip(&after).enumerate() {
        let told = |entry: &Value| {
            let mut entry = entry.clone();
            entry.as_object_mut().map(|map| map.remove("empty_layer"));
            entry
        };
        if told(a) != told(b) {
            differ(format!("config: history[{index}]"), a.to_string(), b.to_string());
        }
    }
}
