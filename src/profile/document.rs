//! A profile's TOML as written: each key's value and its place, before any name is looked up. All mistakes of a text are
//! collected, so that `slim profiles check` can report them at once.

use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Risk;
use super::action::{KINDS, Kind, RawAction, RuleKeys};
use super::error::{ProfileError, Source, Text};
use super::reader::{Key, Reader, Value, in_order, kind, parse};

/// One profile file.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) description: String,
    pub(super) costs: String,
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
#[derive(Debug)]
pub(super) struct RawRule {
    pub(super) id: Text,
    pub(super) about: Option<Text>,
    pub(super) costs: Option<Text>,
    pub(super) action: Box<dyn RawAction>,
    pub(super) paths: Vec<Text>,
    pub(super) except: Vec<Text>,
    pub(super) risk: Option<Risk>,
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

impl Document {
    /// Reads `source`; mistakes are added to `errors`, and the correct parts are returned.
    pub(super) fn parse(source: &Rc<Source>, errors: &mut Vec<ProfileError>) -> Self {
        parse(source, errors, document).unwrap_or_default()
    }
}

const PROFILE_KEYS: [&str; 8] = ["description", "costs", "extends", "enable", "when", "rule", "protect", "sets"];
const RULE_KEYS: [&str; 7] = ["id", "about", "costs", "action", "paths", "except", "risk"];
const WHEN_KEYS: [&str; 3] = ["paths", "os", "use"];
const PROTECT_KEYS: [&str; 6] = ["path", "reason", "except", "links", "owned", "content"];

fn document(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Document {
    let mut out = Document::default();
    for (key, value) in in_order(table) {
        match key.get_ref().as_ref() {
            "description" => {
                out.description = reader.string("description", value).map_or_else(String::new, |d| d.value)
            }
            "costs" => out.costs = reader.string("costs", value).map_or_else(String::new, |c| c.value),
            "extends" => out.extends = reader.strings("extends", value),
            "enable" => out.enable = reader.strings("enable", value),
            "rule" => {
                let tables = reader.array("rule", "`[[rule]]` tables", value);
                out.rules = tables.into_iter().filter_map(|v| rule(reader, v)).collect();
            }
            "when" => {
                let tables = reader.array("when", "`[[when]]` tables", value);
                out.choices = tables.into_iter().map(|v| choice(reader, v)).collect();
            }
            "protect" => {
                for (key, value) in reader.entries("protect", value) {
                    match key.get_ref().as_ref() {
                        "paths" => out.protects = protects(reader, value),
                        other => reader.unknown(key, other, "[protect]", &["paths"]),
                    }
                }
            }
            "sets" => {
                for (key, value) in reader.entries("sets", value) {
                    let name = reader.located(key.span(), key.get_ref().to_string());
                    let patterns = reader.strings(key.get_ref(), value);
                    out.sets.push((name, patterns));
                }
            }
            other => reader.unknown(key, other, "a profile", &PROFILE_KEYS),
        }
    }
    out
}

/// Reads a `[[when]]`.
fn choice(reader: &mut Reader<'_>, value: &Value<'_>) -> RawChoice {
    let mut out = RawChoice { paths: Vec::new(), os: Vec::new(), uses: Vec::new() };
    let before = reader.mistakes();
    for (key, value) in reader.entries("when", value) {
        match key.get_ref().as_ref() {
            "paths" => out.paths = reader.strings("paths", value),
            "os" => out.os = reader.strings("os", value),
            "use" => out.uses = reader.strings("use", value),
            other => reader.unknown(key, other, "a `[[when]]`", &WHEN_KEYS),
        }
    }
    if reader.mistakes() == before && ((out.paths.is_empty() && out.os.is_empty()) || out.uses.is_empty()) {
        let what = "a `[[when]]` needs `paths` that an image may have or an `os` that it may be of, and profiles to `use` then";
        reader.error(value.span(), what);
    }
    out
}

/// Reads a `[[rule]]`: the keys that all rules have here, those of the action in the action's own module.
fn rule(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<RawRule> {
    let before = reader.mistakes();
    let entries = reader.entries("rule", value);
    let own = action_of(&entries);
    let mut action = own.map(|own| (own.begin)());
    let (mut id, mut about, mut costs, mut risk) = (None, None, None, None);
    let (mut paths, mut except) = (Vec::new(), Vec::new());
    let mut foreign = Vec::new();
    for &(key, value) in &entries {
        let name = key.get_ref().as_ref();
        if let (Some(own), Some(action)) = (own, &mut action)
            && own.keys.contains(&name)
        {
            action.read(reader, name, value);
            continue;
        }
        match name {
            "id" => id = reader.string("id", value).and_then(|t| rule_id(reader, t)),
            "about" => about = reader.string("about", value),
            "costs" => costs = reader.string("costs", value),
            "action" => _ = reader.choice("action", value, &KINDS.iter().map(|k| (k.name, ())).collect::<Vec<_>>()),
            "risk" => risk = reader.choice("risk", value, &Risk::KNOWN),
            "paths" => paths = reader.strings("paths", value),
            "except" => except = reader.strings("except", value),
            name => match Kind::with_key(name) {
                Some(other) => {
                    if other.seen_elsewhere {
                        (other.begin)().read(reader, name, value);
                    }
                    foreign.push((key, other));
                }
                None => unknown_key(reader, key, name),
            },
        }
    }
    // A wrong key has been reported already; only a missing one must be reported here, and those that do not go together.
    let whole = reader.mistakes() == before;
    let keys = RuleKeys::new(value.span(), &entries);
    if whole && id.is_none() {
        keys.error(reader, "a rule needs an `id`");
    }
    if whole && action.is_none() {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        keys.error(reader, format!("a rule needs an `action`: one of `{}`", known.join("`, `")));
    }
    for (key, other) in foreign.into_iter().filter(|(_, o)| if o.seen_elsewhere { whole } else { own.is_some() }) {
        reader.error(key.span(), format!("`{}` is for {}", key.get_ref(), other.rules));
    }
    if let Some(action) = action.as_ref().filter(|_| whole) {
        action.check(reader, &keys);
    }
    Some(RawRule { id: id?, about, costs, action: action?, paths, except, risk })
}

/// Returns the action of a rule, if it has one that is known: other keys may come before it.
fn action_of(entries: &[(&Key<'_>, &Value<'_>)]) -> Option<&'static Kind> {
    let (_, value) = entries.iter().find(|(key, _)| key.get_ref() == "action")?;
    Kind::named(value.get_ref().as_str()?)
}

fn unknown_key(reader: &mut Reader<'_>, key: &Key<'_>, name: &str) {
    if PROFILE_KEYS.contains(&name) {
        let help = format!("`{name}` is a key of the profile: move it above the first table");
        return reader.error_with(key.span(), format!("unknown key `{name}` in a rule"), |e| e.help(help));
    }
    let known: Vec<&str> = RULE_KEYS.iter().chain(KINDS.iter().flat_map(|kind| kind.keys)).copied().collect();
    reader.unknown(key, name, "a rule", &known);
}

/// Checks an id: ids go into reports and into lines of `--removed`, and are named by `--enable A,B`.
fn rule_id(reader: &mut Reader<'_>, id: Text) -> Option<Text> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if id.value == super::COMMAND_LINE {
        reader.error(id.at.span, format!("`{}` is the id of what `--drop` asks for", id.value));
    } else if id.value.is_empty() || !id.value.chars().all(good) {
        reader.error(id.at.span, "a rule's id is made of ASCII letters, digits, `-`, `_` and `.`");
    } else {
        return Some(id);
    }
    None
}

/// Reads the entries of `[protect]`: patterns alone, patterns with reasons, and tables with more.
fn protects(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<RawProtect> {
    let plain =
        |path| RawProtect { path, reason: None, except: Vec::new(), links: false, owned: false, content: false };
    match value.get_ref() {
        DeValue::Array(items) => {
            let one = |item| match Spanned::get_ref(item) {
                DeValue::Table(_) => protect(reader, item),
                _ => reader.string("paths", item).map(plain),
            };
            items.iter().filter_map(one).collect()
        }
        DeValue::Table(table) => {
            let mut out = Vec::new();
            for (key, value) in in_order(table) {
                let path = reader.located(key.span(), key.get_ref().to_string());
                let reason = reader.string(key.get_ref(), value).map(|r| r.value);
                out.push(RawProtect { reason, ..plain(path) });
            }
            out
        }
        other => {
            let found = kind(other);
            let what = format!("`paths` must be an array of patterns or a table of reasons, found {found}");
            reader.error(value.span(), what);
            Vec::new()
        }
    }
}

fn protect(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<RawProtect> {
    let (mut path, mut reason, mut except) = (None, None, Vec::new());
    let (mut links, mut owned, mut content) = (false, false, false);
    let before = reader.mistakes();
    for (key, value) in reader.entries("paths", value) {
        match key.get_ref().as_ref() {
            "path" => path = reader.string("path", value),
            "reason" => reason = reader.string("reason", value).map(|r| r.value),
            "except" => except = reader.strings("except", value),
            "links" => links = reader.boolean("links", value),
            "owned" => owned = reader.boolean("owned", value),
            "content" => content = reader.boolean("content", value),
            other => reader.unknown(key, other, "a protected path", &PROTECT_KEYS),
        }
    }
    if path.is_none() && reader.mistakes() == before {
        reader.error(value.span(), "a protected path needs a `path`");
    }
    Some(RawProtect { path: path?, reason, except, links, owned, content })
}
