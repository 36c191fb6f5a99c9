//! Kinds of files: shared objects, bytecode, fonts… They are data, `profiles/kinds.toml`; a file is of the first kind that
//! names it.

use crate::tar::Member;
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

const BUILTIN: &str = include_str!("../../profiles/kinds.toml");

/// A kind as it is written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    /// A description for readers of the file.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    executable: bool,
    paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: Vec<Written>,
}

/// The kinds, compiled.
pub struct Kinds {
    written: Vec<Written>,
    globs: GlobSet,
    /// For each glob, the index of its kind.
    owners: Vec<usize>,
}

impl Kinds {
    /// Returns the built-in kinds.
    ///
    /// # Errors
    /// Returns a sentence if the text is wrong, which a test rules out.
    pub fn builtin() -> Result<Self, String> {
        Self::parse(BUILTIN)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut globs = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (index, kind) in file.kind.iter().enumerate() {
            for path in &kind.paths {
                globs.add(GlobBuilder::new(path).literal_separator(true).build().map_err(|e| e.to_string())?);
                owners.push(index);
            }
        }
        let globs = globs.build().map_err(|e| e.to_string())?;
        Ok(Self { written: file.kind, globs, owners })
    }

    /// Returns the index of a file's kind. `found` is a buffer for the globs that match.
    #[must_use]
    pub fn of(&self, member: &Member, found: &mut Vec<usize>) -> Option<usize> {
        self.globs.matches_candidate_into(&Candidate::from_bytes(&**member.path), found);
        let executable = member.meta.attrs.mode & 0o111 != 0;
        let kinds = found.iter().map(|&glob| self.owners[glob]);
        kinds.filter(|&kind| executable || !self.written[kind].executable).min()
    }

    /// Returns a kind's id: several may have the same.
    #[must_use]
    pub fn id(&self, kind: usize) -> &str {
        &self.written[kind].id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::{Attrs, Kind, Meta};

    fn kind(path: &str, mode: u32) -> String {
        let kinds = Kinds::builtin().unwrap();
        let member = Member {
            start: 0,
            stored: 0,
            head: 1,
            flag: b'0',
            global: false,
            path: Box::<[u8]>::from(path.as_bytes()).into(),
            kind: Kind::File,
            meta: Meta::from(Attrs { mode, ..Attrs::default() }),
            sparse: None,
        };
        kinds.id(kinds.of(&member, &mut Vec::new()).unwrap()).to_owned()
    }

    #[test]
    fn files_are_what_they_look_like() {
        for (path, mode, is) in [
            (
                "app/.venv/lib/python3.11/site-packages/numpy/_core/_multiarray.cpython-311-x86_64-linux-gnu.so",
                0o755,
                "shared objects",
            ),
            ("usr/lib/x86_64-linux-gnu/libc.so.6", 0o755, "shared objects"),
            ("usr/lib/python3.11/site-packages/numpy/tests/test_x.py", 0o644, "tests"),
            ("usr/lib/python3.11/os.py", 0o644, "Python sources"),
            ("usr/lib/python3.11/__pycache__/os.cpython-311.pyc", 0o644, "bytecode"),
            ("usr/bin/git", 0o755, "executables"),
            ("usr/lib/gcc/x86_64-linux-gnu/12/cc1", 0o755, "executables"),
            ("usr/lib/git-core/notes", 0o644, "system"),
            ("usr/include/stdio.h", 0o644, "headers"),
            ("usr/lib/libm.a", 0o644, "static libraries"),
            ("usr/share/doc/git/copyright", 0o644, "licences"),
            ("usr/share/doc/git/changelog.gz", 0o644, "documentation"),
            ("usr/share/locale/de/LC_MESSAGES/git.mo", 0o644, "locales"),
            ("var/lib/apt/lists/x", 0o644, "caches"),
            ("var/lib/dpkg/status", 0o644, "package databases"),
            ("wheels/pandas.whl", 0o644, "package archives"),
            ("app/node_modules/a/index.js", 0o644, "JavaScript"),
            ("app/node_modules/a/index.js.map", 0o644, "debug data"),
            ("app/node_modules/a/x.bin", 0o644, "data"),
            ("app/src/x.ttf", 0o644, "fonts"),
            ("app/src/x.png", 0o644, "media"),
            ("app/src/main.py", 0o755, "application"),
            ("entrypoint", 0o755, "application"),
            ("etc/passwd", 0o644, "system"),
        ] {
            assert_eq!(kind(path, mode), is, "{path}");
        }
    }

    #[test]
    fn every_kind_says_what_it_is() {
        let kinds = Kinds::builtin().unwrap();
        assert!(kinds.written.iter().all(|k| !k._about.is_empty() && !k.id.is_empty()));
        assert!(Kinds::parse("[[kind]]\nid = \"x\"\nabout = \"y\"\npaths = [\"[\"]\n").is_err());
    }
}
