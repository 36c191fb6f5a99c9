//! The spelling of a path in a text: the bytes of its word, the parts that are computed, and its beginning.

use std::ops::Range;

/// The length in bytes of the longest word that is taken for a path.
pub(super) const MAX: usize = 400;

/// True if a byte is part of a name in any language.
pub(super) const fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

/// True if a byte is part of a path as scripts write it, with variables and wildcards.
fn is_path(c: u8) -> bool {
    is_name(c) || b"/.-+@~%$*?{}".contains(&c)
}

/// Returns the range of the word around the byte `at`.
pub(super) fn word(text: &[u8], at: usize) -> Range<usize> {
    let from = at.saturating_sub(MAX);
    let start = text[from..at].iter().rposition(|&c| !is_path(c)).map_or(from, |n| from + n + 1);
    let to = text.len().min(at + MAX);
    // `"$A"/b` is one word.
    let inside = |n: usize| n > at && b"\"'".contains(&text[n]) && text.get(n + 1) == Some(&b'/');
    let ends = |n: usize| !is_path(text[n]) && !inside(n);
    let end = (at..to).find(|&n| ends(n)).unwrap_or(to);
    start..end.max(at + 1).min(text.len())
}

/// Returns the words of a text that may be relative paths: those with a slash or a dot in them, without the computed part
/// before them.
pub(super) fn relative_words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(|&c| is_path(c))?;
        at = text[start..].iter().position(|&c| !is_path(c)).map_or(text.len(), |n| start + n);
        Some(start..at)
    })
    .filter_map(|word| {
        let computed = matches!(text[word.start], b'$' | b'{' | b'/');
        let skipped = if computed { memchr::memchr(b'/', &text[word.clone()])? + 1 } else { 0 };
        let word = word.start + skipped..word.end;
        let bytes = &text[word.clone()];
        // Behind one variable there may be another: `$DOCS/$NAME/x`.
        let begins = bytes.first().is_some_and(|c| c.is_ascii_alphanumeric() || (computed && b"${".contains(c)));
        (begins && bytes.len() <= MAX && bytes.iter().any(|c| matches!(c, b'/' | b'.'))).then_some(word)
    })
}

/// Returns the places where strings stand as the arguments of a call, `"a", "b"`, and the arguments joined as `a/b`.
pub(super) fn lists(text: &[u8]) -> impl Iterator<Item = (usize, String)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + memchr::memchr2(b'"', b'\'', text.get(at..)?)?;
            let (mut parts, mut next) = (Vec::new(), start);
            let mut length = 0;
            while let Some((part, end)) = name_in_quotes(text, next).filter(|_| length < MAX) {
                length += part.len() + 1;
                parts.push(part);
                at = end;
                let gap = text[end..].iter().take(8).take_while(|c| b" \t\n,".contains(c)).count();
                if !text[end..end + gap].contains(&b',') {
                    break;
                }
                next = end + gap;
            }
            if parts.is_empty() {
                at = start + 1;
            }
            if parts.len() > 1 {
                return Some((start, parts.join("/")));
            }
        }
    })
}

/// Returns the name or path in the quotes that open at a place, and the offset of their end.
fn name_in_quotes(text: &[u8], at: usize) -> Option<(&str, usize)> {
    let open = *text.get(at).filter(|c| matches!(c, b'"' | b'\''))?;
    let rest = &text[at + 1..];
    let length = rest.iter().take(MAX).take_while(|c| is_name(**c) || b"/.-+@~".contains(c)).count();
    let name = std::str::from_utf8(&rest[..length]).ok().filter(|name| !name.is_empty())?;
    (rest.get(length) == Some(&open)).then_some((name, at + length + 2))
}

/// Returns everything inside the quotes around a word, on its line; `None` if it stands in no quotes, or is all there is in
/// them.
pub(super) fn quoted(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let open = word.start.checked_sub(1).and_then(|at| text.get(at)).filter(|c| matches!(c, b'"' | b'\''))?;
    let rest = &text[word.end..text.len().min(word.end + MAX)];
    let close = memchr::memchr2(*open, b'\n', rest).filter(|&n| rest[n] == *open && n > 0)?;
    Some(word.start..word.end + close)
}

/// Returns bytes as text; bytes that are not UTF-8 become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

/// Returns the path that a word spells: absolute, or with `~/` or one variable before it (`$NAME/rest`, and `*/rest` if the
/// beginning is computed in another way). Later computed parts become `*`. Returns `None` if the word is no such path.
pub(super) fn path(word: &[u8]) -> Option<String> {
    memchr::memchr(b'/', word)?;
    // `file://localhost/a`
    let word = word.strip_prefix(b"//localhost").unwrap_or(word);
    let word = String::from_utf8_lossy(word);
    let word = word.trim_end_matches(['.', '-', '+', '@', '?']);
    let word = word.replace(['"', '\''], "");
    // `${A:-/b}/c` is read from its `-` on.
    let word = without_odd_brace(&word);
    let (first, rest) = word.split_once('/')?;
    let first = match first {
        "" | "~" => first.to_owned(),
        _ if first.starts_with('-') && first.len() <= 2 => String::new(),
        _ => match variable(first) {
            Some(name) => format!("${name}"),
            None if first.contains(['$', '}', '@', '%', '~']) => "*".to_owned(),
            None => return None,
        },
    };
    let parts = rest.split('/').filter(|part| !part.is_empty() && *part != ".").map(computed);
    let parts: Vec<String> = parts.collect();
    let letters = parts.iter().any(|part| part.bytes().any(|c| c.is_ascii_alphanumeric()));
    // One name after an unknown directory says nothing about a place.
    let enough = if first.starts_with(['$', '*']) { parts.len() > 1 || first.starts_with('$') } else { true };
    (letters && enough).then(|| format!("{first}/{}", parts.join("/")))
}

/// Returns the relative path that a word spells, with `./` before it: at least a directory and a name, with nothing computed in
/// it.
pub(super) fn relative(word: &[u8]) -> Option<String> {
    let word = std::str::from_utf8(word).ok()?.trim_end_matches(['.', '-', '+', '@', '?']);
    let good = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    let path = word.strip_prefix("./").unwrap_or(word);
    let begins = path.starts_with(|c: char| c.is_alphanumeric() || c == '@' || c == '.');
    (begins && path.contains('/') && path.chars().all(good)).then(|| format!("./{path}"))
}

/// Returns the word without the first `}` that has no `{` before it, if there is one.
fn without_odd_brace(word: &str) -> String {
    let mut open = 0;
    let odd = word.char_indices().find(|(_, c)| {
        open += i32::from(*c == '{') - i32::from(*c == '}');
        open < 0
    });
    odd.map_or_else(|| word.to_owned(), |(at, _)| [&word[..at], &word[at + 1..]].concat())
}

/// Returns the name of a variable, if the text is a variable and nothing else: `$NAME`, `${NAME}`.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').map_or(Some(name), |inner| inner.strip_suffix('}'))?;
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

/// Returns a component with `*` for each computed part: variables, braces, and the placeholders of `printf` and `str.format`.
fn computed(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars().peekable();
    let star = |out: &mut String| {
        if !out.ends_with('*') {
            out.push('*');
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '$' | '{' | '%' => {
                let braced = c == '{' || chars.peek() == Some(&'{');
                if braced {
                    chars.by_ref().find(|c| *c == '}');
                } else if c == '%' {
                    chars.next();
                } else {
                    while chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
                        chars.next();
                    }
                }
                star(&mut out);
            }
            '*' | '?' | '}' => star(&mut out),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_paths_with_stars_for_what_is_computed() {
        for (word, spelled) in [
            ("/a/b", Some("/a/b")),
            ("/a//b/./c/", Some("/a/b/c")),
            ("-I/a/b", Some("/a/b")),
            ("~/a", Some("~/a")),
            ("~user/a/b", Some("*/a/b")),
            ("$A/b", Some("$A/b")),
            ("${A}/b/$c.x", Some("$A/b/*.x")),
            ("$A$B/b/c", Some("*/b/c")),
            ("$A$B/b", None),
            ("/a/%s/c", Some("/a/*/c")),
            ("/a/{x}/c}", Some("/a/{x}/c").map(|_| "/a/*/c")),
            ("/a/b.", Some("/a/b")),
            ("//localhost/a/b", Some("/a/b")),
            ("a/b", None),
            ("/", None),
            ("/*", None),
        ] {
            assert_eq!(path(word.as_bytes()).as_deref(), spelled, "{word}");
        }
    }

    #[test]
    fn relative_words_and_lists_may_be_paths() {
        let text = b"a $D/x/y.z /b/c.d $D/$e/f.g word 'm', \"n.o\" \"p\" f('q','r/s')";
        let words: Vec<&[u8]> = relative_words(text).map(|word| &text[word]).collect();
        assert_eq!(words, [&b"x/y.z"[..], b"b/c.d", b"$e/f.g", b"n.o", b"r/s"]);
        assert_eq!(lists(text).map(|(_, path)| path).collect::<Vec<_>>(), ["m/n.o", "q/r/s"]);
        assert_eq!(relative(b"a/b.md").as_deref(), Some("./a/b.md"));
        assert_eq!(relative(b"./a/b").as_deref(), Some("./a/b"));
        assert_eq!([&b"b.md"[..], b"a/$b", b"/a/b"].map(relative), [None, None, None]);
    }

    #[test]
    fn a_word_ends_at_blanks_and_quotes() {
        let text = b"x='/a/b c' y";
        assert_eq!(&text[word(text, 5)], b"/a/b");
        assert_eq!(word(b"", 0), 0..0);
        assert_eq!(word(b"/", 0), 0..1);
    }
}
