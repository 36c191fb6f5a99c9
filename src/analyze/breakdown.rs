//! Breakdowns: the bytes of all layers by kind of file, by package and by directory. Each byte is counted once, so that every
//! breakdown adds up to the whole.

use super::kinds::Kinds;
use super::owners::Owners;
use crate::elf::Outcome;
use crate::layer::{Facts, LayerIndex};
use crate::path;
use crate::plan::emission::Names;
use crate::report::escape;
use crate::tar::{Kind, Member, padded};
use crate::tree::{MemberId, Tree};
use serde::Serialize;
use std::collections::HashMap;

/// One part of the whole.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The kind, the package or the path of the directory.
    pub name: String,
    /// The number of members.
    pub files: u64,
    /// Bytes of tar: headers, data, padding.
    pub bytes: u64,
}

/// All breakdowns; each most bytes first.
#[derive(Clone, Debug, Default)]
pub struct Breakdown {
    /// By kind of file.
    pub kinds: Vec<Share>,
    /// By package, with the name of its manager before its own.
    pub packages: Vec<Share>,
    /// By directory.
    pub directories: Vec<Share>,
}

/// The name for bytes that no container sees.
pub const HIDDEN: &str = "(no container sees it)";
/// The name for ends of tars, and headers that belong to no member.
pub const FRAMING: &str = "(ends of layers)";
/// The name for headers of directories, links and devices.
const ENTRIES: &str = "(directories and links)";
/// The name for the bytes that stripping would take out of objects, which count as a kind of their own.
const DEBUG: &str = "symbols and debug data in objects";
/// The name for bytes that belong to no package.
const NO_PACKAGE: &str = "(no package)";

#[derive(Default)]
struct Sums(HashMap<String, (u64, u64)>);

impl Sums {
    fn add(&mut self, name: &str, files: u64, bytes: u64) {
        if let Some(sum) = self.0.get_mut(name) {
            *sum = (sum.0 + files, sum.1 + bytes);
            return;
        }
        self.0.insert(name.to_owned(), (files, bytes));
    }

    fn finish(self) -> Vec<Share> {
        let mut out: Vec<Share> =
            self.0.into_iter().map(|(name, (files, bytes))| Share { name, files, bytes }).collect();
        out.sort_by(|a, b| (b.bytes, b.files, &a.name).cmp(&(a.bytes, a.files, &b.name)));
        out
    }
}

/// Breaks an image down; `needed` says which members containers see, `depth` is the number of levels down to which directories
/// are listed.
#[must_use]
pub fn breakdown(
    layers: &[&LayerIndex],
    tree: &Tree,
    needed: &[Vec<bool>],
    kinds: &Kinds,
    owners: &Owners<'_>,
    depth: usize,
) -> Breakdown {
    let names = Names::new(layers, tree);
    let (mut by_kind, mut by_package, mut by_dir) = (Sums::default(), Sums::default(), Sums::default());
    let (mut found, mut dir, mut last) = (Vec::new(), String::new(), None::<&[u8]>);
    for (layer, index) in (0u32..).zip(layers) {
        let mut rest = index.tar_bytes;
        for (number, member) in (0u32..).zip(&index.members) {
            let bytes = member.span_bytes();
            rest = rest.saturating_sub(bytes);
            if !needed[layer as usize][number as usize] {
                [&mut by_kind, &mut by_package, &mut by_dir].into_iter().for_each(|s| s.add(HIDDEN, 1, bytes));
                continue;
            }
            let kind = if member.kind == Kind::File { kinds.of(member, &mut found) } else { None };
            let debug = index.facts.get(&number).map_or(0, |facts| debug_bytes(facts, member));
            by_kind.add(kind.map_or(ENTRIES, |kind| kinds.id(kind)), 1, bytes - debug);
            if debug > 0 {
                by_kind.add(DEBUG, 0, debug);
            }
            let owner = names.get(MemberId { layer, member: number }).and_then(|node| owners.of(node));
            match owner {
                Some(package) => by_package.add(&package.label(), 1, bytes),
                None => by_package.add(NO_PACKAGE, 1, bytes),
            }
            let own = if member.kind == Kind::Dir { &**member.path } else { path::split(&member.path).0 };
            // Members of one directory come one after the other.
            if last.replace(own) != Some(own) {
                directory(own, depth, &mut dir);
            }
            by_dir.add(&dir, 1, bytes);
        }
        [&mut by_kind, &mut by_package, &mut by_dir].into_iter().for_each(|s| s.add(FRAMING, 0, rest));
    }
    Breakdown { kinds: by_kind.finish(), packages: by_package.finish(), directories: by_dir.finish() }
}

/// Returns the bytes of an object's span that are symbols and debug data: those that stripping removes, if the scan looked for
/// that.
fn debug_bytes(facts: &Facts, member: &Member) -> u64 {
    let sizes = facts.strip.iter().filter_map(|strip| match &strip.outcome {
        Outcome::Replaced(recipe) => Some(padded(recipe.size)),
        Outcome::Unchanged(_) => None,
    });
    sizes.min().map_or(0, |least| padded(member.stored).saturating_sub(least))
}

/// Writes to `out` the directory for which files in `dir` are counted: `dir`, cut to `depth` components.
fn directory(dir: &[u8], depth: usize, out: &mut String) {
    out.clear();
    out.push('/');
    for part in path::components(dir).take(depth) {
        if out.len() > 1 {
            out.push('/');
        }
        out.push_str(&escape(part));
    }
}
