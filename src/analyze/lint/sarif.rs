//! Findings as SARIF 2.1.0, which code hosts show beside the code. Source:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
//!
//! Paths are relative to the root of the image, for which `IMAGE` stands; the layer is a logical location. Findings in the
//! config have the path `config.json`.

use super::rules::{Kind, Rules};
use super::text::sentence;
use super::{Finding, Severity};
use crate::analyze::Head;
use crate::analyze::gate::{Checked, Status, Verdict};
use crate::digest::Digest;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The name that stands for the image's root.
const BASE: &str = "IMAGE";

/// The contents of a log.
pub struct Told<'a> {
    /// The findings.
    pub findings: &'a [Finding],
    /// True to list notes, which are counted otherwise.
    pub notes: bool,
    /// The gate, if one was asked for: each rule that does not hold is a result.
    pub verdict: Option<&'a Verdict>,
    /// The image.
    pub head: &'a Head,
}

/// Writes a log with one run.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(told: &Told<'_>, rules: &Rules, out: &mut dyn Write) -> io::Result<()> {
    let &Told { findings, notes, verdict, head } = told;
    let listed: Vec<&Finding> = findings.iter().filter(|f| notes || f.severity != Severity::Note).collect();
    let rules_of_gate = verdict.iter().flat_map(|verdict| &verdict.rules);
    let failed: Vec<&Checked> = rules_of_gate.filter(|rule| rule.fails()).collect();
    // Several rows may be of one rule: each pattern of forbidden paths has one.
    let mut gate: Vec<&str> = Vec::new();
    for checked in &failed {
        if !gate.contains(&&*checked.rule) {
            gate.push(&checked.rule);
        }
    }
    let known = rules.kinds().iter().map(rule).chain(gate.iter().map(|id| gate_rule(id)));
    let run = Run {
        tool: json!({"driver": {
            "name": "slim",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": known.collect::<Vec<Value>>(),
        }}),
        original_uri_base_ids: json!({BASE: {"description": {"text": "The root of the image's file system."}}}),
        column_kind: "unicodeCodePoints",
        properties: json!({
            "image": head.tags, "platform": head.platform, "config": head.config, "notesNotListed": findings.len() - listed.len()
        }),
        results: Results { findings: &listed, failed: &failed, gate: &gate, kinds: rules.kinds() },
    };
    serde_json::to_writer_pretty(&mut *out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    version: &'a str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    original_uri_base_ids: Value,
    column_kind: &'a str,
    properties: Value,
    results: Results<'a>,
}

/// The findings, each made as it is written: there may be many.
struct Results<'a> {
    findings: &'a [&'a Finding],
    failed: &'a [&'a Checked],
    gate: &'a [&'a str],
    kinds: &'a [Kind],
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = |id: &str| self.kinds.iter().position(|kind| kind.id == id);
        let findings = self.findings.iter().map(|finding| result(finding, index(&finding.id)));
        let of = |checked: &Checked| self.gate.iter().position(|id| *id == checked.rule).unwrap_or_default();
        let failed = self.failed.iter().map(|checked| gate_result(checked, self.kinds.len() + of(checked)));
        serializer.collect_seq(findings.chain(failed))
    }
}

fn rule(kind: &Kind) -> Value {
    let worst = kind.cases.values().min().copied().unwrap_or(Severity::Error);
    json!({
        "id": kind.id,
        "name": kind.id,
        "shortDescription": {"text": kind.about},
        "fullDescription": {"text": format!("{}.", kind.about)},
        "help": {"text": kind.help},
        "defaultConfiguration": {"level": worst.name()},
    })
}

/// Returns a rule of the gate: of `.dive-ci`, or a budget.
fn gate_rule(id: &str) -> Value {
    let what = format!("The image does not hold to the rule {id}");
    json!({
        "id": id,
        "name": id,
        "shortDescription": {"text": what},
        "fullDescription": {"text": format!("{what}.")},
        "help": {"text": "`slim analyze IMAGE` shows what takes the room."},
        "defaultConfiguration": {"level": "error"},
    })
}

fn gate_result(checked: &Checked, index: usize) -> Value {
    let text = match checked.status {
        Status::Misconfigured => format!("{}: {}.", checked.rule, checked.found),
        _ => format!("{}: found {}, the threshold is {}.", checked.rule, checked.shown(), checked.threshold),
    };
    json!({
        "ruleId": checked.rule,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": text},
        // It is about the image as a whole, not about one of its files.
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": "config.json", "uriBaseId": BASE}},
            "logicalLocations": [{"name": "image", "kind": "image"}],
        }],
        "partialFingerprints": {"rule/v1": format!("{} {}", checked.rule, checked.threshold)},
        "occurrenceCount": 1,
    })
}

fn result(finding: &Finding, rule: Option<usize>) -> Value {
    let config = finding.path.is_empty();
    let uri = if config { "config.json".to_owned() } else { encode(&finding.path) };
    let mut physical = json!({"artifactLocation": {"uri": uri, "uriBaseId": BASE}});
    if let Some(line) = finding.line {
        physical["region"] = json!({"startLine": line});
    }
    let logical = match finding.layer {
        Some(layer) => {
            let mut layer = json!({"name": format!("layer {layer}"), "kind": "layer"});
            if !finding.instruction.is_empty() {
                layer["decoratedName"] = finding.instruction.as_str().into();
            }
            layer
        }
        None => json!({"name": "config", "kind": "config"}),
    };
    let mut out = json!({
        "ruleId": finding.id,
        "level": finding.severity.name(),
        "message": {"text": format!("{}.", sentence(finding))},
        "locations": [{"physicalLocation": physical, "logicalLocations": [logical]}],
        "partialFingerprints": {"finding/v1": fingerprint(finding)},
        "occurrenceCount": finding.count.max(1),
    });
    if let Some(index) = rule {
        out["ruleIndex"] = index.into();
    }
    out
}

/// Returns a value that is the same for the same finding in the next build, even if lines, layers and words differ.
fn fingerprint(finding: &Finding) -> String {
    let parts = [finding.id.as_bytes(), &finding.path, finding.subject.as_bytes()];
    Digest::of(&parts.join(&0)).hex()[..32].to_owned()
}

/// Returns a path as a relative URI reference. Source: RFC 3986.
fn encode(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(encode(b"app/a b:c#?.py"), "app/a%20b%3Ac%23%3F.py");
        assert_eq!(encode("ü\n".as_bytes()), "%C3%BC%0A");
        assert_eq!(encode(b"\xff%"), "%FF%25");
    }
}
