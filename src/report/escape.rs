//! Escaping of names in images, which can be any bytes: a report must neither lose them nor let them control a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use bstr::{BString, ByteSlice};
use serde::Serializer;

/// Returns `bytes` as a line of text that can be turned back: `\\`, `\t`, `
/// ` and `\r` as in C, and `\xNN` for every byte of another control character and for every byte that is not UTF-8. Names
/// without these stay as they are.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                c if c.is_control() => push_hex(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out
}

/// Returns the bytes that [`escape`] has written as `text`. A backslash that it cannot have written stands for itself.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&c, after)) = rest.split_first() {
        rest = after;
        let simple = match (c, after.first()) {
            (b'\\', Some(b'\\')) => Some(b'\\'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            _ => None,
        };
        let hex = after
            .strip_prefix(b"x")
            .and_then(|digits| digits.get(..2))
            .filter(|d| c == b'\\' && d.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (byte, used) = simple.map(|b| (b, 1)).or(hex.map(|b| (b, 3))).unwrap_or((c, 0));
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "\\x{byte:02x}");
    }
}

/// Returns `text` for a terminal: control characters, which may come from an image, are shown and not obeyed. Line feeds and
/// tabs stay if `lines` is true.
#[must_use]
pub fn printable(text: &str, lines: bool) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\t'));
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let show = |out: &mut String, c: char| {
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    };
    Cow::Owned(text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        show(&mut out, c);
        out
    }))
}

/// Serializes a path as [`escape`] writes it.
pub(crate) fn serialize<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_line_cannot_hold_is_escaped() {
        for (bytes, text) in [
            (&b"usr/share/doc/a b"[..], "usr/share/doc/a b"),
            ("usr/ü/日本".as_bytes(), "usr/ü/日本"),
            (b"a\tb\nc\rd", "a\\tb\\nc\\rd"),
            (br"system\x2dx.slice", r"system\\x2dx.slice"),
            (b"a\xff\xfeb", "a\\xff\\xfeb"),
            (b"cut\xe6\x97", "cut\\xe6\\x97"),
            (b"\x1b[31m\x7f", "\\x1b[31m\\x7f"),
            ("\u{9b}1m".as_bytes(), "\\xc2\\x9b1m"),
        ] {
            assert_eq!(escape(bytes), text);
            assert_eq!(unescape(text), bytes);
        }
    }

    #[test]
    fn a_backslash_that_nothing_escapes_stays() {
        for text in [r"a\q", r"\", r"\x", r"\xg1", r"\x+1", r"a\xü"] {
            assert_eq!(unescape(text), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(printable("a b", false), "a b");
        assert_eq!(printable("a\x1b[2Jb\n", false), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable("a\x1b[2J\n\tb", true), "a\\u{1b}[2J\n\tb");
    }
}
