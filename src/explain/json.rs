//! A plan as JSON, for programs. One object; each path is an object on a line of its own, written as it is looked up. Its
//! schema, version 1 (`schemaVersion`): keys keep their meaning within a version and all are always there; new ones may be
//! added. Sizes are bytes; what does not apply is `null`. Paths are relative to the image's root, without a leading slash, and
//! escaped as [`crate::report::escape`] does.
//!
//! | key | meaning |
//! |---|---|
//! | `schemaVersion` | number: 1 |
//! | `slimVersion` | string: the version of slim |
//! | `profiles` | strings: the profiles as given with `-p` |
//! | `layersMode` | string: `keep` or `squash` |
//! | `images[]` | object: an image of the archive |
//! | `images[].tags`, `.platform` | its names; `OS/ARCH[/VARIANT]` |
//! | `images[].totals` | object: for each verdict the number of `paths` in `entries` and the `bytes` that go with them |
//! | `images[].rules[]` | object: a rule that an entry names: `id`, `profile`, `about`, `risk` |
//! | `images[].entries[]` | object: a path that containers see, in the order of the tree without the root; then what they do not see, by layer and path |
//! | `…entries[].path` | string |
//! | `…entries[].type` | string: `file`, `dir`, `symlink`, `special`, or `marker` (a whiteout and the like) |
//! | `…entries[].layer` | number: the layer that gave it, from 1 at the bottom |
//! | `…entries[].size` | bytes of its content |
//! | `…entries[].newSize` | bytes of the content that it gets instead |
//! | `…entries[].bytes` | bytes of tar that go with it |
//! | `…entries[].verdict` | string: `drop`, `hidden` (later layers hide it; it goes if `rule` is not `null`), `strip`, `rewrite` (a record of changed files is edited), `held` (a rule asks for it, and it stays), `keep` |
//! | `…entries[].rule` | string: id of the rule that takes, strips or asks for it |
//! | `…entries[].reason` | string, stable: `rule`; of what is held `protected`, `link`, `config`, `interpreter`, `reference`, `base`, `package` (its package stays); of what is hidden `deleted`, `replaced`, `opaque`, `marker`, `hidden`; `record`; of what is kept `no-rule`, `holds-kept` (a directory), `not-stripped` |
//! | `…entries[].why` | string: a clause for people |
//! | `…entries[].by`, `.line` | the path that holds it, and the line there |
//! | `…entries[].byLayer` | number: the layer that hides it |
//!
//! With `--why`, `images[].answers[]` stand in the place of totals, rules and entries: `asked` as typed, `sentences`, `entries` as
//! above for the path, the links on the way and what is hidden under the name, and for a directory `below[]`: `verdict`,
//! `rule`, `paths` and `bytes`.

use super::answer::Answer;
use super::{Chosen, Entry, Explain};
use crate::plan::TakenBy;
use crate::report::escape;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The version of the schema. It goes up when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// The values that all images have in common.
#[derive(Clone, Debug)]
pub struct Head {
    /// The profiles as the user named them.
    pub profiles: Vec<String>,
    /// `keep` or `squash`.
    pub layers_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    layer: u32,
    size: u64,
    new_size: Option<u64>,
    bytes: u64,
    verdict: &'static str,
    rule: Option<&'a str>,
    reason: &'static str,
    why: String,
    by: Option<String>,
    line: Option<u32>,
    by_layer: Option<u32>,
}

impl<'a> Shown<'a> {
    fn new(explain: &'a Explain<'_>, entry: &Entry) -> Self {
        let told = explain.told(entry);
        Self {
            path: escape(&explain.path(entry)),
            kind: entry.kind.name(),
            layer: entry.layer + 1,
            size: entry.size,
            new_size: entry.new_size,
            bytes: entry.bytes,
            verdict: entry.verdict.name(),
            rule: entry.rule.map(|rule| explain.rule_id(rule)),
            reason: explain.reason(entry),
            why: explain.why(entry),
            by: told.as_ref().and_then(|t| t.by).map(|id| escape(&explain.path(&explain.node(id)))),
            line: told.and_then(|t| t.line),
            by_layer: entry.hider.map(|h| h.layer + 1),
        }
    }
}

/// Writes the plans of all images.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(head: &Head, images: &[Chosen<'_>], out: &mut dyn Write) -> io::Result<()> {
    document(head, images, out, |chosen, out| {
        let mut totals = Map::new();
        for (verdict, paths, bytes) in chosen.totals() {
            totals.insert(verdict.name().to_owned(), serde_json::json!({ "paths": paths, "bytes": bytes }));
        }
        write!(out, "\"totals\":{},\n\"rules\":{},\n\"entries\":", Value::Object(totals), rules(chosen))?;
        let entries = chosen.entries().map(|entry| Shown::new(chosen.explain, &entry));
        list(entries, out)
    })
}

/// Writes the answers to the questions about each image.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write_answers(head: &Head, images: &[(&Chosen<'_>, Vec<Answer>)], out: &mut dyn Write) -> io::Result<()> {
    document(head, images, out, |(chosen, answers), out| {
        out.write_all(b"\"answers\":")?;
        list(answers.iter().map(|answer| answered(chosen.explain, answer)), out)
    })
}

/// Writes the parts that are the same with and without `--why`.
fn document<T: Image>(
    head: &Head,
    images: &[T],
    out: &mut dyn Write,
    mut fill: impl FnMut(&T, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let profiles = serde_json::to_string(&head.profiles)?;
    write!(out, "{{\"schemaVersion\":{SCHEMA_VERSION},\"slimVersion\":\"{version}\",\"profiles\":{profiles},")?;
    write!(out, "\"layersMode\":\"{}\",\"images\":[", head.layers_mode)?;
    for (index, one) in images.iter().enumerate() {
        let image = one.explain().image();
        let (tags, platform) = (serde_json::to_string(image.tags)?, serde_json::to_string(image.platform)?);
        write!(out, "{}\n{{\"tags\":{tags},\"platform\":{platform},\n", if index > 0 { "," } else { "" })?;
        fill(one, out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"\n]}\n")
}

trait Image {
    fn explain(&self) -> &Explain<'_>;
}

impl Image for Chosen<'_> {
    fn explain(&self) -> &Explain<'_> {
        self.explain
    }
}

impl<T> Image for (&Chosen<'_>, T) {
    fn explain(&self) -> &Explain<'_> {
        self.0.explain
    }
}

/// Writes a list with each item on a line of its own.
fn list<T: Serialize>(items: impl Iterator<Item = T>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, item) in items.enumerate() {
        out.write_all(if index > 0 { b",\n" } else { b"\n" })?;
        serde_json::to_writer(&mut *out, &item)?;
    }
    out.write_all(b"\n]")
}

/// Returns the rules that entries name, in the profile's order.
fn rules(chosen: &Chosen<'_>) -> Value {
    let named: BTreeSet<TakenBy> = chosen.entries().filter_map(|entry| entry.rule).collect();
    let known = chosen.explain.image().profile;
    let one = |rule: &TakenBy| {
        let found = rule.rule(known)?;
        let (about, risk) = (&found.about, found.risk.name());
        Some(serde_json::json!({ "id": found.id, "profile": found.profile, "about": about, "risk": risk }))
    };
    named.iter().filter_map(one).collect()
}

fn answered(explain: &Explain<'_>, answer: &Answer) -> Value {
    let entries: Vec<Shown<'_>> = answer.entries.iter().map(|e| Shown::new(explain, e)).collect();
    let below = answer.below.as_ref().map(|below| {
        let one = |b: &super::answer::Below| {
            let rule = b.rule.map(|rule| explain.rule_id(rule));
            serde_json::json!({ "verdict": b.verdict.name(), "rule": rule, "paths": b.paths, "bytes": b.bytes })
        };
        below.iter().map(one).collect::<Vec<_>>()
    });
    serde_json::json!({
        "asked": answer.asked, "sentences": answer.sentences, "entries": entries, "below": below,
    })
}
