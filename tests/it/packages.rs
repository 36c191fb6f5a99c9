//! Rules about packages: what goes with one, what stays for whom, and what the databases say afterwards.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::oracle::replay::What;
use crate::oracle::{Checks, Tree, open, well_formed};
use crate::run::{Dir, Outcome};
use serde_json::{Value, json};

/// A run: its files, and what it said.
struct Run {
    tree: Tree,
    report: Value,
    layers: usize,
}

impl Run {
    fn has(&self, path: &str) -> bool {
        self.tree.names.contains_key(path.as_bytes())
    }

    #[track_caller]
    fn text(&self, path: &str) -> String {
        let node = self.tree.names.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
        let What::File(content) = &node.what else { panic!("{path} is no file") };
        String::from_utf8(content.to_vec()).unwrap()
    }

    #[track_caller]
    fn link(&self, path: &str) -> String {
        let What::Symlink(target) = &self.tree.names[path.as_bytes()].what else { panic!("{path} is no link") };
        String::from_utf8(target.clone()).unwrap()
    }

    #[track_caller]
    fn gone(&self, paths: &[&str]) {
        let left: Vec<_> = paths.iter().filter(|p| self.has(p)).collect();
        assert!(left.is_empty(), "still there: {left:?}");
    }

    #[track_caller]
    fn stays(&self, paths: &[&str]) {
        let lost: Vec<_> = paths.iter().filter(|p| !self.has(p)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }

    fn removed(&self) -> Vec<String> {
        let list = self.report["removedPackages"].as_array().unwrap();
        let mut names: Vec<String> = list.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn kept(&self) -> Vec<String> {
        let list = self.report["keptPackages"].as_array().unwrap();
        let text = |p: &Value, key: &str| p[key].as_str().unwrap().to_owned();
        list.iter().map(|p| format!("{}: {}", text(p, "name"), text(p, "why"))).collect()
    }
}

fn rule(packages: &str, more: &str) -> String {
    format!(
        "[[rule]]\nid = \"shadowed\"\naction = \"drop-shadowed\"\n\
         [[rule]]\nid = \"r\"\naction = \"remove-package\"\npackages = [{packages}]\n{more}\n"
    )
}

fn start(layers: &[String], config: Value, profile: &str, args: &[&str]) -> (Dir, Outcome) {
    let dir = Dir::new();
    let mut image = Image::new(layers.iter().map(|text| layer(text)).collect());
    image.config = config;
    Archive::new(image.comp(Comp::None), Form::OciTar).write(dir.path());
    dir.write("p.toml", profile);
    let mut all = vec!["in.tar", "-p", "p.toml", "-o", "out.tar", "--report", "r.json"];
    all.extend(args);
    let outcome = dir.run(&all);
    (dir, outcome)
}

#[track_caller]
fn slim_with(layers: &[String], config: Value, profile: &str, args: &[&str]) -> Run {
    let (dir, outcome) = start(layers, config, profile, args);
    outcome.ok();
    let (before, mut after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    let squash = args.contains(&"squash").then_some(0);
    let base = args.iter().position(|a| *a == "--base").map_or(0, |i| args[i + 1].parse().unwrap());
    let bad = well_formed(&before, &after, Checks { squash, base });
    assert!(bad.is_empty(), "{args:?} {bad:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    let image = after.images.remove(0);
    Run { tree: image.tree().unwrap(), report: report["images"][0].clone(), layers: image.layers.len() }
}

#[track_caller]
fn slim(layers: &[String], profile: &str) -> Run {
    slim_with(layers, json!({}), profile, &[])
}

fn file(path: &str, lines: &[&str]) -> String {
    let text: String = lines.iter().map(|l| format!("{l}\\n")).collect();
    format!("file {path} content=\"{}\"\n", text.replace("\\n\\n\\n", "\\n\\n"))
}

/// The layer of a dpkg system: packages as name, more fields of the stanza (each ends in a line feed) and files.
fn debian(packages: &[(&str, &str, &[&str])], more: &str) -> String {
    let mut status = String::new();
    let mut out = String::from("dir usr\ndir usr/bin\ndir var/lib/dpkg/info\ndir etc/dpkg/dpkg.cfg.d\n");
    for (name, fields, files) in packages {
        let stanza =
            format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n{fields}\n");
        status.push_str(&stanza);
        let mut list = vec!["/.", "/usr", "/usr/bin"];
        list.extend(files.iter());
        out.push_str(&file(&format!("var/lib/dpkg/info/{name}.list"), &list));
        out.push_str(&file(&format!("var/lib/dpkg/info/{name}.postinst"), &["#!/bin/sh"]));
        for path in files.iter().filter(|p| !p.ends_with('/') && !more.contains(&format!(" {} ", &p[1..]))) {
            let line = format!("file {} content=", &path[1..]);
            if !out.contains(&line) {
                out.push_str(&format!("{line}\"{name} {path}\"\n"));
            }
        }
    }
    out + &format!("file var/lib/dpkg/status content=\"{}\"\n", status.replace('\n', "\\n")) + more
}

fn toolchain(more: &str) -> String {
    let packages: &[(&str, &str, &[&str])] = &[
        ("libc6", "Provides: libc\n", &["/usr/lib/libc.so", "/usr/share/doc/libc6/copyright"]),
        ("gcc", "Depends: gcc-12 (>= 1)\n", &["/usr/bin/gcc"]),
        (
            "gcc-12",
            "Depends: libc6, libisl | libother, cpp (= 1)\n",
            &[
                "/usr/bin/gcc-12",
                "/usr/lib/gcc",
                "/usr/lib/gcc/cc1",
                "/usr/share/doc/gcc-12/copyright",
                "/etc/gcc.conf",
                "/usr/share/gcc-12.3/py.py",
                "/usr/share/common",
            ],
        ),
        ("cpp", "", &["/usr/bin/cpp"]),
        ("libisl", "Depends: libgmp\n", &["/usr/lib/libisl.so"]),
        ("libgmp", "", &["/usr/lib/libgmp.so"]),
        ("git", "Depends: libc\nRecommends: libgmp\n", &["/usr/bin/git", "/usr/share/common"]),
        ("python3.1", "", &["/usr/bin/python3.1"]),
        ("python3", "", &["/usr/bin/python3"]),
    ];
    let rest = "file var/lib/apt/extended_states content=\"Package: libisl\\nArchitecture: amd64\\nAuto-Installed: 1\\n\\nPackage: \
                libgmp\\nArchitecture: amd64\\nAuto-Installed: 1\\n\\nPackage: cpp\\nArchitecture: amd64\\nAuto-Installed: 1\\n\\n\"\n\
                dir usr/lib/gcc\nfile usr/share/gcc-12.3/__pycache__/py.cpython-311.pyc content=pyc\n";
    debian(packages, &format!("{rest}{more}"))
}

#[test]
fn a_package_goes_with_its_files_and_rows_and_orphans() {
    let more = "file var/lib/dpkg/triggers/File content=\"/usr/x gcc-12/noawait\\n/usr/y git:amd64\\n\"\n\
                file var/lib/dpkg/triggers/named content=\"cpp\\n\"\n\
                file var/lib/dpkg/statoverride content=\"root root 755 /usr/bin/gcc-12\\nroot root 755 /usr/bin/git\\n\"\n\
                file usr/lib/gcc/local content=mine\n";
    let profile = rule("\"gcc*\"", "orphans = true");
    for args in [&[][..], &["--layers", "squash"]] {
        let run = slim_with(&[toolchain(more), "file top content=x".into()], json!({}), &profile, args);
        // libgmp: recommended by git. cpp: automatic, and only gcc-12 needs it.
        assert_eq!(run.removed(), ["cpp", "gcc", "gcc-12", "libisl"], "{args:?}");
        run.gone(&[
            "usr/bin/gcc",
            "usr/bin/gcc-12",
            "usr/lib/gcc/cc1",
            "etc/gcc.conf",
            "usr/bin/cpp",
            "usr/lib/libisl.so",
        ]);
        run.gone(&["usr/share/doc/gcc-12/copyright", "usr/share/gcc-12.3/py.py", "usr/share/gcc-12.3/__pycache__"]);
        run.gone(&["var/lib/dpkg/info/gcc.list", "var/lib/dpkg/info/gcc-12.postinst"]);
        run.stays(&["usr/bin/git", "usr/share/common", "usr/lib/gcc/local", "usr/lib/libgmp.so", "usr/lib/libc.so"]);
        run.stays(&["var/lib/dpkg/info/git.list", "usr/share/doc/libc6/copyright"]);
        let status = run.text("var/lib/dpkg/status");
        let left: Vec<_> = status.lines().filter_map(|l| l.strip_prefix("Package: ")).collect();
        assert_eq!(left, ["libc6", "libgmp", "git", "python3.1", "python3"]);
        assert!(status.ends_with("Version: 1\n\n"), "{status}");
        assert_eq!(
            run.text("var/lib/apt/extended_states"),
            "Package: libgmp\nArchitecture: amd64\nAuto-Installed: 1\n\n"
        );
        assert_eq!(run.text("var/lib/dpkg/triggers/File"), "/usr/y git:amd64\n");
        assert_eq!(run.text("var/lib/dpkg/triggers/named"), "");
        assert_eq!(run.text("var/lib/dpkg/statoverride"), "root root 755 /usr/bin/git\n");
    }
}

#[test]
fn a_name_with_a_dot_is_not_the_beginning_of_another() {
    let run = slim(&[toolchain("")], &rule("\"python3\"", ""));
    assert_eq!(run.removed(), ["python3"]);
    run.stays(&["usr/bin/python3.1", "var/lib/dpkg/info/python3.1.list"]);
    run.gone(&["usr/bin/python3", "var/lib/dpkg/info/python3.list"]);
}

#[test]
fn what_others_need_ends_the_run_stays_or_breaks() {
    let (dir, outcome) = start(&[toolchain("")], json!({}), &rule("\"libgmp\", \"cpp\"", ""), &[]);
    outcome.error(&["rule `r`", "gcc needs gcc-12 needs cpp", "libisl needs libgmp", "keep-needed"]);
    assert!(!dir.join("out.tar").exists());

    let run = slim(&[toolchain("")], &rule("\"libgmp\", \"cpp\", \"python3\"", "keep-needed = true"));
    assert_eq!(run.removed(), ["python3"]);
    assert_eq!(run.kept(), ["cpp: gcc-12 needs it", "libgmp: libisl needs it"]);

    let run = slim(&[toolchain("")], &rule("\"cpp\"", "force = true"));
    assert_eq!(run.removed(), ["cpp"]);
    assert_eq!(run.report["removedPackages"][0]["breaks"], json!(["gcc-12"]));
    run.gone(&["usr/bin/cpp"]);
    run.stays(&["usr/bin/gcc-12"]);
    let (_, outcome) = start(&[toolchain("")], json!({}), &rule("\"cpp\"", "force = true"), &[]);
    assert!(outcome.ok().stderr.contains("warning: rule `r` removes cpp by force, which gcc-12 cannot do without"));
}

/// What refers to a package is told with the whole chain, unless the rule says what to do; and what is dead can be left out of it.
#[test]
fn what_a_file_needs_ends_the_run_stays_or_is_told() {
    let packages: &[(&str, &str, &[&str])] = &[("tool", "", &["/usr/bin/tool", "/usr/share/tool"])];
    let image = [debian(packages, "file opt/script content=\"#!/usr/bin/tool -f\\n\"\nsym opt/old -> /opt/script\n")];
    // Without the PATH of other tests, in which this is the only program.
    let config = || json!({"config": {"Cmd": ["/opt/script"]}});
    let chain =
        ["rule `r` cannot remove the package tool", "opt/script needs it to run", "\n  opt/script (", "keep-needed"];
    let (dir, outcome) = start(&image, config(), &rule("\"tool\"", ""), &[]);
    outcome.error(&[&chain[..], &["ignore = [\"opt/script\"]"]].concat());
    assert!(!dir.join("out.tar").exists());
    let run = slim_with(&image, config(), &rule("\"tool\"", "keep-needed = true"), &[]);
    assert_eq!(run.kept(), ["tool: its file usr/bin/tool stays: opt/script needs it to run"]);
    let (_, outcome) = start(&image, config(), &rule("\"tool\"", "force = true"), &[]);
    let said = outcome.ok().stderr;
    assert!(said.contains("does not remove tool in spite of `force`") && said.contains("opt/script"), "{said}");
    let run = slim_with(&image, config(), &rule("\"tool\"", "ignore = [\"opt/scr*\"]"), &[]);
    assert_eq!(run.removed(), ["tool"]);

    // Whoever takes its files alone is told that the package manager does not know.
    let args = ["--drop", "usr/bin/tool", "--drop", "usr/share/tool"];
    let image = [debian(packages, "file opt/script content=x\n")];
    let (_, outcome) = start(&image, config(), "", &args);
    let said = outcome.ok().stderr;
    assert!(
        said.contains("--drop takes all files of dpkg tool, but not the entry") && said.contains("remove-package"),
        "{said}"
    );
    let (_, outcome) = start(&image, config(), "", &args[..2]);
    assert!(!outcome.ok().stderr.contains("--drop takes all files"));
}

#[test]
fn names_that_no_package_has_are_told_of_and_names_may_have_an_architecture() {
    let long = "a-package-with-a-name-that-is-longer-than-a-line-of-eighty-columns-can-hold-it-all";
    let packages: &[(&str, &str, &[&str])] =
        &[("a", "", &["/usr/bin/a"]), ("b", "", &["/usr/bin/b"]), (long, "Essential: yes\n", &["/usr/bin/c"])];
    let names = format!("\"a:amd64\", \"b:i386\", \"none\", \"x*\", \"{long}\"");
    let (dir, outcome) = start(&[debian(packages, "")], json!({}), &rule(&names, ""), &[]);
    let said = outcome.ok().stderr;
    assert!(said.contains("warning: rule `r` names packages that are not installed: b:i386, none, x*\n"), "{said}");
    assert!(said.contains(&format!("{long}: it is marked as essential\n")), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    assert_eq!(report["images"][0]["removedPackages"][0]["name"], "a");
    // What built-in rules name need not be there.
    let said = dir.run(&["in.tar", "-p", "no-build-tools", "-o", "two.tar"]).ok().stderr;
    assert!(!said.contains("not installed"), "{said}");
}

#[test]
fn a_package_is_not_kept_for_its_own_sake() {
    let site = "usr/lib/python3.11/site-packages";
    let python = |name: &str, files: &[(&str, &str)]| {
        let mut out = String::new();
        let mut rows = vec![format!("{name}-1.dist-info/METADATA,,"), format!("{name}-1.dist-info/RECORD,,")];
        for (path, text) in files {
            out.push_str(&file(&format!("{site}/{path}"), &[text]));
            rows.push(format!("{path},,"));
        }
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        out.push_str(
            &file(&format!("{site}/{name}-1.dist-info/METADATA"), &["Name: x", "Version: 1"])
                .replace("Name: x", &format!("Name: {name}")),
        );
        out + &file(&format!("{site}/{name}-1.dist-info/RECORD"), &rows)
    };
    // `ab` comes first and is needed by itself and by `cd`, which is needed by `ab` and by a program that stays.
    let ab = python("ab", &[("ab/__init__.py", "import ab.core, cd"), ("ab/core.py", "import ab")]);
    let cd = python("cd", &[("cd/__init__.py", "import ab")]);
    let image = format!(
        "dir usr/lib/python3.11\nfile usr/lib/python3.11/os.py content=x\n{ab}{cd}{}",
        file("app/main.py", &["import cd"])
    );
    let profile = rule("\"ab\", \"cd\"", "keep-needed = true");
    let profile =
        format!("[sets]\npython-path = ['**/site-packages']\nsite-packages = ['**/site-packages']\n{profile}");
    let (dir, outcome) = start(&[image], json!({}), &profile, &[]);
    outcome.ok();
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    let why: Vec<&str> =
        report["images"][0]["keptPackages"].as_array().unwrap().iter().map(|p| p["why"].as_str().unwrap()).collect();
    assert!(why[0].ends_with("/cd/__init__.py:1 refers to it"), "{why:?}");
    assert!(why[1].ends_with("app/main.py:1 refers to it"), "{why:?}");

    // `slim plan` tells of their files as of all that is held.
    let plan = dir.run(&["plan", "in.tar", "-p", "p.toml", "--json"]).ok();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let entries = plan["images"][0]["entries"].as_array().unwrap();
    let core = entries.iter().find(|e| e["path"] == format!("{site}/ab/core.py")).unwrap();
    assert_eq!((&core["verdict"], &core["rule"], &core["reason"]), (&json!("held"), &json!("r"), &json!("package")));
    let said = dir.run(&["plan", "in.tar", "-p", "p.toml", "--why", &format!("{site}/ab/core.py")]).ok().text();
    assert!(said.contains("its package ab stays: "), "{said}");
}

#[test]
fn an_alternative_or_what_provides_a_name_is_no_loss() {
    let packages: &[(&str, &str, &[&str])] = &[
        ("exim", "Provides: mta\n", &["/usr/bin/exim"]),
        ("postfix", "Provides: mta\n", &["/usr/bin/postfix"]),
        ("mail", "Depends: mta, exim | postfix\n", &["/usr/bin/mail"]),
        ("strict", "Depends: postfix (>> 1) | none, none\n", &["/usr/bin/strict"]),
    ];
    let image = [debian(packages, "")];
    assert_eq!(slim(&image, &rule("\"exim\"", "")).removed(), ["exim"]);
    // `strict` has what it needs neither before nor after.
    assert_eq!(slim(&image, &rule("\"postfix\"", "")).removed(), ["postfix"]);
    start(&image, json!({}), &rule("\"postfix\", \"exim\"", ""), &[]).1.error(&["mail needs exim"]);
}

#[test]
fn what_must_stay_stays_whole_and_with_what_it_needs() {
    let packages: &[(&str, &str, &[&str])] = &[
        ("base", "Essential: yes\n", &["/usr/bin/base"]),
        ("shell", "", &["/usr/bin/bash"]),
        ("held", "", &["/usr/bin/held"]),
        ("tool", "Depends: lib\n", &["/usr/bin/tool", "/usr/share/doc/tool/copyright", "/usr/share/tool"]),
        ("lib", "", &["/usr/lib/lib.so"]),
        ("linked", "", &["/usr/bin/linked", "/usr/share/linked"]),
        ("cmd", "", &["/usr/bin/cmd", "/usr/share/cmd"]),
        ("wrapped", "", &["/usr/bin/wrapped"]),
        ("free", "", &["/usr/bin/free"]),
        ("unlisted", "", &[]),
    ];
    let more = "sym opt/mine -> /usr/bin/linked\nfile opt/script content=\"#!/usr/bin/tool -f\\n\"\n";
    let mut image = debian(packages, more).replace("Package: held\\nStatus: install", "Package: held\\nStatus: hold");
    let list = image.lines().find(|l| l.starts_with("file var/lib/dpkg/info/unlisted.list")).unwrap().to_owned();
    image = image.replace(&list, "");
    let config = json!({"config": {"Cmd": ["cmd"]}});
    let run = slim_with(&[image], config, &rule("\"*\"", "keep-needed = true"), &["--protect", "/usr/bin/wrapped"]);
    assert_eq!(run.removed(), ["free"]);
    assert_eq!(
        run.kept(),
        [
            "base: it is marked as essential",
            "cmd: its file usr/bin/cmd stays: the image's config names it",
            "held: it is on hold",
            "lib: tool needs it",
            "linked: its file usr/bin/linked stays: the link opt/mine leads to it",
            "shell: usr/bin/bash is protected: a shell",
            "tool: its file usr/bin/tool stays: opt/script needs it to run",
            "unlisted: there is no list of its files",
            "wrapped: usr/bin/wrapped is protected: --protect /usr/bin/wrapped",
        ]
    );
    run.stays(&[
        "usr/share/tool",
        "usr/share/linked",
        "usr/share/cmd",
        "usr/lib/lib.so",
        "var/lib/dpkg/info/tool.list",
    ]);
    assert!(!run.text("var/lib/dpkg/status").contains("Package: free"));
}

#[test]
fn alternatives_move_on_or_go() {
    let packages: &[(&str, &str, &[&str])] = &[
        ("gcc", "", &["/usr/bin/gcc", "/usr/share/man/gcc.1"]),
        ("clang", "", &["/usr/bin/clang"]),
        ("tcc", "", &["/usr/bin/tcc", "/usr/share/man/tcc.1"]),
    ];
    let cc = "manual\\n/usr/bin/cc\\ncc.1\\n/usr/share/man/cc.1\\n\\n/usr/bin/clang\\n10\\n\\n/usr/bin/gcc\\n20\\n\
              /usr/share/man/gcc.1\\n/usr/bin/tcc\\n5\\n/usr/share/man/tcc.1\\n\\n";
    let more = format!(
        "file var/lib/dpkg/alternatives/cc content=\"{cc}\"\n\
         file var/lib/dpkg/alternatives/c++ content=\"auto\\n/usr/bin/c++\\n\\n/usr/bin/gcc\\n9\\n\\n\"\n\
         sym etc/alternatives/cc -> /usr/bin/gcc mtime=7\nsym etc/alternatives/cc.1 -> /usr/share/man/gcc.1\n\
         sym etc/alternatives/c++ -> /usr/bin/gcc\nsym usr/bin/cc -> /etc/alternatives/cc\n\
         sym usr/bin/c++ -> /etc/alternatives/c++\nsym usr/share/man/cc.1 -> /etc/alternatives/cc.1\n"
    );
    let image = [debian(packages, &more), "file top content=x".into()];
    for args in [&[][..], &["--layers", "squash"]] {
        let run = slim_with(&image, json!({}), &rule("\"gcc\"", ""), args);
        assert_eq!(run.removed(), ["gcc"]);
        assert_eq!(run.link("etc/alternatives/cc"), "/usr/bin/clang");
        assert_eq!(run.link("usr/bin/cc"), "/etc/alternatives/cc");
        // clang has no manual page.
        run.gone(&["etc/alternatives/cc.1", "usr/share/man/cc.1"]);
        run.gone(&["usr/bin/c++", "etc/alternatives/c++", "var/lib/dpkg/alternatives/c++"]);
        let group = run.text("var/lib/dpkg/alternatives/cc");
        let want = "auto\n/usr/bin/cc\ncc.1\n/usr/share/man/cc.1\n\n/usr/bin/clang\n10\n\n/usr/bin/tcc\n5\n/usr/share/man/tcc.1\n\n";
        assert_eq!(group, want);
    }
    // What is not chosen changes nothing but the list.
    let run = slim(&image, &rule("\"tcc\"", ""));
    assert_eq!(run.link("etc/alternatives/cc"), "/usr/bin/gcc");
    assert!(
        run.text("var/lib/dpkg/alternatives/cc").starts_with("manual\n")
            && !run.text("var/lib/dpkg/alternatives/cc").contains("tcc")
    );
    // A command of the config holds what is behind the name.
    let run = slim_with(&image, json!({"config": {"Cmd": ["c++"]}}), &rule("\"gcc\"", "keep-needed = true"), &[]);
    assert_eq!(run.removed(), Vec::<String>::new());
    run.stays(&["usr/bin/gcc", "usr/share/man/gcc.1", "usr/bin/c++", "etc/alternatives/cc.1"]);
}

#[test]
fn a_diverted_file_is_that_of_the_package_which_moved() {
    let packages: &[(&str, &str, &[&str])] =
        &[("make", "", &["/usr/bin/make"]), ("a", "", &["/usr/bin/a"]), ("wraps-a", "", &["/usr/bin/a"])];
    let more = "file usr/bin/make.real content=real\nfile usr/bin/a.old content=old\n\
                file var/lib/dpkg/diversions content=\"/usr/bin/make\\n/usr/bin/make.real\\n:\\n/usr/bin/a\\n/usr/bin/a.old\\nwraps-a\\n\"\n";
    let image = [debian(packages, more)];
    let run = slim(&image, &rule("\"make\", \"wraps-a\"", ""));
    assert_eq!(run.removed(), ["make"]);
    assert_eq!(run.kept(), ["wraps-a: it has diverted files of packages that stay"]);
    run.gone(&["usr/bin/make.real"]);
    run.stays(&["usr/bin/make", "usr/bin/a", "usr/bin/a.old"]);
    let run = slim(&image, &rule("\"a\", \"wraps-a\"", ""));
    assert_eq!(run.removed(), ["a", "wraps-a"]);
    run.gone(&["usr/bin/a", "usr/bin/a.old"]);
    assert_eq!(run.text("var/lib/dpkg/diversions"), "/usr/bin/make\n/usr/bin/make.real\n:\n");
}

#[test]
fn merged_usr_and_two_architectures() {
    let stanza = |arch: &str| {
        format!(
            "Package: libx\\nStatus: install ok installed\\nArchitecture: {arch}\\nMulti-Arch: same\\nVersion: 1\\n\\n"
        )
    };
    let list = |arch: &str| format!("/.\\n/lib\\n/lib/{arch}\\n/lib/{arch}/libx.so\\n/usr/share/doc/libx\\n");
    let image = format!(
        "sym lib -> usr/lib\ndir usr/lib/amd64\nfile usr/lib/amd64/libx.so content=a\nfile usr/lib/i386/libx.so content=i\n\
         file usr/share/doc/libx/copyright content=c\nfile var/lib/dpkg/status content=\"{}{}\"\n\
         file var/lib/dpkg/info/libx:amd64.list content=\"{}\"\nfile var/lib/dpkg/info/libx:i386.list content=\"{}\"\n",
        stanza("amd64"),
        stanza("i386"),
        list("amd64"),
        list("i386"),
    );
    let run = slim(std::slice::from_ref(&image), &rule("\"libx\"", ""));
    assert_eq!(run.removed(), ["libx", "libx"]);
    run.gone(&["usr/lib/amd64", "usr/lib/i386/libx.so", "var/lib/dpkg/info/libx:i386.list"]);
    run.stays(&["lib", "usr/share/doc/libx/copyright"]);
    let config = json!({"config": {"Cmd": ["/lib/i386/libx.so"]}});
    let run = slim_with(&[image], config, &rule("\"libx\"", "keep-needed = true"), &[]);
    run.gone(&["usr/lib/amd64", "var/lib/dpkg/info/libx:amd64.list"]);
    run.stays(&["usr/lib/i386/libx.so", "var/lib/dpkg/info/libx:i386.list"]);
    assert!(run.text("var/lib/dpkg/status").contains("i386") && !run.text("var/lib/dpkg/status").contains("amd64"));
}

#[test]
fn a_base_keeps_its_packages() {
    let lower = debian(&[("a", "", &["/usr/bin/a"])], "");
    let upper = debian(&[("a", "", &["/usr/bin/a"]), ("b", "", &["/usr/bin/b"])], "")
        .replace("file usr/bin/a ", "file usr/bin/c ");
    let run = slim_with(&[lower, upper], json!({}), &rule("\"a\", \"b\"", ""), &["--base", "1"]);
    assert_eq!(run.removed(), ["b"]);
    assert_eq!(run.kept(), ["a: usr/bin/a lies in a layer that other images share"]);
    run.gone(&["usr/bin/b", "var/lib/dpkg/info/b.list"]);
}

#[test]
fn without_the_rule_for_hidden_bytes() {
    let profile = "[[rule]]\nid = \"r\"\naction = \"remove-package\"\npackages = [\"gcc*\"]\nforce = true\n";
    let run = slim(&[toolchain(""), toolchain("file top content=x\n")], profile);
    assert_eq!(run.layers, 2);
    run.gone(&["usr/bin/gcc", "usr/bin/gcc-12"]);
    assert!(!run.text("var/lib/dpkg/status").contains("Package: gcc\n"));
}

#[test]
fn distroless_packages() {
    let sums = "0123456789abcdef0123456789abcdef  usr/lib/x.so\\n0123456789abcdef0123456789abcdef  usr/share/doc/x/copyright\\n";
    let image = format!(
        "file usr/lib/x.so content=x\nfile usr/share/doc/x/copyright content=x\nfile usr/lib/y.so content=y\n\
         file var/lib/dpkg/status.d/x content=\"Package: x\\nVersion: 1\\n\"\nfile var/lib/dpkg/status.d/x.md5sums content=\"{sums}\"\n\
         file var/lib/dpkg/status.d/y content=\"Package: y\\nVersion: 1\\n\"\n"
    );
    let run = slim(&[image], &rule("\"x\", \"y\"", ""));
    assert_eq!((run.removed(), run.kept()), (vec!["x".into()], vec!["y: there is no list of its files".into()]));
    run.gone(&[
        "usr/lib/x.so",
        "usr/share/doc/x/copyright",
        "var/lib/dpkg/status.d/x",
        "var/lib/dpkg/status.d/x.md5sums",
    ]);
}

#[test]
fn apk_packages() {
    let db = "C:Q1=\\nP:musl\\nV:1\\np:so:libc.so=1\\nF:lib\\nR:libc.so\\nZ:Q1=\\n\\n\
              C:Q1=\\nP:gcc\\nV:13\\nD:so:libc.so binutils>=2 !old\\nF:usr\\nF:usr/bin\\nR:gcc\\n\\n\
              C:Q1=\\nP:binutils\\nV:2\\nD:so:libz.so\\nF:usr\\nF:usr/bin\\nR:ld\\n\\n\
              C:Q1=\\nP:zlib\\nV:1\\np:so:libz.so=1\\nF:lib\\nR:libz.so\\n\\n\
              C:Q1=\\nP:git\\nV:2\\nD:so:libc.so\\nF:usr\\nF:usr/bin\\nR:git\\n\\n";
    let image = format!(
        "file lib/apk/db/installed content=\"{db}\"\nfile etc/apk/world content=\"gcc\\ngit>1\\n\"\nfile usr/bin/gcc content=g\n\
         file usr/bin/ld content=l\nfile usr/bin/git content=g\nfile lib/libz.so content=z\nfile lib/libc.so content=c\n"
    );
    let run = slim(std::slice::from_ref(&image), &rule("\"gcc\"", "orphans = true"));
    assert_eq!(run.removed(), ["binutils", "gcc", "zlib"]);
    run.gone(&["usr/bin/gcc", "usr/bin/ld", "lib/libz.so"]);
    run.stays(&["usr/bin/git", "lib/libc.so"]);
    assert_eq!(run.text("etc/apk/world"), "git>1\n");
    let left = run.text("lib/apk/db/installed");
    assert_eq!(left.lines().filter(|l| l.starts_with("P:")).collect::<Vec<_>>(), ["P:musl", "P:git"]);
    assert!(left.ends_with("R:git\n\n") && left.contains("Z:Q1=\n\nC:Q1=\nP:git"), "{left}");
    start(&[image], json!({}), &rule("\"zlib\"", ""), &[]).1.error(&["gcc needs binutils needs zlib"]);
}

const SITE: &str = "opt/v/lib/python3.11/site-packages";

fn wheel(name: &str, requires: &str, rows: &[&str]) -> String {
    let info = format!("{SITE}/{name}-1.dist-info");
    let meta = format!("Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n{requires}\\nabout it\\n");
    let mut record: String = rows.iter().map(|r| format!("{r},sha256=x,1\\n")).collect();
    record.push_str(&format!("{name}-1.dist-info/METADATA,,\\n{name}-1.dist-info/RECORD,,\\n"));
    let files: String =
        rows.iter().filter(|r| !r.starts_with("shared")).map(|r| format!("file {SITE}/{r} content=x\n")).collect();
    format!(
        "{files}file {info}/METADATA content=\"{meta}\"\nfile {info}/RECORD content=\"{record}\"\n\
         file {info}/LICENSE content=x\nfile {info}/direct_url.json content=x\n"
    )
}

#[test]
fn python_distributions() {
    let image = [
        wheel(
            "Some_Tool",
            "Requires-Dist: lib>1\\n",
            &["some_tool/__init__.py", "../../../bin/some-tool", "shared/x.py"],
        ),
        wheel("lib", "", &["lib/__init__.py", "shared/x.py", "lib/_vendor/wheel/__init__.py"]),
        wheel("wheel", "", &["wheel/__init__.py"]),
        wheel("app", "Requires-Dist: wheel; extra == 'dev'\\nProvides-Extra: dev\\n", &["app.py"]),
        format!(
            "file {SITE}/shared/x.py content=x\nfile {SITE}/some_tool/__pycache__/__init__.cpython-311.pyc content=x\n"
        ),
    ]
    .concat();
    let run = slim(std::slice::from_ref(&image), &rule("\"some.tool\", \"WHEEL\"", "manager = \"pip\""));
    assert_eq!(run.removed(), ["some-tool", "wheel"]);
    run.gone(&[
        "opt/v/bin/some-tool",
        &format!("{SITE}/some_tool"),
        &format!("{SITE}/Some_Tool-1.dist-info"),
        &format!("{SITE}/wheel"),
    ]);
    run.stays(&[&format!("{SITE}/shared/x.py"), &format!("{SITE}/lib/__init__.py"), &format!("{SITE}/app.py")]);
    start(std::slice::from_ref(&image), json!({}), &rule("\"lib\"", ""), &[]).1.error(&["some-tool needs lib"]);
    let run = slim(&[image], &rule("\"lib\"", "manager = \"dpkg\""));
    assert_eq!(run.removed(), Vec::<String>::new());
    assert_eq!(run.report["unmatchedRules"], json!(["r"]));
}

#[test]
fn a_distribution_of_a_system_package_goes_with_it() {
    let site = "usr/lib/python3/dist-packages";
    let paths = [format!("{site}/pip/__init__.py"), format!("{site}/pip-1.dist-info/METADATA")];
    let record = format!("{site}/pip-1.dist-info/RECORD");
    let dist = format!(
        "file {} content=\"Name: pip\\nVersion: 1\\n\\n\"\nfile {record} content=\"pip/__init__.py,sha256=x,1\\n\"\n",
        paths[1]
    );
    let listed: Vec<String> = paths.iter().chain([&record]).map(|p| format!("/{p}")).collect();
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    let run = slim(&[debian(&[("python3-pip", "", &listed)], &dist)], &rule("\"python3-pip\"", ""));
    assert_eq!(run.removed(), ["python3-pip"]);
    run.gone(&[&paths[0], &paths[1], &record]);
}

#[test]
fn a_string_that_names_a_module_does_not_hide_an_import_of_it() {
    let image = [
        wheel("lib", "", &["lib/__init__.py", "lib/sub.py"]),
        wheel("other", "", &["other.py"]).replace("other.py content=", "unused.py content="),
        format!("file {SITE}/other.py content=\"x = 'lib.sub'\"\nfile app/main.py content=\"import lib.sub\"\n"),
    ]
    .concat();
    let run = slim(&[image], &rule("\"lib\"", "keep-needed = true"));
    assert_eq!(run.removed(), Vec::<String>::new());
    run.stays(&[&format!("{SITE}/lib/sub.py")]);
}

#[test]
fn a_vendored_distribution_is_a_part_of_its_owner() {
    let inner = wheel("inner", "", &["inner/__init__.py"]).replace(SITE, &format!("{SITE}/outer/_vendor"));
    let rows = ["outer/__init__.py", "outer/_vendor/inner-1.dist-info/METADATA", "outer/_vendor/inner/__init__.py"];
    let outer = wheel("outer", "", &rows[..1]).replace(
        "outer/__init__.py,sha256=x,1\\n",
        &rows.iter().map(|r| format!("{r},sha256=x,1\\n")).collect::<String>(),
    );
    let run = slim(&[inner + &outer], &rule("\"inner\"", ""));
    assert_eq!((run.removed(), run.kept()), (vec![], vec!["inner: it is a part of outer".to_owned()]));
}

#[test]
fn rows_of_what_any_rule_drops_leave_record() {
    let image = wheel("p", "", &["p/__init__.py", "p/tests/test_a.py", "p/a.map"]);
    let profile = "[[rule]]\nid = \"d\"\naction = \"drop\"\npaths = [\"{site-packages}/*/tests\", \"**/*.map\"]\n";
    let run = slim(&[image], profile);
    let record = run.text(&format!("{SITE}/p-1.dist-info/RECORD"));
    assert_eq!(record, "p/__init__.py,sha256=x,1\np-1.dist-info/METADATA,,\np-1.dist-info/RECORD,,\n");
}

const EXCLUDES: &str = "[[rule]]\nid = \"shadowed\"\naction = \"drop-shadowed\"\n[[rule]]\nid = \"doc\"\naction = \"drop\"\n\
    paths = [\"usr/share/doc/*/*\"]\nexcept = [\"usr/share/doc/*/copyright\"]\npath-excludes = [\"/usr/share/doc/*/*\"]\n\
    path-includes = [\"/usr/share/doc/*/copyright\", \"/x/{language}/*\"]\n[[rule]]\nid = \"idle\"\naction = \"drop\"\n\
    paths = [\"none\"]\npath-excludes = [\"/none\"]\n";
const PATHS: &str = "etc/dpkg/dpkg.cfg.d/slim";

#[test]
fn dpkg_is_told_what_rules_dropped() {
    let config = json!({"config": {"Env": ["LANG=de_DE.UTF-8"]}});
    let lower = debian(&[("a", "", &["/usr/share/doc/a/README", "/usr/share/doc/a/copyright"])], "set mtime=9\n");
    let lower = lower.replace("file var/lib/dpkg/status ", "file var/lib/dpkg/status mtime=123 ");
    let want = "path-exclude=/usr/share/doc/*/*\npath-include=/usr/share/doc/*/copyright\npath-include=/x/de/*\n";
    for args in [&[][..], &["--layers", "squash"]] {
        let run = slim_with(&[lower.clone(), "file top content=x".into()], config.clone(), EXCLUDES, args);
        assert_eq!(run.text(PATHS), want, "{args:?}");
        let node = &run.tree.names[PATHS.as_bytes()];
        assert_eq!((node.mode, node.uid, node.gid, node.mtime.map(|t| t.0)), (0o644, 0, 0, Some(123)));
    }
    // What is there already is not written again, and what others wrote stays.
    let known = format!("{lower}file {PATHS} content=\"{}\"\n", want.replace('\n', "\\n"));
    assert_eq!(slim_with(&[known], config.clone(), EXCLUDES, &[]).text(PATHS), want);
    let other = format!("{lower}file {PATHS} content=\"path-exclude=/other\\n\"\n");
    assert_eq!(
        slim_with(std::slice::from_ref(&other), config.clone(), EXCLUDES, &[]).text(PATHS),
        format!("path-exclude=/other\n{want}")
    );
    let docs = lower.replace("usr/share/doc/a", "usr/share/doc/b");
    let run = slim_with(&[other, docs], config.clone(), EXCLUDES, &["--base", "1"]);
    assert_eq!(run.text(PATHS), format!("path-exclude=/other\n{want}"));
    // Nothing dropped, or no dpkg: nothing written.
    assert!(!slim_with(&[debian(&[("a", "", &["/usr/bin/a"])], "")], config.clone(), EXCLUDES, &[]).has(PATHS));
    assert!(
        !slim_with(&["dir etc/dpkg/dpkg.cfg.d\nfile usr/share/doc/a/b content=x".into()], config, EXCLUDES, &[])
            .has(PATHS)
    );
}

#[test]
fn rpms_are_refused_or_told_of() {
    let image = ["file var/lib/rpm/rpmdb.sqlite content=db".to_owned()];
    let (_, outcome) = start(&image, json!({}), &rule("\"gcc\"", ""), &[]);
    outcome.error(&["rpm", "rule `r`", "dnf remove"]);
    let (_, outcome) = start(&image, json!({}), &rule("\"gcc\"", "keep-needed = true"), &[]);
    assert!(outcome.ok().stderr.contains("warning: rule `r` removes packages, and this image's are rpm's"));
    start(&image, json!({}), &rule("\"gcc\"", "manager = \"pip\""), &[]).1.ok();
}

#[test]
fn mistakes_in_a_rule_are_told() {
    for (text, words) in [
        ("action = \"remove-package\"", "needs `packages`"),
        ("action = \"remove-package\"\npackages = [\"a\"]\npaths = [\"b\"]", "takes no `paths`"),
        ("action = \"remove-package\"\npackages = [\"a[\"]", "not a glob"),
        ("action = \"remove-package\"\npackages = [\"a\"]\nforce = 1", "true or false"),
        ("action = \"remove-package\"\npackages = [\"a\"]\nmanager = \"rpm\"", "unknown manager"),
        ("action = \"remove-package\"\npackages = []", "`packages` is empty"),
        ("action = \"remove-package\"\npackages = [\"a\"]\nforce = true\nkeep-needed = true", "set one of them"),
        ("action = \"drop\"\npaths = [\"a\"]\npackages = [\"a\"]", "is for rules that remove packages"),
        ("action = \"strip\"\npaths = [\"a\"]\npath-excludes = [\"/a\"]", "is for rules that drop"),
        ("action = \"drop\"\npaths = [\"a\"]\npath-excludes = [\"a\"]", "begins with a slash"),
    ] {
        let profile = format!("[[rule]]\nid = \"r\"\n{text}\n");
        start(&["file a content=x".into()], json!({}), &profile, &[]).1.error(&[words]);
    }
}
