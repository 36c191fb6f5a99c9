//! Errors in a profile's text. They look like the compiler's - message, place, line, caret, help - because a profile is written
//! by hand, and to see the place of a mistake is most of mending it.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// One mistake in a profile or in a pattern of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// The message: lower case, no full stop.
    pub message: String,
    /// The place; boxed to keep results small.
    pub place: Box<Place>,
    /// The next step, such as `did you mean …`.
    pub help: Option<String>,
    /// Further mistakes.
    pub more: Vec<ProfileError>,
}

/// The place of a mistake: a line of a file and a part of that line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it, a built-in profile's name, or an option such as `--drop`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The number of characters of the line that are marked, at least 1.
    pub width: usize,
    /// The line itself, without its end.
    pub text: String,
}

impl ProfileError {
    pub(crate) fn new(at: &At, message: impl Into<String>) -> Self {
        Self { message: message.into(), place: Box::new(at.place()), help: None, more: Vec::new() }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    /// Adds `did you mean …` if one of `known` is similar, otherwise the whole list if it is short.
    pub(crate) fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match nearest(word, &known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None if (1..=12).contains(&known.len()) => self.help(format!("known: {}", known.join(", "))),
            None => self,
        }
    }

    /// Returns message, place, line and caret, without the help.
    fn head(&self) -> String {
        let Place { file, line, column, width, text } = &*self.place;
        let margin = " ".repeat(line.to_string().len());
        // Tabs stay tabs so that the caret is below its character in any terminal.
        let indent: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(*width);
        format!(
            "{}\n{margin}--> {file}:{line}:{column}\n{margin} |\n{line} | {text}\n{margin} | {indent}{carets}",
            self.message
        )
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        if let Some(help) = &self.help {
            let margin = " ".repeat(self.place.line.to_string().len());
            write!(f, "\n{margin} |\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileError {}

impl From<ProfileError> for crate::Error {
    fn from(e: ProfileError) -> Self {
        if !e.more.is_empty() {
            let more = e.more.iter().map(|other| format!("\n\nerror: {other}")).collect::<String>();
            return Self::new(crate::ErrorKind::Profile, format!("{e}{more}"));
        }
        let error = Self::new(crate::ErrorKind::Profile, e.head());
        match e.help {
            Some(help) => error.hint(help),
            None => error,
        }
    }
}

/// A text that errors point into.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A part of a [`Source`].
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub(crate) source: Rc<Source>,
    pub(crate) span: Range<usize>,
}

impl At {
    /// Makes a place in a text of its own, such as an option's value.
    pub(crate) fn option(name: &str, text: &str) -> Self {
        let source = Rc::new(Source { name: name.to_owned(), text: text.to_owned() });
        Self { source, span: 0..text.len() }
    }

    /// Returns the part `inner` of a string's value, if the string is written without escapes; the whole string otherwise.
    pub(crate) fn within(&self, value: &str, inner: Range<usize>) -> Self {
        let written = self.source.text.get(self.span.clone()).unwrap_or_default();
        let quote = match written.as_bytes().first() {
            Some(b'"' | b'\'') if written.len() == value.len() + 2 => 1,
            _ => 0,
        };
        if written.get(quote..quote + value.len()) != Some(value) {
            return self.clone();
        }
        let start = self.span.start + quote;
        Self { source: Rc::clone(&self.source), span: start + inner.start..start + inner.end }
    }

    pub(crate) fn place(&self) -> Place {
        let text = &self.source.text;
        let start = floor(text, self.span.start);
        let end = floor(text, self.span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let width = text[start..end.min(line_end)].trim_end().chars().count().max(1);
        let column = text[line_start..start].chars().count() + 1;
        let (text_from, column) = window(&text[line_start..line_end], column);
        Place {
            file: self.source.name.clone(),
            line: text[..start].bytes().filter(|&b| b == b'\n').count() + 1,
            column,
            width: width.min(text_from.chars().count().saturating_sub(column - 1).max(1)),
            text: text_from,
        }
    }
}

/// The number of characters of a line that an error repeats.
const LINE: usize = 400;

/// Returns a line as an error shows it: without its carriage return, and cut if it is very long. Places beyond the cut point at
/// its end.
fn window(line: &str, column: usize) -> (String, usize) {
    let shown: String = line.trim_end_matches('\r').chars().take(LINE).collect();
    let column = column.min(shown.chars().count() + 1);
    (shown, column)
}

/// Returns the nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) at: At,
}

impl<T> Located<T> {
    pub(crate) fn error(&self, message: impl Into<String>) -> ProfileError {
        ProfileError::new(&self.at, message)
    }
}

/// Returns the name of `known` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // Distances are quadratic in the length; no name is that long.
    if word.len() > 100 {
        return None;
    }
    let contains = |k: &&&str| word.len() > 2 && k.split(['-', '_']).any(|part| part == word);
    let by_distance = known.iter().map(|k| (strsim::damerau_levenshtein(word, k), k)).min();
    match by_distance {
        Some((distance, k)) if distance <= (word.len().max(k.len()) / 3).max(1) => Some(k),
        _ => known.iter().find(contains).copied(),
    }
}

/// A string and its place.
pub(crate) type Text = Located<String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, span: Range<usize>) -> At {
        At { source: Rc::new(Source { name: "f.toml".into(), text: text.into() }), span }
    }

    #[test]
    fn an_error_reads_as_the_compilers() {
        let e =
            ProfileError::new(&at("a = 1\n\tpahts = []\n", 7..12), "unknown key `pahts`").nearest("pahts", ["paths"]);
        assert_eq!(
            e.to_string(),
            "unknown key `pahts`\n --> f.toml:2:2\n  |\n2 | \tpahts = []\n  | \t^^^^^\n  |\n  = help: did you mean `paths`?"
        );
        let error = crate::Error::from(e);
        assert_eq!(error.kind, crate::ErrorKind::Profile);
        assert_eq!(error.hint.as_deref(), Some("did you mean `paths`?"));
    }

    #[test]
    fn any_span_has_a_place() {
        for (text, span, place) in [
            ("", 0..0, (1, 1, 1)),
            ("é = é", 0..99, (1, 1, 5)),
            ("é", 1..1, (1, 1, 1)),
            ("a\nb", 2..3, (2, 1, 1)),
            ("a\r\nb", 0..4, (1, 1, 1)),
            ("ab\n", 3..3, (2, 1, 1)),
            (&"x".repeat(1000), 900..910, (1, LINE + 1, 1)),
        ] {
            let p = at(text, span).place();
            assert_eq!((p.line, p.column, p.width), place, "{text:?}");
        }
    }

    #[test]
    fn a_part_of_a_plain_string_is_found_in_the_file() {
        let a = at(r#"x = "a{b""#, 4..9).within("a{b", 1..2);
        assert_eq!(a.span, 6..7);
        let escaped = at(r#"x = "a\u007Bb""#, 4..14).within("a{b", 1..2);
        assert_eq!(escaped.span, 4..14);
        assert_eq!(At::option("--drop", "a{b").within("a{b", 1..2).span, 1..2);
    }

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["caches", "python-slim", "node-slim"];
        assert_eq!(nearest("cache", &known), Some("caches"));
        assert_eq!(nearest("pyton-slim", &known), Some("python-slim"));
        assert_eq!(nearest("python", &known), Some("python-slim"));
        assert_eq!(nearest("zzz", &known), None);
    }
}
