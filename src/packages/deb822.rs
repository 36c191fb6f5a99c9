//! Stanzas of fields, as dpkg and mail write them, each with its range of bytes. Source: deb822(5).

use super::manager::lines;
use std::ops::Range;

/// A stanza: its fields as written, and its range with the empty lines after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// Field names and values; a value of several lines includes its line ends.
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// The range of the stanza in the text.
    pub range: Range<usize>,
}

impl<'a> Stanza<'a> {
    /// Returns the value of a field, without blanks around it; the case of names does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Returns the values of a field that may be there several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| *v)
    }

    /// True if a field's value is `yes`.
    #[must_use]
    pub fn yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case(b"yes"))
    }
}

/// Returns the stanzas of a text.
pub fn stanzas(text: &[u8]) -> impl Iterator<Item = Stanza<'_>> {
    let mut rest = lines(text).peekable();
    std::iter::from_fn(move || {
        let mut range: Option<Range<usize>> = None;
        let mut spans: Vec<(&[u8], Range<usize>)> = Vec::new();
        while let Some((at, line)) = rest.next() {
            // A line of blanks is an empty line within a folded field, as in licences in Python's METADATA.
            let blank = line.is_empty();
            let whole = range.get_or_insert(at.start..at.end);
            whole.end = at.end;
            if blank && !spans.is_empty() {
                // Further empty lines belong to it.
                while let Some((more, _)) = rest.next_if(|(_, l)| l.is_empty()) {
                    whole.end = more.end;
                }
                break;
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let Some((_, value)) = spans.last_mut() {
                    value.end = at.start + line.len();
                }
            } else if let Some(colon) = memchr::memchr(b':', line) {
                spans.push((&line[..colon], at.start + colon + 1..at.start + line.len()));
            }
        }
        let fields = spans.into_iter().map(|(name, value)| (name.trim_ascii(), text[value].trim_ascii())).collect();
        range.map(|range| Stanza { fields, range })
    })
}
