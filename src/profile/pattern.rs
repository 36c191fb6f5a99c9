//! Patterns: globs over a path's bytes in which `{name}` stands for a named set of patterns.
//!
//! A pattern is rooted unless it begins with `**/`; `*` and `?` stay within one component; `a/**` is everything below `a` and
//! not `a`; everything else means what it means to `globset` (with `literal_separator`).

use std::collections::BTreeMap;
use std::ops::Range;

use globset::{GlobBuilder, GlobSet};

use super::error::{ProfileError, Text, nearest};

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// The pattern as written.
    pub source: String,
    /// The globs that it stands for: sets filled in, rooted, without slashes at the ends.
    pub expanded: Vec<String>,
}

/// The length in bytes of the longest pattern: no sensible one is longer, and each must become a small automaton.
const MAX_PATTERN: usize = 1024;
/// The most patterns that one may stand for after its sets are filled in.
const MAX_EXPANDED: usize = 1024;
/// The most levels of sets that name sets.
const MAX_NESTING: usize = 16;

/// The named sets of a profile, as written.
pub(crate) type Sets = BTreeMap<String, (Text, Vec<Text>)>;

/// Looks up what the rules of all profiles name, and notes mistakes.
pub(crate) struct Lookup<'a> {
    /// The named sets.
    pub(crate) sets: &'a Sets,
    /// The mistakes so far.
    pub(crate) errors: &'a mut Vec<ProfileError>,
}

impl Lookup<'_> {
    /// Reads patterns; wrong ones are left out.
    pub(crate) fn globs(&mut self, patterns: &[Text]) -> Vec<Glob> {
        let mut out = Vec::new();
        for pattern in patterns {
            match glob(pattern, self.sets) {
                Ok(glob) => out.push(glob),
                Err(e) => self.errors.push(e),
            }
        }
        out
    }
}

/// A mistake in a pattern, and the part of it that is wrong.
struct Wrong {
    message: String,
    part: Range<usize>,
    help: Option<String>,
}

impl Wrong {
    fn new(part: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), part, help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Reads a pattern: sets are filled in, slashes at both ends removed, and each result must be a glob that compiles.
pub(crate) fn glob(text: &Text, sets: &Sets) -> Result<Glob, ProfileError> {
    let expanded = expand(&text.value, sets, &mut Vec::new()).and_then(|all| {
        let finished = all.iter().map(|p| finish(p, text.value.len()));
        finished.collect::<Result<Vec<String>, Wrong>>()
    });
    match expanded {
        Ok(expanded) => Ok(Glob { source: text.value.clone(), expanded }),
        Err(wrong) => {
            let e = ProfileError::new(&text.at.within(&text.value, wrong.part), wrong.message);
            Err(match wrong.help {
                Some(help) => e.help(help),
                None => e,
            })
        }
    }
}

/// Fills in the sets. `stack` holds the sets that this pattern is a part of.
fn expand(pattern: &str, sets: &Sets, stack: &mut Vec<String>) -> Result<Vec<String>, Wrong> {
    let whole = 0..pattern.len();
    if pattern.len() > MAX_PATTERN {
        return Err(Wrong::new(whole, format!("a pattern of {} bytes: expected at most {MAX_PATTERN}", pattern.len())));
    }
    let mut out = vec![String::new()];
    let mut copied = 0;
    for part in references(pattern) {
        let name = &pattern[part.start + 1..part.end - 1];
        let Some((_, patterns)) = sets.get(name) else {
            return Err(unknown_set(part, name, sets));
        };
        if stack.iter().any(|s| s == name) || stack.len() >= MAX_NESTING {
            let way = format!("{} -> {name}", stack.join(" -> "));
            return Err(Wrong::new(part, format!("the set `{name}` is a part of itself: {way}")));
        }
        stack.push(name.to_owned());
        let mut choices = Vec::new();
        for p in patterns {
            let inner = expand(&p.value, sets, stack);
            choices.extend(inner.map_err(|w| Wrong { part: part.clone(), ..w })?);
        }
        stack.pop();
        if out.len().saturating_mul(choices.len()) > MAX_EXPANDED {
            return Err(Wrong::new(whole, format!("the pattern stands for more than {MAX_EXPANDED} patterns")));
        }
        let literal = &pattern[copied..part.start];
        let with = |prefix: &String| -> Vec<String> {
            choices.iter().map(|c| format!("{prefix}{literal}{}", c.trim_matches('/'))).collect()
        };
        out = out.iter().flat_map(with).collect();
        copied = part.end;
    }
    out.iter_mut().for_each(|p| p.push_str(&pattern[copied..]));
    Ok(out)
}

fn unknown_set(part: Range<usize>, name: &str, sets: &Sets) -> Wrong {
    let known: Vec<&str> = sets.keys().map(String::as_str).collect();
    let wrong = Wrong::new(part, format!("unknown set `{{{name}}}`"));
    match nearest(name, &known) {
        Some(near) => wrong.help(format!("did you mean `{{{near}}}`?")),
        None => wrong
            .help(format!("braces round one name are a set: known are {}; `{{a,b}}` is a choice", known.join(", "))),
    }
}

/// Returns the places of `{name}` in a pattern: braces without a comma or inner braces, outside of classes and not escaped.
fn references(pattern: &str) -> Vec<Range<usize>> {
    let bytes = pattern.as_bytes();
    let (mut out, mut open, mut at) = (Vec::new(), None, 0);
    while let Some(&c) = bytes.get(at) {
        match c {
            b'\\' => at += 1,
            b'[' => at = class_end(bytes, at).unwrap_or(at),
            b'{' => open = Some(at),
            b',' => open = None,
            b'}' => {
                if let Some(start) = open.take() {
                    out.push(start..at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    out
}

/// Returns the place of the `]` that closes the class at `open`; as in any glob, a `]` that comes first is a member.
fn class_end(pattern: &[u8], open: usize) -> Option<usize> {
    let negated = matches!(pattern.get(open + 1), Some(b'!' | b'^'));
    let first = open + 1 + usize::from(negated);
    let rest = pattern.get(first + 1..)?;
    memchr::memchr(b']', rest).map(|i| first + 1 + i)
}

/// Checks a pattern without sets and makes it rooted.
fn finish(pattern: &str, len: usize) -> Result<String, Wrong> {
    let whole = 0..len;
    if pattern.len() > MAX_PATTERN {
        return Err(Wrong::new(whole, format!("a pattern of {} bytes: expected at most {MAX_PATTERN}", pattern.len())));
    }
    let trimmed = pattern.trim_matches('/');
    if trimmed.is_empty() {
        return Err(Wrong::new(whole, "an empty pattern").help("`**` means everything"));
    }
    if trimmed.starts_with('!') {
        let e = Wrong::new(whole, "a pattern does not begin with `!`");
        return Err(e.help("list exceptions in `except`; a name that begins with `!` is written `\\\\!`"));
    }
    let mut parts = trimmed.split(['/', '{', '}', ',']);
    if parts.any(|p| p == "..") {
        return Err(
            Wrong::new(whole, "`..` leads out of the pattern's own directory").help("patterns begin at the root")
        );
    }
    if trimmed.split('/').any(|p| p.is_empty() || p == ".") {
        let e = Wrong::new(whole, "an empty component or `.`: no path has one, so nothing would match");
        return Err(e.help("write `a/b`, not `a//b` or `./a/b`"));
    }
    match compile(trimmed) {
        Ok(_) => Ok(trimmed.to_owned()),
        Err(e) => Err(Wrong::new(whole, format!("not a glob: {}", e.kind()))),
    }
}

/// Returns the glob for `globset`. Patterns with classes or many braces are compiled completely, because only that shows if
/// they can be.
pub(super) fn compile(pattern: &str) -> Result<globset::Glob, globset::Error> {
    let mut builder = GlobBuilder::new(pattern);
    let glob = builder.literal_separator(true).backslash_escape(true).empty_alternates(true).build()?;
    if pattern.contains('[') || pattern.matches('{').count() > 8 {
        GlobSet::new([&glob])?;
    }
    Ok(glob)
}

#[cfg(test)]
mod tests {
    use super::super::error::{At, Located};
    use super::*;

    fn text(value: &str) -> Text {
        Located { value: value.to_owned(), at: At::option("--drop", value) }
    }

    fn sets(list: &[(&str, &[&str])]) -> Sets {
        let one = |(name, patterns): &(&str, &[&str])| {
            ((*name).to_owned(), (text(name), patterns.iter().map(|p| text(p)).collect()))
        };
        list.iter().map(one).collect()
    }

    fn expanded(pattern: &str, sets: &Sets) -> Vec<String> {
        glob(&text(pattern), sets).unwrap().expanded
    }

    fn message(pattern: &str, sets: &Sets) -> String {
        glob(&text(pattern), sets).unwrap_err().to_string()
    }

    #[test]
    fn a_set_stands_for_each_of_its_patterns() {
        let s = sets(&[("py", &["/usr/lib/py/", "**/py"]), ("site", &["{py}/site", "x"])]);
        assert_eq!(expanded("{site}/**/*.map", &s), ["usr/lib/py/site/**/*.map", "**/py/site/**/*.map", "x/**/*.map"]);
        assert_eq!(expanded("/a/", &s), ["a"]);
        assert_eq!(expanded("{a,{py}}/b", &s).len(), 2);
        for literal in [r"\{py\}", r"[{]py\}", "{a,b}", "{,b}", "a{b,c{d,e}}"] {
            assert_eq!(expanded(literal, &s), [literal]);
        }
    }

    #[test]
    fn a_wrong_pattern_is_an_error_that_says_why() {
        let s = sets(&[("site-packages", &["x"]), ("a", &["{b}"]), ("b", &["y/{a}"])]);
        for (pattern, expected) in [
            ("x/{site-package}/y", "did you mean `{site-packages}`?"),
            ("{}", "unknown set `{}`"),
            ("{a}", "a part of itself: a -> b -> a"),
            ("", "an empty pattern"),
            ("//", "an empty pattern"),
            ("a/../b", "`..`"),
            ("{a/..,b}", "`..`"),
            ("a//b", "an empty component"),
            ("./a", "an empty component or `.`"),
            ("!a", "except"),
            ("a[", "unclosed character class"),
            ("a{b,", "unclosed alternate group"),
            ("a[z-a]", "invalid range"),
            ("a\\", "dangling '\\'"),
            (&"a".repeat(2000), "expected at most 1024"),
        ] {
            assert!(message(pattern, &s).contains(expected), "{pattern}: {}", message(pattern, &s));
        }
        assert!(message("x/{nope}/y", &s).contains("--drop:1:3\n  |\n1 | x/{nope}/y\n  |   ^^^^^^\n"));
    }

    #[test]
    fn a_pattern_that_would_explode_is_refused() {
        let ten: Vec<String> = (0..10).map(|i| i.to_string()).collect();
        let s = sets(&[("ten", &ten.iter().map(String::as_str).collect::<Vec<_>>())]);
        assert_eq!(expanded("{ten}{ten}", &s).len(), 100);
        assert!(message("{ten}{ten}{ten}{ten}{ten}{ten}{ten}", &s).contains("more than"));
        assert!(glob(&text(&"{a,b}".repeat(200)), &s).is_ok());
        let nested = format!("{}{}", "{a,".repeat(255), "}".repeat(255));
        assert!(message(&nested, &s).contains("not a glob"), "{}", message(&nested, &s));
    }
}
