//! The path, name or setting in a text that a found search string is a part of.

use super::Target;
use super::spelling::{self, is_name};
use super::syntax::Syntax;

/// Adds the path around the byte `at`; returns the offset of the path's end.
pub(super) fn path(text: &[u8], at: usize, syntax: Syntax, add: &mut impl FnMut(Target)) -> usize {
    spelled(text, at, syntax, spelling::path, add)
}

/// Like [`path`], where the path may also be relative.
pub(super) fn relative(text: &[u8], at: usize, syntax: Syntax, add: &mut impl FnMut(Target)) -> usize {
    spelled(text, at, syntax, |word| spelling::path(word).or_else(|| spelling::relative(word)), add)
}

fn spelled(
    text: &[u8],
    at: usize,
    syntax: Syntax,
    spell: impl Fn(&[u8]) -> Option<String>,
    add: &mut impl FnMut(Target),
) -> usize {
    let word = spelling::word(text, at);
    if let Some(path) = spell(&text[word.clone()])
        && !(syntax.has_commands() && only_writes(text, word.start))
    {
        add(Target::Path(path.into()));
        // In quotes a path may have blanks in it.
        let quoted = spelling::quoted(text, &word).and_then(|word| spelling::path(&text[word]));
        quoted.into_iter().for_each(|path| add(Target::Path(path.into())));
    }
    word.end
}

/// Programs that remove paths or make them: a command that does only that with a path does not read it.
const WRITERS: [&[u8]; 4] = [b"rm", b"rmdir", b"unlink", b"mkdir"];

/// True if a shell script runs the word as a command: it is the first of its line, or of a part that a pipe or list joins.
pub(super) fn is_run(text: &[u8], start: usize, end: usize) -> bool {
    const LONGEST: usize = 256;
    // The names are parts of many words, and few texts are scripts: the cheap conditions are checked first.
    if !text.starts_with(b"#!") || !is_word(text, start, end) {
        return false;
    }
    let head = &text[..text.len().min(LONGEST)];
    let first = &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())];
    let shell = first.split(|&c| b"/ ".contains(&c)).any(|word| word.trim_ascii().ends_with(b"sh"));
    // A directory may stand before it.
    let near = start.saturating_sub(spelling::MAX);
    let word =
        text[near..start].iter().rposition(|c| !(is_name(*c) || b"/.".contains(c))).map_or(near, |at| near + at + 1);
    let line = line_before(text, word);
    shell && words_before(line).next().is_none() && !is_pattern(line, &text[end..])
}

/// True if a word between `line` and `rest` is one of the choices of a `case`: `a|b)`.
fn is_pattern(line: &[u8], rest: &[u8]) -> bool {
    let count = |bytes: &[u8], c: u8| bytes.iter().filter(|&&other| other == c).count();
    let rest = &rest[..memchr::memchr2(b'\n', b'(', rest).unwrap_or(rest.len()).min(spelling::MAX)];
    matches!(rest.first(), Some(b'|' | b')')) && rest.contains(&b')') && count(line, b'(') <= count(line, b')')
}

/// Returns the line up to a place; a backslash at the end of a line continues the command.
fn line_before(text: &[u8], start: usize) -> &[u8] {
    let near = &text[start.saturating_sub(spelling::MAX)..start];
    let ends = memchr::memrchr_iter(b'\n', near).find(|&at| at == 0 || near[at - 1] != b'\\');
    &near[ends.map_or(0, |at| at + 1)..]
}

/// Words that come before a command and only say how or when it is run.
const BEFORE: [&[u8]; 20] = [
    b"then", b"do", b"else", b"elif", b"if", b"while", b"until", b"time", b"sudo", b"RUN", b"exec", b"trap", b"env",
    b"command", b"nohup", b"nice", b"ionice", b"xargs", b"setsid", b"stdbuf",
];
/// Such words that take a user's name.
const AS_USER: [&[u8]; 3] = [b"gosu", b"su-exec", b"runuser"];

/// Returns the words of the command that a place is in, without those that only say how it is run and without the variables
/// that are set for it.
fn words_before(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let command = line.rsplit(|c| b";|&(){}`\n".contains(c)).next().unwrap_or_default();
    let words = command.split(|c| b" \t\n\\\"'@+:!".contains(c)).filter(|word| !word.is_empty());
    let (mut user, mut prefix) = (false, false);
    words.filter_map(move |word| {
        let is_user = std::mem::replace(&mut user, AS_USER.contains(&word));
        let sets =
            word.iter().position(|&c| c == b'=').is_some_and(|at| at > 0 && word[..at].iter().all(|&c| is_name(c)));
        let option = prefix && word.starts_with(b"-");
        prefix |= BEFORE.contains(&word);
        // In a Makefile a `-` may stand before a command.
        let name = word.strip_prefix(b"-").unwrap_or(word);
        (!(is_user || user || sets || option || BEFORE.contains(&word))).then_some(name)
    })
}

/// True if the word at `start` is something that a command removes, makes, or writes its output to.
fn only_writes(text: &[u8], start: usize) -> bool {
    let mut before = line_before(text, start);
    while let Some(rest) = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")) {
        before = rest;
    }
    let trimmed = before.trim_ascii_end();
    if let Some(redirected) = trimmed.strip_suffix(b">") {
        // Not `=>`, `->` and the end of a tag.
        return redirected.last().is_none_or(|c| c.is_ascii_digit() || b" \t&>|;".contains(c));
    }
    let name = words_before(trimmed).next().and_then(|word| word.rsplit(|&c| c == b'/').next());
    name.is_some_and(|name| WRITERS.contains(&name))
}

/// True if the range is a word of its own, perhaps with a directory before it.
pub(super) fn is_word(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |c: &u8| is_name(*c) || matches!(c, b'-' | b'.' | b'=' | b'@');
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(end);
    // A key of JSON or YAML is no command.
    let rest = text[end..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    if rest.starts_with(b":") {
        return false;
    }
    !before.is_some_and(|c| joins(c) && *c != b'=' && *c != b'@') && !after.is_some_and(|c| joins(c) || *c == b'/')
}

/// Adds the dotted name around the byte `at`; returns the offset of the name's end.
pub(super) fn module(text: &[u8], at: usize, add: &mut impl FnMut(Target)) -> usize {
    let good = |c: &u8| is_name(*c) || *c == b'.';
    let from = at.saturating_sub(spelling::MAX);
    let start = text[from..at].iter().rposition(|c| !good(c)).map_or(from, |n| from + n + 1);
    let end = text[at..].iter().position(|c| !good(c)).map_or(text.len(), |n| at + n);
    let name = text[start..end].trim_ascii();
    let begins = name.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_');
    // `numpy.test()` runs the tests that the package has.
    let name = if text.get(end) == Some(&b'(') { name.strip_suffix(b".test").unwrap_or(name) } else { name };
    let is_path = start > 0 && matches!(text[start - 1], b'/' | b'-') || text.get(end) == Some(&b'/');
    // A name that Python imports is a module, and no suite that is run.
    let line = memchr::memrchr(b'\n', &text[from..start]).map_or(from, |n| from + n + 1);
    let statement = text[line..start].trim_ascii_start();
    let imports = [&b"import "[..], b"from "].iter().any(|word| statement.starts_with(word));
    if begins && !is_path && !imports && name.len() <= spelling::MAX {
        add(Target::Suite(spelling::text(name)));
    }
    end
}

/// The most names that are read from one command.
const MOST_PACKAGES: usize = 64;

/// Adds the names on the line of `--pyargs`, some of which are packages; returns the offset of their end.
pub(super) fn packages(text: &[u8], from: usize, add: &mut impl FnMut(Target)) -> usize {
    let near = &text[from.saturating_sub(spelling::MAX)..from];
    let ends = |c: &u8| b"\n;|&()".contains(c);
    let start = from - near.len() + near.iter().rposition(ends).map_or(0, |at| at + 1);
    let rest = &text[from..text.len().min(from + spelling::MAX)];
    // A backslash at the end of a line continues the command.
    let stop = |(at, c): (usize, &u8)| ends(c) && !(at > 0 && *c == b'\n' && rest[at - 1] == b'\\');
    let end = from + rest.iter().enumerate().position(stop).unwrap_or(rest.len());
    let words = text[start..end].split(|c| b" \t\n\\\"',=[]{}$".contains(c));
    let good = |word: &&[u8]| {
        word.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_')
            && word.iter().all(|&c| is_name(c) || c == b'.')
    };
    words.filter(good).take(MOST_PACKAGES).for_each(|word| add(Target::Suite(spelling::text(word))));
    end
}

const fn in_library(c: u8) -> bool {
    is_name(c) || matches!(c, b'+' | b'-' | b'.')
}

/// Returns the name of a library that ends with the `.so` at a place: `libz.so`; `None` for files that are not named like a
/// library.
pub(super) fn library_before(text: &[u8], dot: usize) -> Option<&[u8]> {
    let from = dot.saturating_sub(100);
    let start = text[from..dot].iter().rposition(|c| !in_library(*c)).map_or(from, |n| from + n + 1);
    Some(&text[start..dot + 3]).filter(|name| name.starts_with(b"lib"))
}

/// Returns the name of a library, as a loader takes it, that ends with the `.so` at a place.
pub(super) fn soname(text: &[u8], dot: usize) -> Option<Target> {
    let name = library_before(text, dot)?;
    // A dot may end a sentence; if more follows it, the name is another one.
    let ends = match text.get(dot + 3) {
        Some(b'.') => !text.get(dot + 4).is_some_and(u8::is_ascii_alphanumeric),
        Some(c) => !in_library(*c),
        None => true,
    };
    ends.then(|| Target::Library(spelling::text(name)))
}

/// Returns the language that a variable is set to: `LANG=de_DE.UTF-8`, `"LC_ALL": "de"`.
pub(super) fn language(text: &[u8], at: usize) -> Option<Target> {
    if at > 0 && is_name(text[at - 1]) {
        return None;
    }
    let in_name = |c: &u8| c.is_ascii_uppercase() || matches!(c, b'_');
    // Databases have settings of these names in small letters.
    let setting = [&b"lc_messages"[..], b"lc-messages"].iter().any(|name| text[at..].starts_with(name));
    let name = if setting { 11 } else { text[at..].iter().take(20).take_while(|c| in_name(c)).count() };
    let known = setting || matches!(&text[at..at + name], b"LANG" | b"LANGUAGE") || text[at..].starts_with(b"LC_");
    let rest = &text[at + name..];
    let gap = rest.iter().take(8).take_while(|c| b" \t\"':=,-}])".contains(c)).count();
    let between = &rest[..gap];
    let sets = known && between.iter().any(|c| matches!(c, b'=' | b':' | b',' | b' '));
    let value = &rest[gap..];
    let value = &value[..value.iter().take(100).take_while(|c| is_name(**c) || b".-@:".contains(c)).count()];
    // After a mere blank, as in a Dockerfile, the next word may be anything.
    let sets = sets && (between.iter().any(|c| matches!(c, b'=' | b':' | b',')) || value.contains(&b'_'));
    (sets && value.first().is_some_and(u8::is_ascii_lowercase)).then(|| Target::Language(spelling::text(value)))
}

/// Returns the text domain that is set by the words that end at `from`: `TEXTDOMAIN=x`, `textdomain("x")`.
pub(super) fn domain(text: &[u8], from: usize) -> Option<Target> {
    let rest = text[from..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let name = &rest[..rest.iter().take(100).take_while(|c| is_name(**c) || b"-.".contains(c)).count()];
    let named = name.len() > 1 && !name.starts_with(b".");
    named.then(|| Target::Domain(spelling::text(name)))
}

/// Returns the name of a locale whose charset is at `dot`, wherever it stands: `de_DE.UTF-8`.
pub(super) fn locale(text: &[u8], dot: usize) -> Option<Target> {
    let from = dot.saturating_sub(8);
    let start = text[from..dot].iter().rposition(|c| !is_name(*c)).map_or(from, |n| from + n + 1);
    let name = &text[start..dot];
    let mut parts = name.splitn(2, |&c| c == b'_');
    let all = |part: &[u8], good: fn(&u8) -> bool| (2..=3).contains(&part.len()) && part.iter().all(good);
    let language = parts.next().is_some_and(|part| all(part, u8::is_ascii_lowercase));
    let territory = parts.next().is_some_and(|part| all(part, u8::is_ascii_uppercase));
    (language && territory).then(|| Target::Language(spelling::text(name)))
}

/// Returns the name in quotes that follows a function which loads libraries, if it is near enough to be its argument.
pub(super) fn library(text: &[u8], from: usize) -> Option<Target> {
    const NEAR: usize = 60;
    let near = &text[from..text.len().min(from + NEAR)];
    let open = near.iter().position(|c| matches!(c, b'"' | b'\''))?;
    if near[..open].contains(&b'\n') {
        return None;
    }
    let rest = &text[from + open + 1..];
    let end = rest.iter().take(100).position(|c| matches!(c, b'"' | b'\'' | b'\n'))?;
    let name = &rest[..end];
    let good = |c: &u8| is_name(*c) || b".+-".contains(c);
    (!name.is_empty() && name.len() < 100 && name.iter().all(good)).then(|| Target::Library(spelling::text(name)))
}
