//! Python's tokens, as far as imports and strings need them: names, the values of strings, and all else character by character.
//! It never fails: text that is not Python becomes some tokens or other.

use crate::refs::bytes;
use std::borrow::Cow;
use std::ops::Range;

/// The size in bytes of the longest replacement field of an f-string; this bounds the cost of a broken one.
const MAX_FIELD: usize = 4096;
/// The most levels of strings in replacement fields.
const MAX_NESTING: usize = 4;

/// A token, and the offset of its beginning.
pub(super) struct Token<'t> {
    pub(super) at: usize,
    /// True if a statement may begin with it.
    pub(super) fresh: bool,
    pub(super) kind: Kind<'t>,
}

pub(super) enum Kind<'t> {
    /// A name or keyword.
    Name(&'t str),
    /// A string's value; in an f-string `{}` for each replacement field.
    Text(Cow<'t, str>),
    /// A character that is neither; a number is `0`.
    Other(u8),
}

#[derive(Clone)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    /// True if nothing has been read yet.
    first: bool,
    /// The number of open brackets, in which the ends of lines mean nothing.
    depth: u32,
    /// The replacement fields of the last string.
    fields: Vec<Range<usize>>,
    /// For triple quotes, single and double: true if a string in them has been found not to end.
    endless: [bool; 2],
}

/// The bytes that names begin with, the bytes in names, and the bytes in numbers.
static STARTS_NAME: bytes::Set = bytes::set(&[(b'A', b'Z'), (b'a', b'z'), (b'_', b'_'), (0x80, 0xff)]);
static IN_NAME: bytes::Set = bytes::set(&[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z'), (b'_', b'_'), (0x80, 0xff)]);
static IN_NUMBER: bytes::Set =
    bytes::set(&[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z'), (b'_', b'_'), (b'.', b'.'), (0x80, 0xff)]);
/// The bytes that begin something that is skipped.
static SKIPPED: bytes::Set =
    bytes::set(&[(b'\t', b'\n'), (b'\x0c', b'\r'), (b' ', b' '), (b'\\', b'\\'), (b'#', b'#')]);

impl<'t> Lexer<'t> {
    /// Makes a lexer of a range of `text`, whose ends are at characters.
    pub(super) fn new(text: &'t str, range: Range<usize>) -> Self {
        let at = if text[range.clone()].starts_with('\u{feff}') { range.start + 3 } else { range.start };
        Self { text, at, end: range.end, first: true, depth: 0, fields: Vec::new(), endless: [false; 2] }
    }

    /// Makes a lexer of a replacement field, in which the ends of lines mean nothing.
    pub(super) fn within(&self, field: Range<usize>) -> Self {
        Self { depth: 1, ..Self::new(self.text, field) }
    }

    pub(super) fn take_fields(&mut self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.fields)
    }

    fn bytes(&self) -> &'t [u8] {
        &self.text.as_bytes()[..self.end]
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<Token<'t>> {
        // Many tokens follow another without a gap, or after one blank.
        let text = self.bytes();
        self.at += usize::from(text.get(self.at) == Some(&b' '));
        let skipped = SKIPPED[usize::from(*text.get(self.at)?)] && self.skip();
        let fresh = skipped | std::mem::take(&mut self.first);
        let at = self.at;
        let first = *self.bytes().get(at)?;
        if STARTS_NAME[usize::from(first)] {
            self.run(&IN_NAME);
            let name = &self.text[at..self.at];
            if matches!(self.bytes().get(self.at), Some(b'"' | b'\'')) && is_prefix(name) {
                return Some(Token { at, fresh, kind: Kind::Text(self.string(name)) });
            }
            return Some(Token { at, fresh, kind: Kind::Name(name) });
        }
        let kind = match first {
            b'"' | b'\'' => Kind::Text(self.string("")),
            b'0'..=b'9' => {
                self.run(&IN_NUMBER);
                Kind::Other(b'0')
            }
            c => {
                self.at += 1;
                match c {
                    b'(' | b'[' | b'{' => self.depth += 1,
                    b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                Kind::Other(c)
            }
        };
        Some(Token { at, fresh, kind })
    }

    fn run(&mut self, set: &bytes::Set) {
        self.at += bytes::run(&self.bytes()[self.at..], set);
    }

    /// Skips blanks, comments and ends of lines. Returns true if a new statement may begin.
    fn skip(&mut self) -> bool {
        let mut fresh = false;
        while let Some(&c) = self.bytes().get(self.at) {
            match c {
                b' ' | b'\t' | b'\x0c' => {}
                b'\n' | b'\r' => fresh |= self.depth == 0,
                b'\\' => match self.bytes()[self.at..] {
                    [_, b'\r', b'\n', ..] => self.at += 2,
                    [_, b'\r' | b'\n', ..] => self.at += 1,
                    _ => return fresh,
                },
                b'#' => {
                    let rest = &self.bytes()[self.at..];
                    self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    continue;
                }
                _ => return fresh,
            }
            self.at += 1;
        }
        fresh
    }

    /// Takes the next token if it is on this line and `wanted` returns something for it.
    fn take<T>(&mut self, wanted: impl Fn(Kind<'t>) -> Option<T>) -> Option<T> {
        let before = self.clone();
        let taken = if self.skip() { None } else { self.next().and_then(|token| wanted(token.kind)) };
        if taken.is_none() {
            *self = before;
        }
        taken
    }

    /// Takes this character.
    pub(super) fn eat(&mut self, c: u8) -> bool {
        self.take(|kind| matches!(kind, Kind::Other(other) if other == c).then_some(())).is_some()
    }

    /// Takes this name.
    pub(super) fn eat_name(&mut self, name: &str) -> bool {
        self.name(|other| other == name).is_some()
    }

    /// Takes a name that is `good`.
    pub(super) fn name(&mut self, good: impl Fn(&str) -> bool) -> Option<&'t str> {
        self.take(|kind| match kind {
            Kind::Name(name) if good(name) => Some(name),
            _ => None,
        })
    }

    /// Takes a string that is joined with the last one.
    pub(super) fn adjacent(&mut self) -> Option<Cow<'t, str>> {
        let before = (self.at, self.depth);
        if !self.skip() && self.bytes().get(self.at).is_some_and(|c| b"\"'rbuftRBUFT".contains(c)) {
            let fields = std::mem::take(&mut self.fields);
            let next = self.next();
            if let Some(Token { kind: Kind::Text(value), .. }) = next {
                self.fields.splice(0..0, fields);
                return Some(value);
            }
            self.fields = fields;
        }
        (self.at, self.depth) = before;
        None
    }

    /// Returns the value of the string whose quotes begin here.
    fn string(&mut self, prefix: &str) -> Cow<'t, str> {
        let has = |letter: char| prefix.contains(letter) || prefix.contains(letter.to_ascii_uppercase());
        let quote = self.bytes()[self.at];
        let triple = self.bytes()[self.at..].starts_with(&[quote; 3]);
        let begin = self.at + if triple { 3 } else { 1 };
        let which = usize::from(quote == b'"');
        if triple && self.endless[which] {
            self.at = begin;
            return Cow::Borrowed("");
        }
        if has('f') || has('t') {
            let mut fields = Vec::new();
            if let Some(end) = format(self.bytes(), begin, quote, triple, &mut fields, 0) {
                self.at = end + begin - self.at;
                let value = without(self.text, begin..end, &fields);
                self.fields.extend(fields);
                return Cow::Owned(if has('r') { value } else { unescape(&value).into_owned() });
            }
        }
        let Some(end) = plain(self.bytes(), begin, quote, triple) else {
            self.endless[which] = true;
            self.at = begin;
            return Cow::Borrowed("");
        };
        let closed = self.bytes().get(end) == Some(&quote);
        self.at = if closed { end + begin - self.at } else { end };
        let value = &self.text[begin..end];
        if has('r') { Cow::Borrowed(value) } else { unescape(value) }
    }
}

/// True for `f`, `Rb` and the like.
fn is_prefix(name: &str) -> bool {
    name.len() <= 2 && name.bytes().all(|c| b"rbuftRBUFT".contains(&c))
}

/// Returns the offset of the end of a string without fields: at its quotes, or at the end of its line if it has only one.
fn plain(bytes: &[u8], begin: usize, quote: u8, triple: bool) -> Option<usize> {
    let mut at = begin;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let found =
            if triple { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr3(quote, b'\\', b'\n', rest) };
        let Some(found) = found else {
            return (!triple).then_some(bytes.len());
        };
        at += found;
        match bytes[at] {
            b'\\' => at = after_escape(bytes, at),
            b'\n' => return Some(at),
            _ if !triple || bytes[at..].starts_with(&[quote; 3]) => return Some(at),
            _ => at += 1,
        }
    }
}

/// Returns the offset behind a backslash and the character it escapes, which may have several bytes.
fn after_escape(bytes: &[u8], at: usize) -> usize {
    let escaped = bytes.get(at + 1).map_or(0, |_| 1);
    let rest = bytes.get(at + 1 + escaped..).unwrap_or_default();
    at + 1 + escaped + rest.iter().take_while(|c| **c & 0xc0 == 0x80).count()
}

/// Returns the offset of the end of an f-string; `None` if it does not look like one. Adds the ranges between its braces to
/// `fields`.
fn format(
    bytes: &[u8],
    begin: usize,
    quote: u8,
    triple: bool,
    fields: &mut Vec<Range<usize>>,
    nesting: usize,
) -> Option<usize> {
    let mut at = begin;
    loop {
        match *bytes.get(at)? {
            b'\\' => at = after_escape(bytes, at),
            b'\n' if !triple => return None,
            b'{' if bytes.get(at + 1) == Some(&b'{') => at += 2,
            b'{' => {
                let end = field(bytes, at + 1, triple, nesting)?;
                fields.push(at + 1..end);
                at = end + 1;
            }
            c if c == quote && (!triple || bytes[at..].starts_with(&[quote; 3])) => return Some(at),
            _ => at += 1,
        }
    }
}

/// Returns the offset of the end of the replacement field that begins at `begin`.
fn field(bytes: &[u8], begin: usize, triple: bool, nesting: usize) -> Option<usize> {
    let (mut at, mut depth) = (begin, 0_usize);
    while at < begin + MAX_FIELD {
        match *bytes.get(at)? {
            b'\n' if !triple => return None,
            b'(' | b'[' | b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            quote @ (b'"' | b'\'') if nesting < MAX_NESTING => {
                let triple = bytes[at..].starts_with(&[quote; 3]);
                let inner = at + if triple { 3 } else { 1 };
                let prefix = bytes[begin..at].iter().rev().take_while(|c| b"rbuftRBUFT".contains(c));
                let formats = prefix.take(2).any(|c| b"fFtT".contains(c));
                let end = if formats {
                    format(bytes, inner, quote, triple, &mut Vec::new(), nesting + 1)?
                } else {
                    plain(bytes, inner, quote, triple)?
                };
                at = end + inner - at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the text of an f-string, with `{}` for each field.
fn without(text: &str, range: Range<usize>, fields: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    for field in fields {
        out.push_str(&text[at..field.start]);
        at = field.end;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// Returns the value of a string with escapes, as far as names need it.
fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some(c @ ('\\' | '\'' | '"')) => out.push(c),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('\n') => {}
            Some(c @ ('x' | 'u' | 'U')) => {
                let digits = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = rest.as_str().get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                if let Some(value) = code.and_then(char::from_u32) {
                    out.push(value);
                    rest = rest.as_str()[digits..].chars();
                }
            }
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}
