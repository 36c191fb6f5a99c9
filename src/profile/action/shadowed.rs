//! The action `drop-shadowed`: removes members that later layers overwrite or delete.

use super::settings::{RuleKeys, Settings, Written};
use crate::profile::pattern::Lookup;
use crate::profile::reader::{Reader, Value};

/// The settings of a rule with `action = "drop-shadowed"`: there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropShadowed;

impl Settings for DropShadowed {
    const NAME: &'static str = "drop-shadowed";
    const RULES: &'static str = "rules with `action = \"drop-shadowed\"`";
    type Written = Self;

    fn show(&self, _: &str) -> String {
        String::new()
    }
}

impl Written for DropShadowed {
    type Settings = Self;

    fn read(&mut self, _: &mut Reader<'_>, _: &str, _: &Value<'_>) {}

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        for place in ["paths", "except"].into_iter().filter_map(|key| rule.place(key)) {
            reader.error(place, "`drop-shadowed` takes no patterns: it is about all that later layers hide");
        }
    }

    fn resolve(self: Box<Self>, _: &mut Lookup<'_>) -> Option<Self> {
        Some(*self)
    }
}
