//! The numbers of rules and protections in their profile. They are small, as a plan has several for each path.

use super::{Profile, Protect, Rule};

/// A rule of a profile: its index in [`Profile::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

/// A protection of a profile: its index in [`Profile::protects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtectId(u16);

impl RuleId {
    /// Returns the index in [`Profile::rules`], and in every list that has an item for each rule.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ProtectId {
    /// Returns the index in [`Profile::protects`], and in every list that has an item for each protection.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Profile {
    /// The most rules, and the most protections, that have a number.
    pub(super) const MOST: usize = 1 << u16::BITS;

    /// Returns a rule.
    ///
    /// # Panics
    /// Panics if `id` is of another profile, which has more rules.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// Returns a protection.
    ///
    /// # Panics
    /// Panics if `id` is of another profile, which has more protections.
    #[must_use]
    pub fn protect(&self, id: ProtectId) -> &Protect {
        &self.protects[id.index()]
    }

    /// Returns all rules with their numbers, also those that are off.
    pub fn numbered_rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        (0..=u16::MAX).map(RuleId).zip(&self.rules)
    }

    /// Returns all protections with their numbers.
    pub fn numbered_protects(&self) -> impl Iterator<Item = (ProtectId, &Protect)> {
        (0..=u16::MAX).map(ProtectId).zip(&self.protects)
    }
}
