//! A record of what has already been held for a file to which the same rules listen: to hold it again changes nothing, and a
//! text may name one directory a thousand times.

use super::state::{Guard, What};
use crate::profile::RuleId;
use crate::tree::NodeId;

/// The least number of files for which a record is worth its space: fewer are quickly held again.
const LEAST: usize = 32;

impl Guard<'_> {
    /// True if something that holds `count` files is to be held for the present speaker, and has not been before.
    pub(super) fn is_new(&self, what: What, count: usize) -> bool {
        if count < LEAST {
            return true;
        }
        let mask = self.done.speaker.get().map(|speaker| self.mask(speaker));
        self.done.seen.borrow_mut().insert((what, mask))
    }

    fn mask(&self, speaker: NodeId) -> usize {
        if let Some(&known) = self.done.of.borrow().get(&speaker) {
            return known;
        }
        let rules = self.request.profile.numbered_rules().map(|(id, _)| id);
        let deaf: Vec<RuleId> = rules.filter(|&rule| self.prepared.deaf.is_to(self.tree, rule, speaker)).collect();
        let mut masks = self.done.masks.borrow_mut();
        let number = masks.iter().position(|mask| *mask == deaf).unwrap_or_else(|| {
            masks.push(deaf);
            masks.len() - 1
        });
        self.done.of.borrow_mut().insert(speaker, number);
        number
    }
}
