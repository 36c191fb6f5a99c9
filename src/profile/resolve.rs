//! Turns texts into one [`Profile`]: follows `extends`, merges rules, sets and protections in order, looks up every name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;

use super::document::{Document, RawChoice, RawProtect, RawRule};
use super::error::{At, Located, ProfileError, Source, Text};
use super::pattern::{Lookup, Sets};
use super::reader::MAX_ERRORS;
use super::{
    Action, COMMAND_LINE, Choice, Dropping, Glob, Override, Profile, Protect, Request, Risk, Rule, builtin, vary,
};

type Read<'a> = &'a dyn Fn(&str) -> io::Result<String>;
/// Returns true if an image has one of these paths, or is of one of these distributions.
type Holds<'a> = &'a dyn Fn(&[Glob], &[String]) -> bool;

/// The most profiles in a chain in which each extends the next.
const MAX_CHAIN: usize = 32;
/// The most rules and the most protections: their indices are small numbers.
const MAX_ENTRIES: usize = 10_000;

/// Resolves the request of the command line, with all profiles that a `[[when]]` may bring. `read` returns the text of a
/// profile file; relative `extends` of a file are looked up beside it.
///
/// # Errors
/// Returns the mistakes in the texts, names and patterns: the first one, with the others in it.
pub fn resolve(request: &Request<'_>, read: Read<'_>) -> Result<Profile, ProfileError> {
    resolve_for(request, read, &|_, _| true)
}

/// Like [`resolve`], for an image: a `[[when]]` brings its profiles if `holds` returns true for its paths and distributions.
///
/// # Errors
/// Returns the mistakes in the texts, names and patterns: the first one, with the others in it.
pub fn resolve_for(request: &Request<'_>, read: Read<'_>, holds: Holds<'_>) -> Result<Profile, ProfileError> {
    let mut loader = Loader { overrides: request.overrides, ..Loader::new(read, holds) };
    for name in request.profiles {
        loader.load(&option("--profile", name), "");
    }
    loader.enable.extend(request.enable.iter().map(|id| option("--enable", id)));
    let mut profile = loader.finish(request);
    profile.names = request.profiles.to_vec();
    let mut errors = loader.errors.into_iter();
    match errors.next() {
        Some(first) => Err(ProfileError { more: errors.collect(), ..first }),
        None => Ok(profile),
    }
}

/// Returns all mistakes in a profile's text and in those it extends, in the order in which they are found.
pub fn check(file_name: &str, text: &str, read: Read<'_>) -> Vec<ProfileError> {
    let mut loader = Loader::new(read, &|_, _| true);
    loader.stack.push(identity(file_name));
    loader.add(file_name, text.to_owned());
    loader.finish(&Request::default());
    loader.errors
}

fn option(name: &str, value: &str) -> Text {
    Located { value: value.to_owned(), at: At::option(name, value) }
}

/// The state of the profiles that have been read so far.
struct Loader<'a> {
    read: Read<'a>,
    holds: Holds<'a>,
    errors: Vec<ProfileError>,
    /// The profiles that are being read, each extended by the one before.
    stack: Vec<String>,
    loaded: BTreeSet<String>,
    descriptions: Vec<String>,
    rules: Vec<(RawRule, String)>,
    /// For each rule the choice that brought it, if one did.
    branches: Vec<Option<usize>>,
    /// The choice whose profiles are being read.
    branch: Option<usize>,
    choices: Vec<Choice>,
    /// The ids of rules in profiles that no choice brought: it is no mistake to enable one of them.
    absent: BTreeSet<String>,
    /// The index in `rules` of each id's rule.
    index: BTreeMap<String, usize>,
    protects: Vec<(RawProtect, String)>,
    sets: Sets,
    enable: Vec<Text>,
    overrides: &'a [Override],
}

impl<'a> Loader<'a> {
    fn new(read: Read<'a>, holds: Holds<'a>) -> Self {
        let mut loader = Self {
            read,
            holds,
            errors: Vec::new(),
            stack: Vec::new(),
            loaded: BTreeSet::new(),
            descriptions: Vec::new(),
            rules: Vec::new(),
            branches: Vec::new(),
            branch: None,
            choices: Vec::new(),
            absent: BTreeSet::new(),
            index: BTreeMap::new(),
            protects: Vec::new(),
            sets: Sets::new(),
            enable: Vec::new(),
            overrides: &[],
        };
        loader.load(&option("built-in", builtin::BASE), "");
        loader
    }

    fn error(&mut self, error: ProfileError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// Loads the profile `name`, which is named by a file in the directory `dir` or on the command line, once.
    fn load(&mut self, name: &Text, dir: &str) {
        let path = if is_path(&name.value) { beside(dir, &name.value) } else { name.value.clone() };
        let identity = if is_path(&name.value) { identity(&path) } else { path.clone() };
        if self.stack.contains(&identity) {
            let way = self.stack.join(" -> ");
            self.error(name.error(format!("profiles extend each other: {way} -> {identity}")));
            return;
        }
        if self.stack.len() >= MAX_CHAIN {
            self.error(name.error(format!("more than {MAX_CHAIN} profiles that extend each other in a row")));
            return;
        }
        if self.loaded.contains(&identity) {
            return;
        }
        let Some(text) = self.text(name, &path) else { return };
        self.loaded.insert(identity.clone());
        self.stack.push(identity);
        self.add(&path, text);
        self.stack.pop();
    }

    fn text(&mut self, name: &Text, path: &str) -> Option<String> {
        if !is_path(&name.value) {
            let text = builtin::text(path);
            if text.is_none() {
                let e = name.error(format!("unknown profile `{path}`"));
                let file = format!("./{path}.toml");
                let there = (self.read)(&file).is_ok();
                let e = if there { e.help(format!("did you mean the file `{file}`?")) } else { e };
                self.error(e.nearest(path, builtin::names()));
            }
            return text.map(str::to_owned);
        }
        match (self.read)(path) {
            Ok(text) => Some(text),
            Err(e) => {
                let error = name.error(format!("cannot read the profile `{path}`: {e}"));
                let built_in = path.rsplit('/').next().and_then(|file| file.strip_suffix(".toml"));
                let built_in = built_in.filter(|name| builtin::names().any(|n| n == *name));
                self.error(match built_in {
                    Some(name) => error.help(format!("did you mean the built-in `{name}`?")),
                    None => error,
                });
                None
            }
        }
    }

    /// Reads a profile's text, then those it extends, then puts it on top of them.
    fn add(&mut self, name: &str, text: String) {
        let source = Rc::new(Source { name: name.to_owned(), text: vary::apply(text, self.overrides) });
        let mut errors = Vec::new();
        let document = Document::parse(&source, &mut errors);
        errors.into_iter().for_each(|e| self.error(e));
        let dir = name.rfind('/').map_or("", |i| &name[..=i]);
        for other in &document.extends {
            self.load(other, dir);
        }
        if self.stack.len() == 1 && !document.description.is_empty() && name != builtin::BASE {
            self.descriptions.push(document.description.clone());
        }
        for (set, patterns) in document.sets.clone() {
            self.merge_set(set, patterns);
        }
        for choice in &document.choices {
            self.choose(choice, dir);
        }
        self.merge(name, document);
    }

    /// Loads the profiles of a `[[when]]` if it holds.
    fn choose(&mut self, choice: &RawChoice, dir: &str) {
        let sets = std::mem::take(&mut self.sets);
        let paths = self.globs(&choice.paths, &sets);
        self.sets = sets;
        let texts = |list: &[Text]| list.iter().map(|text| text.value.clone()).collect::<Vec<String>>();
        let (os, uses) = (texts(&choice.os), texts(&choice.uses));
        let holds = (self.holds)(&paths, &os);
        self.choices.push(Choice { paths, os, uses, holds });
        if holds {
            let outer = self.branch.replace(self.choices.len() - 1);
            choice.uses.iter().for_each(|name| self.load(name, dir));
            self.branch = outer;
            return;
        }
        // Names that may be used all the same: sets in patterns, rules to enable.
        let mut other = Loader::new(self.read, &|_, _| true);
        choice.uses.iter().for_each(|name| other.load(name, dir));
        self.absent.extend(other.index.into_keys().chain(other.absent));
        for (name, set) in other.sets {
            self.sets.entry(name).or_insert(set);
        }
    }

    fn merge(&mut self, name: &str, document: Document) {
        let mut own: BTreeMap<String, At> = BTreeMap::new();
        for rule in document.rules {
            let id = &rule.id;
            if let Some(first) = own.insert(id.value.clone(), id.at.clone()) {
                let first = first.place().line;
                let e = id.error(format!("two rules with the id `{}`", id.value));
                self.error(e.help(format!("the first one is in line {first}")));
                continue;
            }
            let at = *self.index.entry(id.value.clone()).or_insert(self.rules.len());
            // Which of the two rules an image gets would depend on the image, but the image is scanned before that is known,
            // for both.
            if self.branch.is_some() && self.branches.get(at).is_some_and(|b| *b != self.branch) {
                let other = self.rules.get(at).map_or("", |r| &r.1);
                let e = id.error(format!(
                    "the rule `{}` is in `{other}` as well, which comes without this `[[when]]`",
                    id.value
                ));
                self.error(e.help("give it another id"));
                continue;
            }
            // A rule replaces one of the same id in a profile that it extends, and takes its place in the order.
            match self.rules.get_mut(at) {
                Some(slot) => *slot = (rule, name.to_owned()),
                None => {
                    self.rules.push((rule, name.to_owned()));
                    self.branches.push(self.branch);
                }
            }
        }
        self.protects.extend(document.protects.into_iter().map(|p| (p, name.to_owned())));
        self.enable.extend(document.enable);
        if self.rules.len().max(self.protects.len()) > MAX_ENTRIES {
            let at = At { source: Rc::new(Source { name: name.to_owned(), text: String::new() }), span: 0..0 };
            self.error(ProfileError::new(&at, format!("more than {MAX_ENTRIES} rules or protected paths")));
            self.rules.truncate(MAX_ENTRIES);
            self.branches.truncate(MAX_ENTRIES);
            self.protects.truncate(MAX_ENTRIES);
        }
    }

    /// Adds a set, which replaces one of the same name; `{name}` in it stands for the replaced one.
    fn merge_set(&mut self, name: Text, patterns: Vec<Text>) {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.value.is_empty() || !name.value.chars().all(good) {
            self.error(name.error("a set's name is made of ASCII letters, digits, `-` and `_`"));
            return;
        }
        if patterns.is_empty() {
            self.error(name.error(format!("the set `{}` is empty", name.value)));
            return;
        }
        let own = format!("{{{}}}", name.value);
        let old = self.sets.remove(&name.value).map(|(_, patterns)| patterns);
        let replace = |p: Text| match &old {
            Some(old) if p.value == own => old.clone(),
            _ => vec![p],
        };
        let patterns = patterns.into_iter().flat_map(replace).collect();
        self.sets.insert(name.value.clone(), (name, patterns));
    }

    fn finish(&mut self, request: &Request<'_>) -> Profile {
        let sets = std::mem::take(&mut self.sets);
        let mut profile = Profile {
            names: Vec::new(),
            description: self.descriptions.join("; "),
            rules: Vec::new(),
            protects: Vec::new(),
            sets: BTreeMap::new(),
            choices: std::mem::take(&mut self.choices),
        };
        for (name, (_, patterns)) in &sets {
            let globs = self.globs(patterns, &sets).into_iter().flat_map(|g| g.expanded);
            profile.sets.insert(name.clone(), globs.collect());
        }
        self.rules(&sets, &mut profile);
        self.protects(&sets, &mut profile);
        self.command_line(request, &sets, &mut profile);
        profile
    }

    fn rules(&mut self, sets: &Sets, profile: &mut Profile) {
        self.check_enabled();
        let enabled: BTreeSet<String> = self.enable.iter().map(|id| id.value.clone()).collect();
        let mut errors = Vec::new();
        let mut lookup = Lookup { sets, errors: &mut errors };
        for (rule, from) in std::mem::take(&mut self.rules) {
            let risk = rule.risk.unwrap_or(Risk::Low);
            let (except, paths) = (lookup.globs(&rule.except), lookup.globs(&rule.paths));
            let Some(action) = rule.action.resolve(&mut lookup) else { continue };
            profile.rules.push(Rule {
                about: rule.about.map_or_else(String::new, |a| a.value),
                costs: rule.costs.map_or_else(String::new, |c| c.value),
                action,
                paths,
                except,
                risk,
                enabled: risk != Risk::OptIn || enabled.contains(&rule.id.value),
                id: rule.id.value,
                profile: from,
            });
        }
        errors.into_iter().for_each(|e| self.error(e));
    }

    /// Reports ids of rules that are in no profile: those to enable, and those whose values are to be changed.
    fn check_enabled(&mut self) {
        let known: Vec<&str> = self.index.keys().map(String::as_str).collect();
        let unknown = |id: &str| !self.index.contains_key(id) && !self.absent.contains(id);
        let wrong = |id: &Text| {
            let value = &id.value;
            id.error(format!("unknown rule `{value}`")).nearest(value, known.iter().copied())
        };
        let enabled = self.enable.iter().filter(|id| unknown(&id.value)).take(MAX_ERRORS).map(wrong);
        let varied = self.overrides.iter().filter(|over| unknown(&over.rule));
        let varied = varied.map(|over| wrong(&option("--vary", &over.rule)));
        let errors: Vec<ProfileError> = enabled.chain(varied).collect();
        errors.into_iter().for_each(|e| self.error(e));
    }

    fn protects(&mut self, sets: &Sets, profile: &mut Profile) {
        for (protect, from) in std::mem::take(&mut self.protects) {
            let reason = protect.reason.unwrap_or_else(|| format!("protected by {from}"));
            let except = self.globs(&protect.except, sets);
            if let Some(path) = self.globs(std::slice::from_ref(&protect.path), sets).pop() {
                let (links, owned, content) = (protect.links, protect.owned, protect.content);
                let protect = Protect { path, reason, except, links, owned, content, profile: from };
                push_protect(&mut profile.protects, protect);
            }
        }
    }

    fn command_line(&mut self, request: &Request<'_>, sets: &Sets, profile: &mut Profile) {
        let texts = |name: &str, globs: &[String]| -> Vec<Text> { globs.iter().map(|g| option(name, g)).collect() };
        let paths = self.globs(&texts("--drop", request.drop), sets);
        if !paths.is_empty() {
            profile.rules.push(Rule {
                id: COMMAND_LINE.to_owned(),
                about: "asked for with --drop".to_owned(),
                costs: String::new(),
                action: Action::Drop(Dropping::default()),
                paths,
                except: Vec::new(),
                risk: Risk::Low,
                enabled: true,
                profile: COMMAND_LINE.to_owned(),
            });
        }
        for path in self.globs(&texts("--protect", request.protect), sets) {
            let reason = format!("--protect {}", path.source);
            let profile_name = COMMAND_LINE.to_owned();
            let (except, links, owned, content) = (Vec::new(), false, false, false);
            profile.protects.push(Protect { path, reason, except, links, owned, content, profile: profile_name });
        }
    }

    fn globs(&mut self, patterns: &[Text], sets: &Sets) -> Vec<Glob> {
        let mut errors = Vec::new();
        let globs = Lookup { sets, errors: &mut errors }.globs(patterns);
        errors.into_iter().for_each(|e| self.error(e));
        globs
    }
}

/// True if a profile is named by its file.
fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

/// Returns the path of a file that is named by one in the directory `dir`.
fn beside(dir: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{dir}{}", path.strip_prefix("./").unwrap_or(path)) }
}

/// Returns one spelling for each file, as far as the path alone can tell.
fn identity(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Adds a protection; a later one of the same pattern takes the place of the earlier.
fn push_protect(protects: &mut Vec<Protect>, new: Protect) {
    match protects.iter_mut().find(|p| p.path == new.path) {
        Some(old) => *old = new,
        None => protects.push(new),
    }
}

#[cfg(test)]
mod tests;
