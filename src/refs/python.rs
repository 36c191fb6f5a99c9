//! What a Python file refers to, as far as its literals tell: imports of all kinds, and strings that may name a module
//! or a file. Computed names and directory scans can't be seen; everything doubtful counts as a reference, since a file
//! kept for nothing costs less than one that is missing.
//!
//! Two readers share the work. `ruff`'s parser sees all statements and expressions; the `lexical` one is for text the
//! parser can't be trusted with: syntax errors, huge files, and nesting that would overflow the stack (`depth`).

mod depth;
mod lexical;
mod text;
mod visit;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

/// Larger files than this are mostly data. The parser takes 2 KiB of stack and more per level, and a file made for it can
/// hide its nesting from all but the parser: these limits keep that below 300 MB.
const MAX_PARSED: usize = 256 << 10;

/// More opening brackets than this are for the lexical reader too.
const MAX_BRACKETS: usize = 32 << 10;

/// Deeper trees than this are not built: walking and freeing one takes stack, of which a rayon thread has 2 MiB. What
/// people write stays below 200; a table of polynomials may be deeper.
const MAX_DEPTH: usize = 600;

/// What walking and freeing a tree takes at most, in all and for each byte of text. It is address space, not memory.
const STACK: usize = 1 << 20;
const STACK_PER_BYTE: usize = 2 << 10;

/// Longer strings than this name no path: it is `PATH_MAX`.
const MAX_LITERAL: usize = 4096;

/// Longer strings than this are no file names that a program spells out.
const MAX_FILE_NAME: usize = 120;

/// A reference of a Python file to a module or a file, as far as literals tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The line it begins on, from 1.
    pub line: u32,
    /// What it refers to.
    pub target: Target,
}

/// What a [`Reference`] leads to. Whether that exists is for the caller to find out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// `import a.b.c` or `from a.b import c`.
    Import {
        /// The number of leading dots; 0 is an absolute import.
        level: u32,
        /// The dotted path, empty in `from . import x`.
        module: String,
        /// The imported names, each of which may be a module below `module`; `*` is given as such. Empty for `import`.
        names: Vec<String>,
    },
    /// A string that may name a module (`pkg.tests.x`, also relative as `.tests`), an entry point (`pkg.tests:main`), a
    /// path or a part of one (`tests/data.csv`, `tests`, `/tests/`), or a file (`data.csv`).
    Literal(String),
}

/// The references in `source` that could lead into a directory with one of the `words` as its name.
///
/// Those are imports whose dotted path or names have a word as a component, literals that have one, and, as parts of a
/// path may be joined, all literals that look like file names. A file that mentions no word has none. With `inside` the
/// file lies in such a directory itself: then all its imports and all literals that may name a module or a file count.
///
/// They come in the order of their lines. No input makes this fail: see the module's documentation.
#[must_use]
pub fn references(source: &[u8], words: &[&[u8]], inside: bool) -> Vec<Reference> {
    if !inside && !words.iter().any(|word| mentions(source, word)) {
        return Vec::new();
    }
    let text = text::decode(source);
    let wanted = Wanted { words, inside };
    let mut found = Found { wanted, at: Vec::new() };
    let complete = parse(&text, &mut found);
    if !complete {
        lexical::scan(&text, &mut found);
    }
    text::number(&text, found.at)
}

/// Collects what the parser sees. False where that may not be all there is.
fn parse(text: &str, found: &mut Found) -> bool {
    let brackets = || memchr::memchr3_iter(b'(', b'[', b'{', text.as_bytes()).take(MAX_BRACKETS + 1).count();
    if text.len() > MAX_PARSED || brackets() > MAX_BRACKETS {
        return false;
    }
    // The parser asserts that it makes progress; should it ever fail to, that file is read the other way.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        if depth::of_text(text, MAX_DEPTH) > MAX_DEPTH {
            return false;
        }
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        if parsed.errors().is_empty() {
            visit::collect(parsed.syntax(), found);
            return true;
        }
        // After an error the parser may read other tokens than those that were measured, a string's text for instance.
        stacker::grow(STACK + text.len() * STACK_PER_BYTE, || {
            visit::collect(parsed.syntax(), found);
            drop(parsed);
        });
        false
    }));
    parsed.unwrap_or(false)
}

/// Whether `word` stands in `source` so that it can be a component of anything in there. This spares most files the
/// parser: `test` is a frequent word in prose and in code.
fn mentions(source: &[u8], word: &[u8]) -> bool {
    let in_name = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_' || !c.is_ascii();
    memchr::memmem::find_iter(source, word).any(|at| {
        let before = at.checked_sub(1).and_then(|i| source.get(i));
        let after = &source[at + word.len()..];
        let whole = !before.is_some_and(in_name) && !after.first().is_some_and(in_name);
        // A component of a string has no blank before it, so this would be an import's name.
        whole && (!before.is_some_and(|c| is_blank(*c)) || may_follow_import(after))
    })
}

fn is_blank(c: u8) -> bool {
    c == b' ' || c == b'\t'
}

/// Whether `after` can be what follows a name in `import a.b as c, d` or `from a import (b, c)`.
fn may_follow_import(after: &[u8]) -> bool {
    let blanks = after.iter().take_while(|c| is_blank(**c)).count();
    let after = &after[blanks..];
    after.first().is_none_or(|c| b".,);#\\\r\n\x0c".contains(c))
        || after.starts_with(b"as")
        || after.starts_with(b"import")
}

/// What counts as a reference.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    words: &'a [&'a [u8]],
    inside: bool,
}

impl Wanted<'_> {
    fn import(self, module: &str, names: &[String]) -> bool {
        self.inside || self.component(module) || names.iter().any(|name| self.component(name))
    }

    fn literal(self, value: &str) -> bool {
        let line = value.len() <= MAX_LITERAL && !value.contains(['\n', '\r', '\0']);
        line && (self.component(value) || is_file_name(value) || (self.inside && is_dotted(value)))
    }

    /// Whether one of the words is a component of a dotted name, a path or an entry point.
    fn component(self, value: &str) -> bool {
        value.split(['/', '.', ':']).any(|part| self.words.contains(&part.as_bytes()))
    }
}

/// `data.csv`, `x/data.tar.gz`: an extension and no blanks.
fn is_file_name(value: &str) -> bool {
    let name = value.rsplit('/').next().unwrap_or(value);
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    value.len() < MAX_FILE_NAME
        && !stem.is_empty()
        && !extension.is_empty()
        && extension.bytes().all(|c| c.is_ascii_alphanumeric())
        && name.bytes().any(|c| c.is_ascii_alphabetic())
        && !value.contains(char::is_whitespace)
}

/// `a.b` and `.b`: at least two parts, all but the leading ones identifiers.
fn is_dotted(value: &str) -> bool {
    let is_name = |part: &str| {
        part.chars().all(|c| c.is_alphanumeric() || c == '_') && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    let name = value.trim_start_matches('.');
    value.contains('.') && name.split('.').all(|part| !part.is_empty() && is_name(part))
}

/// The references found so far, each with its offset in the text.
struct Found<'a> {
    wanted: Wanted<'a>,
    at: Vec<(usize, Target)>,
}

impl Found<'_> {
    fn import(&mut self, offset: usize, level: u32, module: &str, names: Vec<String>) {
        if self.wanted.import(module, &names) {
            self.at.push((offset, Target::Import { level, module: module.to_owned(), names }));
        }
    }

    fn literal(&mut self, offset: usize, value: &str) {
        if self.wanted.literal(value) {
            self.at.push((offset, Target::Literal(value.to_owned())));
        }
    }
}
