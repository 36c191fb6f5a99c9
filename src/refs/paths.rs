//! The paths that a text names in full, in whatever language: a start script, a crontab, a server's configuration, a unit file,
//! a Makefile. Nothing is parsed: a text is searched for the places where rules drop something, and the word around such a
//! place is taken unless the syntax of the language's comments says that it is in one.
//!
//! Beside paths a text may name a program, a language, a test suite or a library that rules ask for.
//!
//! A [`Search`] looks in texts here, and in programs in `object.rs`.

use super::lines;
use super::meaning;
use super::needles::Needles;
use super::spelling;
use super::syntax::{Comments, Syntax};
use super::{Reference, Target, When};
use std::collections::BTreeSet;
use std::ops::Range;

/// The most references that are read from a text: one that has more is data.
const MOST: usize = 4096;

/// Everything that rules have to know of texts, without the rules' patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The beginnings of rooted patterns up to their first wildcard: `usr/share/doc`.
    pub roots: BTreeSet<String>,
    /// The beginnings of patterns that begin with `**/`, without that and up to the next wildcard: `.cache/pip`.
    pub parts: BTreeSet<String>,
    /// The ends of patterns that begin with a wildcard: `.md`.
    pub ends: BTreeSet<String>,
    /// Names of programs.
    pub commands: BTreeSet<String>,
    /// Names of programs that count only as commands of shell scripts, as they are words like any other.
    pub tools: BTreeSet<String>,
    /// Names of directories that hold test suites.
    pub suites: BTreeSet<String>,
    /// True if languages that are set are asked for.
    pub languages: bool,
    /// True if libraries that are loaded by name are asked for.
    pub libraries: bool,
    /// True if source maps are asked for.
    pub maps: bool,
}

impl Wanted {
    /// Returns everything that one or the other wants.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let both = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.union(other).cloned().collect();
        Self {
            roots: both(&self.roots, &other.roots),
            parts: both(&self.parts, &other.parts),
            ends: both(&self.ends, &other.ends),
            commands: both(&self.commands, &other.commands),
            tools: both(&self.tools, &other.tools),
            suites: both(&self.suites, &other.suites),
            languages: self.languages || other.languages,
            libraries: self.libraries || other.libraries,
            maps: self.maps || other.maps,
        }
    }
}

/// The meaning of a string that is searched for.
#[derive(Clone, Copy, Debug)]
enum Needle {
    /// A path below a root, or with a part in it.
    Path,
    /// Like [`Self::Path`], where the path may also be relative.
    Relative,
    /// `$`: a path with a variable before it.
    Variable,
    Command,
    /// A program's name that counts only as a command in a shell script.
    Tool,
    /// `.tests`: a module.
    Suite,
    /// `--pyargs`: names of packages follow.
    Packages,
    Language,
    /// A word that sets a text domain.
    Domain,
    /// `.UTF-8`: the end of a locale's name.
    Locale,
    /// A function that loads a library, whose name follows.
    Load,
    /// `.so`: perhaps the name of a library.
    Library,
}

/// Functions that load a library by a name in quotes: ctypes, cffi, Fiddle, Ruby's and LuaJIT's ffi, JNA, P/Invoke, PHP's FFI,
/// Julia.
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

/// A search of texts for what rules want to know.
#[derive(Clone, Debug)]
pub struct Search {
    wanted: Wanted,
    texts: Needles,
    /// The needles of texts without `$`, for languages without variables.
    constant: Needles,
    kinds: Vec<Needle>,
    /// The needles of paths alone.
    paths: Needles,
    pub(super) objects: Needles,
    pub(super) library: Option<usize>,
}

impl Search {
    /// Prepares to search for what is wanted; returns `None` if nothing is.
    #[must_use]
    pub fn new(wanted: Wanted) -> Option<Self> {
        if wanted == Wanted::default() {
            return None;
        }
        let mut needles: Vec<(String, Needle)> = Vec::new();
        let mut paths: Vec<String> = wanted.roots.iter().chain(&wanted.parts).map(|path| format!("/{path}")).collect();
        needles.extend(paths.iter().map(|path| (path.clone(), Needle::Path)));
        paths.extend(wanted.ends.iter().cloned());
        let relative = wanted.ends.iter().cloned().chain(wanted.parts.iter().map(|part| format!("{part}/")));
        needles.extend(relative.map(|path| (path, Needle::Relative)));
        needles.extend(wanted.commands.iter().map(|name| (name.clone(), Needle::Command)));
        needles.extend(wanted.tools.iter().map(|name| (name.clone(), Needle::Tool)));
        needles.extend(wanted.suites.iter().map(|name| (format!(".{name}"), Needle::Suite)));
        if !wanted.suites.is_empty() {
            // Programs that run the suites of the packages they are given, and numpy's own way.
            let runners = ["--pyargs", "nosetests", "nose2", "trial", "unittest discover"];
            needles.extend(runners.map(|runner| (runner.to_owned(), Needle::Packages)));
            needles.push((".test(".to_owned(), Needle::Suite));
        }
        if wanted.languages {
            let names = ["LANG", "LC_", "lc_messages", "lc-messages"];
            needles.extend(names.map(|name| (name.to_owned(), Needle::Language)));
            let domains = ["TEXTDOMAIN=", "textdomain(", "text_domain(", "translation_domain("];
            needles.extend(domains.map(|name| (name.to_owned(), Needle::Domain)));
            let charsets = [".UTF-8", ".utf-8", ".UTF8", ".utf8"];
            needles.extend(charsets.map(|name| (name.to_owned(), Needle::Locale)));
        }
        if wanted.libraries {
            needles.extend(LOADERS.map(|name| (name.to_owned(), Needle::Load)));
            needles.push((".so".to_owned(), Needle::Library));
        }
        // A path that begins with a variable may lead anywhere. It is the last, so that all others have the same number without it.
        needles.push(("$".to_owned(), Needle::Variable));
        // One component alone, such as `tmp`, says something in a program only if more follows.
        let end = |path: &str| if path.contains('/') { "" } else { "/" };
        let in_objects = wanted.roots.iter().chain(wanted.parts.iter().filter(|part| part.contains('/')));
        let mut objects: Vec<String> = in_objects.map(|path| format!("/{path}{}", end(path))).collect();
        let library = wanted.libraries.then_some(objects.len());
        objects.extend(library.map(|_| ".so".to_owned()));
        let (words, kinds): (Vec<String>, Vec<Needle>) = needles.into_iter().unzip();
        Some(Self {
            constant: Needles::new(words[..words.len() - 1].to_vec()),
            texts: Needles::new(words),
            paths: Needles::new(paths),
            objects: Needles::new(objects),
            kinds,
            wanted,
            library,
        })
    }

    /// Returns what the search is for.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// True if a path is one that this search is for: a scan may have searched for others, too.
    #[must_use]
    pub fn is_for(&self, path: &str) -> bool {
        !path.starts_with('/') || self.paths.find(path.as_bytes(), 0).is_some()
    }

    /// Returns the references of a text, in the order of its lines.
    #[must_use]
    pub fn references(&self, text: &[u8], syntax: Syntax) -> Vec<Reference> {
        // PHP writes slashes in JSON like this.
        let plain = (syntax == Syntax::Data && memchr::memmem::find(text, b"\\/").is_some())
            .then(|| bstr::ByteSlice::replace(text, b"\\/", b"/"));
        let text = plain.as_deref().unwrap_or(text);
        let mut found: Vec<(usize, Target, When)> = Vec::new();
        let mut comments = Comments::new(text, syntax);
        let mut at = 0;
        let needles = if syntax.has_variables() { &self.texts } else { &self.constant };
        while let Some((hit, number)) = needles.find(text, at)
            && found.len() < MOST
        {
            at = hit.end;
            let Some(&kind) = self.kinds.get(number) else { continue };
            let before = found.len();
            let mut add = |target: Target| found.push((hit.start, target, When::Mention));
            match kind {
                Needle::Path => at = at.max(meaning::path(text, hit.start, syntax, &mut add)),
                Needle::Relative => at = at.max(meaning::relative(text, hit.start, syntax, &mut add)),
                // A match later in the same word is looked at as well.
                Needle::Variable => _ = meaning::path(text, hit.start, syntax, &mut add),
                Needle::Command if meaning::is_word(text, hit.start, hit.end) => {
                    add(Target::Command(spelling::text(&text[hit.start..hit.end])));
                }
                Needle::Tool if meaning::is_run(text, hit.start, hit.end) => {
                    add(Target::Command(spelling::text(&text[hit.clone()])));
                }
                Needle::Suite => at = at.max(meaning::module(text, hit.start, &mut add)),
                Needle::Packages if is_command(syntax, text, &hit) => {
                    at = at.max(meaning::packages(text, hit.end, &mut add))
                }
                Needle::Language => meaning::language(text, hit.start).into_iter().for_each(&mut add),
                Needle::Domain => meaning::domain(text, hit.end).into_iter().for_each(&mut add),
                Needle::Locale => meaning::locale(text, hit.start).into_iter().for_each(&mut add),
                Needle::Library => meaning::soname(text, hit.start).into_iter().for_each(&mut add),
                Needle::Load => meaning::library(text, hit.end).into_iter().for_each(&mut add),
                Needle::Command | Needle::Tool | Needle::Packages => {}
            }
            // Most places come to nothing, so whether a place is in a comment is checked last.
            if found.len() > before
                && let Some(end) = comments.end(hit.start)
            {
                found.truncate(before);
                at = end.max(hit.end);
            }
        }
        self.below_roots(text, syntax, &mut found);
        lines::number_bytes(text, found)
    }

    /// Adds paths below a rule's root: a text that names the root may go on below it, after `cd`, by a constant, or joined.
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
        let mut comments = Comments::new(text, syntax);
        for (at, path) in spelling::lists(text).take(MOST) {
            if comments.end(at).is_none() {
                let joined = roots.iter().map(|root| Target::Path(format!("/{root}/{path}").into()));
                found.extend(joined.map(|target| (at, target, When::Mention)));
            }
        }
    }
}

/// True if the name of a program that runs suites stands where a command does; an option with a name of its own may stand
/// anywhere.
fn is_command(syntax: Syntax, text: &[u8], hit: &Range<usize>) -> bool {
    text[hit.start] == b'-' || (syntax.has_commands() && meaning::is_word(text, hit.start, hit.end))
}

#[cfg(test)]
mod tests;
