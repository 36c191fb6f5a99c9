//! The removed paths that only one list has.

use crate::path;
use crate::report::{Named, RemovedPath, escape};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The paths that one column takes and no other does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Only {
    /// The number of paths.
    pub files: u64,
    /// Bytes of tar that go with them.
    pub bytes: u64,
    /// By rule, most first.
    pub rules: Vec<Named>,
    /// By directory, cut at six levels, most first; at most twenty.
    pub directories: Vec<Named>,
}

/// The number of levels down to which bytes are added up by directory.
const DEPTH: usize = 6;
/// The most directories that are listed.
const TOLD: usize = 20;

/// Returns for each list of removed paths those that no other list has; `None` if there is only one list.
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
