use super::*;

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn found(text: &str, syntax: Syntax) -> Vec<String> {
    let wanted = Wanted {
        tools: ["make".to_owned()].into(),
        roots: set(&["usr/share/doc", "tmp", "usr/share/man"]),
        parts: set(&[".cache/uv"]),
        ends: set(&[]),
        commands: set(&["uv"]),
        suites: set(&["tests"]),
        languages: true,
        libraries: true,
        maps: false,
    };
    let search = Search::new(wanted).unwrap();
    let one = |r: Reference| match r.target {
        Target::Path(path) => format!("{} {path}", r.line),
        Target::Command(name) => format!("{} run {name}", r.line),
        Target::Suite(name) => format!("{} suite {name}", r.line),
        Target::Language(name) => format!("{} language {name}", r.line),
        Target::Library(name) => format!("{} library {name}", r.line),
        other => format!("{other:?}"),
    };
    search.references(text.as_bytes(), syntax).into_iter().map(one).collect()
}

#[test]
fn scripts_name_paths() {
    let sh = |text: &str| found(text, Syntax::Shell);
    assert_eq!(sh("#!/bin/sh\nzcat /usr/share/doc/x/create.sql.gz | mysql\n"), ["2 /usr/share/doc/x/create.sql.gz"]);
    assert_eq!(sh("# /usr/share/doc/x\ncat \"/tmp/a\" # /tmp/b\n"), ["2 /tmp/a"]);
    assert_eq!(sh("cat '/tmp/a b' /tmp/c#d"), ["1 /tmp/a", "1 /tmp/a b", "1 /tmp/c"]);
    assert_eq!(
        sh("D=/usr/share/doc/x\n. $D/y/z.sh ${E}/y/z ~/.cache/uv/e"),
        ["1 /usr/share/doc/x", "2 $D/y/z.sh", "2 $E/y/z", "2 ~/.cache/uv/e"]
    );
    assert_eq!(
        sh("X=${Y:-/usr/share/doc/x} cc -I/usr/share/doc/y file:///usr/share/doc/z"),
        ["1 /usr/share/doc/x", "1 /usr/share/doc/y", "1 /usr/share/doc/z"]
    );
    assert_eq!(
        sh("for f in /usr/share/doc/x/*.conf /usr/share/doc/%s/y; do :"),
        ["1 /usr/share/doc/x/*.conf", "1 /usr/share/doc/*/y"]
    );
    assert!(sh("x/usr/share/doc/y\nan$y").is_empty());
    assert_eq!(sh("cat '/tmp/my app' \"/tmp/b\""), ["1 /tmp/my", "1 /tmp/my app", "1 /tmp/b"]);
    assert_eq!(found("<?php return ['p' => '/tmp/x'];", Syntax::Slashes), ["1 /tmp/x"]);
    assert_eq!(sh("p => '/tmp/x', <dir>/tmp/y</dir>"), ["1 /tmp/x", "1 /tmp/y"]);
}

#[test]
fn a_program_that_is_a_word_counts_as_a_command_of_a_shell_script() {
    let sh = |text: &str| found(&format!("#!/bin/bash\n{text}"), Syntax::Shell);
    for text in ["CFLAGS=-O2 make", "env -i A=b make", "su-exec app make x", "if a; then b; elif make; then c; fi"] {
        assert_eq!(sh(text), ["2 run make"], "{text}");
    }
    for text in ["make", "cd x && make all", "exec make", "if ! make x; then y; fi", "x | /usr/bin/make", "a=$(make v)"]
    {
        assert_eq!(sh(text), ["2 run make"], "{text}");
    }
    assert_eq!(sh("(cd x; make)\nmake|tee y"), ["2 run make"]);
    for text in [
        "C|make|cc) x",
        "make) x",
        "make|cc) x",
        "echo make",
        "apt-get install make",
        "make=1",
        "cmake x",
        "make_it",
        "# make x",
    ] {
        assert!(sh(text).is_empty(), "{text}");
    }
    assert!(found("make all\n", Syntax::Shell).is_empty());
}

#[test]
fn what_is_removed_or_written_is_not_read() {
    let sh = |text: &str| found(text, Syntax::Shell);
    for text in [
        "rm -rf /tmp/x",
        "a; rm -f \"/tmp/x\" /tmp/y",
        "mkdir -p /usr/share/man/man1",
        "echo > /tmp/x",
        "if a; then rm /tmp/x; fi",
        "DPkg::Post-Invoke { \"rm -f /tmp/x || true\"; };",
    ] {
        assert!(sh(text).is_empty(), "{text}");
    }
    assert_eq!(sh("form /tmp/x; rm /tmp/y && cat </tmp/z"), ["1 /tmp/x", "1 /tmp/z"]);
}

#[test]
fn programs_suites_languages_and_libraries_are_named() {
    let sh = |text: &str| found(text, Syntax::Shell);
    assert_eq!(sh("exec uv run x\n/usr/bin/uv\nuvx\n.uv\nuv.toml\n--uv=1"), ["1 run uv"]);
    assert_eq!(sh("python -m unittest a.b.tests.c\ncd a/x.tests"), ["1 suite a.b.tests.c"]);
    assert_eq!(sh("pytest --pyargs numpy a.b -q c\n"), ["1 suite a.b", "1 suite c", "1 suite numpy", "1 suite pytest"]);
    assert_eq!(found("[\"pytest\", \"--pyargs\", \"numpy\"]", Syntax::Data), ["1 suite numpy", "1 suite pytest"]);
    assert_eq!(
        sh("export LANG=de_DE.UTF-8 LC_ALL=\"fr\"\nLANG=C MY_LANG=de LANGUAGE=$X LANGUAGE=pt_BR:pt"),
        ["1 language de_DE.UTF-8", "1 language de_DE", "1 language fr", "2 language pt_BR:pt"]
    );
    assert_eq!(
        found("local z = ffi.load(\"z\")\nffi_lib 'ssl', 'x y'", Syntax::Dashes),
        ["1 library z", "2 library ssl"]
    );
}

#[test]
fn nothing_wanted_is_no_search() {
    assert!(Search::new(Wanted::default()).is_none());
}
