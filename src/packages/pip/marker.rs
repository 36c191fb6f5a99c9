//! Environment markers: conditions such as `python_version < "3.11" and extra == "test"`. A condition about something unknown
//! here (the machine, the implementation, an unusual comparison) is neither true nor false; in the end it counts as true, so
//! that everything that may be needed counts as needed.

use std::cmp::Ordering;

/// The environment for which markers are evaluated: Linux, and these values.
pub(super) struct Environment<'a> {
    /// The interpreter's version, `3.11`, if known.
    pub(super) python: Option<&'a [u8]>,
    /// Returns true for the name of the extra; without one, for the empty name.
    pub(super) is_extra: &'a dyn Fn(&[u8]) -> bool,
}

/// The most levels of parentheses: a marker of a real package has two.
const MAX_DEPTH: usize = 32;

/// True if the condition may hold.
pub(super) fn evaluate(text: &[u8], environment: &Environment<'_>) -> bool {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0, environment };
    let value = parser.either(0);
    // A rest that was not understood counts as true.
    parser.at < tokens.len() || value.unwrap_or(true)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Text(&'a [u8]),
    Word(&'a [u8]),
    Operator(&'a [u8]),
}

fn tokens(text: &[u8]) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let run = |is: &dyn Fn(u8) -> bool| text[at..].iter().position(|&c| !is(c)).unwrap_or(text.len() - at);
        let (token, length) = match c {
            b'(' => (Some(Token::Open), 1),
            b')' => (Some(Token::Close), 1),
            b'"' | b'\'' => {
                let length = text[at + 1..].iter().position(|&d| d == c).unwrap_or(text.len() - at - 1);
                (Some(Token::Text(&text[at + 1..at + 1 + length])), length + 2)
            }
            c if b"<>=!~".contains(&c) => {
                let length = run(&|c| b"<>=!~".contains(&c));
                (Some(Token::Operator(&text[at..at + length])), length)
            }
            c if c.is_ascii_alphanumeric() || b"_.".contains(&c) => {
                let length = run(&|c| c.is_ascii_alphanumeric() || b"_.".contains(&c));
                (Some(Token::Word(&text[at..at + length])), length)
            }
            _ => (None, 1),
        };
        out.extend(token);
        at += length;
    }
    out
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    environment: &'a Environment<'a>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.both(depth);
        while self.take(Token::Word(b"or")) {
            value = match (value, self.both(depth)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        value
    }

    fn both(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.one(depth);
        while self.take(Token::Word(b"and")) {
            value = match (value, self.one(depth)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        value
    }

    fn one(&mut self, depth: usize) -> Option<bool> {
        if self.take(Token::Open) {
            if depth == MAX_DEPTH {
                self.at = self.tokens.len();
                return None;
            }
            let value = self.either(depth + 1);
            return if self.take(Token::Close) { value } else { None };
        }
        let left = self.next()?;
        let operator = match self.next()? {
            Token::Operator(operator) | Token::Word(operator) => operator,
            _ => return None,
        };
        match (left, self.next()?) {
            (Token::Word(name), Token::Text(value)) => self.compare(name, operator, value),
            _ => None,
        }
    }

    fn compare(&self, name: &[u8], operator: &[u8], value: &[u8]) -> Option<bool> {
        let equal = |known: &[u8]| match operator {
            b"==" => Some(known == value),
            b"!=" => Some(known != value),
            _ => None,
        };
        match name {
            b"extra" => match operator {
                b"==" => Some((self.environment.is_extra)(value)),
                _ => None,
            },
            b"sys_platform" => equal(b"linux"),
            b"platform_system" => equal(b"Linux"),
            b"os_name" => equal(b"posix"),
            b"python_version" => versions(self.environment.python?, operator, value),
            _ => None,
        }
    }
}

/// Compares `3.11` with a marker's version of at most two numbers.
fn versions(python: &[u8], operator: &[u8], value: &[u8]) -> Option<bool> {
    let numbers = |text: &[u8]| -> Option<(u32, u32)> {
        let text = std::str::from_utf8(text).ok()?.trim();
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let order = numbers(python)?.cmp(&numbers(value)?);
    match operator {
        b"==" => Some(order == Ordering::Equal),
        b"!=" => Some(order != Ordering::Equal),
        b"<" => Some(order == Ordering::Less),
        b"<=" => Some(order != Ordering::Greater),
        b">" => Some(order == Ordering::Greater),
        b">=" => Some(order != Ordering::Less),
        _ => None,
    }
}
