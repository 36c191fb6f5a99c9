//! The keys of rules that change files: the mode for bytecode, and the command of the user's.

use toml::de::DeValue;

use super::reader::{Key, Reader, Value};
use crate::profile::{Action, Bytecode, External, Mode};
use std::ops::Range;

/// The keys, besides those that all rules have.
pub(super) const KEYS: [&str; 5] = ["mode", "optimize", "command", "timeout", "deterministic"];

/// The seconds that a command has for one file by default.
const TIMEOUT: u64 = 60;
/// The most seconds that it may be given: a day.
const MAX_TIMEOUT: u64 = 86_400;

/// The values of these keys.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    pub(super) bytecode: Option<Bytecode>,
    pub(super) external: Option<External>,
}

impl Reader<'_> {
    /// Reads the keys of a rule that are named in [`KEYS`]; reports those that its action does not use, and those that are
    /// missing.
    pub(super) fn how(&mut self, action: Action, span: Range<usize>, keys: &[(&Key<'_>, &Value<'_>)]) -> How {
        let (mut mode, mut optimize, mut command, mut timeout, mut deterministic) = (None, None, None, None, None);
        let before = self.errors.len();
        for (key, value) in keys {
            let name = key.get_ref().as_ref();
            let of = if ["mode", "optimize"].contains(&name) { Action::Bytecode } else { Action::External };
            if action != of {
                self.error(key.span(), format!("`{name}` is for rules with `action = \"{}\"`", of.name()));
                continue;
            }
            match name {
                "mode" => mode = self.choice("mode", value, &Mode::KNOWN),
                "optimize" => optimize = self.number("optimize", value, 0..=2).map(|level| (*key, level)),
                "command" => command = self.command(value),
                "timeout" => timeout = self.number("timeout", value, 1..=MAX_TIMEOUT),
                _ => deterministic = self.truth("deterministic", value),
            }
        }
        if self.errors.len() > before {
            return How::default();
        }
        let mut out = How::default();
        match action {
            Action::Bytecode => {
                if let Some((key, _)) = optimize.filter(|_| mode != Some(Mode::Compile)) {
                    self.error(key.span(), "`optimize` is for `mode = \"compile\"`");
                }
                let optimize = optimize.map_or(0, |(_, level)| u8::try_from(level).unwrap_or(0));
                match mode {
                    Some(mode) => out.bytecode = Some(Bytecode { mode, optimize }),
                    None => self.error(span, "a rule about bytecode needs a `mode`: one of `stale`, `drop`, `compile`"),
                }
            }
            Action::External => match (command, deterministic) {
                (Some(command), Some(deterministic)) => {
                    out.external = Some(External { command, timeout: timeout.unwrap_or(TIMEOUT), deterministic });
                }
                (None, _) => self.error(span, "a rule that runs a command needs the `command`: an array of strings"),
                (_, None) => {
                    let what = "a rule that runs a command must say whether the command is `deterministic`: \
                                true where equal input gives equal output, false otherwise";
                    self.error(span, what);
                }
            },
            _ => {}
        }
        out
    }

    fn command(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let words: Vec<String> = self.strings("command", value).into_iter().map(|word| word.value).collect();
        if words.first().is_none_or(String::is_empty) {
            self.error(value.span(), "`command` begins with the name of a program");
            return None;
        }
        for place in [External::IN, External::OUT] {
            if !words[1..].iter().any(|word| word.contains(place)) {
                self.error(
                    value.span(),
                    format!("`command` needs `{place}`: where the program finds its input and leaves its output"),
                );
                return None;
            }
        }
        Some(words)
    }

    fn number(&mut self, name: &str, value: &Value<'_>, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let (from, to) = (*range.start(), *range.end());
        let DeValue::Integer(found) = value.get_ref() else {
            self.wrong(name, &format!("a number from {from} to {to}"), value, value.get_ref());
            return None;
        };
        let number = u64::from_str_radix(found.as_str(), found.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.error(value.span(), format!("`{name}` must be a number from {from} to {to}"));
        }
        number
    }

    pub(super) fn truth(&mut self, name: &str, value: &Value<'_>) -> Option<bool> {
        if let DeValue::Boolean(found) = value.get_ref() {
            return Some(*found);
        }
        self.wrong(name, "true or false", value, value.get_ref());
        None
    }
}
