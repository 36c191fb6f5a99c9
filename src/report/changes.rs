//! What became of files that stay: linked, made anew by other programs, left alone.

use super::build::Built;
use super::{Bytecode, Totals, Unchanged};
use crate::plan;
use crate::plan::made::Reason;
use std::collections::BTreeMap;

/// Seconds of CPU for each byte of bytecode that is not there: on the dashboard image, of which 157 MB went, a start of its
/// application took 2.65 s instead of 1.08. A start imports a part of what is installed; how large a part, nobody knows here.
const START_SECONDS: f64 = (2.65 - 1.08) / 157e6;

impl Built<'_> {
    /// What it costs that bytecode went.
    pub(super) fn bytecode(&self) -> Bytecode {
        let plan::bytecode::Price { modules, bytes } = self.plan.price;
        // Milliseconds are finer than the estimate is.
        let start_seconds = (bytes as f64 * START_SECONDS * 1e3).round() / 1e3;
        Bytecode { modules, bytes, start_seconds }
    }

    /// Files that became hard links.
    pub(super) fn linked(&self) -> Totals {
        let links = &self.plan.links.all;
        Totals { files: links.len() as u64, bytes: links.iter().map(|l| l.bytes).sum() }
    }

    /// Files with a content that another program made.
    pub(super) fn made(&self) -> Totals {
        let made = &self.plan.rewrites.made;
        Totals { files: made.len() as u64, bytes: made.iter().map(|m| self.shrinks(m.at)).sum() }
    }

    /// Files that a rule would have had a new content for, by rule and reason.
    pub(super) fn unchanged(&self) -> Vec<Unchanged> {
        let mut all: BTreeMap<(u16, &Reason), Unchanged> = BTreeMap::new();
        let mut largest: BTreeMap<(u16, &Reason), u64> = BTreeMap::new();
        for one in &self.plan.rewrites.unchanged {
            let bytes = self.tree.inode_of(one.node).holder().map_or(0, |at| self.node_size(at));
            let (id, reason, usual) = words(&one.why);
            let rule = self.rule_id(one.rule).to_owned();
            let key = (one.rule, &one.why);
            let fresh = Unchanged { id: id.to_owned(), rule, reason, files: 0, bytes: 0, example: "".into(), usual };
            let sum = all.entry(key).or_insert(fresh);
            sum.files += 1;
            sum.bytes += bytes;
            let largest = largest.entry(key).or_default();
            if sum.files == 1 || bytes > *largest {
                *largest = bytes;
                sum.example = self.tree.path(one.node);
            }
        }
        all.into_values().collect()
    }
}

/// A reason's id and sentence, and whether it says that nothing is wrong.
fn words(reason: &Reason) -> (&'static str, String, bool) {
    match reason {
        Reason::Failed(how) => ("failed", format!("the command failed: {how}"), false),
        Reason::TimedOut(seconds) => ("timed-out", format!("the command took more than {seconds} s"), false),
        Reason::NoOutput => ("no-output", "the command left no output".to_owned(), false),
        Reason::NotSmaller => ("not-smaller", "the result is not smaller".to_owned(), true),
        Reason::Protected => ("protected", "protected: it stays byte for byte".to_owned(), false),
        Reason::Verified => ("self-checking", "a program verifies its bytes".to_owned(), false),
        Reason::Recorded => ("recorded", "a package manager's checksum of it cannot be written anew".to_owned(), false),
    }
}
