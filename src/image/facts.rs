//! The facts that a config states about running the image: the planner protects the programs that it names.

use super::doc::{Doc, View};
use crate::secrets::Instruction;
use crate::{Digest, ErrorKind, Result};
use oci_spec::image::ImageConfiguration;
use serde_json::Value;

/// One step of the image's making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The instruction.
    pub created_by: Instruction,
    /// True if the step made no layer.
    pub empty_layer: bool,
}

/// A config's fields that matter to the plan and the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// The Entrypoint.
    pub entrypoint: Vec<String>,
    /// The Cmd.
    pub cmd: Vec<String>,
    /// The Healthcheck's command: a program and its arguments, or one line for the shell.
    pub healthcheck: Vec<String>,
    /// The Shell of the shell forms.
    pub shell: Vec<String>,
    /// The environment, in order.
    pub env: Vec<(String, String)>,
    /// The working directory.
    pub workdir: String,
    /// The volumes, in order.
    pub volumes: Vec<String>,
    /// The labels, in order.
    pub labels: Vec<(String, String)>,
    /// The steps of the image's making.
    pub history: Vec<History>,
    /// The operating system, as written.
    pub os: String,
    /// The architecture, as written.
    pub architecture: String,
    /// The architecture's variant, as written.
    pub variant: String,
    /// The user.
    pub user: String,
}

impl ImageFacts {
    /// The arguments of Entrypoint, Cmd, Healthcheck and Shell.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let arguments = [&self.entrypoint, &self.cmd, &self.healthcheck, &self.shell];
        arguments.into_iter().flatten().map(String::as_str)
    }

    /// The words of Entrypoint, Cmd, Healthcheck and Shell, as a shell would find them in each: not at its end of a quotation,
    /// so that the words of a line for another shell are among them.
    pub fn command_words(&self) -> impl Iterator<Item = &str> {
        let words = self.commands().flat_map(|a| a.split(|c: char| " \t\r\n;&|()<>'\"`=$".contains(c)));
        words.filter(|word| !word.is_empty())
    }
}

/// Reads the facts of a config; errors name it `config`.
///
/// # Errors
/// Returns an error if a field has the wrong type.
pub fn config_facts(doc: &Doc) -> Result<ImageFacts> {
    let json = words(&doc.json);
    let root = View::of("config", "", &json);
    if root.object()?.is_none() {
        return Err(root.error(ErrorKind::Archive, "not an image config").expected("an object", "null"));
    }
    let image: ImageConfiguration = root.read()?;
    let config = image.config().clone().unwrap_or_default();
    let view = root.get("config")?;
    // The maps of oci-spec have no order.
    let members = |key: &str| view.get(key)?.object().map(|object| object.into_iter().flatten());
    let label = |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
    let history = |entry: &oci_spec::image::History| History {
        created_by: entry.created_by().clone().unwrap_or_default().into(),
        empty_layer: entry.empty_layer().unwrap_or_default(),
    };
    Ok(ImageFacts {
        entrypoint: config.entrypoint().clone().unwrap_or_default(),
        cmd: config.cmd().clone().unwrap_or_default(),
        // These two are docker's own and not in oci-spec.
        healthcheck: healthcheck(view.get("Healthcheck")?.get("Test")?.read()?),
        shell: view.get("Shell")?.read()?,
        env: config.env().iter().flatten().map(|v| pair(v)).collect(),
        workdir: config.working_dir().clone().unwrap_or_default(),
        volumes: members("Volumes")?.map(|(key, _)| key.clone()).collect(),
        labels: members("Labels")?.map(label).collect(),
        history: image.history().iter().flatten().map(history).collect(),
        os: image.os().to_string(),
        // As written: oci-spec takes `armbe` for `arm64be`.
        architecture: root.get("architecture")?.read()?,
        variant: image.variant().clone().unwrap_or_default(),
        user: config.user().clone().unwrap_or_default(),
    })
}

/// The config's `rootfs.diff_ids`.
///
/// # Errors
/// Returns an error if one is no sha256 digest.
pub fn diff_ids(doc: &Doc) -> Result<Vec<Digest>> {
    doc.view("config").get("rootfs")?.get("diff_ids")?.list()?.iter().map(View::digest).collect()
}

/// The config with lists of strings where it has a single string, as very old ones have it and docker takes it.
fn words(json: &Value) -> Value {
    let mut json = json.clone();
    for key in ["Entrypoint", "Cmd", "Shell"] {
        if let Some(word @ Value::String(_)) = json.get_mut("config").and_then(|config| config.get_mut(key)) {
            *word = Value::Array(vec![word.take()]);
        }
    }
    json
}

/// `["NONE"]` and `[]` are none at all; `CMD` and `CMD-SHELL` only say how the rest is run.
fn healthcheck(mut test: Vec<String>) -> Vec<String> {
    match test.first().map(String::as_str) {
        Some("CMD" | "CMD-SHELL") => drop(test.remove(0)),
        Some("NONE") => test.clear(),
        _ => {}
    }
    test
}

fn pair(variable: &str) -> (String, String) {
    let (key, value) = variable.split_once('=').unwrap_or((variable, ""));
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn facts_are_read_and_missing_fields_are_empty() {
        let doc = Doc::new(json!({
            "os": "linux", "architecture": "arm", "variant": "v7",
            "config": {"Entrypoint": ["/e"], "Cmd": null, "Healthcheck": {"Test": ["CMD-SHELL", "curl x"]},
                       "Env": ["A=b=c", "D"], "Labels": {"z": "1", "a": "2"}, "Shell": ["/bin/ash", "-c"], "User": "1:2"},
            "history": [{"created_by": "RUN x"}, {"empty_layer": true}],
        }));
        let facts = config_facts(&doc).unwrap();
        assert_eq!(facts.entrypoint, ["/e"]);
        assert_eq!(facts.cmd, Vec::<String>::new());
        assert_eq!(facts.healthcheck, ["curl x"]);
        assert_eq!(facts.env, [("A".into(), "b=c".into()), ("D".into(), String::new())]);
        assert_eq!(facts.labels[0].0, "z");
        assert_eq!(facts.history[0].created_by.raw(), "RUN x");
        assert!(facts.history[1].empty_layer);
        assert_eq!(config_facts(&Doc::new(json!({"architecture": "armbe"}))).unwrap().architecture, "armbe");
        assert_eq!(config_facts(&Doc::new(json!({}))).unwrap(), ImageFacts::default());
        assert!(diff_ids(&doc).unwrap().is_empty());
    }

    #[test]
    fn fields_of_a_wrong_type_are_errors() {
        for json in [
            json!([]),
            json!(null),
            json!(1),
            json!({"config": "x"}),
            json!({"config": {"Entrypoint": {}}}),
            json!({"config": {"Env": [1]}}),
            json!({"config": {"Labels": ["a"]}}),
            json!({"config": {"Labels": {"a": 1}}}),
            json!({"config": {"Healthcheck": {"Test": 1}}}),
            json!({"history": {}}),
            json!({"history": [1]}),
            json!({"history": [{"empty_layer": "yes"}]}),
            json!({"os": 1}),
            json!({"architecture": 1}),
        ] {
            let e = config_facts(&Doc::new(json.clone())).unwrap_err();
            assert_eq!((e.kind, e.member.as_deref()), (ErrorKind::Archive, Some("config")), "{json}");
        }
        for ids in [json!(["sha256:00"]), json!("x"), json!([null])] {
            assert!(diff_ids(&Doc::new(json!({"rootfs": {"diff_ids": ids}}))).is_err());
        }
    }
}
