//! The rules of lint, from `profiles/lint.toml`: the kinds of findings and their severities, the patterns of secrets and
//! archives, and the modules that interpreters bring along.

use super::Severity;
use crate::refs::signatures::{Signatures, Wanted};
use bstr::ByteSlice;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};

const BUILTIN: &str = include_str!("../../../profiles/lint.toml");

/// A kind of findings.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The id of the kind.
    pub id: String,
    /// A description.
    pub about: String,
    /// A suggestion for mending it.
    pub help: String,
    /// The severity in each case.
    pub cases: BTreeMap<String, Severity>,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

/// A secret as it is written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) what: String,
    pub(super) severity: Severity,
    #[serde(default)]
    pub(super) paths: Vec<String>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default = "unlimited")]
    most: u64,
    #[serde(default)]
    pub(super) parent: bool,
}

fn unlimited() -> u64 {
    u64::MAX
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    pub(super) what: String,
    paths: Vec<String>,
    #[serde(default)]
    pub(super) least: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    severity: Severity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Links {
    outside: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Python {
    system: Vec<String>,
    builtin: Vec<String>,
    foreign: Vec<String>,
    stand_ins: HashMap<String, String>,
    marker: String,
    extensions: String,
    environment: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    programs: Vec<String>,
    files: Vec<String>,
    except: Vec<String>,
    builtin: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    finding: Vec<Kind>,
    secret: Vec<Secret>,
    archive: Vec<Archive>,
    environment: Environment,
    links: Links,
    python: Python,
    node: Node,
}

/// The meaning of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    /// A secret whatever its content, by index.
    Secret(usize),
    /// An archive, by index.
    Archive(usize),
}

/// The imports that need no file.
pub(super) struct PythonRules {
    /// Patterns of files that are no applications.
    pub(super) system: GlobSet,
    /// Modules that no file has.
    pub(super) known: HashSet<String>,
    /// For a module without a file of its own, the module that provides it.
    pub(super) stand_ins: HashMap<String, String>,
    /// The file that every directory of the interpreter's own modules has.
    pub(super) marker: String,
    /// The directory in those directories that has the interpreter's modules in C.
    pub(super) extensions: String,
    /// The file at the root of a virtual environment.
    pub(super) environment: String,
}

/// The JavaScript files that are checked.
pub(super) struct NodeRules {
    pub(super) programs: Vec<String>,
    pub(super) files: GlobSet,
    pub(super) except: GlobSet,
    pub(super) builtin: HashSet<String>,
}

/// The rules, compiled.
pub struct Rules {
    kinds: Vec<Kind>,
    notes: Vec<GlobSet>,
    except: Vec<GlobSet>,
    pub(super) secrets: Vec<Secret>,
    pub(super) archives: Vec<Archive>,
    /// For each signature, the index of its secret.
    marked: Vec<usize>,
    names: GlobSet,
    named: Vec<Named>,
    /// The severity of a secret in the config.
    pub(super) in_config: Severity,
    /// Directories that links may point into without anything there.
    pub(super) outside: Vec<String>,
    pub(super) python: PythonRules,
    pub(super) node: NodeRules,
}

fn set(globs: &[String]) -> Result<GlobSet, String> {
    let mut out = GlobSetBuilder::new();
    for glob in globs {
        out.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(|e| e.to_string())?);
    }
    out.build().map_err(|e| e.to_string())
}

impl Rules {
    /// Returns the built-in rules.
    ///
    /// # Errors
    /// Returns a sentence if the text is wrong, which a test rules out.
    pub fn builtin() -> Result<Self, String> {
        Self::parse(BUILTIN)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut globs = Vec::new();
        let mut named = Vec::new();
        let mut marked = Vec::new();
        for (index, secret) in file.secret.iter().enumerate() {
            if secret.content.is_some() {
                marked.push(index);
                continue;
            }
            globs.extend(secret.paths.iter().cloned());
            named.resize(globs.len(), Named::Secret(index));
        }
        for (index, archive) in file.archive.iter().enumerate() {
            globs.extend(archive.paths.iter().cloned());
            named.resize(globs.len(), Named::Archive(index));
        }
        let File { environment, python, node, .. } = file;
        Ok(Self {
            notes: file.finding.iter().map(|kind| set(&kind.notes)).collect::<Result<_, _>>()?,
            except: file.finding.iter().map(|kind| set(&kind.except)).collect::<Result<_, _>>()?,
            kinds: file.finding,
            secrets: file.secret,
            archives: file.archive,
            marked,
            names: set(&globs)?,
            named,
            in_config: environment.severity,
            outside: file.links.outside,
            python: PythonRules {
                system: set(&python.system)?,
                known: python.builtin.into_iter().chain(python.foreign).collect(),
                stand_ins: python.stand_ins,
                marker: python.marker,
                extensions: python.extensions,
                environment: python.environment,
            },
            node: NodeRules {
                programs: node.programs,
                files: set(&node.files)?,
                except: set(&node.except)?,
                builtin: node.builtin.into_iter().collect(),
            },
        })
    }

    /// Returns all kinds of findings, in the order of the file.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Returns a kind by its id.
    #[must_use]
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// Returns the signatures that the scan looks for in contents.
    ///
    /// # Errors
    /// Returns a sentence if the text is wrong, which a test rules out.
    pub fn signatures(&self) -> Result<Signatures, String> {
        let wanted = |&index: &usize| {
            let secret = &self.secrets[index];
            Wanted { paths: &secret.paths, content: secret.content.as_deref().unwrap_or_default(), most: secret.most }
        };
        Signatures::new(&self.marked.iter().map(wanted).collect::<Vec<_>>())
    }

    /// Returns the severity of a finding of a kind at this path; `None` if it is no finding there.
    pub(super) fn severity(&self, id: &str, case: &str, path: &[u8]) -> Option<Severity> {
        let index = self.kinds.iter().position(|kind| kind.id == id)?;
        let severity = self.kinds[index].cases.get(case).copied().unwrap_or(Severity::Warning);
        self.at(index, severity, path)
    }

    /// Returns a severity, lowered if the kind says so for the path.
    pub(super) fn softened(&self, id: &str, severity: Severity, path: &[u8]) -> Option<Severity> {
        self.at(self.kinds.iter().position(|kind| kind.id == id)?, severity, path)
    }

    fn at(&self, kind: usize, severity: Severity, path: &[u8]) -> Option<Severity> {
        let path = path.to_path_lossy();
        if self.except[kind].is_match(&path) {
            return None;
        }
        Some(if self.notes[kind].is_match(&path) { Severity::Note } else { severity })
    }

    /// Returns the first secret that a file's content shows, by the signatures that the scan found.
    pub(super) fn marked(&self, signatures: u64) -> Option<usize> {
        self.marked.get(signatures.trailing_zeros() as usize).copied()
    }

    /// Returns the meaning of a file's name alone; `found` is a buffer for the globs that match.
    pub(super) fn named(&self, path: &[u8], found: &mut Vec<usize>) -> Option<Named> {
        self.names.matches_candidate_into(&globset::Candidate::from_bytes(path), found);
        found.first().map(|&glob| self.named[glob])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_say_what_they_are() {
        let rules = Rules::builtin().unwrap();
        assert!(rules.kinds.iter().all(|k| !k.about.is_empty() && k.help.ends_with('.')));
        rules.signatures().unwrap();
        assert!(Rules::parse("finding = []").is_err());
    }

    #[test]
    fn paths_soften_and_excuse() {
        let rules = Rules::builtin().unwrap();
        let at = |path: &str| rules.softened("secret", Severity::Error, path.as_bytes());
        assert_eq!(at("app/key.pem"), Some(Severity::Error));
        assert_eq!(at("usr/lib/python3/dist-packages/x/tests/key.pem"), Some(Severity::Note));
        assert_eq!(at("app/.env.example"), None);
        assert_eq!(rules.severity("missing-import", "application", b"app/x.py"), Some(Severity::Error));
        assert_eq!(rules.severity("missing-import", "application", b"app/tests/test_x.py"), Some(Severity::Note));
        assert_eq!(rules.severity("no-such-kind", "x", b"app"), None);
    }

    #[test]
    fn names_alone_tell_some() {
        let rules = Rules::builtin().unwrap();
        let named = |path: &str| {
            rules.named(path.as_bytes(), &mut Vec::new()).map(|named| match named {
                Named::Secret(index) => rules.secrets[index].what.as_str(),
                Named::Archive(index) => rules.archives[index].what.as_str(),
            })
        };
        assert_eq!(named("wheels/a.whl"), Some("Python wheel"));
        assert_eq!(named("app/.env"), Some("an environment file"));
        assert_eq!(named("a/b.tar.gz"), Some("archive"));
        assert_eq!(named("app/main.py"), None);
    }
}
