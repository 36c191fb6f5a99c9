//! Which paths a text names in full, whatever language it is in: a start script, a crontab, a server's configuration, a unit file, a
//! Makefile. Nothing is parsed: a text is searched for the places where rules drop something, the word round such a place is
//! taken, and what is known of the language's comments tells that it is none.
//!
//! Beside paths a text may name a program, a language, a test suite or a library that rules ask for.

use super::lines;
use super::spelling::{self, is_name};
use super::syntax::{Comments, Syntax};
use super::{Reference, Target, When};
use aho_corasick::{AhoCorasick, Input, MatchKind};
use std::collections::BTreeSet;

/// A text that names more is data, and is listened to no further.
const MOST: usize = 4096;

/// What rules have to know of texts, without their patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The beginnings of rooted patterns up to their first wildcard: `usr/share/doc`.
    pub roots: BTreeSet<String>,
    /// The same of patterns that begin with `**/`: `.cache/pip`.
    pub parts: BTreeSet<String>,
    /// The ends of patterns that begin with a wildcard: `.md`.
    pub ends: BTreeSet<String>,
    /// Names of programs.
    pub commands: BTreeSet<String>,
    /// Names of directories that hold test suites.
    pub suites: BTreeSet<String>,
    /// Whether languages that are set are asked for.
    pub languages: bool,
    /// Whether libraries that are loaded by name are asked for.
    pub libraries: bool,
    /// Whether source maps are asked for.
    pub maps: bool,
}

impl Wanted {
    /// What either wants.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.union(other).cloned().collect();
        Self {
            roots: both(&self.roots, &other.roots),
            parts: both(&self.parts, &other.parts),
            ends: both(&self.ends, &other.ends),
            commands: both(&self.commands, &other.commands),
            suites: both(&self.suites, &other.suites),
            languages: self.languages || other.languages,
            libraries: self.libraries || other.libraries,
            maps: self.maps || other.maps,
        }
    }
}

/// What a place in a text is the beginning of.
#[derive(Clone, Copy, Debug)]
enum Needle {
    /// A path below a root, or with a part in it.
    Path,
    /// `$`: a path with a variable before it.
    Variable,
    Command,
    /// `.tests`: a module.
    Suite,
    /// `--pyargs`: names of packages follow.
    Packages,
    Language,
    /// A function that loads a library, whose name follows.
    Load,
    /// `.so`: perhaps the name of a library.
    Library,
}

/// What calls load a library by a name in quotes: ctypes, cffi, Fiddle, Ruby's and LuaJIT's ffi, JNA, P/Invoke, PHP's FFI, Julia.
const LOADERS: [&str; 12] = [
    "CDLL",
    "LoadLibrary",
    "find_library",
    "ffi_lib",
    "ffi.load",
    "dlopen",
    "Native.load",
    "loadLibrary",
    "DllImport",
    "LibraryImport",
    "FFI::cdef",
    "ccall",
];

/// Searches texts.
#[derive(Clone, Debug)]
pub struct Search {
    wanted: Wanted,
    texts: AhoCorasick,
    /// The same without `$`, for languages without variables.
    constant: AhoCorasick,
    kinds: Vec<Needle>,
    /// The needles of paths alone.
    paths: AhoCorasick,
    pub(super) objects: AhoCorasick,
    pub(super) library: Option<usize>,
}

impl Search {
    /// Prepares to search for what is wanted; none where nothing is.
    #[must_use]
    pub fn new(wanted: Wanted) -> Option<Self> {
        if wanted == Wanted::default() {
            return None;
        }
        let mut needles: Vec<(String, Needle)> = Vec::new();
        let mut paths: Vec<String> = wanted.roots.iter().chain(&wanted.parts).map(|path| format!("/{path}")).collect();
        paths.extend(wanted.ends.iter().cloned());
        needles.extend(paths.iter().map(|path| (path.clone(), Needle::Path)));
        needles.extend(wanted.commands.iter().map(|name| (name.clone(), Needle::Command)));
        needles.extend(wanted.suites.iter().map(|name| (format!(".{name}"), Needle::Suite)));
        if !wanted.suites.is_empty() {
            needles.push(("--pyargs".to_owned(), Needle::Packages));
        }
        if wanted.languages {
            needles.extend(["LANG", "LC_"].map(|name| (name.to_owned(), Needle::Language)));
        }
        if wanted.libraries {
            needles.extend(LOADERS.map(|name| (name.to_owned(), Needle::Load)));
            needles.push((".so".to_owned(), Needle::Library));
        }
        // A path that begins with a variable may lead anywhere. It is the last, so that all others have the same number without it.
        needles.push(("$".to_owned(), Needle::Variable));
        // One component alone, such as `tmp`, says something in a program only where more follows.
        let end = |path: &str| if path.contains('/') { "" } else { "/" };
        let in_objects = wanted.roots.iter().chain(wanted.parts.iter().filter(|part| part.contains('/')));
        let mut objects: Vec<String> = in_objects.map(|path| format!("/{path}{}", end(path))).collect();
        let library = wanted.libraries.then_some(objects.len());
        objects.extend(library.map(|_| ".so\0".to_owned()));
        let compile =
            |needles: &[String]| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(needles).ok();
        let (words, kinds): (Vec<String>, Vec<Needle>) = needles.into_iter().unzip();
        Some(Self {
            constant: compile(&words[..words.len() - 1])?,
            texts: compile(&words)?,
            paths: compile(&paths)?,
            objects: compile(&objects)?,
            kinds,
            wanted,
            library,
        })
    }

    /// What the search is for.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether a path is one that this search is for: a scan may have searched for others, too.
    #[must_use]
    pub fn is_for(&self, path: &str) -> bool {
        !path.starts_with('/') || self.paths.is_match(path)
    }

    /// What a text refers to, in the order of its lines.
    #[must_use]
    pub fn references(&self, text: &[u8], syntax: Syntax) -> Vec<Reference> {
        let mut found: Vec<(usize, Target, When)> = Vec::new();
        let mut comments = Comments::new(text, syntax);
        let mut at = 0;
        let needles = if syntax.has_variables() { &self.texts } else { &self.constant };
        while let Some(hit) = needles.find(Input::new(text).range(at..))
            && found.len() < MOST
        {
            at = hit.end();
            let Some(&kind) = self.kinds.get(hit.pattern().as_usize()) else { continue };
            if let Some(end) = comments.end(hit.start()) {
                at = at.max(end);
                continue;
            }
            let mut add = |target: Target| found.push((hit.start(), target, When::Mention));
            match kind {
                Needle::Path => at = at.max(path(text, hit.start(), syntax, &mut add)),
                // What comes later in the same word is looked at as well.
                Needle::Variable => _ = path(text, hit.start(), syntax, &mut add),
                Needle::Command if is_word(text, hit.start(), hit.end()) => {
                    add(Target::Command(spelling::text(&text[hit.start()..hit.end()])));
                }
                Needle::Suite => at = at.max(module(text, hit.start(), &mut add)),
                Needle::Packages => at = at.max(packages(text, hit.end(), &mut add)),
                Needle::Language => language(text, hit.start()).into_iter().for_each(&mut add),
                Needle::Library => soname(text, hit.start()).into_iter().for_each(&mut add),
                Needle::Load => library(text, hit.end()).into_iter().for_each(&mut add),
                Needle::Command => {}
            }
        }
        self.below_roots(text, syntax, &mut found);
        lines::number_bytes(text, found)
    }

    /// A text that names the place which a rule is about may go on with paths below it: after `cd`, by a constant, or joined.
    fn below_roots(&self, text: &[u8], syntax: Syntax, found: &mut Vec<(usize, Target, When)>) {
        let root = |target: &Target| match target {
            Target::Path(path) => self.wanted.roots.get(path.trim_start_matches('/')),
            _ => None,
        };
        let roots: BTreeSet<&String> = found.iter().filter_map(|(_, target, _)| root(target)).collect();
        if roots.is_empty() || syntax == Syntax::Markup {
            return;
        }
        let mut comments = Comments::new(text, syntax);
        for word in spelling::relative_words(text).take(MOST) {
            if comments.end(word.start).is_some() {
                continue;
            }
            let Some(path) = spelling::path(&[b"/", &text[word.clone()]].concat()) else { continue };
            for root in &roots {
                found.push((word.start, Target::Path(format!("/{root}{path}").into()), When::Mention));
            }
        }
    }
}

/// The path that has `at` in it; returns where it ends.
fn path(text: &[u8], at: usize, syntax: Syntax, add: &mut impl FnMut(Target)) -> usize {
    let word = spelling::word(text, at);
    if let Some(path) = spelling::path(&text[word.clone()])
        && !(syntax.has_commands() && only_writes(text, word.start))
    {
        add(Target::Path(path.into()));
        // In quotes a path may have blanks in it.
        let quoted = spelling::quoted(text, &word).and_then(|word| spelling::path(&text[word]));
        quoted.into_iter().for_each(|path| add(Target::Path(path.into())));
    }
    word.end
}

/// Programs that take paths away or make them: who only does that to a path does not read it.
const WRITERS: [&[u8]; 4] = [b"rm", b"rmdir", b"unlink", b"mkdir"];

/// Whether the word at `start` is what a command removes, makes, or writes its output to.
fn only_writes(text: &[u8], start: usize) -> bool {
    let near = &text[start.saturating_sub(spelling::MAX)..start];
    // A backslash at the end of a line goes on with the command.
    let ends = memchr::memrchr_iter(b'\n', near).find(|&at| at == 0 || near[at - 1] != b'\\');
    let line = ends.map_or(0, |at| at + 1);
    let mut before = &near[line..];
    while let Some(rest) = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")) {
        before = rest;
    }
    let trimmed = before.trim_ascii_end();
    if let Some(redirected) = trimmed.strip_suffix(b">") {
        // Not `=>`, `->` and the end of a tag.
        return redirected.last().is_none_or(|c| c.is_ascii_digit() || b" \t&>|;".contains(c));
    }
    let command = trimmed.rsplit(|c| b";|&(){}`\n".contains(c)).next().unwrap_or_default();
    let mut words = command.split(|c| b" \t\n\\\"'@-+:".contains(c)).filter(|word| !word.is_empty());
    let first = words.find(|word| !matches!(*word, b"then" | b"do" | b"else" | b"sudo" | b"RUN" | b"exec" | b"trap"));
    let name = first.and_then(|word| word.rsplit(|&c| c == b'/').next());
    name.is_some_and(|name| WRITERS.contains(&name))
}

/// Whether what lies between is a word of its own, perhaps with a directory before it.
fn is_word(text: &[u8], start: usize, end: usize) -> bool {
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

/// The dotted name that has `at` in it; returns where it ends.
fn module(text: &[u8], at: usize, add: &mut impl FnMut(Target)) -> usize {
    let good = |c: &u8| is_name(*c) || *c == b'.';
    let from = at.saturating_sub(spelling::MAX);
    let start = text[from..at].iter().rposition(|c| !good(c)).map_or(from, |n| from + n + 1);
    let end = text[at..].iter().position(|c| !good(c)).map_or(text.len(), |n| at + n);
    let name = text[start..end].trim_ascii();
    let begins = name.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_');
    let is_path = start > 0 && matches!(text[start - 1], b'/' | b'-') || text.get(end) == Some(&b'/');
    // What Python imports is a module, and no suite that is run.
    let line = memchr::memrchr(b'\n', &text[from..start]).map_or(from, |n| from + n + 1);
    let statement = text[line..start].trim_ascii_start();
    let imports = [&b"import "[..], b"from "].iter().any(|word| statement.starts_with(word));
    if begins && !is_path && !imports && name.len() <= spelling::MAX {
        add(Target::Suite(spelling::text(name)));
    }
    end
}

/// A command with more names of packages is listened to no further.
const MOST_PACKAGES: usize = 64;

/// The names on the line of `--pyargs`, of which some are packages; returns where they end.
fn packages(text: &[u8], from: usize, add: &mut impl FnMut(Target)) -> usize {
    let near = &text[from.saturating_sub(spelling::MAX)..from];
    let ends = |c: &u8| b"\n;|&()".contains(c);
    let start = from - near.len() + near.iter().rposition(ends).map_or(0, |at| at + 1);
    let rest = &text[from..text.len().min(from + spelling::MAX)];
    // A backslash at the end of a line goes on with the command.
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

/// The name of a library, as a loader takes it, that ends with the `.so` at a place.
fn soname(text: &[u8], dot: usize) -> Option<Target> {
    let good = |c: &u8| is_name(*c) || b"+-.".contains(c);
    let from = dot.saturating_sub(100);
    let start = text[from..dot].iter().rposition(|c| !good(c)).map_or(from, |n| from + n + 1);
    let name = &text[start..dot + 3];
    // A dot may end a sentence; with more behind it the name is another.
    let ends = match text.get(dot + 3) {
        Some(b'.') => !text.get(dot + 4).is_some_and(u8::is_ascii_alphanumeric),
        Some(c) => !good(c),
        None => true,
    };
    (ends && name.starts_with(b"lib")).then(|| Target::Library(spelling::text(name)))
}

/// The language that a variable is set to: `LANG=de_DE.UTF-8`, `"LC_ALL": "de"`.
fn language(text: &[u8], at: usize) -> Option<Target> {
    if at > 0 && is_name(text[at - 1]) {
        return None;
    }
    let name = text[at..].iter().take(20).take_while(|c| c.is_ascii_uppercase() || **c == b'_').count();
    let known = matches!(&text[at..at + name], b"LANG" | b"LANGUAGE") || text[at..].starts_with(b"LC_");
    let rest = &text[at + name..];
    let gap = rest.iter().take(8).take_while(|c| b" \t\"':=,-}])".contains(c)).count();
    let between = &rest[..gap];
    let sets = known && between.iter().any(|c| matches!(c, b'=' | b':' | b',' | b' '));
    let value = &rest[gap..];
    let value = &value[..value.iter().take(100).take_while(|c| is_name(**c) || b".-@:".contains(c)).count()];
    (sets && value.first().is_some_and(u8::is_ascii_lowercase)).then(|| Target::Language(spelling::text(value)))
}

/// The name in quotes that follows a function which loads libraries, near enough to be its argument.
fn library(text: &[u8], from: usize) -> Option<Target> {
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

#[cfg(test)]
mod tests;
