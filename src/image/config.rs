//! The edit of a config: new diff_ids, history that fits them, labels. Every other field stays, known or not.

use super::doc::Doc;
use crate::{Digest, Warning};
use serde_json::{Map, Value, json};

/// The changes to make in a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// For each layer of the input: true if its history entry still has a layer in the output.
    pub fates: Vec<bool>,
    /// The diff_ids of the output's layers, in order. As many as `fates` that are true.
    pub diff_ids: Vec<Digest>,
    /// Labels to add or to replace.
    pub labels: Vec<(String, String)>,
    /// The new `created`, if it changes, as [`rfc3339`] writes it.
    pub created: Option<String>,
}

/// A config after its edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// The config; the same bytes if nothing changed.
    pub doc: Doc,
    /// The warning about a history that did not fit the input's layers.
    pub warning: Option<Warning>,
}

/// Applies `change` to `config`.
#[must_use]
pub fn rewrite(config: &Doc, change: &ConfigChange) -> Rewrite {
    let mut json = config.json.clone();
    let mut warning = history_mismatch(&json, change.fates.len());
    let diff_ids: Value = change.diff_ids.iter().map(|d| json!(d.to_string())).collect();
    let same = change.fates.iter().all(|stays| *stays) && json.pointer("/rootfs/diff_ids") == Some(&diff_ids);
    if same {
        // Layers that stay leave even wrong history as it is: engines took it so far.
        warning = warning.map(|what| what + ": left as it is");
    } else {
        warning = warning.map(|what| what + ": made to fit");
        fit_history(&mut json, &change.fates);
        if json.pointer("/rootfs/type").is_none() {
            put(&mut json, &["rootfs", "type"], json!("layers"));
        }
        put(&mut json, &["rootfs", "diff_ids"], diff_ids);
    }
    for (key, value) in &change.labels {
        put(&mut json, &["config", "Labels", key], json!(value));
    }
    if let Some(created) = &change.created {
        put(&mut json, &["created"], json!(created));
    }
    Rewrite { doc: config.with(json), warning: warning.map(|what| Warning::new("history-mismatch", what)) }
}

fn is_empty(entry: &Value) -> bool {
    entry.get("empty_layer").and_then(Value::as_bool).unwrap_or(false)
}

/// The message for a history whose entries with a layer are not as many as the layers.
fn history_mismatch(json: &Value, layers: usize) -> Option<String> {
    let history = json.get("history")?.as_array().filter(|h| !h.is_empty())?;
    let full = history.iter().filter(|e| !is_empty(e)).count();
    let what = format!("the config's history has {full} entries with a layer, the image {layers} layers");
    (full != layers).then_some(what)
}

/// Marks the entries whose layers went as `empty_layer`, so that as many others stay as there are layers. An image
/// without history gets none.
fn fit_history(json: &mut Value, fates: &[bool]) {
    let history = json.get_mut("history").and_then(Value::as_array_mut).filter(|h| !h.is_empty());
    let Some(history) = history else { return };
    let mut fates = fates.iter();
    for entry in history.iter_mut().filter(|e| !is_empty(e)) {
        // An entry beyond the layers cannot have one.
        if !fates.next().copied().unwrap_or(false)
            && let Some(fields) = entry.as_object_mut()
        {
            fields.insert("empty_layer".into(), json!(true));
        }
    }
    // Layers beyond the entries need one each, or engines refuse the image.
    for _ in fates.filter(|stays| **stays) {
        history.push(json!({"created_by": "", "comment": "layer without a history entry"}));
    }
}

/// Sets the field at `path`; objects on the way are made where they are missing or null. (`config_facts` has checked the
/// types before; anything else on the way is replaced.)
fn put(json: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *json = value;
        return;
    };
    if !json.is_object() {
        *json = Value::Object(Map::new());
    }
    if let Some(fields) = json.as_object_mut() {
        put(fields.entry(*key).or_insert(Value::Null), rest, value);
    }
}

/// A time in seconds since the epoch as engines write it: `2026-11-21T08:52:22Z`.
#[must_use]
pub fn rfc3339(epoch: i64) -> String {
    // Days to a civil date: Howard Hinnant's algorithm, https://howardhinnant.github.io/date_algorithms.html.
    let (days, second) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<Digest> {
        names.iter().map(|n| Digest::of(n.as_bytes())).collect()
    }

    fn config() -> Doc {
        let diff_ids: Vec<String> = ids(&["a", "b"]).iter().map(ToString::to_string).collect();
        let json = json!({
            "x-unknown": {"k": [1, 2.5]},
            "config": {"Labels": {"keep": "1"}, "Healthcheck": {"StartInterval": 5}, "ArgsEscaped": true},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [
                {"created_by": "FROM", "x": 1}, {"created_by": "ENV", "empty_layer": true}, {"created_by": "RUN", "comment": "c"},
            ],
            "created": "2020-01-01T00:00:00Z",
        });
        Doc::parse("config", serde_json::to_vec_pretty(&json).unwrap()).unwrap()
    }

    #[test]
    fn no_change_keeps_the_bytes() {
        let config = config();
        let change = ConfigChange { fates: vec![true, true], diff_ids: ids(&["a", "b"]), ..Default::default() };
        let out = rewrite(&config, &change);
        assert_eq!((out.doc.raw, out.warning), (config.raw, None));
    }

    #[test]
    fn a_layer_that_went_leaves_its_history_entry_with_all_fields() {
        let change = ConfigChange {
            fates: vec![true, false],
            diff_ids: ids(&["n"]),
            labels: vec![("keep".into(), "2".into()), ("new".into(), "3".into())],
            created: Some("1970-01-01T00:00:00Z".into()),
        };
        let out = rewrite(&config(), &change);
        assert_eq!(out.warning, None);
        let mut expected = config().json;
        expected["rootfs"]["diff_ids"] = json!([Digest::of(b"n").to_string()]);
        expected["history"][2]["empty_layer"] = json!(true);
        expected["config"]["Labels"] = json!({"keep": "2", "new": "3"});
        expected["created"] = json!("1970-01-01T00:00:00Z");
        assert_eq!(out.doc.json, expected);
        let keys: Vec<&String> = out.doc.json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["x-unknown", "config", "rootfs", "history", "created"], "in the input's order");
    }

    #[test]
    fn history_that_does_not_fit_is_made_to_fit_with_a_warning() {
        let full = |doc: &Doc| {
            doc.json["history"].as_array().unwrap().iter().filter(|e| e.get("empty_layer").is_none()).count()
        };
        for (fates, layers) in [(vec![true], 1), (vec![true, true, true, false], 3), (vec![false, true, true], 2)] {
            let diff_ids = (0..layers).map(|i: u8| Digest::of(&[i])).collect();
            let out = rewrite(&config(), &ConfigChange { fates, diff_ids, ..Default::default() });
            assert_eq!((full(&out.doc), out.warning.unwrap().id), (layers.into(), "history-mismatch"));
        }
    }

    #[test]
    fn wrong_history_of_layers_that_stay_is_left_as_it_is() {
        let mut json = config().json;
        json["history"].as_array_mut().unwrap().pop();
        let config = Doc::new(json);
        let change = ConfigChange { fates: vec![true, true], diff_ids: ids(&["a", "b"]), ..Default::default() };
        let out = rewrite(&config, &change);
        assert_eq!((out.doc, out.warning.is_some()), (config, true));
    }

    #[test]
    fn an_image_without_history_gets_none() {
        for json in [json!({}), json!({"history": null}), json!({"history": []})] {
            let out = rewrite(
                &Doc::new(json.clone()),
                &ConfigChange { fates: vec![true], diff_ids: ids(&["n"]), ..Default::default() },
            );
            assert_eq!((out.doc.json.get("history"), out.warning), (json.get("history"), None));
            assert_eq!(out.doc.json["rootfs"]["type"], "layers");
        }
    }

    #[test]
    fn times_are_written_as_engines_do() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(rfc3339(1_795_251_142), "2026-11-21T08:52:22Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
    }
}
