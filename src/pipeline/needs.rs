//! The facts that the scan has to look for, by the rules of a profile.

use crate::plan::guard;
use crate::profile::{Action, COMMAND_LINE, Profile};
use crate::refs::paths::Search;
use crate::scan::{Flags, Needs};
use std::sync::Arc;

/// Returns the facts to look for: only those that protect something which a rule could drop, or describe something which a rule
/// could change.
#[must_use]
pub fn needs(profile: &Profile) -> Needs {
    let (python, others) = guard::asks(profile);
    let mut out = Needs {
        words: guard::words(profile),
        search: Search::new(guard::searched(profile)).map(Arc::new),
        archive_lists: archive_lists(profile),
        ..Needs::default()
    };
    out.flags.set(Flags::PYTHON, python);
    out.flags.set(Flags::OTHERS, others);
    out.flags.set(Flags::OS_RELEASE, profile.choices.iter().any(|c| !c.os.is_empty()));
    out.flags.set(Flags::OWNERS, profile.rules.iter().any(|rule| rule.id == COMMAND_LINE));
    for action in profile.actions() {
        out.flags |= flags(action);
        if let Action::Strip(strip) = action
            && !out.strip.contains(&strip.level)
        {
            out.strip.push(strip.level);
        }
    }
    out
}

/// Returns the facts that a rule with this action needs.
fn flags(action: &Action) -> Flags {
    // What drops files looks for those that others need, and mends the lists of what is there.
    let drops = Flags::INTERPRETERS | Flags::RECORDS | Flags::BYTECODE;
    // What changes files mends their checksums, and looks for those that cannot be mended.
    let changes = Flags::CHECKSUMS | Flags::DIGESTS;
    match action {
        Action::Drop(dropping) => {
            let mut out = drops;
            out.set(Flags::LISTS, dropping.reading.owned);
            out.set(Flags::DPKG_PATHS, !dropping.dpkg.exclude.is_empty());
            out
        }
        Action::DropShadowed(_) => Flags::empty(),
        Action::Strip(_) | Action::External(_) => changes,
        Action::Hardlink(_) => Flags::DIGESTS,
        Action::Bytecode(_) if action.compiles() => drops | changes,
        Action::Bytecode(_) => drops | Flags::CHECKSUMS,
        Action::RemovePackage(_) => drops | Flags::PACKAGES,
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
