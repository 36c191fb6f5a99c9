//! Images that are well-formed and made to take long or much memory. Each run gets 3 GiB of address space, of which a few threads'
//! stacks and arenas take most, and a time that only something quadratic would need.

use crate::builder::{Archive, Form, Image, layer};
use crate::run::{Dir, finish, slim};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

const MOST_TIME: Duration = Duration::from_secs(20);

/// Slims an image in each mode.
#[track_caller]
fn bounded(layers: &[String], config: Value, profile: &str) {
    let dir = Dir::new();
    let mut image = Image::new(layers.iter().map(|text| layer(text)).collect());
    image.config = config;
    Archive::new(image, Form::OciTar).write(dir.path());
    for mode in [&[][..], &["--layers", "squash"], &["--base", "1"]] {
        let mut command = Command::new("sh");
        command.arg("-c").arg(r#"ulimit -v 3145728; exec "$0" "$@""#).arg(slim());
        command.args(["in.tar", "-o", "out.tar", "-p", profile, "--threads", "2"]).args(mode).current_dir(dir.path());
        let start = Instant::now();
        finish(command, b"").ok();
        assert!(start.elapsed() < MOST_TIME, "{mode:?}: {:?}", start.elapsed());
    }
}

/// A line for each number below `count`.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "{}", line(i));
        text
    })
}

#[test]
fn many_hard_links_to_one_file() {
    let lower = format!("file a content=x\n{}", lines(30_000, |i| format!("link l/{i} -> a")));
    let upper = lines(30_000, |i| format!("link u/{i} -> a"));
    bounded(&[lower, upper], json!({}), "shadowed.toml");
}

#[test]
fn a_long_chain_of_hard_links_each_before_its_target() {
    bounded(
        &[lines(20_000, |i| format!("link c{i:05} -> c{:05}", i + 1)) + "file c20000 content=x"],
        json!({}),
        "shadowed.toml",
    );
}

#[test]
fn many_whiteouts_above_the_base() {
    let lower = lines(30_000, |i| format!("file d{}/f{i} content=x", i % 100));
    let upper = lines(30_000, |i| format!("whiteout d{}/f{i}", i % 100));
    bounded(&[lower, upper], json!({}), "shadowed.toml");
}

#[test]
fn symbolic_links_with_long_targets_and_loops() {
    let long = "x/../".repeat(800);
    let lower = format!("dir x\nsym loop -> loop\n{}", lines(200, |i| format!("sym s{i} -> {long}s{}", i + 1)));
    let upper = lines(200, |i| format!("file s{i}/f content=x"));
    bounded(&[lower, upper], json!({}), "python-slim");
}

#[test]
fn deep_directories_that_only_their_files_imply() {
    let deep = "d/".repeat(1_500);
    bounded(
        &[format!("file {deep}a content=x"), lines(200, |i| format!("file {deep}f{i} content=x"))],
        json!({}),
        "shadowed.toml",
    );
}

#[test]
fn a_long_path_and_many_words_in_the_config() {
    let path: Vec<String> = (0..3_000).map(|i| format!("/p{i}")).collect();
    let words: Vec<String> = (0..3_000).map(|i| format!("w{i}")).collect();
    let config = json!({"config": {"Cmd": words, "Env": [format!("PATH={}", path.join(":"))]}});
    bounded(&[lines(3_000, |i| format!("dir p{i}")) + "file p2999/w2999 content=x"], config, "python-slim");
}

#[test]
fn a_python_file_of_equal_literals_and_one_of_brackets() {
    let literals = "\\\"tests\\\",".repeat(100_000);
    let package = "usr/lib/python3.11/site-packages/p";
    let text = format!(
        "file {package}/__init__.py content=\"x = [{literals}]\\n\"\nfile {package}/deep.py content=\"{}\"\n{}",
        "(".repeat(100_000),
        lines(2_000, |i| format!("file {package}/tests/t{i}.py content=x"))
    );
    bounded(&[text], json!({}), "python-slim");
}

#[test]
fn executables_that_claim_tables_without_end() {
    let mut text = String::new();
    for (i, wide) in [(0, true), (1, false), (2, true), (3, false)] {
        let mut elf = vec![0xff_u8; 70_000];
        elf[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        elf[4] = if wide { 2 } else { 1 };
        elf[16..20].copy_from_slice(&[if i < 2 { 2 } else { 3 }, 0, 62, 0]);
        let tables: &[(usize, u64)] = if wide { &[(32, 64), (40, 64)] } else { &[(28, 52), (32, 52)] };
        let width = if wide { 8 } else { 4 };
        tables.iter().for_each(|(at, n)| elf[*at..at + width].copy_from_slice(&n.to_le_bytes()[..width]));
        let hex = elf.iter().fold(String::from("0x"), |hex, b| hex + &format!("{b:02x}"));
        let _ = writeln!(text, "file bin/e{i} mode=0755 content={hex}");
    }
    bounded(&[text], json!({}), "strip");
}
