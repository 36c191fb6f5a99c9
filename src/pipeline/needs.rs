//! The facts that the scan has to look for, by the rules of a profile.

use crate::plan::guard;
use crate::profile::{Action, Mode, Profile};
use crate::refs::paths::Search;
use crate::scan::Needs;
use std::sync::Arc;

/// Returns the facts to look for: only those that protect something which a rule could drop, or describe something which a rule
/// could change.
#[must_use]
pub fn needs(profile: &Profile) -> Needs {
    let any = |actions: &[Action]| profile.rules.iter().any(|r| r.enabled && actions.contains(&r.action));
    let drops = any(&[Action::Drop, Action::RemovePackage, Action::Bytecode]);
    let mut strip = Vec::new();
    for rule in profile.rules.iter().filter(|r| r.enabled && r.action == Action::Strip) {
        if !strip.contains(&rule.level) {
            strip.push(rule.level);
        }
    }
    let compiles = profile.rules.iter().any(|r| r.enabled && r.bytecode.is_some_and(|b| b.mode == Mode::Compile));
    let (python, others) = guard::asks(profile);
    Needs {
        interpreters: drops,
        python,
        others,
        words: guard::words(profile),
        search: Search::new(guard::searched(profile)).map(Arc::new),
        lists: profile.rules.iter().any(|r| r.enabled && r.reading.owned),
        strip,
        records: drops,
        checksums: any(&[Action::Strip, Action::Bytecode, Action::External]),
        digests: any(&[Action::Strip, Action::Hardlink, Action::External]) || compiles,
        archive_lists: archive_lists(profile),
        packages: any(&[Action::RemovePackage]),
        dpkg_paths: profile.rules.iter().any(|r| r.enabled && !r.dpkg.exclude.is_empty()),
        bytecode: drops,
        signatures: None,
        sizes_only: false,
        os_release: profile.choices.iter().any(|c| !c.os.is_empty()),
    }
}

/// Returns the names of the files whose checksums are of archives: the last components of the patterns of that set.
fn archive_lists(profile: &Profile) -> Vec<Vec<u8>> {
    let patterns = profile.sets.get(Profile::ARCHIVE_LISTS).into_iter().flatten();
    let names = patterns.filter_map(|pattern| pattern.rsplit('/').next());
    let mut names: Vec<Vec<u8>> = names.map(|name| name.as_bytes().to_vec()).collect();
    names.sort();
    names.dedup();
    names
}
