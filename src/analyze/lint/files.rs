//! Files that should not be in an image by their name or content: secrets, including those in lower layers only, and packages
//! as they were downloaded.

use super::finding::Severity;
use super::look::Look;
use super::rules::Named;
use crate::explain::Hiders;
use crate::path;
use crate::report::units;
use crate::tar::Kind;
use crate::tree::MemberId;
use crate::tree::merge::{Role, role};
use bstr::{BStr, BString, ByteSlice};
use std::collections::{BTreeMap, HashSet};

const SECRET: &str = "secret";
const ARCHIVE: &str = "package-archive";

/// A file with a finding.
struct Found<'a> {
    at: MemberId,
    path: &'a BStr,
    named: Named,
    /// True if a container sees it.
    seen: bool,
}

pub(super) fn look(look: &mut Look<'_>) {
    let plan = &look.request.plan;
    let mut found = Vec::new();
    let mut room = Vec::new();
    for (layer, index) in (0u32..).zip(plan.layers) {
        for (number, member) in (0u32..).zip(&index.members) {
            if member.kind != Kind::File || role(&member.path) != Role::Entry {
                continue;
            }
            let marked = index.facts.get(&number).and_then(|facts| look.rules().marked(facts.signatures));
            let by_name = look.rules().named(&member.path, &mut room);
            let named = match (marked, by_name) {
                (Some(marked), Some(Named::Secret(index))) => Named::Secret(marked.min(index)),
                (Some(marked), _) => Named::Secret(marked),
                (None, Some(named)) => named,
                (None, None) => continue,
            };
            let seen = look.request.needed[layer as usize][number as usize];
            found.push(Found { at: MemberId { layer, member: number }, path: &member.path, named, seen });
        }
    }
    let hidden = found.iter().filter(|f| !f.seen).map(|f| f.at);
    let hiders = Hiders::new(plan.layers, &plan.merged.whiteouts, hidden);
    secrets(look, &found, &hiders);
    archives(look, &found, &hiders);
}

fn secrets(look: &mut Look<'_>, found: &[Found<'_>], hiders: &Hiders<'_>) {
    let seen: HashSet<(&BStr, Named)> = found.iter().filter(|f| f.seen).map(|f| (f.path, f.named)).collect();
    for one in found {
        let Named::Secret(index) = one.named else { continue };
        // A hidden file is not reported if a container sees one with the same path and name.
        if !one.seen && seen.contains(&(one.path, one.named)) {
            continue;
        }
        let rule = &look.rules().secrets[index];
        let path: BString = if rule.parent { path::split(one.path).0.into() } else { one.path.into() };
        let Some(severity) = look.rules().softened(SECRET, rule.severity, &path) else { continue };
        let layer = one.at.layer as usize + 1;
        let message = match hiders.of(one.at, one.path).filter(|_| !one.seen) {
            Some(by) => {
                let by = by.layer as usize + 1;
                let step = if by == layer { "the same layer hides it".into() } else { format!("layer {by} hides it") };
                format!("{}: {step}, and layer {layer} still has it for everybody who can pull", rule.what)
            }
            None => rule.what.clone(),
        };
        let subject = rule.what.clone();
        look.add(SECRET, severity, path, Some(layer), &subject, message);
    }
}

/// The archives in a directory of a layer: the first, its severity, their number and bytes, the layer that hides them.
struct Group<'a> {
    path: &'a BStr,
    severity: Severity,
    what: usize,
    count: u64,
    bytes: u64,
    by: Option<u32>,
}

fn archives(look: &mut Look<'_>, found: &[Found<'_>], hiders: &Hiders<'_>) {
    let mut groups: BTreeMap<(u32, &[u8], bool), Group<'_>> = BTreeMap::new();
    for one in found {
        let Named::Archive(what) = one.named else { continue };
        let size = look.request.plan.member(one.at).size();
        let case = if one.seen { "final" } else { "hidden" };
        let severity = look.rules().severity(ARCHIVE, case, one.path);
        let Some(severity) = severity.filter(|_| size >= look.rules().archives[what].least.max(1)) else { continue };
        let by = if one.seen { None } else { hiders.of(one.at, one.path).map(|by| by.layer) };
        let key = (one.at.layer, directory(one.path), one.seen);
        let group = groups.entry(key).or_insert(Group { path: one.path, severity, what, count: 0, bytes: 0, by });
        group.severity = group.severity.min(severity);
        group.count += 1;
        group.bytes += size;
    }
    for ((layer, dir, _), group) in groups {
        let what = &look.rules().archives[group.what].what;
        let many =
            if group.count == 1 { format!("a {what}") } else { format!("{} {what}s", units::count(group.count)) };
        let bytes = units::bytes(group.bytes);
        let layer = layer as usize + 1;
        let message = match group.by {
            Some(by) => format!("{many}, {bytes}: layer {} hides them, and layer {layer} still has them", by + 1),
            None => format!("{many}, {bytes}"),
        };
        let message = if group.count == 1 { message.replace("them", "it") } else { message };
        let path = if group.count == 1 { group.path } else { dir.as_bstr() };
        look.add(ARCHIVE, group.severity, path.into(), Some(layer), what, message).count = group.count;
    }
}

/// Returns the directory by which archives are grouped; for npm's cache, which has a directory for each, the cache.
fn directory(path: &BStr) -> &[u8] {
    let parent = path::split(path).0;
    parent.find(b"/content-v2/").map_or(parent, |at| &parent[..at])
}
