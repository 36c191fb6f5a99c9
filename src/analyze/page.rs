//! An analysis as a page: every file with its kind, its package and the verdict of a profile.

use super::kinds::Kinds;
use super::owners::Owners;
use super::text::sentence;
use super::waste::{Cause, Waste};
use super::{Analysis, Request, answer, lint};
use crate::explain::{self, Entry, Explain, Place};
use crate::page::{self, Fact, Fate, File, Page, Value};
use crate::report::{instruction, units};
use crate::tree::MemberId;
use crate::tree::merge::{Role, role};
use std::collections::HashMap;

/// The number of wasted paths that are shown for a layer or a step.
const PATHS: usize = 12;

/// Makes the page of an analysis; `explain` has the plan of the profile whose verdicts it shows.
///
/// # Errors
/// Returns a sentence if the built-in kinds are wrong, which a test rules out.
pub fn page(analysis: &Analysis, request: &Request<'_>, explain: &Explain<'_>) -> Result<Page, String> {
    let owners = Owners::new(request.layers, &request.merged.tree);
    let mut files = Files { request, explain, owners, kinds: Kinds::builtin()?, found: Vec::new(), out: Vec::new() };
    let mut names = Names::default();
    // A whiteout is no file: it only says what lower layers have and nobody sees.
    let is_file = |entry: &Entry| !entry.is_dir() && entry.kind != explain::Kind::Whiteout;
    explain.entries().filter(is_file).for_each(|entry| files.add(&entry, &mut names));
    let profile = explain.image().profile.names.join(",");
    let findings = analysis.findings.iter().flatten();
    let (listed, counted): (Vec<_>, Vec<_>) =
        findings.partition(|f| request.notes || f.severity != lint::Severity::Note);
    let count = units::count(counted.len() as u64);
    let counted = (!counted.is_empty()).then(|| format!("Lint has {count} notes, which `--lint-notes` lists."));
    let counted: Vec<String> = counted.into_iter().collect();
    let head = &analysis.head;
    Ok(Page {
        title: if head.tags.is_empty() { head.path.clone() } else { head.tags.join(", ") },
        subtitle: subtitle(analysis),
        id: head.config.clone(),
        command: format!("slim analyze {}", super::advice::input_of(&head.path)),
        summary: answer::summary(analysis),
        target: analysis.advice.as_ref().map(|advice| answer::target(advice, &head.path)),
        facts: facts(analysis),
        layers: layers(analysis, request),
        kinds: names.kinds.list,
        packages: names.packages.list,
        verdicts: names.verdicts.list,
        profile,
        waste: analysis.wasted.steps.iter().filter(|w| w.cause != Cause::Marker).map(|w| waste(analysis, w)).collect(),
        profiles: profiles(analysis),
        findings: listed.into_iter().map(finding).collect(),
        notes: counted,
        files: files.out,
        ..Page::default()
    })
}

/// Returns the platform; of an image without a name, what made it, too.
fn subtitle(analysis: &Analysis) -> String {
    let platform = &analysis.head.platform;
    match analysis.layers.iter().rfind(|layer| !layer.instruction.trim().is_empty()) {
        Some(layer) if analysis.head.tags.is_empty() => {
            format!("{platform} · untagged, its layer {} is {}", layer.index, instruction::told(&layer.instruction))
        }
        _ => platform.clone(),
    }
}

fn finding(found: &lint::Finding) -> page::Finding {
    page::Finding {
        severity: match found.severity {
            lint::Severity::Error => page::Severity::Error,
            lint::Severity::Warning => page::Severity::Warning,
            lint::Severity::Note => page::Severity::Note,
        },
        id: found.id.clone(),
        path: found.path.clone(),
        layer: found.layer,
        message: found.message.clone(),
        help: found.help.clone(),
    }
}

/// Values, each once, in the order in which they came.
struct Interned<T> {
    list: Vec<T>,
    known: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { list: Vec::new(), known: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn id(&mut self, value: T) -> u32 {
        if let Some(&id) = self.known.get(&value) {
            return id;
        }
        let id = self.list.len() as u32;
        self.list.push(value.clone());
        self.known.insert(value, id);
        id
    }
}

#[derive(Default)]
struct Names {
    kinds: Interned<String>,
    packages: Interned<String>,
    verdicts: Interned<page::Verdict>,
}

struct Files<'a> {
    request: &'a Request<'a>,
    explain: &'a Explain<'a>,
    owners: Owners<'a>,
    kinds: Kinds,
    found: Vec<usize>,
    out: Vec<File>,
}

impl Files<'_> {
    fn add(&mut self, entry: &Entry, names: &mut Names) {
        let (at, node) = match entry.place {
            Place::Member(at) => (Some(at), None),
            Place::Node(id) => (self.request.merged.tree.inode_of(id).holder(), Some(id)),
        };
        let kind = at.and_then(|at| self.kind(at));
        let rule = entry.rule.and_then(|by| by.rule(self.explain.image().profile));
        let verdict = page::Verdict {
            fate: fate(entry.verdict),
            rule: entry.rule.map(|rule| self.explain.rule_id(rule).to_owned()).unwrap_or_default(),
            risk: rule.map(|rule| rule.risk.name().to_owned()).unwrap_or_default(),
            why: self.explain.class(entry),
        };
        // The data of hard links are counted once.
        let tree = &self.request.merged.tree;
        let is_first = node.is_none_or(|id| tree.inode_of(id).name == id);
        let owner = node.and_then(|id| self.owners.of(id));
        let package = owner.map(|package| format!("{} {}", package.manager.name(), package.name));
        self.out.push(File {
            path: self.explain.path(entry),
            size: Some(if is_first { entry.size } else { 0 }),
            layer: Some(entry.layer),
            kind: kind.map(|kind| names.kinds.id(kind)),
            package: package.map(|package| names.packages.id(package)),
            verdict: Some(names.verdicts.id(verdict)),
            saved: entry.bytes,
            ..File::default()
        });
    }

    fn kind(&mut self, at: MemberId) -> Option<String> {
        let member = &self.request.layers[at.layer as usize].members[at.member as usize];
        if member.kind != crate::tar::Kind::File {
            return None;
        }
        let kind = self.kinds.of(member, &mut self.found)?;
        Some(self.kinds.id(kind).to_owned())
    }
}

const fn fate(verdict: explain::Verdict) -> Fate {
    match verdict {
        explain::Verdict::Drop => Fate::Drop,
        explain::Verdict::Hidden => Fate::Hidden,
        explain::Verdict::Strip => Fate::Strip,
        explain::Verdict::Rewrite => Fate::Rewrite,
        explain::Verdict::Held => Fate::Held,
        explain::Verdict::Keep => Fate::Keep,
    }
}

fn facts(analysis: &Analysis) -> Vec<Fact> {
    let fact = |label: &str, value: Value, note: &str| Fact {
        label: label.to_owned(),
        value,
        was: None,
        note: note.to_owned(),
    };
    let metric = &analysis.metric;
    let mut out = Vec::new();
    // The head has it where there is one.
    if analysis.savings.is_empty() {
        out.push(fact("uncompressed", Value::Bytes(analysis.bytes()), "all layers as plain tars"));
    }
    let (stored, compressed) = (analysis.blob_bytes(), analysis.compressed_bytes());
    if stored != analysis.bytes() && compressed != Some(stored) {
        out.push(fact("as stored", Value::Bytes(stored), "some layers compressed"));
    }
    if let Some(bytes) = compressed {
        out.push(fact("compressed", Value::Bytes(bytes), "what a pull moves"));
    }
    out.push(fact("paths", Value::Count(analysis.paths), ""));
    out.push(fact("reclaimable", Value::Bytes(analysis.wasted.bytes()), "stored and pulled, but no container sees it"));
    let efficiency = format!("as dive counts; efficiency {:.4}%", metric.efficiency * 100.0);
    out.push(fact("wasted", Value::Bytes(metric.wasted_bytes), &efficiency));
    out
}

fn wasted(waste: &Waste, bytes: u64) -> page::Wasted {
    page::Wasted { path: waste.path.clone(), bytes, how: super::text::why(waste) }
}

fn layers(analysis: &Analysis, request: &Request<'_>) -> Vec<page::Layer> {
    let one = |layer: &super::Layer| {
        let here = |w: &Waste| w.parts.iter().find(|p| p.layer == layer.index).map(|p| wasted(w, p.bytes));
        let listed = analysis.wasted.paths.iter().filter(|w| w.cause != Cause::Marker);
        let mut paths: Vec<_> = listed.filter_map(here).collect();
        paths.sort_by_key(|w| std::cmp::Reverse(w.bytes));
        paths.truncate(PATHS);
        let members =
            layer.index.checked_sub(1).and_then(|index| request.layers.get(index)).map_or(&[][..], |l| &l.members);
        let whiteouts = members.iter().filter(|m| role(&m.path) != Role::Entry).count() as u64;
        page::Layer {
            number: layer.index,
            instruction: instruction::told(&layer.instruction),
            bytes: layer.bytes,
            blob_bytes: layer.blob_bytes,
            files: layer.files.saturating_sub(whiteouts),
            whiteouts,
            wasted_bytes: layer.wasted_bytes,
            wasted: paths,
            ..page::Layer::default()
        }
    };
    analysis.layers.iter().map(one).collect()
}

fn waste(analysis: &Analysis, step: &Waste) -> page::Waste {
    let same = analysis.wasted.paths.iter().filter(|w| (w.cause, w.by) == (step.cause, step.by));
    page::Waste {
        sentence: instruction::without_checksums(&sentence(analysis, step)),
        bytes: step.bytes(),
        files: step.files(),
        paths: same.take(PATHS).map(|w| wasted(w, w.bytes())).collect(),
    }
}

fn profiles(analysis: &Analysis) -> Vec<page::Profile> {
    let rule = |r: &crate::report::RuleReport| page::Rule {
        id: r.id.clone(),
        about: r.about.clone(),
        risk: r.risk.name().to_owned(),
        files: r.files,
        bytes: r.bytes,
    };
    let one = |saving: &super::savings::Saving| page::Profile {
        name: saving.profile.clone(),
        about: saving.costs.join("; "),
        risk: saving.risk.name().to_owned(),
        input_bytes: analysis.bytes(),
        output_bytes: saving.output_bytes,
        command: super::text::command(&analysis.head.path, &saving.profile),
        rules: saving.rules.iter().filter(|r| r.bytes > 0).map(rule).collect(),
    };
    analysis.by_risk().into_iter().map(one).collect()
}
