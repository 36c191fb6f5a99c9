//! The action `drop`: removes paths. Its keys say which files may veto that, which programs may read the paths, and under which
//! conditions a path is taken at all: everything that patterns alone can't express.

use super::settings::{RuleKeys, Settings, Written};
use crate::profile::error::Text;
use crate::profile::lines::{flags, globs, line, list, quote};
use crate::profile::pattern::{Glob, Lookup};
use crate::profile::reader::{Reader, Value, name_of};

/// The settings of a rule with `action = "drop"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropping {
    /// The guard that is asked before a path is dropped.
    pub guard: Guard,
    /// The programs that may read what it drops, and the conditions under which it drops.
    pub reading: Reading,
    /// The configuration that dpkg gets if the rule took something.
    pub dpkg: DpkgPaths,
}

/// The guard of a rule: the files that may veto it, path by path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// All files that stay: the imports and names in source texts, and the libraries that objects need.
    #[default]
    References,
    /// Kept Python code, and every file that names a path in full. A directory that the rule names counts only if it is Python
    /// code itself.
    Python,
    /// Every file that names a path in full: scripts, configuration, the image's config, programs, and code in any language.
    Paths,
    /// No file.
    None,
}

/// The guards by their names in a profile.
const GUARDS: [(&str, Guard); 4] =
    [("references", Guard::References), ("python", Guard::Python), ("paths", Guard::Paths), ("none", Guard::None)];

/// Patterns for dpkg, so that packages installed later come without the paths that a rule drops: `path-exclude` and
/// `path-include` of dpkg(1). `{language}` in the latter stands for each language that the image's environment asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DpkgPaths {
    /// Paths that dpkg does not unpack.
    pub exclude: Vec<String>,
    /// Paths among these that dpkg does unpack.
    pub include: Vec<String>,
}

/// A dropping rule's statements about files that may read its paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Programs by name. If the config or a script that stays runs one, everything that the rule names stays.
    pub read_by: Vec<String>,
    /// Paths of programs that follow `sourceMappingURL`. If one of them stays, the source maps that a script or style which
    /// stays names in the rule's paths stay, too.
    pub mapped_by: Vec<Glob>,
    /// Python modules. A package with a file that imports one of them keeps everything that the rule names in it.
    pub imported_with: Vec<String>,
    /// Files whose references are ignored when they name a path: they only show it to people, or clean up there.
    pub deaf: Vec<Glob>,
    /// The name that a file must have beside the one that is taken, and which must not be older; `{stem}` stands for the taken
    /// file's own name without its extension.
    pub beside: Option<String>,
    /// True to take a file only if a package manager lists it; without any such list in the image all are taken.
    pub owned: bool,
    /// True if applications also live in these paths: if a file there is named, its whole directory stays, and so does a
    /// directory with an owner or a mode of its own.
    pub homes: bool,
    /// A program that names the rule's directory holds the files there that have the program's name.
    pub namesakes: bool,
}

impl Reading {
    /// The word that stands for a file's name without its extension in [`Reading::beside`].
    pub const STEM: &str = "{stem}";

    /// Returns the name that must lie beside a file of this name.
    #[must_use]
    pub fn neighbour(&self, name: &[u8]) -> Option<Vec<u8>> {
        let beside = self.beside.as_ref()?;
        let stem = memchr::memrchr(b'.', name).filter(|at| *at > 0).map_or(name, |at| &name[..at]);
        Some(match beside.split_once(Self::STEM) {
            Some((before, after)) => [before.as_bytes(), stem, after.as_bytes()].concat(),
            None => beside.clone().into_bytes(),
        })
    }
}

/// The keys as written.
#[derive(Debug, Default)]
pub(in crate::profile) struct Raw {
    settings: Dropping,
    mapped_by: Vec<Text>,
    deaf: Vec<Text>,
}

impl Settings for Dropping {
    const NAME: &'static str = "drop";
    const RULES: &'static str = "rules that drop";
    const KEYS: &'static [&'static str] = &[
        "guard",
        "read-by",
        "mapped-by",
        "imported-with",
        "deaf",
        "beside",
        "owned",
        "homes",
        "namesakes",
        "path-excludes",
        "path-includes",
    ];
    type Written = Raw;

    fn show(&self, patterns: &str) -> String {
        let Self { guard, reading, dpkg } = self;
        let mut out = String::new();
        line(&mut out, "guard", &quote(name_of(&GUARDS, *guard)));
        out.push_str(patterns);
        list(&mut out, "read-by", &reading.read_by);
        list(&mut out, "imported-with", &reading.imported_with);
        globs(&mut out, "mapped-by", &reading.mapped_by);
        globs(&mut out, "deaf", &reading.deaf);
        reading.beside.iter().for_each(|name| line(&mut out, "beside", &quote(name)));
        flags(&mut out, &[("owned", reading.owned), ("homes", reading.homes), ("namesakes", reading.namesakes)]);
        list(&mut out, "path-excludes", &dpkg.exclude);
        list(&mut out, "path-includes", &dpkg.include);
        out
    }
}

impl Written for Raw {
    type Settings = Dropping;

    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        let Dropping { guard, reading, dpkg } = &mut self.settings;
        match key {
            "guard" => *guard = reader.choice(key, value, &GUARDS).unwrap_or_default(),
            "read-by" => reading.read_by = reader.words(key, value),
            "mapped-by" => self.mapped_by = reader.strings(key, value),
            "imported-with" => reading.imported_with = reader.words(key, value),
            "deaf" => self.deaf = reader.strings(key, value),
            "beside" => reading.beside = neighbour(reader, value),
            "owned" => reading.owned = reader.boolean(key, value),
            "homes" => reading.homes = reader.boolean(key, value),
            "namesakes" => reading.namesakes = reader.boolean(key, value),
            "path-excludes" => dpkg.exclude = dpkg_paths(reader, key, value),
            _ => dpkg.include = dpkg_paths(reader, key, value),
        }
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        rule.needs_paths(reader, "a rule that drops");
    }

    fn resolve(self: Box<Self>, lookup: &mut Lookup<'_>) -> Option<Dropping> {
        let mut settings = self.settings;
        settings.reading.mapped_by = lookup.globs(&self.mapped_by);
        settings.reading.deaf = lookup.globs(&self.deaf);
        Some(settings)
    }
}

fn neighbour(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let text = reader.string("beside", value)?;
    if text.value.is_empty() || text.value.contains('/') {
        reader.error(text.at.span, "`beside` takes the name of a file in the same directory");
        return None;
    }
    Some(text.value)
}

/// Reads patterns for dpkg's configuration, one line each.
fn dpkg_paths(reader: &mut Reader<'_>, name: &str, value: &Value<'_>) -> Vec<String> {
    let texts = reader.strings(name, value);
    for text in texts.iter().filter(|t| !t.value.starts_with('/') || t.value.contains(char::is_control)) {
        reader.error(text.at.span.clone(), "a pattern for dpkg begins with a slash and is one line");
    }
    texts.into_iter().map(|t| t.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbour_has_the_stem() {
        let of = |beside: &str, name: &str| {
            let reading = Reading { beside: Some(beside.to_owned()), ..Reading::default() };
            String::from_utf8(reading.neighbour(name.as_bytes()).unwrap()).unwrap()
        };
        assert_eq!(of("{stem}.mo", "de.po"), "de.mo");
        assert_eq!(of("{stem}.mo", "a.b.po"), "a.b.mo");
        assert_eq!(of("x.{stem}", ".po"), "x..po");
        assert_eq!(of("package.json", "README.md"), "package.json");
        assert_eq!(Reading::default().neighbour(b"x"), None);
    }
}
