//! `action = "bytecode"`: which goes.

use super::{HIDDEN, Slimmed, rule, slim};
use crate::builder::Comp;

/// A compiled module for a source of this time and size.
fn pyc(mtime: u32, size: u32, more: usize) -> String {
    let mut bytes = vec![0xa7, 0x0d, b'\r', b'\n', 0, 0, 0, 0];
    bytes.extend(mtime.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.resize(16 + more, b'c');
    bytes.iter().fold(String::from("0x"), |out, b| out + &format!("{b:02x}"))
}

fn layers() -> Vec<String> {
    let site = "usr/lib/python3.11/site-packages/m";
    let lower = format!(
        "file usr/bin/python3.11 content=elf\n\
         file {site}/used.py content=x=1 mtime=1700000000.9\nfile {site}/__pycache__/used.cpython-311.pyc content={}\n\
         file {site}/late.py content=x=2 mtime=1700000000\nfile {site}/__pycache__/late.cpython-311.pyc content={}\n\
         dir {site}/sub/__pycache__\nfile {site}/sub/__pycache__/gone.cpython-311.pyc content={}\n\
         file {site}/alone.pyc content={}\n",
        pyc(1_700_000_000, 3, 5000),
        pyc(1_700_000_000, 3, 100),
        pyc(0, 0, 100),
        pyc(0, 0, 100)
    );
    // A later layer changes a source: its bytecode is stale from there on.
    let upper = format!("file {site}/late.py content=x=22 mtime=1700000005\n");
    vec![lower, upper]
}

fn names(slimmed: &Slimmed) -> Vec<String> {
    let tree = slimmed.after.tree().unwrap();
    let names = tree.names.keys().map(|path| path.escape_ascii().to_string());
    names.filter(|path| path.contains("pyc")).map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

fn run(mode: &str, comp: Comp, args: &[&str]) -> Slimmed {
    let rule = format!(
        "{HIDDEN}[[rule]]\nid = \"b\"\naction = \"bytecode\"\nmode = \"{mode}\"\npaths = [\"**/__pycache__\"]\n"
    );
    slim(&layers(), comp, &rule, args)
}

#[test]
fn stale_bytecode_goes_for_nothing_and_the_rest_for_a_price() {
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for args in [&[][..], &["--layers", "squash"], &["--threads", "1"]] {
            let stale = run("stale", comp, args);
            assert_eq!(names(&stale), ["__pycache__", "used.cpython-311.pyc", "alone.pyc"], "{comp:?} {args:?}");
            assert_eq!(stale.report["images"][0]["bytecode"]["modules"], 0);
            assert!(!stale.stderr.contains("bytecode of"), "{}", stale.stderr);
            assert_eq!(rule(&stale, "b").unwrap()["files"], 4 - 1, "two modules and a directory");
            let drop = run("drop", comp, &[args, &["-v"]].concat());
            assert_eq!(names(&drop), ["alone.pyc"]);
            assert_eq!(drop.report["images"][0]["bytecode"]["modules"], 1);
            assert_eq!(drop.report["images"][0]["bytecode"]["bytes"], 5016);
            assert!(drop.stderr.contains("bytecode of 1 module (5.0 kB) went"), "{}", drop.stderr);
        }
    }
}

#[test]
fn a_rule_that_drops_the_directories_has_the_same_price_and_protection_wins() {
    let rule = format!("{HIDDEN}[[rule]]\nid = \"b\"\naction = \"drop\"\npaths = [\"**/__pycache__\"]\n");
    let slimmed = slim(&layers(), Comp::None, &rule, &[]);
    assert_eq!(slimmed.report["images"][0]["bytecode"]["modules"], 1);
    let kept = run("drop", Comp::None, &["--protect", "**/used.*"]);
    assert_eq!(names(&kept), ["__pycache__", "used.cpython-311.pyc", "alone.pyc"]);
    assert_eq!(kept.report["images"][0]["bytecode"]["modules"], 0);
    assert_eq!(kept.report["images"][0]["held"][0]["rule"], "b");
    // With the source goes what it cost to be without bytecode.
    let both = slim(&layers(), Comp::None, &rule, &["--drop", "**/used.py"]);
    assert_eq!(both.report["images"][0]["bytecode"]["modules"], 0);
}
