//! The references of OUT's files: imports, libraries, interpreters, symbolic links, and the programs that the config starts.
//! One that led somewhere in IN and leads nowhere in OUT is a mismatch. The texts are read by [`crate::refs`]; their targets
//! are worked out here.

use super::content::Extra;
use super::expected::Expected;
use super::findings::{Outcome, show};
use super::member::{Kind, Member};
use super::modules::{self, Rank};
use super::replay::Tree;
use crate::path::{components, split};
use crate::refs::Target;
use crate::refs::needed::Needed;
use bstr::{BString, ByteSlice};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The directories in which every dynamic loader looks; directories in these that are named for an architecture count, too.
const LIBRARIES: [&str; 5] = ["lib", "usr/lib", "lib64", "usr/lib64", "usr/local/lib"];

/// Checks all references.
pub fn check(old: &Tree<'_>, new: &Tree<'_>, config: &Value, expected: Option<&Expected>, out: &mut Outcome) {
    let mut check = Check::new(old, new, config, expected, out);
    check.programs(config);
    for (path, &inode) in &new.names {
        let Some(member) = new.member(inode) else { continue };
        if member.kind == Kind::Symlink {
            check.symlink(path, member);
        }
        if let Some(extra) = &member.extra {
            check.interpreters(path, extra);
            if let Some(needed) = &extra.needed {
                check.libraries(path, needed);
            }
            for target in &extra.imports {
                check.import(path, target);
            }
        }
    }
}

struct Check<'a> {
    old: &'a Tree<'a>,
    new: &'a Tree<'a>,
    expected: Option<&'a Expected>,
    out: &'a mut Outcome,
    /// The directories of `PATH`.
    path: Vec<String>,
    workdir: String,
    /// The directories in which Python looks for modules.
    roots: Vec<BString>,
    /// The directories in which the loader looks for libraries.
    libraries: Vec<BString>,
    /// The names by which gone modules are known; nothing else can be missing.
    stems: HashSet<&'a [u8]>,
    /// The last components of gone paths, each with the first of these paths, and those of the paths that are there.
    lost: HashMap<&'a [u8], &'a BString>,
    there: HashSet<&'a [u8]>,
}

impl<'a> Check<'a> {
    fn new(
        old: &'a Tree<'a>,
        new: &'a Tree<'a>,
        config: &Value,
        expected: Option<&'a Expected>,
        out: &'a mut Outcome,
    ) -> Self {
        let env = config["config"]["Env"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let env: Vec<(String, String)> = env
            .map(|variable| variable.split_once('=').unwrap_or((variable, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let of = |name: &str| env.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let path =
            of("PATH").unwrap_or(default).split(':').filter(|dir| dir.starts_with('/')).map(Into::into).collect();
        let workdir = config["config"]["WorkingDir"].as_str().filter(|dir| !dir.is_empty()).unwrap_or("/").to_owned();
        let mut libraries: Vec<BString> =
            LIBRARIES.iter().filter_map(|dir| old.resolve(b"", dir.as_bytes())).map(|found| found.path).collect();
        let triplets: Vec<BString> = libraries
            .iter()
            .flat_map(|dir| old.below(dir).filter(move |(path, _)| split(path).0 == dir.as_bytes()))
            .filter(|(path, inode)| old.kind(*inode) == Kind::Dir && split(path).1.contains_str("-linux-"))
            .map(|(path, _)| path.clone())
            .collect();
        libraries.extend(triplets);
        let more = of("LD_LIBRARY_PATH").unwrap_or_default().split([':', ';']).filter(|dir| !dir.is_empty());
        libraries.extend(more.filter_map(|dir| old.resolve(b"", dir.as_bytes())).map(|found| found.path));
        let gone = || old.names.keys().filter(|path| !new.has(path));
        Self {
            roots: modules::roots(old, &env, &workdir),
            stems: gone().map(|path| modules::stem(path)).collect(),
            // Of equal keys the last stays in the map.
            lost: gone().rev().map(|path| (split(path).1, path)).collect(),
            there: new.names.keys().map(|path| split(path).1).collect(),
            old,
            new,
            expected,
            out,
            path,
            workdir,
            libraries,
        }
    }

    fn found(&mut self) {
        self.out.checked.references += 1;
    }

    /// Reports a reference that leads nowhere and led to `target`.
    fn missing(&mut self, by: String, what: &str, target: &BString) {
        let rule = self.expected.and_then(|e| {
            let rule = e.fates.get(target)?.dropped?;
            e.rules.get(rule.0)
        });
        if rule.is_some_and(|rule| rule.on_purpose) {
            self.out.checked.on_purpose += 1;
            return;
        }
        let taken = rule.map_or_else(String::new, |rule| format!(", which rule {} takes", rule.id));
        self.out.wrong("reference", by, format!("{what} leads to {}", show(target)), format!("nothing{taken}"));
    }

    /// Checks that a path which led somewhere still leads somewhere.
    fn leads(&mut self, by: &dyn Fn() -> String, what: &str, dir: &[u8], path: &[u8]) {
        let Some(before) = self.old.resolve(dir, path) else { return };
        match self.new.resolve(dir, path) {
            Some(_) => self.found(),
            None => self.missing(by(), what, &before.path),
        }
    }

    fn symlink(&mut self, path: &BString, member: &Member) {
        let is_link = self.old.at(path).and_then(|(_, m)| m).is_some_and(|m| m.link == member.link);
        if is_link {
            self.leads(&|| show(path), "the link", split(path).0, &member.link);
        }
    }

    fn interpreters(&mut self, path: &BString, extra: &Extra) {
        let by = || show(path);
        if let Some(loader) = &extra.loader {
            self.leads(&by, "the loader", b"", loader);
        }
        if let Some(shebang) = &extra.shebang {
            self.leads(&by, "the interpreter", b"", &shebang.interpreter);
            if let Some(program) = shebang.env_program() {
                self.program(&by, &program);
            }
        }
    }

    /// Checks a program that is looked for along `PATH`.
    fn program(&mut self, by: &dyn Fn() -> String, name: &[u8]) {
        let dirs = self.path.clone();
        let find = |tree: &Tree<'_>| {
            let in_dir = |dir: &String| tree.resolve(b"", &[dir.as_bytes(), b"/", name].concat());
            dirs.iter().find_map(in_dir).filter(|found| tree.kind(found.inode) != Kind::Dir)
        };
        let Some(before) = find(self.old) else { return };
        match find(self.new) {
            Some(_) => self.found(),
            None => self.missing(by(), &format!("`{}` on PATH", name.escape_ascii()), &before.path),
        }
    }

    /// Checks the programs that the config starts.
    fn programs(&mut self, config: &Value) {
        let list = |value: &Value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().filter_map(Value::as_str).map(Into::into).collect(),
            _ => Vec::new(),
        };
        let config = &config["config"];
        for (key, value) in [
            ("Entrypoint", &config["Entrypoint"]),
            ("Cmd", &config["Cmd"]),
            ("Shell", &config["Shell"]),
            ("Healthcheck", &config["Healthcheck"]["Test"]),
        ] {
            let split = |c: char| c.is_whitespace() || ";&|()<>'\"`=$".contains(c);
            let words: Vec<String> = list(value).iter().flat_map(|w| w.split(split)).map(Into::into).collect();
            for word in words.iter().filter(|word| !word.is_empty() && !word.starts_with('-')) {
                let by = || format!("config: {key}");
                if word.contains('/') {
                    let workdir = self.workdir.trim_start_matches('/').to_owned();
                    self.leads(&by, &format!("`{word}`"), workdir.as_bytes(), word.as_bytes());
                } else {
                    self.program(&by, word.as_bytes());
                }
            }
        }
    }

    fn libraries(&mut self, path: &BString, needed: &Needed) {
        for name in &needed.names {
            let base = split(name).1;
            let Some(&lost) = self.lost.get(base) else {
                self.found();
                continue;
            };
            if name.contains(&b'/') {
                self.leads(&|| show(path), "the library", split(path).0, name);
                continue;
            }
            let own = |dir: &[u8]| -> (BString, Vec<u8>) {
                let dir = dir.replace(b"${ORIGIN}", b"$ORIGIN");
                match dir.strip_prefix(b"$ORIGIN") {
                    Some(rest) => (split(path).0.into(), [b".", rest, b"/", name].concat()),
                    None => (BString::default(), [&dir[..], b"/", name].concat()),
                }
            };
            let own: Vec<(BString, Vec<u8>)> = needed.dirs.iter().map(|dir| own(dir)).collect();
            let all = self.libraries.iter().map(|dir| (dir.clone(), name.to_vec()));
            let places: Vec<(BString, Vec<u8>)> = own.into_iter().chain(all).collect();
            let find = |tree: &Tree<'_>| places.iter().find_map(|(dir, file)| tree.resolve(dir, file));
            match (find(self.old), find(self.new)) {
                (_, Some(_)) => self.found(),
                (Some(before), None) => {
                    self.missing(show(path), &format!("library {}", name.escape_ascii()), &before.path)
                }
                // The library is loaded before by other objects, or by a path of theirs.
                (None, None) if self.there.contains(base) => self.found(),
                (None, None) => self.missing(show(path), &format!("library {}", name.escape_ascii()), lost),
            }
        }
    }

    fn import(&mut self, path: &BString, target: &Target) {
        match target {
            Target::Import { level, module, names } => self.python(path, *level, module, names),
            Target::Require(text) => {
                let may_miss = components(text.as_bytes()).any(|part| self.stems.contains(modules::stem(part)))
                    || text.trim_matches(['.', '/']).is_empty();
                if !may_miss {
                    self.found();
                    return;
                }
                if let Some(before) = modules::node(self.old, path, text) {
                    match modules::node(self.new, path, text) {
                        Some(_) => self.found(),
                        None => self.missing(show(path), &format!("require(\"{text}\")"), &before),
                    }
                }
            }
            _ => {}
        }
    }

    fn python(&mut self, path: &BString, level: u32, module: &str, names: &str) {
        let names = || names.split(',').filter(|name| !name.is_empty());
        let may_miss = module.split('.').chain(names()).any(|part| self.stems.contains(part.as_bytes()));
        if !may_miss {
            self.found();
            return;
        }
        let mut above: Vec<BString> = Vec::new();
        let mut dir = split(path).0;
        loop {
            above.push(dir.into());
            if dir.is_empty() {
                break;
            }
            dir = split(dir).0;
        }
        let roots: Vec<&BString> = if level > 0 {
            above.get(level as usize - 1).into_iter().collect()
        } else {
            above.iter().chain(&self.roots).collect()
        };
        let best = |tree: &Tree<'_>, name: Option<&str>| -> Option<(Rank, BString)> {
            let parts = || module.split('.').chain(name);
            roots.iter().filter_map(|root| modules::python(tree, root, parts())).max_by_key(|(rank, _)| *rank)
        };
        let asked: Vec<Option<&str>> = std::iter::once(None).chain(names().map(Some)).collect();
        let asked = asked.into_iter().filter(|name| name.is_some() || !module.is_empty());
        let lost: Vec<(String, BString)> = asked
            .filter_map(|name| {
                let (rank, before) = best(self.old, name)?;
                let gone = best(self.new, name).is_none_or(|(now, _)| now < rank);
                let dots = ".".repeat(level as usize);
                let name = name.map_or_else(String::new, |name| format!(" import {name}"));
                gone.then(|| (format!("import of {dots}{module}{name}"), before))
            })
            .collect();
        if lost.is_empty() {
            self.found();
        }
        for (what, before) in lost {
            self.missing(show(path), &what, &before);
        }
    }
}
