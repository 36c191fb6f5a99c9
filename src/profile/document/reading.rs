//! The keys of a dropping rule that say which programs may read its paths, and under which condition it takes one.

use std::ops::Range;

use super::reader::{Key, Reader, Value};
use crate::profile::Action;
use crate::profile::error::Text;

/// The names of the keys.
pub(super) const KEYS: [&str; 9] =
    ["read-by", "runs", "mapped-by", "imported-with", "deaf", "beside", "owned", "homes", "namesakes"];

/// The values of the keys, as written.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct RawReading {
    pub(in super::super) read_by: Vec<String>,
    pub(in super::super) runs: Vec<String>,
    pub(in super::super) mapped_by: Vec<Text>,
    pub(in super::super) imported_with: Vec<String>,
    pub(in super::super) deaf: Vec<Text>,
    pub(in super::super) beside: Option<String>,
    pub(in super::super) owned: bool,
    pub(in super::super) homes: bool,
    pub(in super::super) namesakes: bool,
}

impl Reader<'_> {
    /// Reads the value of one of the keys.
    pub(super) fn reading(&mut self, name: &str, value: &Value<'_>, out: &mut RawReading) {
        match name {
            "read-by" => out.read_by = self.words(name, value),
            "runs" => out.runs = self.words(name, value),
            "mapped-by" => out.mapped_by = self.strings(name, value),
            "imported-with" => out.imported_with = self.words(name, value),
            "deaf" => out.deaf = self.strings(name, value),
            "beside" => out.beside = self.neighbour(value),
            "owned" => out.owned = self.boolean(name, value),
            "homes" => out.homes = self.boolean(name, value),
            _ => out.namesakes = self.boolean(name, value),
        }
    }

    /// Reads names of programs or modules, or several words of a command: `npm exec`.
    fn words(&mut self, name: &str, value: &Value<'_>) -> Vec<String> {
        let texts = self.strings(name, value);
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let word = |word: &str| !word.is_empty() && word.chars().all(good);
        for text in texts.iter().filter(|t| !t.value.split(' ').all(word)) {
            self.error(
                text.at.span.clone(),
                format!("`{name}` takes names without a directory, with one blank between two"),
            );
        }
        texts.into_iter().map(|t| t.value).collect()
    }

    fn neighbour(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string("beside", value)?;
        if text.value.is_empty() || text.value.contains('/') {
            self.error(text.at.span, "`beside` takes the name of a file in the same directory");
            return None;
        }
        Some(text.value)
    }

    /// Reports such keys if the rule drops nothing; rules about packages may only have those about programs that are run.
    pub(super) fn reading_keys(&mut self, action: Option<Action>, found: &[&Key<'_>]) {
        let may = |key: &Key<'_>| match action {
            Some(Action::Drop) => *key.get_ref() != "runs",
            Some(Action::RemovePackage) => matches!(key.get_ref().as_ref(), "read-by" | "runs"),
            _ => false,
        };
        for key in found.iter().filter(|key| !may(key)) {
            let span: Range<usize> = key.span();
            self.error(span, format!("`{}` is for rules that drop", key.get_ref()));
        }
    }
}
