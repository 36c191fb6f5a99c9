//! The numbers of rules and protections in their profile. They are small, as a plan has several for each path.

/// A rule of a profile: its index in [`Profile::rules`](super::Profile::rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

/// A protection of a profile: its index in [`Profile::protects`](super::Profile::protects).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtectId(u16);

impl RuleId {
    /// Returns the index in [`Profile::rules`](super::Profile::rules), and in every list that has an item for each rule.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns all numbers, from 0.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u16::MAX).map(Self)
    }
}

impl ProtectId {
    /// Returns the index in [`Profile::protects`](super::Profile::protects), and in every list that has an item for each
    /// protection.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns all numbers, from 0.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u16::MAX).map(Self)
    }
}
