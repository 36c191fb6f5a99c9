//! What one set of removed paths has and no other.

use crate::path;
use crate::report::{Named, RemovedPath, escape};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What one column takes and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Only {
    /// How many paths.
    pub files: u64,
    /// Bytes of tar that go with them.
    pub bytes: u64,
    /// By rule, most first.
    pub rules: Vec<Named>,
    /// By directory, cut at six levels, most first; the first twenty.
    pub directories: Vec<Named>,
}

/// How deep the directories are that bytes are added up for.
const DEPTH: usize = 6;
/// How many directories are told.
const TOLD: usize = 20;

/// For each list of removed paths: what none of the others has. Nothing where there is but one list.
#[must_use]
pub fn only(lists: &[Vec<RemovedPath>]) -> Vec<Option<Only>> {
    if lists.len() < 2 {
        return lists.iter().map(|_| None).collect();
    }
    // A path may be in several layers, and each of them loses its own.
    let mut takers: HashMap<(usize, &[u8]), u32> = HashMap::new();
    for removed in lists.iter().flatten() {
        *takers.entry((removed.layer, &**removed.path)).or_default() += 1;
    }
    let alone = |removed: &&RemovedPath| takers[&(removed.layer, &**removed.path)] == 1;
    lists.iter().map(|list| Some(sum(list.iter().filter(alone)))).collect()
}

fn sum<'a>(removed: impl Iterator<Item = &'a RemovedPath>) -> Only {
    let mut out = Only::default();
    let (mut rules, mut directories) = (BTreeMap::new(), BTreeMap::new());
    for one in removed {
        out.files += 1;
        out.bytes += one.bytes;
        let parts: Vec<&[u8]> = path::components(path::split(&one.path).0).take(DEPTH).collect();
        let directory = if parts.is_empty() { "/".to_owned() } else { escape(&bstr::join("/", parts)) };
        for (sums, name) in [(&mut rules, one.rule.to_string()), (&mut directories, directory)] {
            let sum: &mut (u64, u64) = sums.entry(name).or_default();
            *sum = (sum.0 + 1, sum.1 + one.bytes);
        }
    }
    let most = |sums: BTreeMap<String, (u64, u64)>| {
        let mut all: Vec<Named> = sums.into_iter().map(|(name, (files, bytes))| Named { name, files, bytes }).collect();
        all.sort_by_key(|n| std::cmp::Reverse(n.bytes));
        all
    };
    (out.rules, out.directories) = (most(rules), most(directories));
    out.directories.truncate(TOLD);
    out
}
