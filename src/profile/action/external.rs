//! The action `external`: runs a command of the user's on each file.

use super::settings::{RuleKeys, Settings, Written};
use crate::profile::lines::{array, line};
use crate::profile::pattern::Lookup;
use crate::profile::reader::{Reader, Value};

/// The seconds that a command has for one file by default.
const TIMEOUT: u64 = 60;
/// The most seconds that it may be given: a day.
const MAX_TIMEOUT: u64 = 86_400;

/// The settings of a rule with `action = "external"`: a command of the user's that makes a smaller file out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The program and its arguments; [`External::IN`] and [`External::OUT`] stand for paths in them.
    pub command: Vec<String>,
    /// The seconds that it has for one file.
    pub timeout: u64,
    /// True if equal input gives equal output, according to the user.
    pub deterministic: bool,
}

impl External {
    /// The word that stands for the path of the input.
    pub const IN: &str = "{in}";
    /// The word that stands for the path of the output.
    pub const OUT: &str = "{out}";
}

/// The keys as written.
#[derive(Debug, Default)]
pub(in crate::profile) struct Raw {
    command: Option<Vec<String>>,
    timeout: Option<u64>,
    deterministic: Option<bool>,
}

impl Settings for External {
    const NAME: &'static str = "external";
    const RULES: &'static str = "rules with `action = \"external\"`";
    const KEYS: &'static [&'static str] = &["command", "timeout", "deterministic"];
    const SEEN_ELSEWHERE: bool = false;
    const CHANGES: bool = true;
    type Written = Raw;

    fn show(&self, patterns: &str) -> String {
        let mut out = String::new();
        line(&mut out, "command", &array(self.command.iter().map(String::as_str)));
        line(&mut out, "timeout", &self.timeout.to_string());
        line(&mut out, "deterministic", &self.deterministic.to_string());
        out + patterns
    }
}

impl Written for Raw {
    type Settings = External;

    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        match key {
            "command" => self.command = command(reader, value),
            "timeout" => self.timeout = reader.number(key, value, 1..=MAX_TIMEOUT),
            _ => self.deterministic = reader.truth(key, value),
        }
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        rule.needs_paths(reader, "a rule with `action = \"external\"`");
        if self.command.is_none() {
            rule.error(reader, "a rule that runs a command needs the `command`: an array of strings");
        } else if self.deterministic.is_none() {
            let what = "a rule that runs a command must say whether the command is `deterministic`: \
                        true where equal input gives equal output, false otherwise";
            rule.error(reader, what);
        }
    }

    fn resolve(self: Box<Self>, _: &mut Lookup<'_>) -> Option<External> {
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        Some(External { command: self.command?, timeout, deterministic: self.deterministic? })
    }
}

/// Reads the program and its arguments.
fn command(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Vec<String>> {
    let words: Vec<String> = reader.strings("command", value).into_iter().map(|word| word.value).collect();
    if words.first().is_none_or(String::is_empty) {
        reader.error(value.span(), "`command` begins with the name of a program");
        return None;
    }
    for place in [External::IN, External::OUT] {
        if !words[1..].iter().any(|word| word.contains(place)) {
            let what = format!("`command` needs `{place}`: where the program finds its input and leaves its output");
            reader.error(value.span(), what);
            return None;
        }
    }
    Some(words)
}
