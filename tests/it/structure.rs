//! The table of DESIGN.md, kept true: modules import downwards only, no files import each other in a circle, what is to be
//! pure names no host, and `slim verify` reads with code of its own.

mod imports;
mod tokens;

use imports::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What `slim verify` takes from the rest of the program. It is a second reader of archives, layers, trees and databases: whatever
/// it would share with what reads and writes images otherwise could be wrong in both. DESIGN.md says the same in its row of verify.
const SHARED_WITH_VERIFY: [&str; 11] = [
    // Hashes, and how errors are told.
    "digest",
    "error",
    // The spelling of paths, and what texts and programs refer to.
    "path",
    "refs",
    // Where an image is, as the command line says it.
    "source/location",
    // How bytes come from a registry: their digests are checked by verify itself.
    "registry",
    // The bytes of an image in an engine's store: a stream, of which nothing is understood.
    "stores",
    // What is a secret, and not to be shown.
    "secrets",
    // Words: what steers no terminal, numbers, colours.
    "report/escape",
    "report/paint",
    "report/units",
];

/// What pure modules do not name.
const HOST: [&str; 6] = ["std::fs", "std::env", "std::time", "SystemTime", "std::net", "std::process"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Sources {
    let src = root().join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
    let mut texts: Vec<_> = all.iter().map(|p| (name(p), std::fs::read_to_string(p).unwrap())).collect();
    texts.sort();
    Sources::new(&texts)
}

/// The module of the crate that a file is part of.
fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The table of levels in DESIGN.md: the level of each module, and whether it is pure, which a star says.
fn levels() -> BTreeMap<String, (u32, bool)> {
    let text = std::fs::read_to_string(root().join("DESIGN.md")).unwrap();
    let table = text.split("Who may import whom").nth(1).and_then(|rest| rest.split("```\n").nth(1));
    let mut out = BTreeMap::new();
    for (number, line) in (0..).zip(table.expect("DESIGN.md has no table of levels").lines()) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(&*format!("{number}")), "one line for each level, from 0: {line}");
        for word in words {
            let name = word.trim_end_matches('*');
            let twice = out.insert(name.to_owned(), (number, name != word));
            assert!(twice.is_none(), "{name} is in the table twice");
        }
    }
    out
}

#[test]
fn modules_import_downwards_only() {
    let (sources, levels) = (sources(), levels());
    let modules: BTreeSet<&str> = sources.files().map(module).filter(|module| *module != "lib").collect();
    assert_eq!(levels.keys().map(String::as_str).collect::<BTreeSet<_>>(), modules, "the table and the modules of src");
    let mut wrong = Vec::new();
    for ((from, to), path) in &sources.imports() {
        if from == "lib.rs" || module(from) == module(to) {
            continue;
        }
        let (level, its) = (levels[module(from)].0, levels[module(to)].0);
        // Those at the bottom know each other.
        if its >= level && level > 0 {
            wrong.push(format!("{from} (level {level}) imports {to} (level {its}): {path}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn pure_modules_name_no_host() {
    let (sources, levels) = (sources(), levels());
    assert!(levels.values().any(|(_, pure)| *pure));
    let mut wrong = Vec::new();
    for file in sources.files().filter(|file| levels.get(module(file)).is_some_and(|(_, pure)| *pure)) {
        let code = code(&root().join("src").join(file));
        wrong.extend(HOST.iter().filter(|host| code.contains(**host)).map(|host| format!("{file} names {host}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The code of a file: without comments, and without the tests at its end.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let imports = sources().imports();
    let mut told = String::new();
    for circle in imports::circles(&imports) {
        told += "\nthese files import each other in a circle:\n";
        for ((from, to), path) in imports.iter().filter(|((a, b), _)| circle.contains(&**a) && circle.contains(&**b)) {
            told += &format!("  {from} imports {to}: {path}\n");
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn verify_is_a_reader_of_its_own() {
    let mut unused = BTreeSet::from(SHARED_WITH_VERIFY);
    let mut wrong = Vec::new();
    let imports = sources().imports();
    for ((from, to), path) in imports.iter().filter(|((a, b), _)| module(a) == "verify" && module(b) != "verify") {
        let allowed = SHARED_WITH_VERIFY
            .iter()
            .find(|allowed| to.strip_prefix(**allowed).is_some_and(|rest| rest.starts_with(['/', '.'])));
        match allowed {
            Some(allowed) => _ = unused.remove(allowed),
            None => wrong.push(format!("{from} imports {to}: {path}")),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(unused.is_empty(), "verify does not need these any more: {unused:?}");
}

#[test]
fn files_and_the_main_function_stay_small() {
    let mut all = Vec::new();
    files(&root().join("src"), &mut all);
    let lines = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = all.iter().map(|p| (p, lines(p))).filter(|(_, n)| *n > 600).collect();
    assert!(long.is_empty(), "{long:?}");
    assert!(lines(&root().join("src/main.rs")) < 40);
}

#[test]
fn imports_are_found_however_they_are_written() {
    let texts = [
        ("lib.rs", "pub mod a; mod z; pub use a::b::B;"),
        ("a/mod.rs", "mod b; mod c; #[cfg(test)] mod tests; pub use b::{B, b as other}; use c::C; fn f(_: C) {}"),
        ("a/b.rs", "pub struct B; pub fn b() {} /* use super::c::C; */ const T: &str = \"super::c::C\";"),
        ("a/c.rs", "use super::B; pub struct C(B, &'static str); #[cfg(test)] mod tests { use crate::z::Z; }"),
        ("a/tests.rs", "use crate::z::Z;"),
        ("z.rs", "use crate::{a::{self, other as o}, z2}; pub struct Z; fn f() { o(); a::f(); z2::g(|| 'x'); }"),
        ("z2.rs", "pub(crate) fn g(_: fn() -> char) { <crate::B>::new(); std::fs::read(r#\"crate::z::Z\"#); }"),
        (
            "z3.rs",
            "use super::z::*; #[serde(serialize_with = \"crate::z2::g\")] struct S; mod in_it { use super::super::a::f; }",
        ),
    ];
    let texts: Vec<_> = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let imports = Sources::new(&texts).imports();
    let edges: Vec<(&str, &str)> = imports.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    // What `a/mod.rs` only hands on it does not import.
    let expected = [
        ("a/c.rs", "a/b.rs"),
        ("a/mod.rs", "a/c.rs"),
        ("z.rs", "a/b.rs"),
        ("z.rs", "a/mod.rs"),
        ("z.rs", "z2.rs"),
        ("z2.rs", "a/b.rs"),
        ("z3.rs", "a/mod.rs"),
        ("z3.rs", "z.rs"),
        ("z3.rs", "z2.rs"),
    ];
    assert_eq!(edges, expected);
    assert!(imports::circles(&imports).is_empty());
    let mut closed = imports;
    closed.insert(("a/b.rs".to_owned(), "z.rs".to_owned()), "crate::z::Z".to_owned());
    let circle: Vec<BTreeSet<&str>> = imports::circles(&closed);
    assert_eq!(circle, [BTreeSet::from(["a/b.rs", "a/c.rs", "a/mod.rs", "z.rs", "z2.rs"])]);
}
