//! The action `strip`: removes symbols and debug data from executables and shared objects.

use super::settings::{RuleKeys, Settings, Written};
use crate::elf::Level;
use crate::profile::lines::{line, quote};
use crate::profile::pattern::Lookup;
use crate::profile::reader::{Reader, Value, name_of};

/// The levels by their names in a profile.
const LEVELS: [(&str, Level); 2] = [("debug", Level::Debug), ("all", Level::All)];

/// The settings of a rule with `action = "strip"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The data that goes.
    pub level: Level,
}

impl Default for Strip {
    fn default() -> Self {
        Self { level: Level::All }
    }
}

impl Settings for Strip {
    const NAME: &'static str = "strip";
    const RULES: &'static str = "rules that strip";
    const KEYS: &'static [&'static str] = &["level"];
    const CHANGES: bool = true;
    type Written = Self;

    fn show(&self, patterns: &str) -> String {
        let mut out = String::new();
        line(&mut out, "level", &quote(name_of(&LEVELS, self.level)));
        out + patterns
    }
}

impl Written for Strip {
    type Settings = Self;

    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        self.level = reader.choice(key, value, &LEVELS).unwrap_or(self.level);
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        rule.needs_paths(reader, "a rule that strips");
    }

    fn resolve(self: Box<Self>, _: &mut Lookup<'_>) -> Option<Self> {
        Some(*self)
    }
}
