//! Options, reports, profiles and exit codes.

use super::{RUN, dir, with};
use crate::archives::small;
use crate::builder::{Archive, Comp, Form, Image, Item, layer, sha256};
use crate::oracle::open;
use crate::run::Dir;
use serde_json::{Value, json};

#[test]
fn the_report_as_json() {
    let dir = dir();
    dir.run(&with(&["--report", "r.json"])).ok();
    let r: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    assert_eq!(r["schemaVersion"], 1);
    assert_eq!(r["dryRun"], false);
    assert_eq!(r["input"]["archiveBytes"], std::fs::metadata(dir.join("in.tar")).unwrap().len());
    assert_eq!(r["output"]["archiveBytes"], std::fs::metadata(dir.join("out.tar")).unwrap().len());
    let view = open(&dir.join("out.tar"));
    let image = &r["images"][0];
    assert_eq!(image["output"]["manifest"], sha256(view.images[0].manifest.as_ref().unwrap()));
    assert_eq!(image["output"]["config"], sha256(&view.images[0].config_bytes));
    assert_eq!(image["layers"].as_array().unwrap().len(), 2);
    assert_eq!(image["layers"][0]["outputDiffId"], sha256(&view.images[0].layers[0].tar));
    let tar: usize = view.images[0].layers.iter().map(|l| l.tar.len()).sum();
    assert_eq!(r["output"]["uncompressedBytes"], tar);
    let rule = image["rules"].as_array().unwrap().iter().find(|r| r["id"] == "shadowed").unwrap();
    // With header and padding, or without.
    assert!((7000..=8704).contains(&rule["bytes"].as_u64().unwrap()), "hidden-content, 500 times: {rule}");
    let run = dir.run(&with(&["--report", "no/such/dir/r.json"])).error(&["no/such/dir/r.json"]);
    drop(run);
}

#[test]
fn a_report_that_cannot_be_written_leaves_no_output() {
    let dir = dir();
    for option in ["--report", "--removed"] {
        dir.run(&with(&[option, "/dev/full"])).error(&["/dev/full"]);
        assert_eq!(dir.names(), ["in.tar", "shadowed.toml"]);
    }
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "-", "--report", "/dev/full"]).error(&["/dev/full"]);
    assert!(run.stdout.is_empty());
}

#[test]
fn a_full_disk_is_the_outputs() {
    let dir = dir();
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "/dev/full"]).error(&["/dev/full", "cannot write"]);
}

#[test]
fn the_list_of_removed_paths() {
    let dir = dir();
    dir.run(&with(&["--drop", "b", "--removed", "removed.txt"])).ok();
    let text = std::fs::read_to_string(dir.join("removed.txt")).unwrap();
    let line = |path: &str| {
        text.lines()
            .find(|l| l.split('\t').any(|f| f.trim_start_matches('/') == path))
            .unwrap_or_else(|| panic!("no {path} in {text}"))
    };
    assert!(line("d/a").contains("shadowed") && line("d/a").contains("\t7"), "{text}");
    assert!(line("b").split('\t').count() == 4, "path, layer, bytes, rule: {text}");
    assert!(!text.contains("c\t"), "{text}");
}

#[test]
fn tags_and_labels() {
    for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
        let dir = Dir::new();
        Archive::new(small(), form).write(dir.path());
        dir.run(&with(&["-t", "new.example.com/app:2", "--tag", "other:latest"])).ok();
        assert_eq!(open(&dir.join("out.tar")).images[0].tags, ["new.example.com/app:2", "other:latest"], "{form:?}");
        dir.run(&with(&["--label", "a=b=c", "--label", "kept=no"])).ok();
        let view = open(&dir.join("out.tar"));
        assert_eq!(view.images[0].config["config"]["Labels"], json!({"kept": "no", "a": "b=c"}));
        assert_eq!(view.images[0].tags, ["example.com/app:1.0"]);
        dir.run(&with(&["--label", "no-equals"])).error(&["no-equals"]);
        dir.run(&with(&["-t", "UPPER case!"])).error(&["UPPER case!"]);
    }
}

#[test]
fn a_platform_that_is_not_there() {
    let dir = dir();
    dir.run(&with(&["--platform", "linux/s390x"])).error(&["s390x", "amd64"]);
    dir.run(&with(&["--platform", "linux/amd64"])).ok();
    dir.run(&with(&["--platform", "nonsense"])).error(&["nonsense"]);
}

#[test]
fn source_date_epoch_sets_created_and_nothing_else_does() {
    let mut dir = dir();
    dir.run(&RUN).ok();
    assert_eq!(open(&dir.join("out.tar")).images[0].config["created"], "2024-02-03T04:05:06.789012345Z");
    dir.env("SOURCE_DATE_EPOCH", "1600000000");
    dir.run(&RUN).ok();
    assert_eq!(open(&dir.join("out.tar")).images[0].config["created"], "2020-09-13T12:26:40Z");
    dir.env("SOURCE_DATE_EPOCH", "tomorrow");
    dir.run(&RUN).error(&["SOURCE_DATE_EPOCH"]);
}

#[test]
fn checks_end_with_1_after_writing() {
    let dir = Dir::new();
    Archive::new(small(), Form::OciTar).write(dir.path());
    for (check, code) in [
        (["--max-size", "700MB"], 0),
        (["--max-size", "1"], 1),
        (["--max-size", "1KB"], 1),
        (["--min-saving", "1%"], 0),
        (["--min-saving", "99%"], 1),
    ] {
        drop(std::fs::remove_file(dir.join("out.tar")));
        let run = dir.run(&with(&check));
        assert_eq!(run.code, Some(code), "{check:?}: {}", run.stderr);
        assert!(open(&dir.join("out.tar")).problems.is_empty(), "{check:?}");
        assert!(code == 0 || run.stderr.contains(check[0].trim_start_matches("--")), "{check:?}: {}", run.stderr);
    }
    for bad in [["--max-size", "lots"], ["--max-size", "-5"], ["--min-saving", "101%"], ["--min-saving", "x"]] {
        let run = dir.run(&with(&bad));
        assert_eq!(run.code, Some(2), "{bad:?}: {}", run.stderr);
    }
}

#[test]
fn base_by_count_diff_id_and_chain_id() {
    let dir = Dir::new();
    let mut image = small();
    image.layers.push(layer("file z content=z\nfile b content=b-second"));
    image.layers.push(layer("whiteout z"));
    let diff_ids: Vec<String> = image.layers.iter().map(|l| sha256(l)).collect();
    Archive::new(image.comp(Comp::Gzip), Form::OciTar).write(dir.path());
    let chain = sha256(format!("{} {}", diff_ids[0], diff_ids[1]).as_bytes());
    let run = |base: &str| dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "-", "--base", base]).ok().stdout;
    let by_count = run("2");
    assert!(run(&diff_ids[1]) == by_count, "by diff id");
    assert!(run(&chain) == by_count, "by chain id");
    assert!(run("3") != by_count);
    for bad in ["5", "4000000000", "sha256:0000", &sha256(b"no such layer"), "x", "-1"] {
        dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar", &format!("--base={bad}")]).error(&[]);
        assert!(!dir.join("out.tar").exists(), "{bad}");
    }
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar", "--base", "4"]).ok();
    let (a, b) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    assert_eq!(a.images[0].manifest, b.images[0].manifest, "all layers are the base");
}

#[test]
fn several_profiles_add_up() {
    let dir = dir();
    dir.write("b.toml", "description = \"b\"\n[[rule]]\nid = \"drop-b\"\naction = \"drop\"\nabout = \"test\"\nrisk = \"none\"\npaths = [\"b\"]\n");
    for p in [&["-p", "shadowed.toml,b.toml"][..], &["-p", "shadowed.toml", "-p", "b.toml"]] {
        let mut args = vec!["in.tar", "-o", "out.tar"];
        args.extend(p);
        dir.run(&args).ok();
        let tree = open(&dir.join("out.tar")).images[0].tree().unwrap();
        assert!(!tree.names.contains_key(&b"b"[..]) && tree.names.contains_key(&b"c"[..]));
    }
    dir.run(&["in.tar", "-o", "o", "-p", "python-slm"]).error(&["python-slm", "python-slim"]);
    dir.run(&["in.tar", "-o", "o", "-p", "missing.toml"]).error(&["missing.toml"]);
}

#[test]
fn profiles_list_show_and_check() {
    let dir = Dir::new();
    let list = dir.run(&["profiles"]).ok().text();
    for name in ["none", "caches", "debian-slim", "python-slim", "node-slim", "alpine-slim"] {
        assert!(list.contains(name), "{list}");
        let shown = dir.run(&["profiles", "show", name]).ok().text();
        let toml: toml::Value = toml::from_str(&shown).unwrap_or_else(|e| panic!("{name}: {e}\n{shown}"));
        assert!(toml.get("description").is_some(), "{shown}");
        assert_eq!(shown.contains("id = \"shadowed\""), name != "none", "{name}");
        dir.write("copy.toml", &shown);
        dir.run(&["profiles", "check", "copy.toml"]).ok();
    }
    dir.run(&["profiles", "show", "no-such"]).error(&["no-such"]);
    dir.run(&["profiles", "check", "shadowed.toml"]).ok();
    dir.write("bad.toml", "description = \"x\"\n[[rule]]\nid = \"a\"\nactoin = \"drop\"\n");
    dir.run(&["profiles", "check", "bad.toml"]).error(&["bad.toml:4:1", "actoin", "action", "^"]);
    dir.write("glob.toml", "description = \"x\"\n[[rule]]\nid = \"a\"\naction = \"drop\"\nabout = \"x\"\nrisk = \"none\"\npaths = [\"a[\"]\n");
    dir.run(&["profiles", "check", "glob.toml"]).error(&["glob.toml:7:", "^"]);
    dir.write("broken.toml", "description = \"x\n");
    dir.run(&["profiles", "check", "broken.toml"]).error(&["broken.toml:1:"]);
    dir.write("a.toml", "description = \"x\"\nextends = [\"b.toml\"]\n");
    dir.write("b.toml", "description = \"x\"\nextends = [\"a.toml\"]\n");
    dir.run(&["profiles", "check", "a.toml"]).error(&["a.toml"]);
    dir.write("extends.toml", "description = \"x\"\nextends = [\"cashes\"]\n");
    dir.run(&["profiles", "check", "extends.toml"]).error(&["extends.toml:2:", "cashes", "caches"]);
}

#[test]
fn completions_and_the_man_page() {
    let dir = Dir::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(dir.run(&["completions", shell]).ok().text().contains("profile"), "{shell}");
    }
    let man = dir.run(&["man"]).ok().text();
    assert!(man.contains(".TH") && man.contains("min\\-saving"), "{man}");
    assert!(dir.run(&["--help"]).ok().text().contains("--layers"));
    assert!(dir.run(&["--version"]).ok().text().contains("slim "));
}

#[test]
fn wrong_usage_is_2() {
    let dir = dir();
    for args in [
        &[][..],
        &["in.tar"],
        &["--no-such-flag"],
        &["in.tar", "-p", "none", "-o", "o", "--layers", "flat"],
        &["in.tar", "-p", "none", "-o", "o", "--compression", "lzma"],
        &["in.tar", "-p", "none", "-o", "o", "--compression", "gzip:99"],
        &["in.tar", "-p", "none", "-o", "o", "--threads", "0x"],
        &["no-such-file.tar", "-p", "none", "-o", "o"],
        &["in.tar", "-p", "none", "-o", "o", "--drop", "a["],
    ] {
        let run = dir.run(args);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{args:?}: {}", run.stderr);
        assert_eq!(dir.names(), ["in.tar", "shadowed.toml"], "{args:?}");
    }
}

#[test]
fn quiet_is_quiet_and_no_color_without_a_terminal() {
    let dir = dir();
    let run = dir.run(&with(&["-q"])).ok();
    assert_eq!((run.stderr.as_str(), run.stdout.as_slice()), ("", &b""[..]));
    let run = dir.run(&RUN).ok();
    assert!(!run.stderr.contains('\x1b'), "{:?}", run.stderr);
    assert!(!run.stderr.contains('\r'), "progress is for terminals: {:?}", run.stderr);
    let mut command = dir.command(&with(&["--color", "always"]));
    command.env_remove("NO_COLOR");
    assert!(crate::run::finish(command, b"").ok().stderr.contains('\x1b'));
}

#[test]
fn a_rule_that_matches_nothing_is_listed_with_v() {
    let dir = dir();
    dir.write("typo.toml", "description = \"b\"\n[[rule]]\nid = \"my-typo\"\naction = \"drop\"\nabout = \"test\"\nrisk = \"none\"\npaths = [\"bee\"]\n");
    let args = ["in.tar", "-p", "typo.toml", "-o", "out.tar"];
    assert!(dir.run(&[&args[..], &["-v"]].concat()).ok().stderr.contains("my-typo"));
}

#[test]
fn what_held_a_path_back_is_said() {
    let dir = Dir::new();
    Archive::new(Image::new(vec![layer("file a content=content\nlink b -> a\nfile bin/sh content=x")]), Form::OciTar)
        .write(dir.path());
    let run = dir
        .run(&["in.tar", "-p", "none", "--drop", "a", "--drop", "bin/sh", "-o", "out.tar", "-v", "--report", "r.json"])
        .ok();
    let report = std::fs::read_to_string(dir.join("r.json")).unwrap();
    assert!(report.contains("bin/sh"), "a protected shell: {report}");
    assert!(
        run.stderr.contains("held") || run.stderr.contains("kept") || run.stderr.contains("protect"),
        "{}",
        run.stderr
    );
}

/// A docker archive with several images given to a form that takes one REF.
#[test]
fn an_ambiguous_reference_is_an_error_or_all() {
    let items = vec![
        Item { tags: vec!["x/one:1"], ..Item::new(small()) },
        Item { tags: vec!["x/two:1"], ..Item::new(Image::new(vec![layer("file other content=o")])) },
    ];
    let dir = Dir::new();
    Archive { items, form: Form::OciTar, schema2: false }.write(dir.path());
    dir.run(&with(&["-t", "one-name:for-two"])).error(&["several images", "x/one:1, x/two:1"]);
    // A dry run says so as well, as does an archive of docker alone.
    dir.run(&["in.tar", "-p", "shadowed.toml", "-t", "one-name:for-two", "--dry-run"]).error(&["several images"]);
}

/// What `auto` says it picked, and what of it is gone, for an archive of these images.
fn auto(images: &[&str], args: &[&str]) -> (String, Vec<String>, Value) {
    let dir = Dir::new();
    let item = |(i, text): (usize, &&str)| {
        let tags = vec![["a:1", "b:1"][i]];
        Item { tags, ..Item::new(Image::new(vec![layer(text)])) }
    };
    let items = images.iter().enumerate().map(item).collect();
    Archive { items, form: Form::Docker, schema2: false }.write(dir.path());
    let run = dir
        .run(&[&["in.tar", "-p", "auto", "-o", "out.tar", "--removed", "gone", "--report", "r.json"], args].concat());
    let run = run.ok();
    let gone = std::fs::read_to_string(dir.join("gone")).unwrap();
    let gone = gone.lines().map(|l| l.split('\t').next().unwrap().trim_start_matches('/').to_owned()).collect();
    (run.stderr, gone, serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap())
}

const NODE: &str = "file app/node_modules/x/index.js content=1\nfile app/node_modules/x/index.js.map content=2\n";
const DEBIAN: &str = "file var/lib/dpkg/status content=1\nfile usr/share/man/man1/x.1.gz content=2\n";

#[test]
fn auto_picks_what_fits_the_image() {
    let (said, gone, report) = auto(&[NODE], &[]);
    assert!(said.contains("auto: node-slim\n"), "{said}");
    assert_eq!((gone, &report["picked"]), (vec!["app/node_modules/x/index.js.map".to_owned()], &json!(["node-slim"])));
    assert_eq!(report["profiles"], json!(["auto"]));

    // Each image decides for itself: the manual page and the source map of the other's kind stay.
    let both = format!("{NODE}file usr/share/man/man1/x.1.gz content=2\n");
    let (said, gone, report) = auto(&[&both, &format!("{DEBIAN}file app/index.js.map content=3\n")], &[]);
    assert!(said.contains("auto for a:1: node-slim\n") && said.contains("auto for b:1: debian-slim\n"), "{said}");
    assert_eq!(gone, ["app/node_modules/x/index.js.map", "usr/share/man/man1/x.1.gz"]);
    assert_eq!(report["picked"], json!(["node-slim", "debian-slim"]));
    assert_eq!(report["images"][1]["picked"], json!(["debian-slim"]));
    assert!(said.contains("  picked: node-slim\n") && said.contains("  picked: debian-slim\n"), "{said}");

    // A database may be gone, and not the name of the distribution; a link leads to it as in a container.
    let os = "file usr/lib/os-release content=\"ID=mint\\nID_LIKE='ubuntu debian'\\n\"\nsym etc/os-release -> ../usr/lib/os-release\n";
    let (said, gone, _) = auto(&[&format!("{os}file usr/share/man/man1/x.1.gz content=2\n")], &[]);
    assert!(said.contains("auto: debian-slim\n"), "{said}");
    assert_eq!(gone, ["usr/share/man/man1/x.1.gz"]);
    let (said, ..) = auto(&[&os.replace("ubuntu debian", "arch").replace("mint", "debianish")], &[]);
    assert!(said.contains("auto: none of the others fits"), "{said}");

    let (said, gone, report) = auto(&["file usr/share/man/man1/x.1.gz content=2\n"], &[]);
    assert!(said.contains("auto: none of the others fits"), "{said}");
    assert_eq!((gone.len(), &report["picked"]), (0, &json!([])));
}

#[test]
fn auto_goes_with_other_profiles_and_with_rules_of_what_it_did_not_pick() {
    let (said, gone, report) = auto(&[DEBIAN], &["-p", "node-slim", "--enable", "stubs"]);
    assert!(said.contains("auto, node-slim: debian-slim\n"), "{said}");
    assert_eq!(
        (gone, &report["profiles"]),
        (vec!["usr/share/man/man1/x.1.gz".to_owned()], &json!(["auto", "node-slim"]))
    );
}
