//! Source texts and their references. Reading one takes long enough to hand it to another thread, since the largest layer is
//! framed by a single one.

use super::{Flags, Needs};
use crate::path;
use crate::refs::script::Shebang;
use crate::refs::syntax::Syntax;
use crate::refs::{Reference, javascript, lists, maps, python};
use crate::tar::Member;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The size in bytes of the largest text whose references are looked for: larger ones are generated data.
const MAX: u64 = 16 << 20;

/// The kind of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Text {
    Python,
    /// A stub, by which Python code may load its modules if it imports from its own directory. Source:
    /// <https://scientific-python.org/specs/spec-0001/>.
    Stub,
    JavaScript,
    /// Python outside of packages: the application's own code, all of which is searched.
    OwnPython,
    OwnJavaScript,
    PackageJson,
    EntryPoints,
    Pth,
    LoaderDirs,
    /// A style, which can only name its source map.
    Style,
    /// Any other text that may name a path.
    Plain(Syntax),
    /// A program or library as a whole, whose data may name one.
    Object,
    /// A program or library of Windows or .NET, whose strings may have two bytes for each character.
    Portable,
}

impl Text {
    /// Returns the kind of a file, if its references are asked for; `head` are its first bytes.
    pub(super) fn of(member: &Member, shebang: Option<&Shebang>, head: &[u8], needs: &Needs) -> Option<Self> {
        if member.stored > MAX {
            return None;
        }
        let source = if needs.any(Flags::PYTHON) { Self::source(&member.path, shebang, needs) } else { None };
        let source = source.map(|text| if path::is_own(&member.path) { text.own() } else { text });
        source.or_else(|| {
            needs.search.as_ref().and_then(|_| super::plain::syntax(member, shebang, head)).map(Self::Plain)
        })
    }

    /// Returns the kind of a file by its first bytes, if it is a program or library whose data are searched: ELF, a class of
    /// Java, or a format that .NET and Windows load.
    pub(super) fn of_program(head: &[u8]) -> Option<Self> {
        let object = head.starts_with(b"\x7fELF") || head.starts_with(b"\xca\xfe\xba\xbe");
        object.then_some(Self::Object).or_else(|| head.starts_with(b"MZ").then_some(Self::Portable))
    }

    /// True if it is searched as a program.
    pub(super) const fn is_program(self) -> bool {
        matches!(self, Self::Object | Self::Portable)
    }

    /// Returns the kind for a file that is the application's own.
    const fn own(self) -> Self {
        match self {
            Self::Python => Self::OwnPython,
            Self::JavaScript => Self::OwnJavaScript,
            other => other,
        }
    }

    /// Returns the kind of the file at this path, if it is a source text or a list of modules.
    fn source(path: &[u8], shebang: Option<&Shebang>, needs: &Needs) -> Option<Self> {
        let name = path::split(path).1;
        match path::extension(name) {
            b"py" | b"pyw" => return Some(Self::Python),
            b"pyi" => return Some(Self::Stub),
            b"pth" => return Some(Self::Pth),
            b"txt" if name == b"entry_points.txt" => return Some(Self::EntryPoints),
            b"json" if name == b"package.json" && needs.any(Flags::OTHERS) => return Some(Self::PackageJson),
            b"js" | b"mjs" | b"cjs" | b"jsx" | b"ts" | b"mts" | b"cts" | b"tsx" if needs.any(Flags::OTHERS) => {
                let types = [&b".d.ts"[..], b".d.mts", b".d.cts"].iter().any(|end| name.ends_with(end));
                return (!types).then_some(Self::JavaScript);
            }
            b"css" if needs.maps() => return Some(Self::Style),
            b"conf"
                if needs.any(Flags::OTHERS)
                    && (path == b"etc/ld.so.conf" || path.starts_with(b"etc/ld.so.conf.d/")) =>
            {
                return Some(Self::LoaderDirs);
            }
            _ => {}
        }
        let program = |wanted: &[u8]| {
            shebang.is_some_and(|s| {
                path::split(&s.interpreter).1.starts_with(wanted)
                    || Shebang::env_program(s).is_some_and(|p| path::split(&p).1.starts_with(wanted))
            })
        };
        // A long path to an interpreter is behind a shell: pip writes `#!/bin/sh` and `'''exec' /long/path/python`.
        if program(b"python") || program(b"pypy") {
            Some(Self::Python)
        } else {
            (needs.any(Flags::OTHERS) && program(b"node")).then_some(Self::JavaScript)
        }
    }

    /// Returns the references of Python code, and the text domains that it opens; in an application's own code any string may
    /// be one.
    fn python(text: &[u8], words: &[Vec<u8>], own: bool) -> Vec<Reference> {
        let mut found = python::references(text, words);
        found.extend(python::domains(text, &found, own));
        found
    }

    fn references(self, text: &[u8], needs: &Needs) -> Vec<Reference> {
        let words = &needs.words;
        let search = needs.search.as_deref();
        match self {
            Self::Python => Self::python(text, words, false),
            Self::Stub if python::imports_from_beside(text) => python::references(text, words),
            Self::Stub => Vec::new(),
            Self::JavaScript => {
                let mut found = javascript::references(text, words);
                if needs.maps() {
                    found.extend(maps::references(text));
                }
                found
            }
            Self::OwnPython => {
                let mut found = Self::python(text, words, true);
                found.extend(search.map(|search| search.references(text, Syntax::Shell)).unwrap_or_default());
                found
            }
            Self::OwnJavaScript => {
                let mut found = Self::JavaScript.references(text, needs);
                found.extend(search.map(|search| search.references(text, Syntax::Slashes)).unwrap_or_default());
                found
            }
            Self::Style => maps::references(text),
            Self::Plain(syntax) => search.map(|search| search.references(text, syntax)).unwrap_or_default(),
            // Reading from memory does not fail.
            Self::Object => {
                let data = search.zip(super::data::held(text));
                data.and_then(|(search, data)| search.object(data).ok()).unwrap_or_default()
            }
            Self::Portable => search.and_then(|search| search.portable(|| Some(text)).ok()).unwrap_or_default(),
            Self::PackageJson => {
                let mut found = javascript::package(text);
                // The scripts in it are commands.
                found.extend(search.map(|search| search.references(text, Syntax::Data)).unwrap_or_default());
                found
            }
            Self::EntryPoints => lists::entry_points(text),
            Self::Pth => lists::pth(text),
            Self::LoaderDirs => lists::loader_dirs(text),
        }
    }
}

/// The references of texts, by their content: a virtual environment that is copied from stage to stage, a vendored package or
/// an `__init__.py` with only a licence is read once in a run. The references depend on the content alone: relative imports are
/// resolved at the place of the text, and that is the plan's work. Equal texts share one list, so beside the lists only the
/// hashes take memory. They are 128 bits of XXH3, which takes an eighth of the time of SHA-256. Each run has a seed of its own,
/// so that nobody can prepare two texts that are taken for one.
#[derive(Debug)]
pub(super) struct Parsed {
    seed: u64,
    known: Mutex<HashMap<(Text, u128), Found>>,
}

impl Default for Parsed {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(0), known: Mutex::default() }
    }
}

/// The references of a text.
pub(super) type Found = Arc<[Reference]>;

/// The memory in bytes, roughly, that an entry of [`Parsed`] takes beside its list.
const ENTRY: usize = 64;

impl Parsed {
    /// Returns the references of a text, and the number of bytes of memory that are newly taken for them.
    pub(super) fn references(&self, text: Text, bytes: &[u8], needs: &Needs) -> (Found, usize) {
        let key = (text, xxh3_128_with_seed(bytes, self.seed));
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return (Arc::clone(known), 0);
        }
        // Two threads may read equal texts at the same time: they find the same.
        let found: Found = text.references(bytes, needs).into();
        let memory = ENTRY + found.iter().map(Reference::memory).sum::<usize>();
        lock().insert(key, Arc::clone(&found));
        (found, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refs::script;

    #[test]
    fn equal_texts_are_read_once_for_each_kind() {
        let parsed = Parsed::default();
        let needs = Needs::default();
        let read = |text, bytes: &[u8]| parsed.references(text, bytes, &needs);
        let text = b"import a.b";
        let (first, memory) = read(Text::Python, text);
        assert!(first.len() == 1 && memory > ENTRY);
        let (second, memory) = read(Text::Python, text);
        assert!(Arc::ptr_eq(&first, &second) && memory == 0);
        assert!(!Arc::ptr_eq(&first, &read(Text::Pth, text).0));
        assert!(!Arc::ptr_eq(&first, &read(Text::Python, b"import a.c").0));
    }

    #[test]
    fn texts_are_told_by_name_and_by_interpreter() {
        let all = Needs::of(Flags::PYTHON | Flags::OTHERS);
        let python = Needs::of(Flags::PYTHON);
        let of = |path: &str, head: &str, needs: &Needs| {
            let needs = if needs.any(Flags::PYTHON) { needs } else { return None };
            Text::source(path.as_bytes(), script::shebang(head.as_bytes()).as_ref(), needs)
        };
        for (path, head, wanted, of_python) in [
            ("a/b.py", "", Some(Text::Python), true),
            ("a/b.pyi", "", Some(Text::Stub), true),
            ("bin/x", "#!/usr/bin/python3.11\n", Some(Text::Python), true),
            ("bin/x", "#!/usr/bin/env python3\n", Some(Text::Python), true),
            ("bin/x", "#!/bin/sh\n", None, false),
            ("bin/x", "#!/usr/bin/env node\n", Some(Text::JavaScript), false),
            ("a/b.mjs", "", Some(Text::JavaScript), false),
            ("a/b.d.ts", "", None, false),
            ("a/b.ts", "", Some(Text::JavaScript), false),
            ("a/package.json", "", Some(Text::PackageJson), false),
            ("a/x.json", "", None, false),
            ("x.dist-info/entry_points.txt", "", Some(Text::EntryPoints), true),
            ("x/y.pth", "", Some(Text::Pth), true),
            ("etc/ld.so.conf.d/x.conf", "", Some(Text::LoaderDirs), false),
        ] {
            assert_eq!(of(path, head, &all), wanted, "{path}");
            assert_eq!(of(path, head, &python), wanted.filter(|_| of_python), "{path}");
            assert_eq!(of(path, head, &Needs::default()), None, "{path}");
        }
    }
}
