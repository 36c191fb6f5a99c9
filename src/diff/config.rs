//! The differences between two configs. The times at which the images were made are ignored, and so are the digests of layers,
//! which are reported by layer.

use super::{ConfigChange, Image};
use crate::report::instruction;
use crate::secrets::masked_value;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Keys that say when and by what an image was made, and keys that are reported in other places.
const LEFT_OUT: [&str; 8] =
    ["created", "container", "container_config", "docker_version", "rootfs", "history", "config", "id"];
/// A key of old configs with the digest of the image that the build began with.
const PARENT: &str = "Image";

/// Returns all values that differ: of the config's `config`, of its top level, and the steps of its history.
pub(super) fn changes(before: &Image<'_>, after: &Image<'_>) -> Vec<ConfigChange> {
    let empty = Map::new();
    let object =
        |value: Option<&Value>| -> Map<String, Value> { value.and_then(Value::as_object).unwrap_or(&empty).clone() };
    let mut out = Vec::new();
    let (mut a, mut b) = (object(before.config.get("config")), object(after.config.get("config")));
    [&mut a, &mut b].into_iter().for_each(|map| drop(map.remove(PARENT)));
    fields(&a, &b, &mut out);
    let (mut a, mut b) = (object(Some(before.config)), object(Some(after.config)));
    for map in [&mut a, &mut b] {
        map.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
    }
    fields(&a, &b, &mut out);
    history(before, after, &mut out);
    out
}

fn fields(before: &Map<String, Value>, after: &Map<String, Value>, out: &mut Vec<ConfigChange>) {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (a, b) = (present(before.get(key)), present(after.get(key)));
        match key.as_str() {
            "Env" => named(key, &variables(a), &variables(b), out),
            _ if a.is_some_and(Value::is_object) || b.is_some_and(Value::is_object) => {
                named(key, &members(a), &members(b), out);
            }
            _ if a != b => {
                out.push(change(key, None, a.map(told), b.map(told)));
            }
            _ => {}
        }
    }
}

/// Returns a value unless it is empty, which means the same as a missing one.
fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
    })
}

/// Values by name, sorted.
type Named = BTreeMap<String, String>;

/// Returns the variables of an environment; if one is there twice, the last counts.
fn variables(env: Option<&Value>) -> Named {
    let texts = env.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (name.to_owned(), value.to_owned())
    };
    texts.map(pair).collect()
}

/// Returns labels, ports or volumes: keys, some of which have values.
fn members(value: Option<&Value>) -> Named {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), present(Some(value)).map_or_else(String::new, told))).collect()
}

fn named(field: &str, before: &Named, after: &Named, out: &mut Vec<ConfigChange>) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (a, b) = (before.get(name).cloned(), after.get(name).cloned());
        if a != b {
            out.push(change(field, Some(name), a, b));
        }
    }
}

/// A change as it is shown: without secrets.
fn change(field: &str, name: Option<&str>, before: Option<String>, after: Option<String>) -> ConfigChange {
    let shown = |text: String| masked_value(name.unwrap_or(field), &text);
    ConfigChange {
        field: field.to_owned(),
        name: name.map(str::to_owned),
        before: before.map(shown),
        after: after.map(shown),
    }
}

fn told(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Adds the steps that only one image has. Those with a layer are reported by layer, too; one whose layer is empty by now is
/// the same.
fn history(before: &Image<'_>, after: &Image<'_>, out: &mut Vec<ConfigChange>) {
    let steps = |image: &Image<'_>| -> Vec<String> {
        image
            .facts
            .history
            .iter()
            .map(|h| instruction::clean(h.created_by.raw()))
            .filter(|step| !step.is_empty())
            .collect()
    };
    let (a, b) = (steps(before), steps(after));
    let change = |before, after| change("history", None, before, after);
    out.extend(without(&a, &b).map(|step| change(Some(step), None)));
    out.extend(without(&b, &a).map(|step| change(None, Some(step))));
}

/// Returns the steps that one list has and the other does not, or has less often.
fn without<'a>(one: &'a [String], other: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let mut known: HashMap<&str, usize> = HashMap::new();
    other.iter().for_each(|step| *known.entry(step).or_default() += 1);
    let new = move |step: &&String| match known.get_mut(step.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    one.iter().filter(new).cloned()
}
