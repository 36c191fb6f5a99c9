//! dpkg's path-excludes: if rules dropped documentation and the like, packages that are installed later come without it, too.
//! `dpkg -V` still reports these files as missing, as it does in the `debian:slim` images.

use super::edits::Added;
use super::{Request, programs};
use crate::elf::{Piece, Recipe};
use crate::packages::dpkg;
use crate::path;
use crate::profile::{Action, DpkgPaths, Rule, RuleId};
use crate::tar::{Attrs, Meta};
use crate::tree::{MemberId, NodeId, Type};
use std::collections::BTreeSet;

/// The file with path-excludes that is written.
pub enum Written {
    /// Nothing: no rule asks for it, or the lines are there already.
    Nothing,
    /// An old file with more lines.
    Longer(MemberId, Recipe),
    /// A new file.
    New(Added),
}

/// Returns dpkg's configuration for the files that rules with `path-excludes` dropped.
#[must_use]
pub fn written(request: &Request<'_>, dropped: &[Option<RuleId>]) -> Written {
    let lines = lines(request, dropped);
    let tree = &request.merged.tree;
    let (dir, name) = path::split(dpkg::PATHS.as_bytes());
    let status = tree.lookup(b"var/lib/dpkg/status");
    let dir = tree.lookup(dir).filter(|&dir| tree.is_dir(dir) && dropped[dir.index()].is_none());
    let (false, Some(status), Some(dir)) = (lines.is_empty(), status, dir) else { return Written::Nothing };
    let Some(old) = tree.child(dir, name) else { return Written::New(added(request, status, lines.concat())) };
    let inode = tree.inode_of(old);
    let Some(at) = inode.holder().filter(|_| inode.kind == Type::File) else { return Written::Nothing };
    let facts = request.facts_at(at).and_then(|facts| facts.database_text.as_deref());
    // A file that could not be read is not slim's own.
    let Some(text) = facts else { return Written::Nothing };
    let known = |line: &String| text.split_inclusive(|&c| c == b'\n').any(|old| old == line.as_bytes());
    if lines.iter().all(known) {
        return Written::Nothing;
    }
    // All lines are written anew: dpkg goes by the last that matches, and includes must come last.
    let gap = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
    let more = format!("{gap}{}", lines.concat());
    if (at.layer as usize) < request.base {
        return Written::New(added(request, status, [String::from_utf8_lossy(text).as_ref(), more.as_str()].concat()));
    }
    let mut recipe = Recipe::default();
    recipe.push(Piece::Copy(0..text.len() as u64));
    recipe.push(Piece::Bytes(more.into_bytes()));
    Written::Longer(at, recipe)
}

/// Returns a line for each pattern of the rules that dropped anything. dpkg goes by the last line that matches, so the includes
/// come last.
fn lines(request: &Request<'_>, dropped: &[Option<RuleId>]) -> Vec<String> {
    let mut took = vec![false; request.profile.rules.len()];
    dropped.iter().flatten().for_each(|&rule| took[rule.index()] = true);
    let rules =
        || request.profile.rules.iter().zip(&took).filter(|(_, took)| **took).filter_map(|(rule, _)| dpkg_paths(rule));
    let languages = programs::languages(request.facts);
    let include = |pattern: &String| includes(pattern, &languages);
    let excludes = rules().flat_map(|dpkg| &dpkg.exclude).map(|p| format!("path-exclude={p}\n"));
    let mut out: Vec<String> = excludes.chain(rules().flat_map(|dpkg| &dpkg.include).flat_map(include)).collect();
    let mut seen = std::collections::HashSet::new();
    out.retain(|line| seen.insert(line.clone()));
    out
}

/// Returns the lines for a pattern of paths that are unpacked all the same: one for each language if the pattern names them.
fn includes(pattern: &str, languages: &BTreeSet<&str>) -> Vec<String> {
    let line = |p: &str| format!("path-include={p}\n");
    if !pattern.contains("{language}") {
        return vec![line(pattern)];
    }
    languages.iter().map(|language| line(&pattern.replace("{language}", language))).collect()
}

/// Returns what a rule says about dpkg's configuration, if it may say anything.
const fn dpkg_paths(rule: &Rule) -> Option<&DpkgPaths> {
    match &rule.action {
        Action::Drop(dropping) => Some(&dropping.dpkg),
        _ => None,
    }
}

/// Makes the file with the time of dpkg's database, which is when it would first have been of use.
fn added(request: &Request<'_>, status: NodeId, text: String) -> Added {
    let tree = &request.merged.tree;
    let holder = tree.inode_of(status).holder();
    let mtime = holder.map(|at| request.member(at).meta.mtime);
    let last = request.layers.len() - 1;
    // The file goes into the layer of the database, as that layer is seldom rewritten for this alone. If hidden files stay, it
    // goes into the last layer, above everything that could hide it.
    let hides = !request.squash && !request.profile.rules.iter().any(super::output::is_shadowed);
    let layer = holder.map(|at| at.layer as usize).filter(|&layer| layer >= request.base && !hides).unwrap_or(last);
    let meta = Meta { mtime: mtime.unwrap_or_default(), attrs: Attrs { mode: 0o644, ..Attrs::default() }.into() };
    Added { layer: layer as u32, path: dpkg::PATHS.into(), meta, text: text.into_bytes() }
}
