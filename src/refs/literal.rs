//! The strings of a source text that may name a module, a path or a kind of files. All others are not kept: there are many.

/// The length in bytes of the longest string that may name something.
const MAX: usize = 250;

/// The longest extension of a file that is looked for by name, in bytes.
const MAX_EXTENSION: usize = 12;

/// Names of directories and extensions that count on their own, without a path around them.
pub(super) struct Words<'w> {
    words: &'w [Vec<u8>],
    /// The first bytes and the lengths of the words, a bit for each: most strings are none of them, and this tells at once.
    first: u64,
    lengths: u64,
}

impl<'w> Words<'w> {
    pub(super) fn new(words: &'w [Vec<u8>]) -> Self {
        let first =
            words.iter().map(|word| Self::bit(word.first().map_or(0, |c| usize::from(*c)))).fold(0, |a, b| a | b);
        let lengths = words.iter().map(|word| Self::bit(word.len())).fold(0, |a, b| a | b);
        Self { words, first, lengths }
    }

    fn bit(n: usize) -> u64 {
        1 << (n % 64)
    }

    fn has(&self, text: &[u8]) -> bool {
        let first = text.first().map_or(0, |c| usize::from(*c));
        self.lengths & Self::bit(text.len()) != 0
            && self.first & Self::bit(first) != 0
            && self.words.iter().any(|word| word == text)
    }
}

/// Kinds of bytes, a bit each.
mod kind {
    pub(super) const CONTROL: u8 = 1;
    pub(super) const BLANK: u8 = 2;
    pub(super) const SLASH: u8 = 4;
    pub(super) const DOT: u8 = 8;
    pub(super) const ALPHANUMERIC: u8 = 16;

    /// The kind of each byte.
    pub(super) const OF: [u8; 256] = {
        let mut of = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            of[byte] = match byte as u8 {
                c if c.is_ascii_control() => CONTROL,
                b' ' => BLANK,
                b'/' => SLASH,
                b'.' => DOT,
                c if c.is_ascii_alphanumeric() => ALPHANUMERIC,
                _ => 0,
            };
            byte += 1;
        }
        of
    };
}

/// True if `text` may name something.
pub(super) fn may_name(text: &str, words: &Words<'_>) -> bool {
    if text.len() > MAX {
        return false;
    }
    let kinds = text.bytes().fold(0, |kinds, c| kinds | kind::OF[usize::from(c)]);
    let has = |kind: u8| kinds & kind != 0;
    if has(kind::CONTROL) {
        return false;
    }
    if has(kind::SLASH) {
        return !has(kind::BLANK) && has(kind::ALPHANUMERIC) && !text.contains("://");
    }
    (has(kind::DOT) && (is_file_name(text) || (!has(kind::BLANK) && is_dotted(text)))) || words.has(text.as_bytes())
}

/// True for a name with an extension that is hardly prose: `data.csv`, `Lorem ipsum.txt`, `.ttf`, `*.rst`.
fn is_file_name(text: &str) -> bool {
    let Some((stem, extension)) = text.rsplit_once('.') else {
        return false;
    };
    let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+' | b'*');
    let letters = extension.bytes().any(|c| c.is_ascii_alphabetic());
    let prose = text.contains(' ') && (stem.len() > 40 || extension.len() > 5);
    letters && extension.len() <= MAX_EXTENSION && extension.bytes().all(known) && !prose
}

/// True for the name of one file, without a path before it and with nothing computed in it.
pub(super) fn is_plain_file(text: &str) -> bool {
    is_file_name(text) && !text.starts_with('.') && !text.contains(['/', '*', ' '])
}

/// True for dotted identifiers: `a.b`, `.b` and `a.b:c.d`.
fn is_dotted(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    let (module, _) = text.split_once(':').unwrap_or((text, ""));
    module.contains('.') && module.trim_start_matches('.').split('.').all(is_name)
}

/// Replaces each placeholder of a string, which is filled in later, with `*`: `%s`, `%(name)02d`, `{}`, `{name!r:>3}`.
pub(super) fn as_glob(text: &str) -> Option<String> {
    if memchr::memchr2(b'%', b'{', text.as_bytes()).is_none() || text.len() > MAX {
        return None;
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['%', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('%') { percent(rest) } else { rest.find('}').map(|end| end + 1) };
        match end {
            Some(end) => {
                if !out.ends_with('*') {
                    out.push('*');
                }
                rest = &rest[end..];
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Returns the length in bytes of the conversion that `text` begins with.
fn percent(text: &str) -> Option<usize> {
    let mut at = 1;
    if text[at..].starts_with('(') {
        at += text.find(')')?;
    }
    at += text[at..].bytes().take_while(|c| b"0123456789.-+#".contains(c)).count();
    text.as_bytes().get(at).filter(|c| b"sdirxXfgec".contains(c)).map(|_| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_prose() {
        let words = [b"tests".to_vec(), b"ttf".to_vec()];
        let words = Words::new(&words);
        for text in [
            "a/b",
            "/usr/share/x",
            "data.csv",
            "Lorem ipsum.txt",
            ".ttf",
            "*.rst",
            "grammar*.txt",
            "a.b",
            ".tests",
            "a.b:c",
            "tests",
            "ttf",
            "x.tar.gz",
            "lib.so.1a",
        ] {
            assert!(may_name(text, &words), "{text}");
        }
        for text in [
            "",
            "a",
            "test",
            "1.5",
            "no such file",
            "See the manual. It is there",
            "https://x.y/z.html",
            "a/b\n",
            "and / or",
            "...",
            "a sentence that is far too long for the name of any file at all, etc.txt",
        ] {
            assert!(!may_name(text, &words), "{text}");
        }
    }

    #[test]
    fn what_is_filled_in_is_a_star() {
        for (text, glob) in [
            ("grammar%s%s.txt", Some("grammar*.txt")),
            ("%(here)s/fonts", Some("*/fonts")),
            ("{}/a{x!r:>3}.c", Some("*/a*.c")),
            ("100% sure", Some("100% sure")),
            ("%05.2f.x", Some("*.x")),
            ("%(x", Some("%(x")),
            ("{x", Some("{x")),
            ("plain", None),
        ] {
            assert_eq!(as_glob(text).as_deref(), glob, "{text}");
        }
    }
}
