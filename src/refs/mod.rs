//! The references of kept files: the facts behind the guard, which lets no rule drop a file that a kept one needs. Each module
//! reads one kind of file, takes bytes and returns facts; none knows of trees, rules or the host.
//!
//! Source text is read by small lexers and not by parsers: an import and a string are known by their tokens alone, so a file
//! with syntax errors, of another version of the language or made to overflow a stack is read like any other, at
//! some hundred megabytes a second.

mod bytes;
mod collect;
pub mod digests;
pub mod elf;
pub mod javascript;
mod lines;
pub mod lists;
mod literal;
pub mod maps;
mod meaning;
pub mod needed;
mod needles;
mod object;
pub mod paths;
pub mod pyc;
pub mod python;
pub mod script;
pub mod signatures;
mod spelling;
pub mod syntax;

use std::borrow::Cow;

/// A reference of a file to a module or another file, if its literals tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The line it begins on, from 1.
    pub line: u32,
    /// The condition under which it is followed.
    pub when: When,
    /// The thing it refers to.
    pub target: Target,
}

/// The condition under which a reference is followed; if a file has the same reference several times, the first of these
/// counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// An import at the top of a file: everything that loads the file needs it.
    Always,
    /// An import under a condition: of the platform, of a version, of anything.
    Conditional,
    /// An import in a function, when that is called.
    Lazy,
    /// An import whose failure is caught.
    Optional,
    /// An import for type checkers alone.
    Typing,
    /// Anything else: a string that may name something.
    #[default]
    Mention,
}

/// The thing a [`Reference`] leads to. The caller finds out if it exists. In all texts `*` stands for a computed part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Python's `import a.b.c` or `from a.b import c`.
    Import {
        /// The number of leading dots; 0 is an absolute import.
        level: u32,
        /// The dotted path, empty in `from . import x`.
        module: Box<str>,
        /// The imported names with commas between them, each of which may be a module below `module`; empty for `import`.
        names: Box<str>,
    },
    /// A string that may name a module (`pkg.tests.x`, also relative as `.tests`), an entry point (`pkg.tests:main`), a path
    /// (`tests/data.csv`), a file (`data.csv`, `grammar*.txt`), or a kind of files (`.ttf`, `*.rst`).
    Text(Box<str>),
    /// A path that is put together of strings, or a string in a place where paths are: `os.path.join(here, "tests", "x")`.
    Join(Box<str>),
    /// `lazy_loader.attach_stub`: the type stub beside the file is read when it is imported.
    Stub,
    /// JavaScript's `require("x")`, `import "x"` and the like: a relative path or a package's name with more below it.
    Require(Box<str>),
    /// A path in full: absolute, or with `~/` or one variable (`$NAME/rest`) before it.
    Path(Box<str>),
    /// A program that rules ask for, by its name.
    Command(Box<str>),
    /// A package or module whose test suite is run, as a dotted name.
    Suite(Box<str>),
    /// The test suites of the file's package, which a program that loads this file finds by itself: unittest's `load_tests`.
    Suites,
    /// A language that is set: `de_DE.UTF-8`.
    Language(Box<str>),
    /// A library that is loaded by name: `libz.so`, or `z`.
    Library(Box<str>),
    /// A text domain, whose catalogues are opened.
    Domain(Box<str>),
    /// The source map of a script or style, relative to it.
    Map(Box<str>),
}

impl Reference {
    /// Returns roughly the number of bytes of memory that this takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let text = match &self.target {
            Target::Import { module, names, .. } => module.len() + names.len(),
            Target::Text(text)
            | Target::Join(text)
            | Target::Require(text)
            | Target::Path(text)
            | Target::Command(text)
            | Target::Suite(text)
            | Target::Language(text)
            | Target::Library(text)
            | Target::Domain(text)
            | Target::Map(text) => text.len(),
            Target::Stub | Target::Suites => 0,
        };
        // The overhead of an allocator for each of two small texts.
        size_of::<Self>() + text + 32
    }
}

/// Returns the text of a file; bytes that are not UTF-8 become U+FFFD.
fn text(source: &[u8]) -> Cow<'_, str> {
    // Nearly every file is UTF-8, and checking that first is several times as fast.
    std::str::from_utf8(source).map_or_else(|_| String::from_utf8_lossy(source), Cow::Borrowed)
}
