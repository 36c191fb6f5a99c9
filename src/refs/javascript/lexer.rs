//! JavaScript's tokens, as far as strings need them. Whether a slash begins a regular expression is guessed from the token
//! before it; a wrong guess costs the strings of one line.

use crate::refs::bytes;
use std::borrow::Cow;

pub(super) enum Kind<'t> {
    /// A name or keyword.
    Name(&'t str),
    /// A string's value, or that of a part of a template; `*` stands for a substitution.
    Text(Cow<'t, str>),
    /// A character that is neither; a number or regular expression is `0`.
    Other(u8),
}

/// The kind of the token before a slash, which decides what the slash means.
#[derive(Clone, Copy)]
enum Last<'t> {
    /// A value: the slash divides.
    Value,
    /// A name, which is a value unless it is one of some keywords; that is checked only where a slash comes, which is rare.
    Name(&'t str),
    /// Anything else: a regular expression begins.
    Other,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The last token, as a slash after it sees it.
    last: Last<'t>,
    /// For each open template, the number of open braces in its substitution.
    templates: Vec<usize>,
}

/// The bytes of names.
static IN_NAME: bytes::Set =
    bytes::set(&[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z'), (b'_', b'_'), (b'$', b'$'), (0x80, 0xff)]);
/// The bytes of blanks, and the bytes that begin something that is skipped.
static BLANK: bytes::Set = bytes::set(&[(b'\t', b'\n'), (b'\x0c', b'\r'), (b' ', b' ')]);
static SKIPPED: bytes::Set = bytes::set(&[(b'\t', b'\n'), (b'\x0c', b'\r'), (b' ', b' '), (b'/', b'/')]);

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut lexer = Self { text, at: 0, last: Last::Other, templates: Vec::new() };
        if text.starts_with("#!") {
            lexer.line();
        }
        lexer
    }

    fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn line(&mut self) {
        self.at += memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<(usize, Kind<'t>)> {
        // Most tokens follow another without a gap.
        if SKIPPED[usize::from(*self.rest().first()?)] {
            self.skip();
        }
        let at = self.at;
        let first = *self.rest().first()?;
        if IN_NAME[usize::from(first)] {
            self.at += bytes::run(self.rest(), &IN_NAME);
            let name = &self.text[at..self.at];
            if first.is_ascii_digit() {
                self.last = Last::Value;
                return Some((at, Kind::Other(b'0')));
            }
            self.last = Last::Name(name);
            return Some((at, Kind::Name(name)));
        }
        let kind = match first {
            b'"' | b'\'' => self.string(first),
            b'`' => self.template(),
            b'/' if !self.divides() => self.regex(),
            c => self.other(c),
        };
        Some((at, kind))
    }

    /// True if a slash at this place divides.
    fn divides(&self) -> bool {
        match self.last {
            Last::Value => true,
            Last::Other => false,
            Last::Name(name) => {
                let before_value = [
                    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await",
                    "yield",
                ];
                !before_value.contains(&name)
            }
        }
    }

    /// Skips blanks and comments.
    fn skip(&mut self) {
        loop {
            self.at += bytes::run(self.rest(), &BLANK);
            if self.rest().first() != Some(&b'/') {
                return;
            }
            if self.rest().starts_with(b"//") {
                self.line();
                continue;
            }
            if self.rest().starts_with(b"/*") {
                let end = memchr::memmem::find(&self.rest()[2..], b"*/");
                self.at += end.map_or(self.rest().len(), |end| end + 4);
                continue;
            }
            return;
        }
    }

    fn other(&mut self, c: u8) -> Kind<'t> {
        self.at += 1;
        self.last = if matches!(c, b')' | b']' | b'}') { Last::Value } else { Last::Other };
        match (c, self.templates.last_mut()) {
            (b'{', Some(braces)) => *braces += 1,
            (b'}', Some(0)) => {
                // A substitution ends, and the template goes on.
                self.templates.pop();
                return self.chunk();
            }
            (b'}', Some(braces)) => *braces -= 1,
            _ => {}
        }
        Kind::Other(c)
    }

    fn template(&mut self) -> Kind<'t> {
        self.at += 1;
        self.chunk()
    }

    /// Reads the text of a template up to its end or the next substitution.
    fn chunk(&mut self) -> Kind<'t> {
        let begin = self.at;
        let continued = self.text.as_bytes()[begin - 1] == b'}';
        let star = if continued { "*" } else { "" };
        loop {
            let Some(found) = memchr::memchr3(b'`', b'\\', b'$', self.rest()) else {
                self.at = self.text.len();
                return Kind::Other(b'`');
            };
            self.at += found;
            let value = &self.text[begin..self.at];
            match self.rest() {
                [b'`', ..] => {
                    self.at += 1;
                    self.last = Last::Value;
                    return Kind::Text(if continued { format!("*{value}").into() } else { value.into() });
                }
                [b'$', b'{', ..] => {
                    self.at += 2;
                    self.last = Last::Other;
                    self.templates.push(0);
                    return Kind::Text(format!("{star}{value}*").into());
                }
                [b'\\', ..] => self.escaped(),
                _ => self.at += 1,
            }
        }
    }

    /// Skips a backslash and what it escapes.
    fn escaped(&mut self) {
        self.at += 1;
        self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8);
    }

    /// Reads a string on one line. If it has no end it is no string, and the line is skipped.
    fn string(&mut self, quote: u8) -> Kind<'t> {
        let start = self.at;
        self.at += 1;
        self.last = Last::Value;
        while let Some(found) = memchr::memchr3(quote, b'\\', b'\n', self.rest()) {
            self.at += found;
            match self.rest()[0] {
                b'\\' => self.escaped(),
                b'\n' => return Kind::Other(quote),
                _ => {
                    let value = &self.text[start + 1..self.at];
                    self.at += 1;
                    return Kind::Text(unescape(value));
                }
            }
        }
        self.at = self.text.len();
        Kind::Other(quote)
    }

    /// Reads a regular expression, or a lone slash if the line has no second one.
    fn regex(&mut self) -> Kind<'t> {
        let (mut at, mut class) = (1, false);
        let rest = self.rest();
        self.last = Last::Value;
        while let Some(&c) = rest.get(at) {
            match c {
                b'\n' => break,
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => {
                    self.at += at + 1;
                    return Kind::Other(b'0');
                }
                _ => {}
            }
            at += 1;
        }
        self.last = Last::Other;
        self.at += 1;
        Kind::Other(b'/')
    }
}

/// Returns the value of a string; a backslash stands for the character after it.
fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(escaped)) => out.push(escaped),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}
