//! The reader of a TOML text's values. Mistakes are noted with their places, and reading goes on.

use std::ops::{Range, RangeInclusive};
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{At, Located, ProfileError, Source, Text};

pub(crate) type Key<'i> = Spanned<DeString<'i>>;

pub(crate) type Value<'i> = Spanned<DeValue<'i>>;

/// The size in bytes of the largest text that is read: no profile is longer, and a parser needs many times the size of its
/// input.
const MAX_TEXT: usize = 1 << 20;

/// The most errors that are reported for one file: more are consequences of the first ones. (Finding a line takes time, too.)
pub(super) const MAX_ERRORS: usize = 50;

/// Reads a text's values, and notes mistakes in them.
pub(crate) struct Reader<'a> {
    source: &'a Rc<Source>,
    errors: &'a mut Vec<ProfileError>,
}

/// Parses a text as TOML and reads it with `read`; returns `None` if it is not TOML.
pub(crate) fn parse<T>(
    source: &Rc<Source>,
    errors: &mut Vec<ProfileError>,
    read: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> T,
) -> Option<T> {
    let mut reader = Reader { source, errors };
    if source.text.len() > MAX_TEXT {
        reader.error(0..0, format!("the text has {} bytes, more than {MAX_TEXT}", source.text.len()));
        return None;
    }
    let (table, syntax) = DeTable::parse_recoverable(&source.text);
    if syntax.is_empty() {
        return Some(read(&mut reader, table.get_ref()));
    }
    for e in &syntax {
        let message = format!("not TOML: {}", e.message());
        reader.error(e.span().unwrap_or(0..0), message);
    }
    None
}

impl Reader<'_> {
    /// Returns the number of mistakes so far.
    pub(super) const fn mistakes(&self) -> usize {
        self.errors.len()
    }

    pub(crate) fn entries<'t, 'i>(&mut self, name: &str, value: &'t Value<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
        match value.get_ref() {
            DeValue::Table(table) => in_order(table),
            other => {
                self.wrong(name, "a table", value, other);
                Vec::new()
            }
        }
    }

    pub(super) fn array<'t, 'i>(&mut self, name: &str, what: &str, value: &'t Value<'i>) -> Vec<&'t Value<'i>> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            other => {
                self.wrong(name, what, value, other);
                Vec::new()
            }
        }
    }

    pub(crate) fn strings(&mut self, name: &str, value: &Value<'_>) -> Vec<Text> {
        let items = self.array(name, "an array of strings", value);
        items.into_iter().filter_map(|item| self.string(name, item)).collect()
    }

    pub(crate) fn string(&mut self, name: &str, value: &Value<'_>) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(s) => Some(self.located(value.span(), s.to_string())),
            other => {
                self.wrong(name, "a string", value, other);
                None
            }
        }
    }

    pub(crate) fn choice<T: Copy>(&mut self, name: &str, value: &Value<'_>, known: &[(&str, T)]) -> Option<T> {
        let text = self.string(name, value)?;
        let found = known.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            let message = format!("unknown {name} `{}`: expected `{}`", text.value, words.join("`, `"));
            self.error_with(value.span(), message, |e| e.nearest(&text.value, words));
        }
        found.map(|(_, choice)| *choice)
    }

    pub(super) fn number(&mut self, name: &str, value: &Value<'_>, range: RangeInclusive<u64>) -> Option<u64> {
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

    pub(super) fn boolean(&mut self, name: &str, value: &Value<'_>) -> bool {
        self.truth(name, value).unwrap_or(false)
    }

    /// Reads names of programs or modules, or several words of a command: `npm exec`.
    pub(super) fn words(&mut self, name: &str, value: &Value<'_>) -> Vec<String> {
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

    /// Reports a key that `of`, a kind of table, does not have.
    pub(crate) fn unknown(&mut self, key: &Key<'_>, name: &str, of: &str, known: &[&str]) {
        self.error_with(key.span(), format!("unknown key `{name}` in {of}"), |e| {
            e.nearest(name, known.iter().copied())
        });
    }

    fn wrong(&mut self, name: &str, expected: &str, value: &Value<'_>, found: &DeValue<'_>) {
        self.error(value.span(), format!("`{name}` must be {expected}, found {}", kind(found)));
    }

    pub(crate) fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.error_with(span, message, |e| e);
    }

    /// Adds an error. All errors pass here, so that their number has a bound.
    pub(crate) fn error_with(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl FnOnce(ProfileError) -> ProfileError,
    ) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(help(self.located(span, ()).error(message)));
        }
    }

    pub(super) fn located<T>(&self, span: Range<usize>, value: T) -> Located<T> {
        Located { value, at: At { source: Rc::clone(self.source), span } }
    }
}

/// Returns a table's entries in the order in which they are written; the parser returns them by name.
pub(crate) fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Returns the kind of a value, as messages name it.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Returns the word for a value, of the words that [`Reader::choice`] knows.
pub(super) fn name_of<T: PartialEq>(known: &[(&'static str, T)], value: T) -> &'static str {
    known.iter().find(|(_, v)| *v == value).map_or("", |(name, _)| name)
}
