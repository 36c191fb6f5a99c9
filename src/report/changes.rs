//! The changes of files that stay: those that were linked, got a new content from another program, or were left alone.

use super::build::Built;
use super::{Bytecode, SkippedFiles, Stripped, Totals, Unchanged};
use crate::plan::made::NotMadeReason;
use crate::plan::{self, TakenBy};
use crate::profile::RuleId;
use crate::tree::{NodeId, Tree};
use bstr::BString;
use std::collections::{BTreeMap, HashMap};

/// Seconds of CPU for each byte of missing bytecode. Measured on the dashboard image, of which 157 MB went: a start of its
/// application took 2.65 s instead of 1.08. A start imports only a part of what is installed; the size of that part is not
/// known here.
const START_SECONDS: f64 = (2.65 - 1.08) / 157e6;

impl Built<'_> {
    /// Returns the cost of dropping bytecode.
    pub(crate) fn bytecode(&self) -> Bytecode {
        let plan::bytecode::Price { modules, bytes } = self.plan.price;
        // The estimate is less exact than a millisecond.
        let start_seconds = (bytes as f64 * START_SECONDS * 1e3).round() / 1e3;
        Bytecode { modules, bytes, start_seconds }
    }

    /// Returns the rule that takes most compiled Python modules.
    pub(crate) fn most_bytecode(&self) -> Option<String> {
        let mut taken: HashMap<TakenBy, u64> = HashMap::new();
        for removed in &self.plan.removed {
            if self.layers[removed.layer as usize].members[removed.member as usize].path.ends_with(b".pyc") {
                *taken.entry(removed.by).or_default() += removed.bytes;
            }
        }
        let most = taken.into_iter().max_by_key(|(by, bytes)| (*bytes, *by))?;
        Some(most.0.id(self.profile).to_owned())
    }

    /// Returns the files that became hard links.
    pub(super) fn linked(&self) -> Totals {
        let links = &self.plan.links.all;
        Totals { files: links.len() as u64, bytes: links.iter().map(|l| l.bytes).sum() }
    }

    /// Returns the files with a content that another program made.
    pub(super) fn made(&self) -> Totals {
        let made = &self.plan.rewrites.made;
        Totals { files: made.len() as u64, bytes: made.iter().map(|m| self.shrinks(m.at)).sum() }
    }

    /// Returns the executables and shared objects that were stripped, and those that were not.
    pub(super) fn stripped(&self) -> Stripped {
        let rewrites = &self.plan.rewrites;
        let left = self.grouped(rewrites.left.iter().map(|&(node, why)| (why, node)));
        let one = |(why, group): (plan::SkipReason, Group)| {
            let (id, reason, usual) = super::words::left(why, self.tree, self.profile);
            let Group { files, bytes, example, .. } = group;
            SkippedFiles { id: id.to_owned(), reason, files, bytes, example, usual }
        };
        Stripped {
            files: rewrites.stripped.len() as u64,
            bytes: rewrites.stripped.iter().map(|s| self.shrinks(s.at)).sum(),
            left: left.into_iter().map(one).collect(),
        }
    }

    /// Returns the files that a rule would have given a new content, by rule and reason.
    pub(super) fn unchanged(&self) -> Vec<Unchanged> {
        let all = self.grouped(self.plan.rewrites.unchanged.iter().map(|one| ((one.rule, &one.why), one.node)));
        let one = |((rule, why), group): ((RuleId, &NotMadeReason), Group)| {
            let (id, reason, usual) = words(why, self.tree);
            let (rule, Group { files, bytes, example, .. }) = (self.rule_id(rule).to_owned(), group);
            Unchanged { id: id.to_owned(), rule, reason, files, bytes, example, usual }
        };
        all.into_iter().map(one).collect()
    }

    /// Adds up files with equal keys.
    fn grouped<K: Ord>(&self, files: impl Iterator<Item = (K, NodeId)>) -> BTreeMap<K, Group> {
        let mut all: BTreeMap<K, Group> = BTreeMap::new();
        for (key, node) in files {
            let bytes = self.tree.inode_of(node).holder().map_or(0, |at| self.node_size(at));
            let group = all.entry(key).or_default();
            group.files += 1;
            group.bytes += bytes;
            if group.files == 1 || bytes > group.largest {
                group.largest = bytes;
                group.example = self.tree.path(node);
            }
        }
        all
    }
}

/// Files that have something in common.
#[derive(Default)]
struct Group {
    files: u64,
    bytes: u64,
    /// The path of the largest file.
    example: BString,
    largest: u64,
}

/// Returns a reason's id and sentence, and true if it says that nothing is wrong.
fn words(reason: &NotMadeReason, tree: &Tree) -> (&'static str, String, bool) {
    match reason {
        NotMadeReason::Failed(how) => ("failed", format!("the command failed: {how}"), false),
        NotMadeReason::TimedOut(seconds) => ("timed-out", format!("the command took more than {seconds} s"), false),
        NotMadeReason::NoOutput => ("no-output", "the command left no output".to_owned(), false),
        NotMadeReason::NotSmaller => ("not-smaller", "the result is not smaller".to_owned(), true),
        NotMadeReason::Protected => ("protected", "protected: it stays byte for byte".to_owned(), false),
        NotMadeReason::Verified => ("self-checking", "a program verifies its bytes".to_owned(), false),
        NotMadeReason::Stated(text) => ("stated", super::words::stated(*text, tree), false),
        NotMadeReason::Recorded => {
            ("recorded", "a package manager's checksum of it cannot be written anew".to_owned(), false)
        }
    }
}
