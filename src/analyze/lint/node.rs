//! Packages that a JavaScript application loads by name, and that no `node_modules` above it has.

use super::finding::Severity;
use super::look::{Look, more};
use crate::plan::programs;
use crate::refs::{Target, When};
use crate::tree::{NodeId, Tree, Type};
use std::collections::BTreeMap;

const IMPORT: &str = "missing-import";

pub(super) fn look(look: &mut Look<'_>) {
    let tree = look.tree;
    let rules = &look.rules().node;
    let path = programs::path_dirs(tree, look.request.plan.facts);
    if !rules.programs.iter().any(|program| !programs::on_path(tree, program.as_bytes(), &path).is_empty()) {
        return;
    }
    let mut groups: BTreeMap<(Severity, String), (NodeId, u32, u64)> = BTreeMap::new();
    for id in tree.ids().filter(|&id| tree.inode_of(id).kind == Type::File && tree.inode_of(id).name == id) {
        let Some(facts) = look.facts(id) else { continue };
        let required = facts.references.iter().filter_map(|reference| match &reference.target {
            Target::Require(name) if reference.when == When::Always => Some((reference.line, package(name)?)),
            _ => None,
        });
        let mut required = required.peekable();
        if required.peek().is_none() {
            continue;
        }
        let file = tree.path(id);
        let candidate = globset::Candidate::from_bytes(&file);
        // A file that is in no package is no application of Node: a browser loads it.
        let own = tree.ancestors(id).any(|dir| tree.child(dir, b"package.json").is_some());
        if !own || !rules.files.is_match_candidate(&candidate) || rules.except.is_match_candidate(&candidate) {
            continue;
        }
        for (line, name) in required {
            if rules.builtin.contains(name.split('/').next().unwrap_or(name)) || provides(tree, id, name) {
                continue;
            }
            if let Some(severity) = look.rules().severity(IMPORT, "application", &file) {
                groups.entry((severity, name.to_owned())).or_insert((id, line, 0)).2 += 1;
            }
        }
    }
    for ((severity, name), (id, line, count)) in groups {
        let message = format!("imports {name}, which no node_modules above it has{}", more(count));
        let finding = look.report(IMPORT, severity, id, &name, message);
        (finding.line, finding.count) = (Some(line), count);
    }
}

/// Returns the package of a module's name; `None` for paths, URLs, and names that a bundler resolves.
fn package(name: &str) -> Option<&str> {
    let is_name =
        name.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == b'@') && !name.starts_with("@/");
    let depth = if name.starts_with('@') { 2 } else { 1 };
    let end = name.match_indices('/').nth(depth - 1).map_or(name.len(), |(at, _)| at);
    (is_name && !name.contains(':')).then(|| &name[..end])
}

fn provides(tree: &Tree, file: NodeId, name: &str) -> bool {
    let modules = tree.ancestors(file).filter_map(|dir| tree.child(dir, b"node_modules"));
    let mut modules = modules.filter_map(|dir| tree.follow(dir).target);
    let in_modules = modules.any(|dir| tree.resolve(dir, name.as_bytes()).target.is_some());
    // A package may import itself.
    in_modules || tree.ancestors(file).any(|dir| tree.name(dir) == name)
}
