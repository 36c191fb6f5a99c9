//! `slim plan`: what it says is what the main job does.

use crate::archives::small;
use crate::builder::{Archive, Comp, Form, Image, Item, layer};
use crate::oracle;
use crate::run::{Dir, Outcome};
use crate::strip::{hex, program};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PROFILE: &str = r#"
description = "test"
[sets]
site-packages = ["usr/lib/python3/dist-packages"]
[[rule]]
id = "shadowed"
about = "unseen bytes"
action = "drop-shadowed"
[[rule]]
id = "docs"
about = "nobody reads them"
action = "drop"
paths = ["usr/share/doc"]
[[rule]]
id = "tests"
about = "nobody runs them"
action = "drop"
risk = "low"
guard = "python"
paths = ["app/**/tests"]
[[rule]]
id = "strip"
about = "no debugger"
action = "strip"
paths = ["*"]
[protect]
paths = [{ path = "**/mine", reason = "a licence" }]
"#;

/// An image with a path for every verdict.
fn every_kind() -> Dir {
    let object = program(7);
    let sum = "0".repeat(43);
    let record = format!("lib.so,sha256={sum},{}\\n", object.len());
    let lower = format!(
        "dir app\n dir usr\n dir usr/share\n dir usr/share/doc\n file usr/share/doc/mine content=mine\n
         file usr/share/doc/README repeat=100 content=0123456789\n file app/__init__.py\n
         file app/main.py content=\"import os\\nfrom app.tests.util import x\\n\"\n dir app/tests\n
         file app/tests/__init__.py\n file app/tests/util.py content=\"x = 1\\n\"\n file app/tests/test_a.py content=t\n
         file app/lib.so content={}\n dir app/p-1.dist-info\n file app/p-1.dist-info/RECORD content=\"{record}\"\n
         file old repeat=50 content=secret\n file twice content=first\n sym link -> app/main.py\n",
        hex(&object)
    );
    let lower: Vec<&str> = lower.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let upper = "whiteout old\nfile twice content=second\nfile odd\\n\\xff content=x";
    let dir = Dir::new();
    let layers = vec![layer(&lower.join("\n")), layer(upper)];
    Archive::new(Image::new(layers).comp(Comp::Gzip), Form::OciTar).write(dir.path());
    dir.write("p.toml", PROFILE);
    dir
}

fn plan(dir: &Dir, more: &[&str]) -> Outcome {
    let mut args = vec!["plan", "in.tar", "-p", "p.toml"];
    args.extend(more);
    dir.run(&args)
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {}", outcome.text()))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}"))
}

#[test]
fn the_tree_has_a_line_for_each_kind() {
    let dir = every_kind();
    let run = plan(&dir, &[]).ok();
    let out = run.text();
    for (verdict, rest) in [
        ("drop", "test_a.py  tests"),
        ("drop", "README  docs"),
        ("held", "util.py  tests: app/main.py:2 refers to it"),
        ("held", "mine  docs: protected: a licence (**/mine)"),
        ("strip", "lib.so  strip"),
        ("rewrite", "RECORD  a package manager's record of files that change"),
        ("hidden", "old  layer 2 deletes it"),
        ("hidden", "twice  layer 2 replaces it"),
    ] {
        let found = out.lines().any(|l| l.contains(&format!("  {verdict:7}  ")) && l.ends_with(rest));
        assert!(found, "no {verdict} {rest} in\n{out}");
    }
    assert!(!out.contains("main.py\n") && !out.contains('\x1b'), "{out}");
    assert_eq!(dir.names(), ["in.tar", "p.toml", "shadowed.toml"], "nothing is written");
    assert_eq!(run.stderr, "");
    let coloured = plan(&dir, &["--color", "always"]).ok().text();
    assert!(coloured.contains("\x1b[1;31mdrop   \x1b[0m"), "{coloured}");
}

#[test]
fn json_says_what_the_main_job_removes() {
    let dir = every_kind();
    for mode in [&[][..], &["--layers", "squash"], &["--base", "1"], &["--drop", "app/main.py", "--protect", "link"]] {
        let planned = json(&plan(&dir, &[mode, &["--json"]].concat()).ok());
        let main = ["in.tar", "-p", "p.toml", "--dry-run", "--removed", "removed", "--report", "report"];
        dir.run(&[&main[..], mode].concat()).ok();
        let removed = std::fs::read_to_string(dir.join("removed")).unwrap();
        let report: Value = serde_json::from_slice(&std::fs::read(dir.join("report")).unwrap()).unwrap();
        let (image, report) = (&planned["images"][0], &report["images"][0]);
        let entries = image["entries"].as_array().unwrap();
        let goes =
            |e: &&Value| e["type"] != "marker" && e["bytes"] != 0 && ["drop", "hidden"].contains(&text(e, "verdict"));
        let line = |e: &Value| format!("{}\t{}\t{}\t{}", text(e, "path"), e["layer"], e["bytes"], text(e, "rule"));
        let mut got: Vec<String> = entries.iter().filter(goes).map(line).collect();
        let mut want: Vec<String> = removed.lines().map(str::to_owned).collect();
        got.sort();
        want.sort();
        assert_eq!(got, want, "{mode:?}");
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for e in entries.iter().filter(|e| e["bytes"] != 0) {
            *sums.entry(text(e, "rule")).or_default() += e["bytes"].as_u64().unwrap();
        }
        let rules = report["rules"].as_array().unwrap();
        let reported: BTreeMap<&str, u64> =
            rules.iter().map(|r| (text(r, "id"), r["bytes"].as_u64().unwrap())).filter(|r| r.1 > 0).collect();
        assert_eq!(sums, reported, "{mode:?}");
        let total = |v: &str| image["totals"][v]["bytes"].as_u64().unwrap();
        assert_eq!(total("drop") + total("hidden"), report["removed"]["bytes"].as_u64().unwrap(), "{mode:?}");
        assert_eq!(total("strip"), report["stripped"]["bytes"].as_u64().unwrap(), "{mode:?}");
    }
}

#[test]
fn every_path_is_listed_once_in_one_order() {
    let dir = every_kind();
    let view = oracle::open(&dir.join("in.tar"));
    let tree = view.images[0].tree().unwrap();
    let want: BTreeSet<String> =
        tree.names.keys().filter(|n| !n.is_empty()).map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    let first = plan(&dir, &["--json"]).ok();
    let planned = json(&first);
    let entries = planned["images"][0]["entries"].as_array().unwrap();
    let seen: Vec<&Value> = entries.iter().filter(|e| e["verdict"] != "hidden").collect();
    let plain = |path: &str| path.replace("\\n", "\n").replace("\\xff", "\u{fffd}");
    let paths: BTreeSet<String> = seen.iter().map(|e| plain(text(e, "path"))).collect();
    assert_eq!(paths, want);
    assert_eq!(seen.len(), want.len());
    assert_eq!(plan(&dir, &["--json", "--threads", "1"]).ok().stdout, first.stdout);
    // The tree has the same paths in the same order: each line's name is the last part of its path.
    let out = plan(&dir, &["--all"]).ok().text();
    let lines = out.lines().skip(3).take_while(|l| !l.contains("hidden in layer"));
    let names: Vec<String> = lines
        .map(|l| l.rsplit_once("── ").unwrap().1.split("  ").next().unwrap().trim_end_matches('/').to_owned())
        .collect();
    let last: Vec<&str> = seen.iter().map(|e| text(e, "path").rsplit('/').next().unwrap()).collect();
    assert_eq!(names, last);
}

#[test]
fn keys_and_reasons_are_stable() {
    let dir = every_kind();
    let planned = json(&plan(&dir, &["--json"]).ok());
    assert_eq!(planned["schemaVersion"], 1);
    let image = &planned["images"][0];
    let entry = |path: &str| {
        let entries = image["entries"].as_array().unwrap();
        entries.iter().find(|e| e["path"] == path).unwrap_or_else(|| panic!("no {path}")).clone()
    };
    let util = entry("app/tests/util.py");
    let keys: Vec<&str> = util.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "path type layer size newSize bytes verdict rule reason why by line byLayer";
    assert_eq!(keys.join(" "), expected);
    assert_eq!((text(&util, "by"), &util["line"], text(&util, "reason")), ("app/main.py", &2.into(), "reference"));
    assert_eq!(text(&util, "why"), "the rule `tests` asks for it, but app/main.py:2 refers to it");
    let object = entry("app/lib.so");
    assert!(object["newSize"].as_u64().unwrap() < object["size"].as_u64().unwrap() - 10_000, "{object}");
    assert_eq!((text(&entry("old"), "reason"), &entry("old")["byLayer"]), ("deleted", &2.into()));
    assert_eq!(text(&entry("odd\\n\\xff"), "reason"), "no-rule");
    assert_eq!(text(&entry("usr/share/doc/mine"), "reason"), "protected");
    assert_eq!(text(&entry("app/p-1.dist-info/RECORD"), "verdict"), "rewrite");
    assert_eq!(text(&entry("link"), "type"), "symlink");
    let rules: Vec<&str> = image["rules"].as_array().unwrap().iter().map(|r| text(r, "id")).collect();
    assert_eq!(rules, ["shadowed", "docs", "tests", "strip"]);
}

#[test]
fn one_path_is_explained() {
    let dir = every_kind();
    let why = |path: &str| plan(&dir, &["--why", path]).ok().text();
    let util = why("/app/tests/util.py");
    let said = "app/tests/util.py (6 B) stays: the rule `tests` (p.toml, risk low) asks for it, but app/main.py:2 refers to it.\n  \
                app/main.py (39 B) stays: no rule asks for it.\n";
    assert_eq!(util, said);
    assert!(
        why("app/tests/test_a.py").contains("goes: the rule `tests` (p.toml, risk low) drops it: nobody runs them.")
    );
    assert!(why("app/lib.so").contains("stays, with ") && why("app/lib.so").contains("the rule `strip`"));
    assert!(why("app/p-1.dist-info/RECORD").contains("a package manager's record of files that change"));
    assert!(why("usr/share/doc/mine").contains("asks for it, but it is protected: a licence (**/mine)."));
    assert!(why("old").contains("in layer 1, which no container sees (layer 2 deletes it), goes: the rule `shadowed`"));
    assert_eq!(why("twice").lines().count(), 2);
    assert!(why("link").starts_with("link leads to app/main.py.\n"), "{}", why("link"));
    let doc = why("usr/share/doc/");
    assert!(doc.starts_with("usr/share/doc (dir) stays: ") && doc.contains("1  drop     docs\n"), "{doc}");
    let dropped = plan(&dir, &["--drop", "app/main.py", "--drop", "link", "--why", "app/main.py"]).ok().text();
    assert!(dropped.starts_with("app/main.py (39 B) goes: the rule `command-line` drops it"), "{dropped}");
    let two = json(&plan(&dir, &["--why", "old", "--why", "usr/share/doc", "--json"]).ok());
    let answers = two["images"][0]["answers"].as_array().unwrap();
    assert_eq!((answers.len(), &answers[0]["below"], text(&answers[1], "asked")), (2, &Value::Null, "usr/share/doc"));
    assert_eq!(answers[1]["below"][0]["rule"], "docs");
    assert_eq!(text(&answers[0]["entries"][0], "verdict"), "hidden");
}

#[test]
fn what_is_not_there_is_an_error_with_a_hint() {
    let dir = every_kind();
    for args in [&["--why", "app/mian.py"][..], &["app/mian.py"], &["--json", "app/mian.py"]] {
        let run = plan(&dir, args).error(&["no path of the image is `app/mian.py`", "did you mean app/main.py"]);
        assert!(run.stdout.is_empty());
    }
    plan(&dir, &["util.py"]).error(&["did you mean app/tests/util.py"]);
    plan(&dir, &["--why", "../x"]).error(&["no path of the image"]);
    plan(&dir, &["--only", "gone"]);
    dir.run(&["plan", "none.tar", "-p", "p.toml"]).error(&["none.tar"]);
    let run = dir.run(&["plan", "in.tar"]).ok();
    assert!(run.stderr.contains("note: no profile was given: auto"), "{}", run.stderr);
}

#[test]
fn why_takes_a_glob_and_the_end_of_a_path() {
    let dir = every_kind();
    let why = |path: &str| plan(&dir, &["--why", path]).ok().text();
    // The only path that is meant is explained, as if it had been typed in full.
    assert_eq!(why("util.py"), why("app/tests/util.py"));
    assert_eq!(why("tests/util.py"), why("app/tests/util.py"));
    assert_eq!(why("app/tests/ut*"), why("app/tests/util.py"));
    let several = why("**/*.py");
    assert!(
        several.starts_with(|c: char| c.is_ascii_digit()) && several.contains("paths match `**/*.py`"),
        "{several}"
    );
    let sizes: Vec<&str> = several.lines().filter(|l| l.ends_with(".py")).collect();
    assert!(sizes.len() > 1 && sizes.iter().any(|l| l.contains("app/main.py")), "{several}");
    let two = json(&plan(&dir, &["--why", "**/*.py", "--json"]).ok());
    assert_eq!(two["images"][0]["answers"].as_array().unwrap().len(), sizes.len());
    plan(&dir, &["--why", "**/*.nothing"]).error(&["no path of the image"]);
}

/// An image says how it was made only if it is asked to, and then a path that is gone can be explained from it alone.
#[test]
fn an_image_with_a_record_says_what_was_taken_from_it() {
    let dir = Dir::new();
    let lower = layer("file usr/share/doc/x/README repeat=9 content=r\nfile usr/share/doc/x/copyright content=c");
    let layers = vec![lower, layer("file app/main content=x\nfile usr/share/doc/y/README content=y")];
    Archive::new(Image::new(layers), Form::OciTar).write(dir.path());
    dir.write("p.toml", PROFILE);
    dir.run(&["in.tar", "-p", "debian-slim", "-o", "plain.tar"]).ok();
    dir.run(&["in.tar", "-p", "debian-slim", "-o", "out.tar", "--record"]).ok();
    dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "debian-slim"]).ok();
    // What it was made with need not be said again, and what it was not made from is refused.
    let run = dir.run(&["verify", "out.tar", "--against", "in.tar"]).ok();
    assert!(run.stderr.contains("made it with debian-slim from sha256:") && !run.stderr.contains("other options"));
    dir.run(&["verify", "out.tar", "--against", "plain.tar"]).error(&["made from another image", "sha256:"]);
    let said = dir.run(&["diff", "in.tar", "out.tar"]).ok().text();
    assert!(said.contains("\nafter: slim ") && said.contains("made it with debian-slim"), "{said}");
    let gone = "usr/share/doc/x/README";
    let run = dir.run(&["plan", "out.tar", "--why", gone]).ok();
    let (said, out) = (run.stderr.clone(), run.text());
    assert!(said.contains("made it with debian-slim from sha256:"), "{said}");
    assert!(out.contains(&format!("{gone} is not in this image: slim ")) && out.contains("the rule `doc` ("), "{out}");
    // Without a record nothing is claimed, and the rule is a hint.
    let hint = ["no path of the image", "the rule `doc`", "it may have taken it"];
    dir.run(&["plan", "plain.tar", "-p", "debian-slim", "--why", gone]).error(&hint);

    // Options that are no rules are a part of how it was made, and with others the plan is another.
    dir.run(&["in.tar", "-p", "debian-slim", "-o", "base.tar", "--record", "--base", "1"]).ok();
    dir.run(&["verify", "base.tar", "--against", "in.tar"]).error(&["with other options", "--base"]);
    dir.run(&["verify", "base.tar", "--against", "in.tar", "-p", "debian-slim", "--base", "1"]).ok();
    // An image does not choose which files of this machine are profiles.
    dir.run(&["in.tar", "-p", "p.toml", "-o", "own.tar", "--record"]).ok();
    let run = dir.run(&["plan", "own.tar", "--why", gone]);
    assert!(
        run.stderr.contains("made it with p.toml") && run.stderr.contains("no profile was given: auto"),
        "{}",
        run.stderr
    );
    let run = dir.run(&["verify", "own.tar", "--against", "in.tar"]);
    assert!(run.stderr.contains("made it with p.toml") && run.code != Some(2), "{}", run.stderr);
}

#[test]
fn every_image_has_a_heading_and_stdin_is_read() {
    let dir = Dir::new();
    let mut archive = Archive::new(small(), Form::Docker);
    let mut second = Item::new(Image::new(vec![layer("file only-here content=x")]));
    second.tags = vec!["example.com/second:1"];
    archive.items.push(second);
    archive.write(dir.path());
    let out = dir.run(&["plan", "in.tar", "-p", "shadowed.toml"]).ok().text();
    let headings: Vec<&str> = out.lines().filter(|l| l.starts_with("image ")).collect();
    assert_eq!(headings, ["image example.com/app:1.0, linux/amd64", "image example.com/second:1, linux/amd64"]);
    let why = dir.run(&["plan", "in.tar", "-p", "shadowed.toml", "--why", "only-here"]).ok().text();
    assert!(why.contains("only-here is not in this image.\n") && why.contains("only-here (1 B) stays"), "{why}");
    let bytes = std::fs::read(dir.join("in.tar")).unwrap();
    let piped = dir.run_with(&["plan", "-", "-p", "shadowed.toml", "-q"], &bytes).ok();
    assert_eq!((piped.text(), piped.stderr.as_str()), (out, ""));
}
