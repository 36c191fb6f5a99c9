use super::super::decide;
use super::*;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::profile::{self, Matcher};
use crate::tree::merge::{merge, tests::layer};
use std::cell::OnceCell;

/// Makes a header that agrees with a file of 512 bytes that is as old as the epoch.
fn header(magic: u16, flags: u32, mtime: u32, size: u32) -> Header {
    let words = [flags, mtime, size].map(u32::to_le_bytes).concat();
    Header::of(&[&magic.to_le_bytes()[..], b"\r\n", &words].concat())
}

struct Case {
    index: LayerIndex,
    facts: ImageFacts,
}

impl Case {
    /// Makes a case of lines as for [`layer`]; a `.pyc` agrees with its source, except for the part named after a `!`: `time`,
    /// `size`, `magic`, `short`, `hash`.
    fn new(lines: &[&str]) -> Self {
        let names: Vec<&str> = lines.iter().map(|l| l.split('!').next().unwrap()).collect();
        let mut index = LayerIndex { members: layer(&names), ..LayerIndex::default() };
        for (number, line) in (0u32..).zip(lines).filter(|(_, l)| l.contains(".pyc")) {
            let head = match line.split_once('!').map_or("", |(_, how)| how) {
                "time" => header(3495, 0, 1, 512),
                "size" => header(3495, 0, 0, 511),
                "magic" => header(3494, 0, 0, 512),
                "hash" => header(3495, 1, 7, 7),
                "short" => Header::of(b"abc"),
                _ => header(3495, 0, 0, 512),
            };
            index.bytecode.insert(number, head);
        }
        Self { index, facts: ImageFacts::default() }
    }

    /// Returns the paths that a rule takes, and the cost.
    fn run(&self, mode: &str) -> (Vec<String>, Price) {
        let layers = [&self.index];
        let merged = merge(&[self.index.members.as_slice()], 0).unwrap();
        let names = ["./case.toml".to_owned()];
        let rules = format!(
            "[[rule]]\nid = 'b'\naction = 'bytecode'\nmode = '{mode}'\npaths = ['**/__pycache__', '**/*.pyc']\n"
        );
        let request = profile::Request { profiles: &names, ..Default::default() };
        let profile = profile::resolve(&request, &|_| Ok(rules.clone())).unwrap();
        let matcher = Matcher::new(&profile).unwrap();
        let request = Request {
            facts: &self.facts,
            layers: &layers,
            merged: &merged,
            profile: &profile,
            matcher: &matcher,
            named: None,
            squash: false,
            base: 0,
            cut: &crate::plan::cut::WHOLE,
        };
        let dropped = decide(&request).unwrap().decided.dropped;
        let paths = merged.tree.ids().filter(|n| dropped[n.index()].is_some());
        (paths.map(|n| merged.tree.path(n).to_string()).collect(), price(&request, &OnceCell::new(), &dropped))
    }

    fn stale(&self) -> Vec<String> {
        self.run("stale").0
    }
}

#[test]
fn what_no_interpreter_would_load_is_stale() {
    let lines = [
        "bin/python3.11",
        "m/__pycache__/good.cpython-311.pyc",
        "m/__pycache__/good2.cpython-311.pyc",
        "m/__pycache__/hash.cpython-311.pyc!hash",
        "m/__pycache__/time.cpython-311.pyc!time",
        "m/__pycache__/size.cpython-311.pyc!size",
        "m/__pycache__/magic.cpython-311.pyc!magic",
        "m/__pycache__/short.cpython-311.pyc!short",
        "m/__pycache__/gone.cpython-311.pyc",
        "m/__pycache__/good.cpython-39.pyc",
        "m/__pycache__/good.cpython-311-pytest-7.4.0.pyc",
        "m/__pycache__/good.cpython-311.opt-1.pyc",
        "m/__pycache__/alone.cpython-311.opt-2.pyc",
        "m/__pycache__/scripted.cpython-311.pyc",
        "m/__pycache__/lisp.cpython-311.pyc",
        "m/__pycache__/away.cpython-311.pyc",
        "m/__pycache__/cache.nbi",
        "m/legacy.pyc!short",
        "m/good.py",
        "m/good2.py",
        "m/hash.py",
        "m/time.py",
        "m/size.py",
        "m/magic.py",
        "m/short.py",
        "m/alone.py",
        "m/legacy.py",
        "m/scripted",
        "m/lisp.hy",
        "m/away.py->/volume/away.py",
    ];
    let names = [
        "gone.cpython-311",
        "good.cpython-311.opt-1",
        "good.cpython-39",
        "magic.cpython-311",
        "short.cpython-311",
        "size.cpython-311",
        "time.cpython-311",
    ];
    let expected: Vec<String> = names.iter().map(|name| format!("m/__pycache__/{name}.pyc")).collect();
    let case = Case::new(&lines);
    assert_eq!(case.run("stale"), (expected.clone(), Price::default()));
    // To be compiled: a module that has a source stays.
    let compiled = case.run("compile").0;
    assert_eq!(compiled, expected[..3]);
    let (dropped, price) = case.run("drop");
    let more = ["good.cpython-311", "good2.cpython-311", "hash.cpython-311", "alone.cpython-311.opt-2"];
    let mut all: Vec<String> = more.iter().map(|name| format!("m/__pycache__/{name}.pyc")).chain(expected).collect();
    all.push("m/legacy.pyc".into());
    all.sort();
    assert_eq!(dropped, all);
    assert_eq!(price, Price { modules: 3, bytes: 3 * 512 });
}

#[test]
fn an_empty_cache_goes_and_one_in_use_stays() {
    let case = Case::new(&[
        "python3.11",
        "a/__pycache__/",
        "a/__pycache__/x.cpython-311.pyc",
        "b/__pycache__/y.cpython-311.pyc",
        "b/y.py",
    ]);
    assert_eq!(case.stale(), ["a/__pycache__", "a/__pycache__/x.cpython-311.pyc"]);
    assert_eq!(case.run("drop").0.len(), 4);
}

#[test]
fn without_a_known_interpreter_of_another_version_none_is_missed() {
    let lines = |more: &[&'static str]| {
        let mut lines = vec!["m/x.py", "m/__pycache__/x.cpython-311.pyc"];
        lines.extend(more);
        Case::new(&lines).stale()
    };
    assert!(lines(&[]).is_empty());
    assert!(lines(&["bin/python3.12", "bin/python3"]).is_empty());
    assert!(lines(&["bin/python3.12", "opt/app/python311.zip"]).is_empty());
    assert!(lines(&["bin/python3.12", "usr/lib/libpython3.11.so.1.0"]).is_empty());
    assert!(lines(&["bin/python3.12", "usr/lib/python3.11/os.py"]).is_empty());
    assert!(lines(&["bin/python3.12", "venv/bin/python3.11->/mnt/python"]).is_empty());
    for gone in [
        &["bin/python3.12"][..],
        &["bin/python3.12", "usr/lib/python3.11/site-packages/m/y.py", "bin/python3->python3.12"],
    ] {
        assert_eq!(lines(gone).len(), 2, "{gone:?}");
    }
}

#[test]
fn what_is_run_optimized_keeps_that_bytecode() {
    let lines = ["python3.11", "m/x.py", "m/__pycache__/x.cpython-311.pyc", "m/__pycache__/x.cpython-311.opt-1.pyc"];
    let mut case = Case::new(&lines);
    assert_eq!(case.stale(), ["m/__pycache__/x.cpython-311.opt-1.pyc"]);
    case.facts.env = vec![("PYTHONOPTIMIZE".into(), "1".into())];
    assert!(case.stale().is_empty());
    case.facts.env = vec![("PYTHONOPTIMIZE".into(), "0".into())];
    assert_eq!(case.stale().len(), 1);
    case.facts.cmd = vec!["sh".into(), "-c".into(), "exec python -O app.py".into()];
    assert!(case.stale().is_empty());
}

#[test]
fn a_version_that_most_have_is_the_interpreters() {
    let case = |odd: usize, usual: usize| {
        let mut lines = vec!["python3.11".to_owned()];
        for i in 0..odd + usual {
            lines.push(format!("m/x{i}.py"));
            lines.push(format!("m/__pycache__/x{i}.cpython-311.pyc{}", if i < odd { "!magic" } else { "" }));
        }
        Case::new(&lines.iter().map(String::as_str).collect::<Vec<_>>()).stale().len()
    };
    assert_eq!((case(1, 2), case(2, 2), case(1, 1), case(3, 0)), (1, 0, 0, 0));
}
