//! The table of DESIGN.md, kept true: modules import downwards only, and what is to be pure names no host.

use std::path::{Path, PathBuf};

/// The level of each module.
const LEVELS: [(&str, u8); 29] = [
    ("digest", 0),
    ("error", 0),
    ("path", 0),
    ("codec", 1),
    ("tar", 1),
    ("refs", 1),
    ("elf", 1),
    ("ledger", 1),
    ("package", 1),
    ("layer", 2),
    ("tree", 2),
    ("profile", 2),
    ("image", 2),
    ("source", 3),
    ("scan", 4),
    ("plan", 4),
    ("emit", 6),
    ("sink", 5),
    ("transform", 6),
    ("engine", 6),
    ("report", 7),
    ("explain", 8),
    ("page", 8),
    ("verify", 8),
    ("analyze", 9),
    ("compare", 9),
    ("pipeline", 10),
    ("diff", 10),
    ("cli", 11),
];

/// Modules without input and output, environment and time.
const PURE: [&str; 16] = [
    "path", "codec", "tar", "refs", "elf", "ledger", "package", "layer", "tree", "profile", "plan", "explain",
    "analyze", "compare", "page", "diff",
];

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

/// The code of a file: without comments, and without the tests at its end or beside it.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_import_downwards_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    for path in all {
        let relative = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let module = relative.split(['/', '.']).next().unwrap();
        if relative.contains("tests") || relative.contains("testing") {
            continue;
        }
        let Some(&(_, level)) = LEVELS.iter().find(|(name, _)| *name == module) else {
            assert!(["lib", "main"].contains(&module), "{relative} has no level");
            continue;
        };
        let code = code(&path);
        for (other, its) in LEVELS.iter().filter(|(name, _)| *name != module) {
            let used = code.contains(&format!("crate::{other}::")) || grouped(&code, other);
            if used && *its >= level && level > 0 {
                wrong.push(format!("{relative} (level {level}) uses {other} (level {its})"));
            }
        }
        if PURE.contains(&module) {
            for host in ["std::fs", "std::env", "std::time", "SystemTime", "std::net", "std::process"] {
                if code.contains(host) {
                    wrong.push(format!("{relative} names {host}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether `use crate::{…}` names a module.
fn grouped(code: &str, module: &str) -> bool {
    code.split("use crate::{").skip(1).any(|rest| {
        let list = rest.split(';').next().unwrap_or_default();
        list.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == module)
    })
}

#[test]
fn files_and_the_main_function_stay_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("src"), &mut all);
    let lines = |path: &Path| std::fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = all.iter().map(|p| (p, lines(p))).filter(|(_, n)| *n > 400).collect();
    assert!(long.is_empty(), "{long:?}");
    assert!(lines(&root.join("src/main.rs")) < 40);
}
