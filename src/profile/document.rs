//! A profile's TOML as written: each key's value and its place, before any name is looked up. All mistakes of a text are
//! collected, so that `slim profiles check` can report them at once.

use std::ops::Range;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::error::{At, Located, ProfileError, Source, Text};
use super::{Action, Bytecode, DpkgPaths, External, Guard, LEVELS, Risk, packages};
use crate::elf::Level;

mod protect;
mod reader;
mod reading;
mod special;
mod transform;

use reader::{Key, kind};
pub(crate) use reader::{Reader, Value, in_order};
pub(super) use reading::RawReading;

/// One profile file.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) description: String,
    pub(super) extends: Vec<Text>,
    pub(super) enable: Vec<Text>,
    pub(super) rules: Vec<RawRule>,
    pub(super) protects: Vec<RawProtect>,
    pub(super) sets: Vec<(Text, Vec<Text>)>,
    pub(super) choices: Vec<RawChoice>,
}

/// A `[[when]]`.
#[derive(Clone, Debug)]
pub(super) struct RawChoice {
    pub(super) paths: Vec<Text>,
    pub(super) os: Vec<Text>,
    pub(super) uses: Vec<Text>,
}

/// A `[[rule]]`.
#[derive(Clone, Debug)]
pub(super) struct RawRule {
    pub(super) id: Text,
    pub(super) about: Option<Text>,
    pub(super) action: Action,
    pub(super) paths: Vec<Text>,
    pub(super) except: Vec<Text>,
    pub(super) risk: Option<Risk>,
    pub(super) guard: Option<Guard>,
    pub(super) reading: RawReading,
    pub(super) level: Option<Level>,
    pub(super) packages: packages::Raw,
    pub(super) dpkg: DpkgPaths,
    pub(super) bytecode: Option<Bytecode>,
    pub(super) external: Option<External>,
}

/// An entry of `[protect] paths`.
#[derive(Clone, Debug)]
pub(super) struct RawProtect {
    pub(super) path: Text,
    pub(super) reason: Option<String>,
    pub(super) except: Vec<Text>,
    pub(super) links: bool,
    pub(super) owned: bool,
    pub(super) content: bool,
}

/// The size in bytes of the largest text that is read: no profile is longer, and a parser needs many times the size of its
/// input.
const MAX_TEXT: usize = 1 << 20;

/// The most errors that are reported for one file: more are consequences of the first ones. (Finding a line takes time, too.)
pub(super) const MAX_ERRORS: usize = 50;

impl Document {
    /// Reads `source`; mistakes are added to `errors`, and the correct parts are returned.
    pub(super) fn parse(source: &Rc<Source>, errors: &mut Vec<ProfileError>) -> Self {
        parse(source, errors, |reader, table| reader.document(table)).unwrap_or_default()
    }
}

/// Parses a text as TOML and reads it with `read`; returns `None` if it is not TOML.
pub(crate) fn parse<T>(
    source: &Rc<Source>,
    errors: &mut Vec<ProfileError>,
    read: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> T,
) -> Option<T> {
    let mut reader = Reader { source, errors };
    if source.text.len() > MAX_TEXT {
        reader.error(0..0, format!("the text has {} bytes, more than {MAX_TEXT}", source.text.len()));
        return None;
    }
    let (table, syntax) = DeTable::parse_recoverable(&source.text);
    if syntax.is_empty() {
        return Some(read(&mut reader, table.get_ref()));
    }
    for e in &syntax {
        let message = format!("not TOML: {}", e.message());
        reader.error(e.span().unwrap_or(0..0), message);
    }
    None
}

const PROFILE_KEYS: [&str; 7] = ["description", "extends", "enable", "when", "rule", "protect", "sets"];
const RULE_KEYS: [&str; 8] = ["id", "about", "action", "paths", "except", "risk", "guard", "level"];
const WHEN_KEYS: [&str; 3] = ["paths", "os", "use"];

impl Reader<'_> {
    fn document(&mut self, table: &DeTable<'_>) -> Document {
        let mut out = Document::default();
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "description" => {
                    out.description = self.string("description", value).map_or_else(String::new, |d| d.value)
                }
                "extends" => out.extends = self.strings("extends", value),
                "enable" => out.enable = self.strings("enable", value),
                "rule" => {
                    let tables = self.array("rule", "`[[rule]]` tables", value);
                    out.rules = tables.into_iter().filter_map(|v| self.rule(v)).collect();
                }
                "when" => {
                    let tables = self.array("when", "`[[when]]` tables", value);
                    out.choices = tables.into_iter().map(|v| self.choice_of_profiles(v)).collect();
                }
                "protect" => {
                    for (key, value) in self.entries("protect", value) {
                        match key.get_ref().as_ref() {
                            "paths" => out.protects = self.protects(value),
                            other => self.unknown(key, other, "[protect]", &["paths"]),
                        }
                    }
                }
                "sets" => {
                    for (key, value) in self.entries("sets", value) {
                        let name = self.located(key.span(), key.get_ref().to_string());
                        let patterns = self.strings(key.get_ref(), value);
                        out.sets.push((name, patterns));
                    }
                }
                other => self.unknown(key, other, "a profile", &PROFILE_KEYS),
            }
        }
        out
    }

    fn choice_of_profiles(&mut self, value: &Value<'_>) -> RawChoice {
        let mut out = RawChoice { paths: Vec::new(), os: Vec::new(), uses: Vec::new() };
        let before = self.errors.len();
        for (key, value) in self.entries("when", value) {
            match key.get_ref().as_ref() {
                "paths" => out.paths = self.strings("paths", value),
                "os" => out.os = self.strings("os", value),
                "use" => out.uses = self.strings("use", value),
                other => self.unknown(key, other, "a `[[when]]`", &WHEN_KEYS),
            }
        }
        if self.errors.len() == before && ((out.paths.is_empty() && out.os.is_empty()) || out.uses.is_empty()) {
            let what = "a `[[when]]` needs `paths` that an image may have or an `os` that it may be of, and profiles to `use` then";
            self.error(value.span(), what);
        }
        out
    }

    fn rule(&mut self, value: &Value<'_>) -> Option<RawRule> {
        let (mut id, mut about, mut action, mut risk, mut guard) = (None, None, None, None, None);
        let (mut paths, mut except, mut level, mut how) = (None, None, None, Vec::new());
        let (mut packages, mut dpkg, mut special) = (packages::Raw::default(), DpkgPaths::default(), Vec::new());
        let (mut reading, mut asked) = (RawReading::default(), Vec::new());
        let before = self.errors.len();
        for (key, value) in self.entries("rule", value) {
            match key.get_ref().as_ref() {
                "id" => id = self.string("id", value).and_then(|t| self.rule_id(t)),
                "about" => about = self.string("about", value),
                "action" => action = self.choice("action", value, &Action::KNOWN),
                "risk" => risk = self.choice("risk", value, &Risk::KNOWN),
                "guard" => guard = Some((key, self.choice("guard", value, &Guard::KNOWN))),
                "level" => level = Some((key, self.choice("level", value, &LEVELS))),
                "paths" => paths = Some((key, self.strings("paths", value))),
                "except" => except = Some((key, self.strings("except", value))),
                name if special::is(name) => {
                    self.special(name, value, &mut packages, &mut dpkg);
                    special.push(key);
                }
                name if reading::KEYS.contains(&name) => {
                    self.reading(name, value, &mut reading);
                    asked.push(key);
                }
                other if transform::KEYS.contains(&other) => how.push((key, value)),
                other => {
                    let more = [&special::PACKAGE_KEYS[..], &special::DPKG_KEYS, &reading::KEYS, &transform::KEYS];
                    let known = [&RULE_KEYS[..], &more.concat()].concat();
                    self.unknown(key, other, "a rule", &known);
                }
            }
        }
        // A wrong key has been reported already; only a missing one must be reported here.
        if self.errors.len() == before {
            let shadowed_keys = [paths.as_ref().map(|p| p.0.span()), except.as_ref().map(|e| e.0.span())];
            self.whole(value.span(), id.is_some(), action, paths.is_some(), &shadowed_keys);
            if let Some((key, _)) = guard.as_ref().filter(|_| action != Some(Action::Drop)) {
                self.error(key.span(), "`guard` is for rules that drop");
            }
            if let Some((key, _)) = level.as_ref().filter(|_| action != Some(Action::Strip)) {
                self.error(key.span(), "`level` is for rules that strip");
            }
            self.special_keys(value.span(), action, &special, &packages);
            self.reading_keys(action, &asked);
            if let Some((key, _)) = paths.as_ref().filter(|_| action == Some(Action::RemovePackage)) {
                self.error(key.span(), "a rule about packages takes no `paths`: it has `packages`");
            }
        }
        let patterns = |p: Option<(&Key<'_>, Vec<Text>)>| p.map_or_else(Vec::new, |p| p.1);
        let (level, guard) = (level.and_then(|l| l.1), guard.and_then(|g| g.1));
        let (paths, except) = (patterns(paths), patterns(except));
        let how = self.how(action?, value.span(), &how);
        let (bytecode, external) = (how.bytecode, how.external);
        let (id, action) = (id?, action?);
        Some(RawRule {
            id,
            about,
            action,
            paths,
            except,
            risk,
            guard,
            reading,
            level,
            packages,
            dpkg,
            bytecode,
            external,
        })
    }

    /// Reports the keys that a rule lacks, and patterns if its action takes none.
    fn whole(
        &mut self,
        span: Range<usize>,
        id: bool,
        action: Option<Action>,
        paths: bool,
        keys: &[Option<Range<usize>>],
    ) {
        if !id {
            self.error(span.clone(), "a rule needs an `id`");
        }
        match action {
            None => {
                let known = names(&Action::KNOWN).join("`, `");
                self.error(span, format!("a rule needs an `action`: one of `{known}`"));
            }
            Some(Action::Drop) if !paths => self.error(span, "a rule that drops needs `paths`"),
            Some(Action::Strip) if !paths => self.error(span, "a rule that strips needs `paths`"),
            Some(action) if action.changes() && !paths => {
                self.error(span, format!("a rule with `action = \"{}\"` needs `paths`", action.name()));
            }
            Some(Action::DropShadowed) => {
                for key in keys.iter().flatten() {
                    self.error(
                        key.clone(),
                        "`drop-shadowed` takes no patterns: it is about all that later layers hide",
                    );
                }
            }
            Some(_) => {}
        }
    }

    /// Checks an id: ids go into reports and into lines of `--removed`, and are named by `--enable A,B`.
    fn rule_id(&mut self, id: Text) -> Option<Text> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if id.value == super::COMMAND_LINE {
            self.error(id.at.span, format!("`{}` is the id of what `--drop` asks for", id.value));
        } else if id.value.is_empty() || !id.value.chars().all(good) {
            self.error(id.at.span, "a rule's id is made of ASCII letters, digits, `-`, `_` and `.`");
        } else {
            return Some(id);
        }
        None
    }

    pub(crate) fn entries<'t, 'i>(&mut self, name: &str, value: &'t Value<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
        match value.get_ref() {
            DeValue::Table(table) => in_order(table),
            other => {
                self.wrong(name, "a table", value, other);
                Vec::new()
            }
        }
    }

    fn array<'t, 'i>(&mut self, name: &str, what: &str, value: &'t Value<'i>) -> Vec<&'t Value<'i>> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            other => {
                self.wrong(name, what, value, other);
                Vec::new()
            }
        }
    }

    pub(crate) fn strings(&mut self, name: &str, value: &Value<'_>) -> Vec<Text> {
        let items = self.array(name, "an array of strings", value);
        items.into_iter().filter_map(|item| self.string(name, item)).collect()
    }

    pub(crate) fn string(&mut self, name: &str, value: &Value<'_>) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(s) => Some(self.located(value.span(), s.to_string())),
            other => {
                self.wrong(name, "a string", value, other);
                None
            }
        }
    }

    pub(crate) fn choice<T: Copy>(&mut self, name: &str, value: &Value<'_>, known: &[(&str, T)]) -> Option<T> {
        let text = self.string(name, value)?;
        let found = known.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let words = names(known);
            let message = format!("unknown {name} `{}`: expected `{}`", text.value, words.join("`, `"));
            self.error_with(value.span(), message, |e| e.nearest(&text.value, words));
        }
        found.map(|(_, choice)| *choice)
    }

    pub(crate) fn unknown(&mut self, key: &Key<'_>, name: &str, of: &str, known: &[&str]) {
        self.error_with(key.span(), format!("unknown key `{name}` in {of}"), |e| {
            if of == "a rule" && PROFILE_KEYS.contains(&name) {
                e.help(format!("`{name}` is a key of the profile: move it above the first table"))
            } else {
                e.nearest(name, known.iter().copied())
            }
        });
    }

    fn wrong(&mut self, name: &str, expected: &str, value: &Value<'_>, found: &DeValue<'_>) {
        self.error(value.span(), format!("`{name}` must be {expected}, found {}", kind(found)));
    }

    pub(crate) fn error(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.error_with(span, message, |e| e);
    }

    /// Adds an error. All errors pass here, so that their number has a bound.
    pub(crate) fn error_with(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl FnOnce(ProfileError) -> ProfileError,
    ) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(help(self.located(span, ()).error(message)));
        }
    }

    fn located<T>(&self, span: Range<usize>, value: T) -> Located<T> {
        Located { value, at: At { source: Rc::clone(self.source), span } }
    }
}

fn names<'a, T>(known: &[(&'a str, T)]) -> Vec<&'a str> {
    known.iter().map(|(name, _)| *name).collect()
}
