//! `action = "bytecode"` with `mode = "compile"`: the host's Python stands for that of the image.

use super::{HIDDEN, content, slim_in};
use crate::builder::{Archive, Comp, Form, Image, layer, sha256};
use crate::run::Dir;
use std::process::Command;

/// What the host's Python says, where there is one.
fn python(program: &str) -> Option<String> {
    let out = Command::new("python3").args(["-c", program]).output().ok().filter(|out| out.status.success());
    if out.is_none() {
        eprintln!("no python3: skipped");
    }
    Some(String::from_utf8(out?.stdout).unwrap().trim().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |out, b| out + &format!("{b:02x}"))
}

/// An image with modules: one with stale bytecode, one with bytecode in use, one that is no Python, one for another version.
fn image(tag: &str, magic: &[u8]) -> String {
    let pyc = |mtime: u32, size: u32| {
        hex(&[magic, &[0; 4], &mtime.to_le_bytes(), &size.to_le_bytes(), &[b'c'; 600]].concat())
    };
    let source = "def f():\\n    \\\"a doc\\\"\\n    assert 0\\nx = 7\\n";
    let version = format!("{}.{}", &tag[8..9], &tag[9..]);
    let size = source.replace("\\n", "n").replace("\\\"", "q").len() as u32;
    format!(
        "file usr/bin/python{version} content=elf\nfile usr/bin/python2.7 content=elf\n\
         file m/stale.py content=\"{source}\" mtime=5\nfile m/__pycache__/stale.{tag}.pyc content={}\n\
         file m/used.py content=\"{source}\" mtime=5\nfile m/__pycache__/used.{tag}.pyc mode=0600 uid=5 content={}\n\
         file m/bad.py content=\"x = (\" mtime=5\nfile m/__pycache__/bad.{tag}.pyc content={}\n\
         file m/kept.py content=x=1 mtime=5\nfile m/__pycache__/kept.{tag}.pyc content={}\n\
         file m/without.py content=x=1\n",
        pyc(1, 1),
        pyc(5, size),
        pyc(5, 5),
        pyc(5, 3),
    )
}

fn rules(optimize: &str) -> String {
    format!(
        "{HIDDEN}[[rule]]\nid = \"c\"\naction = \"bytecode\"\nmode = \"compile\"\npaths = [\"**/__pycache__\"]\n{optimize}\n\
         [protect]\npaths = [\"**/kept*\"]\n"
    )
}

#[test]
fn bytecode_is_compiled_by_the_command_and_loads() {
    let Some(tag) = python("import sys; print(sys.implementation.cache_tag)") else { return };
    let magic = python("import importlib.util as u; print(u.MAGIC_NUMBER.hex())").unwrap();
    let magic = crate::builder::text::unhex(&magic);
    let text = image(&tag, &magic);
    let mut diff_ids = Vec::new();
    for (optimize, want) in
        [("", "7 a doc AssertionError"), ("optimize = 1", "7 a doc None"), ("optimize = 2", "7 None None")]
    {
        for (comp, threads) in [(Comp::None, "1"), (Comp::Gzip, "2")] {
            let dir = Dir::new();
            let args = ["--run-with", "python3", "--threads", threads];
            let slimmed = slim_in(&dir, std::slice::from_ref(&text), comp, &rules(optimize), &args);
            let (before, after) = (slimmed.before.tree().unwrap(), slimmed.after.tree().unwrap());
            for module in ["stale", "used"] {
                let path = format!("m/__pycache__/{module}.{tag}.pyc");
                let made = content(&after, &path);
                assert_eq!(made[..8], [&magic[..], &[1, 0, 0, 0]].concat(), "an unchecked hash");
                // The interpreter takes it for the source's.
                let root = dir.join(module);
                std::fs::create_dir_all(root.join("__pycache__")).unwrap();
                std::fs::write(root.join(format!("{module}.py")), "x = 0\n").unwrap();
                std::fs::write(root.join(format!("__pycache__/{module}.{tag}.pyc")), made).unwrap();
                let program = format!(
                    "import sys; sys.path.insert(0, {root:?}); import {module} as m\n\
                     try: found = m.f()\nexcept AssertionError as e: found = 'AssertionError'\n\
                     print(m.x, m.f.__doc__, found, m.f.__code__.co_filename)"
                );
                let said = python(&program).unwrap();
                assert_eq!(said, format!("{want} {}/{module}.py", root.display()), "{module} {optimize}");
                assert_eq!(after.names[path.as_bytes()].mode, before.names[path.as_bytes()].mode);
            }
            for module in ["bad", "kept"] {
                let path = format!("m/__pycache__/{module}.{tag}.pyc");
                assert_eq!(content(&after, &path), content(&before, &path), "{module}");
            }
            let unchanged = &slimmed.report["images"][0]["unchanged"];
            assert_eq!(unchanged[0]["reason"], "the command failed: SyntaxError", "{unchanged}");
            assert_eq!(slimmed.report["images"][0]["made"]["files"], 2);
            assert!(slimmed.stderr.contains("rule `c` compiles 3 modules with `python3`"), "{}", slimmed.stderr);
            diff_ids.push(sha256(&slimmed.after.layers[0].tar));
        }
    }
    diff_ids.dedup();
    assert_eq!(diff_ids.len(), 3, "one for each level, whatever the compression and threads");
}

#[test]
fn a_command_that_is_no_python_ends_the_run_with_a_hint() {
    let dir = Dir::new();
    let text = image("cpython-311", &[0xa7, 0x0d, 0x0d, 0x0a]);
    Archive::new(Image::new(vec![layer(&text)]), Form::Docker).write(dir.path());
    dir.write("rules.toml", rules(""));
    let base = ["in.tar", "-p", "rules.toml", "-o", "out.tar"];
    let with = |command: &str| dir.run(&[&base[..], &["--run-with", command]].concat());
    dir.run(&base).error(&["rule `c` compiles bytecode", "hint:", "--run-with", "docker run"]);
    with("/no/such/thing -x").error(&["/no/such/thing", "cannot be run", "hint:"]);
    with("false").error(&["--run-with `false`", "exit", "hint:"]);
    with("echo hello dear").error(&["is no Python", "hint:"]);
    with("sh -c 'echo what is this >&2; exit 4'").error(&["it says: what is this", "4"]);
    with("sh -c 'cat > /dev/null; printf slimpyc1'").error(&["ended before all was compiled"]);
    // The right tag, and a magic number that the image's bytecode has not.
    with("sh -c 'printf \"slimpyc1\\013cpython-311\\247\\016\\r\\n\"; cat > /dev/null'").error(&["another version"]);
    with("'").error(&["quote"]);
    assert!(!dir.names().contains(&"out.tar".to_owned()));
}
