//! What the scan has to look for, by what the rules of a profile do.

use crate::plan::guard;
use crate::profile::{Action, Profile};
use crate::refs::paths::Search;
use crate::scan::Needs;
use std::sync::Arc;

/// Facts are looked for only where a rule could drop what they protect, or change what they tell of.
pub(super) fn needs(profile: &Profile) -> Needs {
    let any = |actions: &[Action]| profile.rules.iter().any(|r| r.enabled && actions.contains(&r.action));
    let drops = any(&[Action::Drop, Action::RemovePackage, Action::Bytecode]);
    let mut strip = Vec::new();
    for rule in profile.rules.iter().filter(|r| r.enabled && r.action == Action::Strip) {
        if !strip.contains(&rule.level) {
            strip.push(rule.level);
        }
    }
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
        packages: any(&[Action::RemovePackage]),
        dpkg_paths: profile.rules.iter().any(|r| r.enabled && !r.dpkg.exclude.is_empty()),
        bytecode: drops,
        marks: None,
        sizes_only: false,
        os_release: profile.choices.iter().any(|c| !c.os.is_empty()),
    }
}
