//! `slim compare`, and running images: with an engine that is a shell script, and where docker is there with it.

use crate::archives::small;
use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::engine;
use crate::oracle;
use crate::run::{Dir, Outcome};
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROFILES: [(&str, &str); 2] = [
    ("a.toml", "description = \"a\"\n[[rule]]\nid = \"docs\"\nabout = \"x\"\naction = \"drop\"\npaths = [\"doc\"]\n"),
    (
        "b.toml",
        "description = \"b\"\n[[rule]]\nid = \"two\"\nabout = \"x\"\naction = \"drop\"\npaths = [\"doc/two\"]\n[[rule]]\n\
         id = \"logs\"\nabout = \"x\"\naction = \"drop\"\npaths = [\"log\"]\nrisk = \"low\"\n",
    ),
];

/// An image with something for each profile.
fn image() -> Dir {
    let layers = [
        "dir doc\nfile doc/one repeat=3000 content=one\nfile doc/two repeat=3000 content=two\ndir log\n\
         file log/x repeat=2000 content=log\nfile keep repeat=900 content=keep\nsym s -> keep",
        "file second repeat=5000 content=second",
    ];
    let dir = Dir::new();
    Archive::new(Image::new(layers.iter().map(|l| layer(l)).collect()), Form::Docker).write(dir.path());
    PROFILES.iter().for_each(|(name, text)| drop(dir.write(name, text)));
    dir
}

fn compare(dir: &Dir, more: &[&str]) -> Outcome {
    dir.run(&[&["compare", "in.tar"], more].concat())
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {}", outcome.stderr))
}

const TWO: [&str; 4] = ["-p", "./a.toml", "-p", "./b.toml"];

#[test]
fn figures_are_those_of_the_main_job() {
    let mut dir = image();
    std::fs::create_dir(dir.join("tmp")).unwrap();
    let tmp = dir.join("tmp").display().to_string();
    dir.env("TMPDIR", &tmp);
    let all = json(&compare(&dir, &[&TWO[..], &["-p", "./a.toml,./b.toml", "--json"]].concat()).ok());
    let columns = all["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["(as it is)", "./a.toml", "./b.toml", "./a.toml,./b.toml"]);
    for (column, profiles) in columns.iter().zip([None, Some("./a.toml"), Some("./b.toml"), Some("./a.toml,./b.toml")])
    {
        let mut sums = [0; 2];
        for (sum, codec) in sums.iter_mut().zip(["gzip", "zstd"]) {
            let out = format!("{codec}.tar");
            let profiles = profiles.unwrap_or("none");
            dir.run(&["in.tar", "-p", profiles, "-o", &out, "--compression", codec, "--report", "r.json"]).ok();
            let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
            let layers = report["images"][0]["layers"].as_array().unwrap();
            *sum = layers.iter().map(|l| l["outputBlob"].as_u64().unwrap()).sum();
            let plain: u64 = layers.iter().map(|l| l["outputBytes"].as_u64().unwrap()).sum();
            assert_eq!(column["uncompressedBytes"], plain, "{profiles}");
            let view = oracle::open(&dir.join(&out));
            let files = view.images[0].tree().unwrap();
            let files = files.names.values().filter(|node| node.what != oracle::replay::What::Dir).count();
            assert_eq!(column["files"], files, "{profiles}");
            if profiles != "none" {
                assert_eq!(column["rules"], report["images"][0]["rules"]);
            }
        }
        assert_eq!((column["gzipBytes"].as_u64(), column["zstdBytes"].as_u64()), (Some(sums[0]), Some(sums[1])));
        assert_eq!(column["pullSeconds"], sums[0] as f64 * 8.0 / 1e8);
        assert_eq!(column["layers"], 2);
    }
    let only = |index: usize| (columns[index]["only"]["files"].as_u64(), columns[index]["only"]["directories"].clone());
    assert_eq!(
        (only(1).0, only(2).0, only(3).0),
        (Some(0), Some(0), Some(0)),
        "the third has all that the others have"
    );
    let two = json(&compare(&dir, &[&TWO[..], &["--json"]].concat()).ok());
    let directories = |index: usize| two["columns"][index]["only"]["directories"][0]["name"].clone();
    assert_eq!((directories(1), directories(2)), ("doc".into(), "log".into()));
    assert_eq!(std::fs::read_dir(tmp).unwrap().count(), 0, "temporaries are gone");
}

#[test]
fn blobs_that_are_compressed_count_as_they_are() {
    let dir = Dir::new();
    Archive::new(small().comp(Comp::Gzip), Form::OciTar).write(dir.path());
    let all = json(&compare(&dir, &["-p", "none", "-p", "shadowed.toml", "--json", "-q"]).ok());
    let stored: u64 = oracle::open(&dir.join("in.tar")).images[0].layers.iter().map(|l| l.blob.len() as u64).sum();
    assert_eq!(all["columns"][0]["gzipBytes"], stored);
    assert_eq!(all["columns"][1]["gzipBytes"], stored);
    let no = json(&compare(&dir, &["-p", "none", "--no-compress", "--json"]).ok());
    assert_eq!((&no["columns"][0]["gzipBytes"], &no["columns"][0]["zstdBytes"]), (&Value::Null, &Value::Null));
    assert_eq!(no["columns"][0]["uncompressedBytes"], all["columns"][0]["uncompressedBytes"]);
}

#[test]
fn keys_of_rules_are_varied() {
    let dir = image();
    let run = compare(&dir, &["-p", "./b.toml", "--vary", r#"two.paths=["doc/one"],["doc"]"#, "--json"]).ok();
    let all = json(&run);
    let columns = &all["columns"];
    assert_eq!(columns[1]["name"], r#"./b.toml two.paths=["doc/one"]"#);
    assert!(columns[1]["uncompressedBytes"].as_u64() > columns[2]["uncompressedBytes"].as_u64());
    let cross =
        compare(&dir, &["-p", "strip", "--vary", "strip.level=debug,all", "--vary", "strip.risk=none,low"]).ok();
    assert!(cross.text().contains("  E  strip strip.level=all strip.risk=low"), "{}", cross.text());
    for (vary, words) in [
        ("strip.level=most", ["unknown level `most`", "level = 'most'"]),
        ("strip.levl=all", ["unknown key `levl`", "level"]),
        ("strop.level=all", ["unknown rule `strop`", "strip"]),
        ("strip", ["RULE.KEY", "strip.level=debug,all"]),
    ] {
        compare(&dir, &["-p", "strip", "--vary", vary]).error(&words);
    }
}

#[test]
fn text_and_markdown_are_written_where_they_are_asked_for() {
    let dir = image();
    let text = compare(&dir, &TWO).ok().text();
    for words in ["A  (as it is)", "C  ./b.toml", "What rules take", "Only C removes", "pull at 100 Mbit/s"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    let run = compare(&dir, &[&TWO[..], &["--markdown", "out.md", "--bandwidth", "1Gbit"]].concat()).ok();
    assert!(run.text().contains("pull at 1 Gbit/s"));
    let markdown = std::fs::read_to_string(dir.join("out.md")).unwrap();
    assert!(
        markdown.contains("|  | <code>&#40;as it is&#41;</code> | <code>./a.toml</code> | <code>./b.toml</code> |"),
        "{markdown}"
    );
    compare(&dir, &[&TWO[..], &["--json", "in.tar"]].concat()).error(&["is IN"]);
    compare(&dir, &[]).error(&["--profile"]);
    compare(&dir, &["-p", "./c.toml"]).error(&["cannot read the profile"]);
}

#[test]
fn the_page_has_every_column_and_loads_nothing() {
    let dir = image();
    let run = compare(&dir, &[&TWO[..], &["--html", "out.html"]].concat()).ok();
    assert!(run.text().contains("What rules take"), "the text is there as well");
    let html = std::fs::read_to_string(dir.join("out.html")).unwrap();
    for words in
        ["<!doctype html>", "(as it is)", "./a.toml", "./b.toml", "What ./b.toml removes", "default-src 'none'"]
    {
        let words = words.replace("What ./b", "What only ./b");
        assert!(html.to_lowercase().contains(&words.to_lowercase()), "no {words}");
    }
    assert!(!html.contains(" src=\"") && !html.contains("<link"), "it loads something");
    let all = json(&compare(&dir, &[&TWO[..], &["--json"]].concat()).ok());
    for size in ["uncompressedBytes", "gzipBytes", "zstdBytes"] {
        assert!(html.contains(&all["columns"][2][size].to_string()), "no {size}");
    }
    compare(&dir, &[&TWO[..], &["--html", "in.tar"]].concat()).error(&["is IN"]);
    compare(&dir, &["-p", "./c.toml", "--html", "other.html"]).error(&["cannot read the profile"]);
    assert!(!dir.join("other.html").exists());
}

#[test]
fn a_key_is_varied_once() {
    let dir = image();
    let twice = ["-p", "strip", "--vary", "strip.level=debug", "--vary", "strip.level=all"];
    compare(&dir, &twice).error(&["`strip.level` is varied twice", "hint:"]);
}

/// An engine that runs nothing: it knows what was loaded, and ends as the words of a line say.
const RUNS: &str = r#"  run) last=; for word; do image=$prev; prev=$word; case $word in sha256:*) id=$word ;; esac; done
    small=$(wc -c < "$dir/loaded-$id")
    case $prev in
      :) exit 0 ;;
      fails) exit 3 ;;
      larger) [ "$small" -gt 12000 ] ;;
      says) echo "$small" ;;
      random) echo $$ ;;
      sleeps) exec sleep 30 ;;
    esac ;;
"#;

fn with_engine() -> Dir {
    let mut dir = image();
    engine::install(&mut dir, RUNS);
    dir
}

fn log(dir: &Dir) -> Vec<String> {
    std::fs::read_to_string(dir.join("log")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn commands_are_run_in_each_and_nothing_is_left_in_the_engine() {
    let dir = with_engine();
    dir.write("list", "# a comment\n\nworks\nfails\nlarger\nsays\nrandom\n");
    let base =
        [&TWO[..], &["--run", "list", "--engine", "./engine", "--engine-arg=--memory=1g", "--runs", "2"]].concat();
    let all = json(&compare(&dir, &[&base[..], &["--run-output", "stdout", "--json"]].concat()).ok());
    let trials = |column: usize| all["columns"][column]["trials"]["trials"].as_array().unwrap().clone();
    let same = |column: usize| trials(column).iter().map(|t| t["same"].as_bool().unwrap()).collect::<Vec<_>>();
    assert_eq!(same(0), [true; 5]);
    assert_eq!(same(1), [true, true, false, false, true], "what is random before is no difference");
    assert_eq!(trials(1)[2]["differs"], serde_json::json!(["exit-code"]));
    assert_eq!((&trials(1)[2]["before"]["exitCode"], &trials(1)[2]["after"]["exitCode"]), (&0.into(), &1.into()));
    assert_eq!(trials(1)[3]["differs"], serde_json::json!(["stdout"]));
    assert_eq!(trials(1)[0]["after"]["seconds"].as_array().unwrap().len(), 2);
    assert_eq!(trials(1)[4]["before"]["unsteady"], serde_json::json!(["stdout"]));

    let lines = log(&dir);
    let runs: Vec<&String> = lines.iter().filter(|l| l.starts_with("run ")).collect();
    assert_eq!(runs.len(), 1 + 5 * 2 * 3);
    for run in runs {
        for word in ["--rm", "--network none", "--pull never", "--memory=1g", "--entrypoint sh"] {
            assert!(run.contains(word), "{run}");
        }
    }
    let count = |word: &str| lines.iter().filter(|l| l.starts_with(word)).count();
    assert_eq!((count("load"), count("rmi"), count("tag")), (3, 3, 0));
    assert!(dir.names().iter().all(|n| !n.starts_with("has-")));
    let text = compare(&dir, &base).ok().text();
    assert!(text.contains("B: commands that are not as before"), "{text}");
}

#[test]
fn an_image_comes_in_without_a_name_and_one_that_is_there_stays() {
    let dir = with_engine();
    dir.write("list", "works\n");
    compare(&dir, &["-p", "none", "--run", "list", "--engine", "./engine"]).ok();
    let names = dir.names();
    let loaded = names.iter().find(|n| n.starts_with("loaded-")).unwrap();
    let mut archive = tar::Archive::new(std::fs::File::open(dir.join(loaded)).unwrap());
    let mut members = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        members.push((entry.path().unwrap().display().to_string(), bytes));
    }
    let (last, bytes) = members.last().unwrap();
    let manifest: Value = serde_json::from_slice(bytes).unwrap();
    assert_eq!((last.as_str(), &manifest[0]["RepoTags"]), ("manifest.json", &Value::Null), "cut off, it is no image");
    let view = oracle::open(&dir.join("in.tar"));
    let config = members.iter().find(|(name, _)| manifest[0]["Config"] == name.as_str()).unwrap();
    assert_eq!(config.1, view.images[0].config_bytes);
    for (layer, name) in view.images[0].layers.iter().zip(manifest[0]["Layers"].as_array().unwrap()) {
        let stored = members.iter().find(|(n, _)| name == n.as_str()).unwrap();
        assert_eq!(stored.1, *layer.blob);
    }
    // As if it had been there before.
    dir.write(&loaded.replace("loaded-", "has-"), "");
    std::fs::remove_file(dir.join("log")).unwrap();
    compare(&dir, &["-p", "none", "--run", "list", "--engine", "./engine"]).ok();
    assert!(!log(&dir).iter().any(|l| l.starts_with("load") || l.starts_with("rmi")), "{:?}", log(&dir));
}

#[test]
fn what_takes_too_long_is_ended_and_counts_as_another_end() {
    let dir = with_engine();
    dir.write("list", "sleeps\n");
    let args = ["-p", "none", "--run", "list", "--engine", "./engine", "--runs", "1", "--timeout", "1", "--json"];
    let all = json(&compare(&dir, &args).ok());
    let after = &all["columns"][1]["trials"]["trials"][0]["after"];
    assert_eq!((&after["timedOut"], &after["exitCode"]), (&true.into(), &Value::Null));
    assert!(log(&dir).iter().any(|l| l.starts_with("rm -f slim-")));
}

#[test]
fn an_interrupted_run_leaves_nothing_in_the_engine() {
    let dir = with_engine();
    dir.write("list", "sleeps\n");
    let mut command = dir.command(&["compare", "in.tar", "-p", "./a.toml", "--run", "list", "--engine", "./engine"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let sleeping = || std::fs::read_to_string(dir.join("log")).is_ok_and(|l| l.contains("-c sleeps"));
    while !sleeping() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never got there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let lines = log(&dir);
    let count = |word: &str| lines.iter().filter(|l| l.starts_with(word)).count();
    assert!(count("rm -f slim-") >= 1, "{lines:?}");
    assert_eq!(count("load"), count("rmi"), "{lines:?}");
    assert!(dir.names().iter().all(|n| !n.starts_with("has-")));
}

#[test]
fn without_an_engine_or_a_list_it_is_an_error_with_a_hint() {
    let dir = image();
    dir.write("list", "true\n");
    dir.write("empty", "# nothing\n");
    let run = |more: &[&str]| compare(&dir, &[&["-p", "none"], more].concat());
    run(&["--run", "list", "--engine", "/no/such"]).error(&["no container engine answers", "/no/such", "hint:"]);
    run(&["--sweep", "all", "--engine", "false"]).error(&["no container engine answers", "hint:"]);
    run(&["--run", "no-list", "--engine", "true"]).error(&["no-list", "cannot be read"]);
    run(&["--run", "empty", "--engine", "true"]).error(&["empty", "no command", "hint:"]);
    run(&["--run", "list", "--engine", "true", "--sweep", "most"]).error(&["python", "packages"]);
}

/// Docker with a shell to run in it, if both are here.
fn docker() -> bool {
    let answers = Command::new("docker").arg("info").output().is_ok_and(|o| o.status.success());
    let shell = std::fs::read("/bin/busybox").is_ok_and(|b| !b.windows(10).any(|w| w == b"/ld-linux-"));
    if !(answers && shell) {
        eprintln!("no docker daemon, or no static /bin/busybox: skipped");
    }
    answers && shell
}

/// A layer with a shell, its tools, and a program that a rule will break.
fn busybox() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut put = |path: &str, kind: tar::EntryType, mode: u32, data: &[u8], link: &str| {
        let mut header = tar::Header::new_ustar();
        header.set_size(data.len() as u64);
        header.set_mode(mode);
        header.set_entry_type(kind);
        if link.is_empty() {
            tar.append_data(&mut header, path, data).unwrap();
        } else {
            tar.append_link(&mut header, path, link).unwrap();
        }
    };
    put("bin/busybox", tar::EntryType::Regular, 0o755, &std::fs::read("/bin/busybox").unwrap(), "");
    for name in ["sh", "cat", "head", "md5sum", "timeout", "ls", "echo", "sleep"] {
        put(&format!("bin/{name}"), tar::EntryType::Symlink, 0o777, b"", "busybox");
    }
    let script = b"#!/bin/sh\n[ -e /doc/two ] && echo version 1\n";
    put("bin/needs-doc", tar::EntryType::Regular, 0o755, script, "");
    put("bin/goes", tar::EntryType::Regular, 0o755, b"#!/bin/sh\necho goes 1\n", "");
    put("doc/two", tar::EntryType::Regular, 0o644, b"two", "");
    tar.into_inner().unwrap()
}

#[test]
fn docker_runs_both_and_keeps_neither() {
    if !docker() {
        return;
    }
    let dir = Dir::new();
    // A label of its own makes it an image that nobody else has.
    let label =
        serde_json::json!({"config": {"Labels": {"test": dir.path().display().to_string()}, "Env": ["PATH=/bin"]}});
    let mut image = Image::new(vec![busybox()]);
    image.config = label;
    Archive::new(image, Form::OciDir).write(dir.path());
    dir.write("p.toml", "description = \"p\"\n[[rule]]\nid = \"d\"\nabout = \"x\"\naction = \"drop\"\nguard = \"none\"\npaths = [\"doc\", \"bin/goes\"]\n");
    dir.write("list", "needs-doc\necho $((1 + 1)); cat /proc/net/dev | head -n 9\nls /none\n");
    let label = format!("label=test={}", dir.path().display());
    let images = || Command::new("docker").args(["images", "-aq", "--filter", &label]).output().unwrap();
    let input = if dir.join("in.tar").exists() { "in.tar" } else { "in" };
    let args = ["compare", input, "-p", "./p.toml", "--engine", "docker", "--engine-arg=--cpu-shares=128"];
    let more = ["--run", "list", "--runs", "1", "--run-output", "stdout", "--sweep", "bin,python", "--json"];
    let all = json(&dir.run(&[&args[..], &more].concat()).ok());
    let left = images();
    assert!(left.status.success() && left.stdout.is_empty(), "what came in is gone");
    assert_eq!(all["tried"]["shell"], true);
    let trials = all["columns"][1]["trials"]["trials"].as_array().unwrap();
    let same: Vec<bool> = trials.iter().map(|t| t["same"].as_bool().unwrap()).collect();
    assert_eq!(same, [false, true, true], "{trials:#?}");
    let out = trials[1]["before"]["stdout"]["tail"].as_str().unwrap();
    assert!(out.starts_with("2\n") && !out.contains("eth0"), "there is no network: {out}");
    assert_ne!(trials[2]["before"]["exitCode"], 0);
    let sweeps = all["columns"][1]["sweeps"]["sweeps"].as_array().unwrap();
    assert_eq!(sweeps[0]["skipped"], "the image has no Python");
    let name = |list: &str| sweeps[1][list].as_array().unwrap().iter().map(|f| f["name"].clone()).collect::<Vec<_>>();
    assert_eq!(name("regressions"), ["/bin/needs-doc"], "{sweeps:#?}");
    assert_eq!(name("dropped"), ["/bin/goes"]);
}
