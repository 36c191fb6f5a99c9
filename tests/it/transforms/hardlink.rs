//! `action = "hardlink"`.

use super::{HIDDEN, Slimmed, groups, rule, same_files, slim};
use crate::builder::Comp;
use crate::differential::umoci_differs;

const RULE: &str = "[[rule]]\nid = \"link\"\naction = \"hardlink\"\npaths = [\"*\"]\nexcept = [\"var\"]\n";

fn file(path: &str, letter: char, more: &str) -> String {
    format!("file {path} content={letter} repeat=3000 {more}\n")
}

fn ways() -> Vec<(Comp, &'static [&'static str])> {
    let mut out = Vec::new();
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for args in [&[][..], &["--threads", "1"], &["--compression", "none"]] {
            out.push((comp, args));
        }
    }
    out
}

#[track_caller]
fn linked(layers: &[String], comp: Comp, args: &[&str], hidden: bool) -> (Slimmed, Vec<Vec<String>>) {
    let rules = if hidden { RULE.to_owned() } else { format!("{HIDDEN}{RULE}") };
    let slimmed = slim(layers, comp, &rules, args);
    let (before, after) = (slimmed.before.tree().unwrap(), slimmed.after.tree().unwrap());
    same_files(&before, &after);
    let groups = groups(&after);
    (slimmed, groups)
}

#[test]
fn equal_files_of_a_layer_become_one_and_keep_all_that_they_had() {
    let meta = "mode=4755 uid=7 gid=8 uname=u gname=g mtime=1700000000.5 xattr.user.a=0x00ff";
    let lower = [
        "dir a mode=0700 uid=3\n".to_owned(),
        file("a/1", 'x', meta),
        file("a/2", 'x', meta),
        file(&format!("a/{}", "long".repeat(40)), 'x', meta),
        // Each differs in one thing.
        file("b/content", 'y', meta),
        file("b/mode", 'x', "uid=7 gid=8 uname=u gname=g mtime=1700000000.5 xattr.user.a=0x00ff"),
        file("b/owner", 'x', "mode=4755 uid=9 gid=8 uname=u gname=g mtime=1700000000.5 xattr.user.a=0x00ff"),
        file("b/name", 'x', "mode=4755 uid=7 gid=8 uname=v gname=g mtime=1700000000.5 xattr.user.a=0x00ff"),
        file("b/time", 'x', "mode=4755 uid=7 gid=8 uname=u gname=g mtime=1700000000 xattr.user.a=0x00ff"),
        file("b/xattr", 'x', "mode=4755 uid=7 gid=8 uname=u gname=g mtime=1700000000.5"),
        file("var/excepted", 'x', meta),
        "file b/small content=s repeat=511\nfile b/small2 content=s repeat=511\n".to_owned(),
        file("c/has-two-names", 'x', meta),
        "link c/other -> c/has-two-names mode=4755 uid=7 gid=8 uname=u gname=g mtime=1700000000.5 xattr.user.a=0x00ff\n"
            .to_owned(),
    ]
    .concat();
    let upper = [file("z/1", 'x', meta), file("z/2", 'x', meta)].concat();
    let long = format!("a/{}", "long".repeat(40));
    for (comp, args) in ways() {
        let (slimmed, groups) = linked(&[lower.clone(), upper.clone()], comp, args, false);
        let want = [
            vec!["a/1".to_owned(), "a/2".to_owned(), long.clone()],
            vec!["c/has-two-names".into(), "c/other".into()],
            vec!["z/1".into(), "z/2".into()],
        ];
        assert_eq!(groups, want, "{comp:?} {args:?}");
        let image = &slimmed.report["images"][0];
        assert_eq!(image["linked"]["files"], 3);
        assert_eq!(image["linked"]["bytes"], rule(&slimmed, "link").unwrap()["bytes"]);
        let sum =
            |key: &str| -> u64 { image["layers"].as_array().unwrap().iter().map(|l| l[key].as_u64().unwrap()).sum() };
        assert_eq!(sum("inputBytes") - sum("outputBytes"), image["linked"]["bytes"].as_u64().unwrap(), "{args:?}");
        assert!(slimmed.stderr.contains("3 changed"), "{}", slimmed.stderr);
        let tars: Vec<String> = slimmed.after.layers.iter().map(|l| format!("raw {}", hex(&l.tar))).collect();
        if let Some(differs) = umoci_differs(&tars) {
            panic!("{differs}");
        }
        // What is hidden stays, and all else is as with the rule that drops it.
        assert_eq!(linked(&[lower.clone(), upper.clone()], comp, args, true).1, want);
    }
    // In a squash the layers are one.
    let (slimmed, groups) = linked(&[lower, upper], Comp::Gzip, &["--layers", "squash"], false);
    let all = vec!["a/1".into(), "a/2".into(), long, "z/1".into(), "z/2".into()];
    assert_eq!(groups, [all, vec!["c/has-two-names".into(), "c/other".into()]]);
    assert_eq!(slimmed.report["images"][0]["linked"]["files"], 4);
}

/// A layer without its end marker.
fn hex(tar: &[u8]) -> String {
    tar[..tar.len() - 1024].iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn what_is_protected_in_a_base_or_hidden_stays_by_itself() {
    let base = [file("base/1", 'x', ""), file("base/2", 'x', "")].concat();
    let middle =
        [file("m/hidden", 'x', ""), file("m/1", 'x', ""), file("m/2", 'x', ""), file("m/kept", 'x', "")].concat();
    let top = ["whiteout m/hidden\n".to_owned(), file("t/1", 'x', ""), file("t/2", 'x', "")].concat();
    let layers = [base, middle, top];
    for hidden in [false, true] {
        for args in
            [&["--base", "1", "--protect", "m/kept"][..], &["--base", "1", "--protect", "/m/k*", "--threads", "1"]]
        {
            let (_, groups) = linked(&layers, Comp::Gzip, args, hidden);
            assert_eq!(groups, [["m/1", "m/2"], ["t/1", "t/2"]], "{hidden}");
        }
    }
    let (_, groups) = linked(&layers, Comp::Zstd, &["--base", "1", "--layers", "squash", "--protect", "m/kept"], false);
    assert_eq!(groups, [["m/1", "m/2", "t/1", "t/2"]]);
}

#[test]
fn what_later_layers_did_to_links_and_names_makes_no_difference() {
    // A name twice in one layer, a hidden hard link to a file that becomes one, a directory in place of a file.
    let lower = [
        file("a", 'x', ""),
        file("b", 'q', ""),
        file("b", 'x', ""),
        file("c", 'x', ""),
        "link gone -> c\n".to_owned(),
        file("dir", 'x', ""),
    ]
    .concat();
    let upper = "whiteout gone\nwhiteout dir\ndir dir\nfile dir/x content=x repeat=3000".to_owned();
    let (_, found) = linked(&[lower.clone(), upper.clone()], Comp::None, &[], false);
    assert_eq!(found, [["a", "b", "c"]]);
    // Where what is hidden stays, a name that is there twice does too, which the checks of this test refuse.
    let once = lower.replacen(&file("b", 'q', ""), "", 1);
    let (_, found) = linked(&[once, upper.clone()], Comp::None, &[], true);
    assert_eq!(found, [["a", "b", "c"]]);
    let (_, found) = linked(&[lower, upper], Comp::None, &["--layers", "squash"], false);
    assert_eq!(found, [["a", "b", "c", "dir/x"]]);
}

#[test]
fn twice_is_no_more_than_once_and_dropping_comes_first() {
    let text = [file("a", 'x', ""), file("b", 'x', ""), file("c", 'x', "")].concat();
    let drop = format!("{HIDDEN}{RULE}[[rule]]\nid = \"drop\"\naction = \"drop\"\npaths = [\"a\"]\n");
    let slimmed = slim(&[text], Comp::None, &drop, &[]);
    assert_eq!(groups(&slimmed.after.tree().unwrap()), [["b", "c"]]);
    let again: Vec<String> = slimmed.after.layers.iter().map(|l| format!("raw {}", hex(&l.tar))).collect();
    let (twice, found) = linked(&again, Comp::None, &[], false);
    assert_eq!(found, [["b", "c"]]);
    assert!(twice.after.layers[0].tar == slimmed.after.layers[0].tar);
}
