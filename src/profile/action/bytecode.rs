//! The action `bytecode`: drops or compiles Python's bytecode.

use super::settings::{RuleKeys, Settings, Written};
use crate::profile::lines::{line, quote};
use crate::profile::pattern::Lookup;
use crate::profile::reader::{Reader, Value, name_of};

/// The settings of a rule with `action = "bytecode"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytecode {
    /// The mode.
    pub mode: Mode,
    /// The argument `optimize` of Python's `compile` if bytecode is made: 1 leaves out assertions, 2 documentation as well.
    pub optimize: u8,
}

/// The bytecode that goes or is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytecode that no interpreter of the image would use goes.
    Stale,
    /// All bytecode that has its source beside it goes.
    Drop,
    /// Bytecode that has its source beside it is compiled anew, by an interpreter that the caller runs.
    Compile,
}

/// The modes by their names in a profile.
const MODES: [(&str, Mode); 3] = [("stale", Mode::Stale), ("drop", Mode::Drop), ("compile", Mode::Compile)];

/// The keys as written.
#[derive(Debug, Default)]
pub(in crate::profile) struct Raw {
    mode: Option<Mode>,
    optimize: u8,
}

impl Settings for Bytecode {
    const NAME: &'static str = "bytecode";
    const RULES: &'static str = "rules with `action = \"bytecode\"`";
    const KEYS: &'static [&'static str] = &["mode", "optimize"];
    const SEEN_ELSEWHERE: bool = false;
    const CHANGES: bool = true;
    type Written = Raw;

    fn show(&self, patterns: &str) -> String {
        let mut out = String::new();
        line(&mut out, "mode", &quote(name_of(&MODES, self.mode)));
        if self.mode == Mode::Compile {
            line(&mut out, "optimize", &self.optimize.to_string());
        }
        out + patterns
    }
}

impl Written for Raw {
    type Settings = Bytecode;

    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        match key {
            "mode" => self.mode = reader.choice(key, value, &MODES),
            _ => self.optimize = reader.number(key, value, 0..=2).and_then(|n| u8::try_from(n).ok()).unwrap_or(0),
        }
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        rule.needs_paths(reader, "a rule with `action = \"bytecode\"`");
        if let Some(place) = rule.place("optimize").filter(|_| self.mode != Some(Mode::Compile)) {
            reader.error(place, "`optimize` is for `mode = \"compile\"`");
        }
        if self.mode.is_none() {
            rule.error(reader, "a rule about bytecode needs a `mode`: one of `stale`, `drop`, `compile`");
        }
    }

    fn resolve(self: Box<Self>, _: &mut Lookup<'_>) -> Option<Bytecode> {
        Some(Bytecode { mode: self.mode?, optimize: self.optimize })
    }
}
