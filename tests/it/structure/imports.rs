//! Which file of `src` imports which, and the circles in that.
//!
//! What counts as an import of a file by another:
//! - a `use` of a name that the other file defines, or of all in it (`*`); the `use` of a module counts by what is named
//!   through it, and nothing is imported that is not named;
//! - a path in code (`crate::a::b`, `self::b`, `super::b`, `b::c` where `b` is a module below or a name from a `use`).
//!
//! A child that names `super::Type` imports its parent, as any other file would. A name that a file hands on with
//! `pub use` is of the file that defines it. What a file imports for itself (`use` without `pub`) and another takes
//! from there is of the file where it was taken from.
//!
//! What does not: `mod child;`; and `pub use child::Type`, as long as the code of that file does not name `Type`
//! itself. A `mod.rs` that only declares and hands on thus imports nothing. Tests, whether `#[cfg(test)]` stands before
//! them in a file or before the module of a file, are not read. A method called on a value names no file.

use super::tokens::{Token, closed, tokens, without_tests};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

type Names = Vec<String>;

/// Where a name in a module comes from.
struct Origin {
    path: Names,
    public: bool,
}

#[derive(Default)]
struct Module {
    file: usize,
    origins: HashMap<String, Origin>,
    /// Modules that all is taken from, and whether it is handed on.
    globs: Vec<Origin>,
    /// What is defined here.
    own: HashSet<String>,
}

/// A path that a file names.
struct Named {
    file: usize,
    module: Names,
    path: Names,
    glob: bool,
    /// `pub use` of something further down, under this name.
    hands_on: Option<String>,
}

/// All sources, parsed.
#[derive(Default)]
pub struct Sources {
    files: Vec<String>,
    modules: HashMap<Names, Module>,
    named: Vec<Named>,
    /// The words in the code of each file, outside of `use`.
    words: Vec<HashSet<String>>,
}

/// An import: the path as it was resolved.
pub type Imports = BTreeMap<(String, String), String>;

impl Sources {
    /// All files, but for tests.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The files of a directory: their names in it, and their texts.
    pub fn new(files: &[(String, String)]) -> Sources {
        let mut out = Sources::default();
        let mut parsed = Vec::new();
        let mut tests: Vec<Names> = Vec::new();
        for (name, text) in files {
            let (code, of_tests) = without_tests(&tokens(text));
            let module = module_of(name);
            tests.extend(of_tests.into_iter().map(|test| [module.clone(), vec![test]].concat()));
            parsed.push((name, module, code));
        }
        for (name, module, code) in parsed {
            if name != "main.rs" && !tests.iter().any(|test| module.starts_with(test)) {
                out.files.push(name.clone());
                out.words.push(HashSet::new());
                out.file(module, &code);
            }
        }
        out
    }

    /// Reads a module, or a part of one between braces.
    fn file(&mut self, module: Names, code: &[Token]) {
        let file = self.files.len() - 1;
        self.modules.insert(module.clone(), Module { file, ..Module::default() });
        let mut i = 0;
        let mut public = false;
        while i < code.len() {
            let start = i;
            i += 1;
            let Some(word) = code[start].word() else { continue };
            let next = code.get(i).and_then(Token::word);
            match (word, next) {
                ("pub", _) => {
                    i = if code[i].is('(') { closed(code, i) } else { i };
                    public = true;
                    continue;
                }
                ("use", _) => {
                    let end = i + code[i..].iter().position(|t| t.is(';')).unwrap_or(0);
                    self.tree(&module, public, &[], &code[i..end]);
                    i = end;
                }
                ("mod", Some(name)) if code.get(i + 1).is_some_and(|t| t.is('{')) => {
                    let end = closed(code, i + 1);
                    let inner = [module.clone(), vec![name.to_owned()]].concat();
                    self.file(inner, &code[i + 2..end - 1]);
                    i = end;
                }
                ("mod", Some(_)) => i += 1,
                ("fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union", Some(name)) => {
                    self.modules.get_mut(&module).unwrap().own.insert(name.to_owned());
                }
                _ => {
                    self.words[file].insert(word.to_owned());
                    let mut path = vec![word.to_owned()];
                    while code.get(i) == Some(&Token::Colons) {
                        let Some(word) = code.get(i + 1).and_then(Token::word) else { break };
                        path.push(word.to_owned());
                        i += 2;
                    }
                    if path.len() > 1 && (start == 0 || code[start - 1] != Token::Colons) {
                        self.named.push(Named { file, module: module.clone(), path, glob: false, hands_on: None });
                    }
                }
            }
            public = false;
        }
    }

    /// The branches of a `use`.
    fn tree(&mut self, module: &Names, public: bool, before: &[String], code: &[Token]) {
        let mut path = before.to_vec();
        let mut alias = None;
        let mut i = 0;
        while i < code.len() {
            match &code[i] {
                Token::Word(word) if word == "as" => {
                    alias = code.get(i + 1).and_then(Token::word);
                    i += 1;
                }
                Token::Word(word) if word == "self" && !path.is_empty() => {}
                Token::Word(word) => path.push(word.clone()),
                Token::Sign('{') => {
                    let mut rest = i + 1;
                    let end = closed(code, i) - 1;
                    while rest < end {
                        let mut comma = rest;
                        while comma < end && !code[comma].is(',') {
                            comma = if code[comma].is('{') { closed(code, comma) } else { comma + 1 };
                        }
                        self.tree(module, public, &path, &code[rest..comma]);
                        rest = comma + 1;
                    }
                    return;
                }
                Token::Sign('*') => {
                    let origin = Origin { path: path.clone(), public };
                    self.modules.get_mut(module).unwrap().globs.push(origin);
                    return self.used(module, path, true, None);
                }
                _ => {}
            }
            i += 1;
        }
        let Some(last) = path.last().cloned() else { return };
        let name = alias.map_or(last, str::to_owned);
        let origin = Origin { path: path.clone(), public };
        self.modules.get_mut(module).unwrap().origins.insert(name.clone(), origin);
        self.used(module, path, false, public.then_some(name));
    }

    fn used(&mut self, module: &Names, path: Names, glob: bool, hands_on: Option<String>) {
        let file = self.modules[module].file;
        self.named.push(Named { file, module: module.clone(), path, glob, hands_on });
    }

    /// The path from the root of what is named in a module; none if it is of another crate.
    fn absolute(&self, module: &Names, path: &[String], depth: usize) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let here = &self.modules[module];
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let child = [module.clone(), vec![name.to_owned()]].concat();
                let origin = here.origins.get(name).filter(|o| o.path.first() != Some(first) || o.path.len() > 1);
                match origin {
                    Some(origin) if depth > 0 && origin.path != path => {
                        self.absolute(module, &origin.path, depth - 1)?
                    }
                    _ if self.modules.contains_key(&child) || here.own.contains(name) => child,
                    _ => return None,
                }
            }
        };
        if let Some("super") = rest.first().map(String::as_str) {
            return self.absolute(&start, rest, depth);
        }
        Some([start, rest.to_vec()].concat())
    }

    /// The file that defines what a path from the root names.
    fn definer(&self, path: &[String], depth: usize) -> Option<usize> {
        let known = (0..=path.len()).rev().find(|n| self.modules.contains_key(&path[..*n]))?;
        let (at, rest) = path.split_at(known);
        let module = &self.modules[at];
        let Some((name, below)) = rest.split_first() else { return Some(module.file) };
        let at = at.to_vec();
        let onward = |origin: &Origin, more: &[String]| {
            let from = self.absolute(&at, &origin.path, 8)?;
            self.definer(&[from, more.to_vec()].concat(), depth.checked_sub(1)?)
        };
        match module.origins.get(name) {
            Some(origin) if origin.public => onward(origin, below),
            Some(_) => Some(module.file),
            // Methods are among the names of a module, too: what it takes from elsewhere comes first.
            None if module.own.contains(name) => Some(module.file),
            None => {
                let mut globs = module.globs.iter().filter(|glob| glob.public);
                let own = globs.find(|glob| {
                    self.absolute(&at, &glob.path, 8)
                        .and_then(|from| self.modules.get(&from))
                        .is_some_and(|from| from.own.contains(name))
                });
                own.and_then(|glob| onward(glob, rest)).or(Some(module.file))
            }
        }
    }

    /// Every import of a file by another.
    pub fn imports(&self) -> Imports {
        let mut out = Imports::new();
        for named in &self.named {
            let Some(path) = self.absolute(&named.module, &named.path, 8) else { continue };
            let Some(to) = self.definer(&path, 8) else { continue };
            let named_as_well = |(above, name): (&[String], &String)| {
                let above = &self.modules[above];
                above.origins.contains_key(name) || above.own.contains(name)
            };
            // The use of a module counts by what is named through it; a function may have its name.
            let module = self.modules.contains_key(&path) && !named.glob;
            if module && !path.split_last().is_some_and(|(name, above)| named_as_well((above, name))) {
                continue;
            }
            let hands_on = named.hands_on.as_ref().is_some_and(|name| !self.words[named.file].contains(name))
                && path.starts_with(&named.module)
                && !named.glob;
            if to != named.file && !hands_on {
                let edge = (self.files[named.file].clone(), self.files[to].clone());
                out.entry(edge).or_insert_with(|| named.path.join("::"));
            }
        }
        out
    }
}

/// The module that a file is.
fn module_of(file: &str) -> Names {
    let name = file.strip_suffix(".rs").unwrap();
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if ["lib", "main"].contains(&name) { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

/// The groups of files that reach each other.
pub fn circles(imports: &Imports) -> Vec<BTreeSet<&str>> {
    let mut to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    imports.keys().for_each(|(from, file)| to.entry(from).or_default().push(file));
    let all: BTreeMap<&str, BTreeSet<&str>> = to.keys().map(|from| (*from, reached(&to, from))).collect();
    let reaches = |from: &str, to: &str| all.get(from).is_some_and(|seen| seen.contains(to));
    let mut out: Vec<BTreeSet<&str>> = Vec::new();
    for (file, seen) in all.iter().filter(|(file, seen)| seen.contains(*file)) {
        if !out.iter().any(|circle| circle.contains(file)) {
            out.push(seen.iter().filter(|other| reaches(other, file)).copied().collect());
        }
    }
    out
}

fn reached<'a>(to: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        open.extend(to.get(at).into_iter().flatten().filter(|file| seen.insert(**file)));
    }
    seen
}
