//! `action = "external"`: commands of the user's.

use super::{HIDDEN, Slimmed, content, groups, rule, slim, slim_in};
use crate::builder::{Archive, Comp, Form, Image, layer, sha256};
use crate::run::Dir;

/// A rule that runs a line of shell, in which `$0` is the input and `$1` the output.
fn shell(line: &str, more: &str) -> String {
    format!(
        "{HIDDEN}[[rule]]\nid = \"x\"\naction = \"external\"\ncommand = [\"sh\", \"-c\", '{line}', \"{{in}}\", \"{{out}}\"]\n\
         deterministic = true\npaths = [\"a\"]\n{more}\n"
    )
}

fn file(path: &str, letter: char, more: &str) -> String {
    format!("file {path} content={letter} repeat=3000 {more}\n")
}

/// Why files stayed, by id: how many.
fn unchanged(slimmed: &Slimmed) -> Vec<(String, u64)> {
    let list = slimmed.report["images"][0]["unchanged"].as_array().unwrap();
    list.iter().map(|u| (u["id"].as_str().unwrap().to_owned(), u["files"].as_u64().unwrap())).collect()
}

#[test]
fn a_smaller_output_takes_the_place_of_the_file_and_its_checksum_follows() {
    let meta = "mode=4755 uid=7 mtime=1700000000.5 xattr.user.a=0x00ff";
    let record = "a/x.svg,sha256=OLD,3000\\na/other,sha256=KEEP,1\\n";
    let lower = [
        file("a/x.svg", 'x', meta),
        "link a/second -> a/x.svg\n".to_owned(),
        file("a/one", 'y', ""),
        file("a/two", 'y', ""),
        file("b/x", 'x', ""),
        format!("file a-1.dist-info/RECORD content=\"{record}\"\n"),
    ]
    .concat();
    let upper = file("a/upper", 'z', "");
    // The same as the output of `head`, and the name's ending is still there.
    let line = "case $0 in *.svg|*/in) ;; *) exit 9;; esac; head -c 1000 $0 > $1";
    let rules = shell(line, "[[rule]]\nid = \"link\"\naction = \"hardlink\"\npaths = [\"a\"]");
    let mut diff_ids = Vec::new();
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for args in [&[][..], &["--threads", "1"], &["--layers", "squash"]] {
            let slimmed = slim(&[lower.clone(), upper.clone()], comp, &rules, args);
            let (before, after) = (slimmed.before.tree().unwrap(), slimmed.after.tree().unwrap());
            for (path, node) in &before.names {
                let now = &after.names[path];
                let meta = |n: &crate::oracle::replay::Node| (n.mode, n.uid, n.gid, n.mtime, n.records.clone());
                assert_eq!(meta(node), meta(now), "{}", path.escape_ascii());
            }
            for (path, letter) in [("a/x.svg", b'x'), ("a/second", b'x'), ("a/one", b'y'), ("a/upper", b'z')] {
                assert_eq!(content(&after, path), vec![letter; 1000], "{path}");
            }
            assert_eq!(content(&after, "b/x").len(), 3000);
            let record = String::from_utf8(content(&after, "a-1.dist-info/RECORD")).unwrap();
            assert!(
                record.starts_with("a/x.svg,sha256=") && record.ends_with(",1000\na/other,sha256=KEEP,1\n"),
                "{record}"
            );
            assert!(!record.contains("OLD"), "{record}");
            // What became equal is linked.
            assert_eq!(groups(&after), [["a/one", "a/two"], ["a/second", "a/x.svg"]]);
            assert_eq!(slimmed.report["images"][0]["made"]["files"], 4);
            assert_eq!(rule(&slimmed, "x").unwrap()["files"], 4);
            assert!(slimmed.stderr.contains("note: rule `x` runs `sh -c "), "{}", slimmed.stderr);
            assert!(slimmed.stderr.contains("on 4 files"), "{}", slimmed.stderr);
            if !args.contains(&"squash") {
                diff_ids.push(slimmed.after.layers.iter().map(|l| sha256(&l.tar)).collect::<Vec<_>>());
            }
        }
    }
    diff_ids.dedup();
    assert_eq!(diff_ids.len(), 1, "the same whatever the compression and threads");
}

#[test]
fn what_goes_wrong_leaves_the_file_as_it_was_and_is_told() {
    let text = file("a/1", 'x', "");
    for (line, more, want) in [
        ("head -c 9 $0 > $1; echo no such luck >&2; exit 3", "", "failed"),
        ("kill -9 $$", "", "failed"),
        ("head -c 9 $0 > $1; exec sleep 30", "timeout = 1", "timed-out"),
        ("true", "", "no-output"),
        (": > $1", "", "no-output"),
        ("ln -s $0 $1", "", "no-output"),
        ("mkdir $1", "", "no-output"),
        ("cat $0 $0 > $1", "", "not-smaller"),
        ("cat $0 > $1", "", "not-smaller"),
    ] {
        let slimmed = slim(std::slice::from_ref(&text), Comp::Gzip, &shell(line, more), &["-v"]);
        assert_eq!(unchanged(&slimmed), [(want.to_owned(), 1)], "{line}");
        assert!(slimmed.after.layers[0].blob == slimmed.before.layers[0].blob, "{line}");
        assert!(slimmed.stderr.contains("as they were"), "{}", slimmed.stderr);
        if line.contains("luck") {
            assert!(slimmed.stderr.contains("exit code 3, no such luck"), "{}", slimmed.stderr);
        }
    }
}

#[test]
fn what_is_protected_verified_a_list_of_checksums_or_in_the_base_is_no_input() {
    let base = file("a/base", 'x', "");
    let upper = [
        file("a/kept", 'x', ""),
        file("a/signed", 'x', "xattr.security.ima=0x01"),
        file("a/crypto.so.3", 'x', ""),
        "file a/.crypto.so.3.hmac content=sum\n".to_owned(),
        "file a/b-1.dist-info/RECORD content=b,, repeat=100\n".to_owned(),
        file("a/half", 'x', ""),
        "link elsewhere -> a/half\nfile a/empty\n".to_owned(),
        file("a/goes", 'x', ""),
    ]
    .concat();
    let line = "head -c 1 $0 > $1";
    for args in [&["--base", "1"][..], &["--base", "1", "--layers", "squash"]] {
        let args = [args, &["--protect", "a/kept"]].concat();
        let slimmed = slim(&[base.clone(), upper.clone()], Comp::None, &shell(line, ""), &args);
        let tree = slimmed.after.tree().unwrap();
        let short: Vec<String> = tree
            .names
            .keys()
            .map(|p| p.escape_ascii().to_string())
            .filter(|p| matches!(&tree.names[p.as_bytes()].what, super::What::File(c) if c.len() == 1))
            .collect();
        assert_eq!(short, ["a/goes"]);
        let mut why = unchanged(&slimmed);
        why.sort();
        assert_eq!(why, [("protected".to_owned(), 1), ("self-checking".to_owned(), 3)]);
    }
}

#[test]
fn a_command_sees_its_two_files_and_path_alone() {
    let dir = Dir::new();
    let line = format!(
        "pwd > {0}/seen; ls >> {0}/seen; env >> {0}/seen; cat >> {0}/seen; head -c 9 $0 > $1",
        dir.path().display()
    );
    let text = file("a/x.js", 'x', "");
    slim_in(&dir, &[text], Comp::None, &shell(&line, ""), &[]);
    let seen = std::fs::read_to_string(dir.join("seen")).unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[1], "in.js", "{seen}");
    let odd =
        lines[2..].iter().filter(|l| !["PATH=", "PWD=", "_=", "SHLVL=", "OLDPWD="].iter().any(|k| l.starts_with(k)));
    assert_eq!(odd.count(), 0, "{seen}");
    assert!(!std::path::Path::new(lines[0]).exists(), "{} is still there", lines[0]);
}

#[test]
fn a_program_that_is_not_there_ends_the_run_and_a_loose_one_is_told_of() {
    let dir = Dir::new();
    Archive::new(Image::new(vec![layer(&file("a/x", 'x', ""))]), Form::Docker).write(dir.path());
    let rules = |command: &str, deterministic: bool| {
        format!(
            "[[rule]]\nid = \"x\"\naction = \"external\"\ncommand = [\"{command}\", \"{{in}}\", \"{{out}}\"]\n\
             deterministic = {deterministic}\npaths = [\"a\"]\n"
        )
    };
    dir.write("p.toml", rules("no-such-program-here", true));
    let args = ["in.tar", "-p", "p.toml", "-o", "out.tar"];
    dir.run(&args).error(&["no-such-program-here", "rule `x`", "hint:", "install"]);
    dir.write("p.toml", rules("./no-such-program-here", true));
    dir.run(&args).error(&["./no-such-program-here"]);
    assert!(!dir.names().contains(&"out.tar".to_owned()));
    // Nothing is run, and so nothing is missed, where no file is named.
    dir.write("p.toml", rules("no-such-program-here", true).replace("[\"a\"]", "[\"b\"]"));
    dir.run(&args).ok();
    dir.write("p.toml", rules("cp", false));
    let out = dir.run(&args).ok();
    assert!(
        out.stderr.contains("warning: the command of the rule `x` is said not to be deterministic"),
        "{}",
        out.stderr
    );
}
