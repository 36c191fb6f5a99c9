//! The facts that the scan has to look for, by the rules of a profile.

use crate::plan::guard;
use crate::profile::{Action, Profile};
use crate::refs::paths::Search;
use crate::scan::Needs;
use std::sync::Arc;

/// Returns the facts to look for: only those that protect something which a rule could drop, or describe something which a rule
/// could change.
#[must_use]
pub fn needs(profile: &Profile) -> Needs {
    let (python, others) = guard::asks(profile);
    let mut out = Needs {
        python,
        others,
        words: guard::words(profile),
        search: Search::new(guard::searched(profile)).map(Arc::new),
        archive_lists: archive_lists(profile),
        os_release: profile.choices.iter().any(|c| !c.os.is_empty()),
        ..Needs::default()
    };
    profile.actions().for_each(|action| add(action, &mut out));
    out
}

/// Adds the facts that rules with this action need.
fn add(action: &Action, out: &mut Needs) {
    if matches!(action, Action::Drop(_) | Action::RemovePackage(_) | Action::Bytecode(_)) {
        (out.interpreters, out.records, out.bytecode) = (true, true, true);
    }
    match action {
        Action::Drop(dropping) => {
            out.lists |= dropping.reading.owned;
            out.dpkg_paths |= !dropping.dpkg.exclude.is_empty();
        }
        Action::DropShadowed(_) => {}
        Action::Strip(strip) => {
            (out.checksums, out.digests) = (true, true);
            if !out.strip.contains(&strip.level) {
                out.strip.push(strip.level);
            }
        }
        Action::Hardlink(_) => out.digests = true,
        Action::Bytecode(_) => {
            out.checksums = true;
            out.digests |= action.compiles();
        }
        Action::External(_) => (out.checksums, out.digests) = (true, true),
        Action::RemovePackage(_) => out.packages = true,
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
