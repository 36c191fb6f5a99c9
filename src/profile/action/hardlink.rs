//! The action `hardlink`: makes equal files of one layer hard links of each other.

use super::settings::{RuleKeys, Settings, Written};
use crate::profile::pattern::Lookup;
use crate::profile::reader::{Reader, Value};

/// The settings of a rule with `action = "hardlink"`: there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hardlink;

impl Settings for Hardlink {
    const NAME: &'static str = "hardlink";
    const RULES: &'static str = "rules with `action = \"hardlink\"`";
    const CHANGES: bool = true;
    type Written = Self;

    fn show(&self, patterns: &str) -> String {
        patterns.to_owned()
    }
}

impl Written for Hardlink {
    type Settings = Self;

    fn read(&mut self, _: &mut Reader<'_>, _: &str, _: &Value<'_>) {}

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        rule.needs_paths(reader, "a rule with `action = \"hardlink\"`");
    }

    fn resolve(self: Box<Self>, _: &mut Lookup<'_>) -> Option<Self> {
        Some(*self)
    }
}
