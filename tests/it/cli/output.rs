//! Where the output goes, and that it depends on nothing else.

use super::{RUN, dir, with};
use crate::archives::small;
use crate::builder::{Archive, Entry, Form, layer, sha256};
use crate::oracle::{diff, open};
use crate::run::Dir;
use std::os::unix::process::CommandExt as _;

#[test]
fn pipes_in_and_out() {
    let dir = dir();
    dir.run(&RUN).ok();
    let want = std::fs::read(dir.join("out.tar")).unwrap();
    let input = std::fs::read(dir.join("in.tar")).unwrap();
    let run = dir.run_with(&["-", "-p", "shadowed.toml", "-o", "-"], &input).ok();
    assert!(run.stdout == want, "a pipe gives other bytes than a file");
    assert!(!run.stderr.is_empty(), "the report goes to stderr");
    assert!(dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "-"]).ok().stdout == want);
    dir.run_with(&["-", "-p", "shadowed.toml", "-o", "piped.tar"], &input).ok();
    assert!(std::fs::read(dir.join("piped.tar")).unwrap() == want);
    dir.run_with(&["-", "-p", "shadowed.toml", "-o", "-"], b"").error(&[]);
    let run = dir.run_with(&["-", "-p", "shadowed.toml", "-o", "-"], &input[..input.len() / 2]).error(&[]);
    assert!(run.stdout.is_empty(), "{} bytes of a broken image were passed on", run.stdout.len());
}

#[test]
fn prefixes_for_the_form() {
    for (form, scheme) in [
        (Form::Docker, "docker-archive"),
        (Form::Hybrid, "docker-archive"),
        (Form::OciTar, "oci-archive"),
        (Form::OciDir, "oci"),
    ] {
        let dir = Dir::new();
        let path = Archive::new(small(), form).write(dir.path());
        let name = path.file_name().unwrap().to_str().unwrap();
        for input in [
            format!("{scheme}:{name}"),
            format!("{scheme}:{name}:example.com/app:1.0"),
            format!("{scheme}:{}", path.display()),
        ] {
            for (out_scheme, out) in [("docker-archive", "o1"), ("oci-archive", "o2"), ("oci", "o3")] {
                let out = format!("{out}-{}", dir.names().len());
                dir.run(&[&input, "-p", "shadowed.toml", "-o", &format!("{out_scheme}:{out}")]).ok();
                let (before, after) = (open(&path), open(&dir.join(&out)));
                assert_eq!(after.problems, Vec::<String>::new(), "{input} to {out_scheme}");
                assert_eq!(diff(&before.images[0].tree().unwrap(), &after.images[0].tree().unwrap()), None);
                assert_eq!(dir.join(&out).is_dir(), out_scheme == "oci");
                let docker = out_scheme == "docker-archive";
                assert!(
                    if docker { !after.docker.is_empty() } else { after.index.is_some() },
                    "{input} to {out_scheme}"
                );
            }
        }
        dir.run(&[&format!("{scheme}:{name}:no/such:tag"), "-p", "none", "-o", "o9"]).error(&["no/such:tag"]);
    }
}

#[test]
fn the_form_is_sniffed_and_not_guessed_from_the_name() {
    let dir = Dir::new();
    let path = Archive::new(small(), Form::Docker).write(dir.path());
    std::fs::rename(path, dir.join("image.oci")).unwrap();
    dir.run(&["image.oci", "-p", "shadowed.toml", "-o", "x.json"]).ok();
    assert!(open(&dir.join("x.json")).problems.is_empty());
    dir.run(&["oci-archive:image.oci", "-p", "none", "-o", "y"]).error(&["image.oci"]);
}

#[test]
fn the_same_bytes_whatever_the_surroundings() {
    for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
        for option in [
            &[][..],
            &["--compression", "gzip"],
            &["--compression", "zstd:3"],
            &["--layers", "squash", "--compression", "gzip:9"],
        ] {
            let mut dir = Dir::new();
            let mut image = small();
            image.layers.push(layer(
                "file big random=700000\nfile text content=abcdefgh repeat=200000\nfile x content=old-content",
            ));
            image.layers.push(layer("whiteout x"));
            Archive::new(image, form).write(dir.path());
            let mut args = vec!["in.tar", "-p", "shadowed.toml", "-o", "-", "--threads", "1"];
            args.extend(option);
            let want = sha256(&dir.run(&args).ok().stdout);
            for threads in ["2", "8"] {
                args[6] = threads;
                assert_eq!(sha256(&dir.run(&args).ok().stdout), want, "{threads} threads {form:?} {option:?}");
            }
            std::fs::create_dir(dir.join("tmp")).unwrap();
            let tmp = dir.join("tmp").display().to_string();
            dir.env("TMPDIR", &tmp).env("LANG", "tr_TR.UTF-8").env("LC_ALL", "de_DE.UTF-8").env("TZ", "Asia/Tokyo");
            args.truncate(5);
            args.extend(option);
            assert_eq!(sha256(&dir.run(&args).ok().stdout), want, "environment {form:?} {option:?}");
            assert_eq!(std::fs::read_dir(dir.join("tmp")).unwrap().count(), 0, "TMPDIR is left clean");
        }
    }
}

/// A directory layout's bytes do not depend on the umask either, and a file's mode follows it.
#[test]
fn the_umask_changes_no_bytes() {
    let dir = dir();
    let mut hashes = Vec::new();
    for umask in ["022", "077", "000"] {
        let mut sh = std::process::Command::new("sh");
        let script = format!("umask {umask}; exec \"$0\" in.tar -p shadowed.toml -o out-{umask}.tar");
        sh.arg("-c").arg(script).arg(crate::run::slim()).current_dir(dir.path());
        crate::run::finish(sh, b"").ok();
        hashes.push(sha256(&std::fs::read(dir.join(&format!("out-{umask}.tar"))).unwrap()));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(dir.join(&format!("out-{umask}.tar"))).unwrap().permissions(),
        );
        let mask = u32::from_str_radix(umask, 8).unwrap();
        assert_eq!(mode & 0o777, 0o666 & !mask, "umask {umask}");
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1);
}

#[test]
fn the_input_is_never_the_output() {
    let dir = dir();
    let before = std::fs::read(dir.join("in.tar")).unwrap();
    std::os::unix::fs::symlink("in.tar", dir.join("sym.tar")).unwrap();
    std::fs::hard_link(dir.join("in.tar"), dir.join("hard.tar")).unwrap();
    for out in ["in.tar", "./in.tar", "sym.tar", "hard.tar"] {
        for input in ["in.tar", "sym.tar"] {
            dir.run(&[input, "-p", "shadowed.toml", "-o", out]).error(&["hint:"]);
            assert!(std::fs::read(dir.join("in.tar")).unwrap() == before, "{input} to {out}");
        }
    }
    let dir = Dir::new();
    Archive::new(small(), Form::OciDir).write(dir.path());
    std::os::unix::fs::symlink("in", dir.join("sym")).unwrap();
    for out in ["in", "./in/", "sym"] {
        dir.run(&["in", "-p", "shadowed.toml", "-o", out]).error(&["hint:"]);
        assert!(open(&dir.join("in")).problems.is_empty());
    }
}

#[test]
fn an_existing_output_is_replaced_or_left_intact() {
    let dir = dir();
    dir.write("out.tar", "precious");
    dir.run(&RUN).ok();
    assert!(open(&dir.join("out.tar")).problems.is_empty());
    dir.write("out.tar", "precious");
    let input = std::fs::read(dir.join("in.tar")).unwrap();
    dir.write("in.tar", &input[..input.len() - 4000]);
    dir.run(&RUN).error(&[]);
    assert_eq!(std::fs::read(dir.join("out.tar")).unwrap(), b"precious");
    assert_eq!(dir.names(), ["in.tar", "out.tar", "shadowed.toml"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let dir = dir();
    let run = dir.run(&with(&["--dry-run"])).ok();
    assert!(!(run.stderr + &String::from_utf8_lossy(&run.stdout)).is_empty());
    assert_eq!(dir.names(), ["in.tar", "shadowed.toml"]);
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--dry-run"]).ok();
    assert_eq!(dir.names(), ["in.tar", "shadowed.toml"]);
    // The report is what was asked for, unless something else takes standard output.
    let report = String::from_utf8(run.stdout).unwrap();
    assert!(report.contains("output    none, this is a dry run") && run.stderr.is_empty(), "{report}{}", run.stderr);
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--dry-run", "--report", "-"]).ok();
    assert!(run.stdout.starts_with(b"{") && run.stderr.contains("this is a dry run"), "{}", run.stderr);
    // And so are checks: a budget can be checked without an image being written.
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--dry-run", "--max-size", "1"]);
    assert!(run.code == Some(1) && run.stderr.contains("--max-size: the output would have"), "{}", run.stderr);
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--dry-run", "--min-saving", "99%"]);
    assert!(run.code == Some(1) && run.stderr.contains("--min-saving: saved"), "{}", run.stderr);
}

/// A pattern that names nothing has a typo in it, and a protection of nothing would be found out too late.
#[test]
fn a_pattern_that_matches_nothing_is_refused() {
    let dir = dir();
    for option in ["--drop", "--protect"] {
        let line = ["in.tar", "-p", "shadowed.toml", "--dry-run", option, "no/such/path"];
        dir.run(&line).error(&[&format!("{option} no/such/path matches no path"), "--allow-idle"]);
        let run = dir.run(&[&line[..], &["--allow-idle"]].concat()).ok();
        assert!(run.stderr.contains("note: ") && run.stderr.contains("matches no path"), "{}", run.stderr);
    }
}

/// Ctrl-C or a kill leaves nothing named OUT, and the former tidies up.
#[test]
fn killed_or_interrupted_it_leaves_no_output() {
    let dir = Dir::new();
    let mut image = small();
    image.layers.push(layer("file big random=30000000\nfile x content=old-content"));
    image.layers.push(layer("whiteout x"));
    Archive::new(image, Form::OciTar).write(dir.path());
    for (signal, wait) in [("INT", 30), ("INT", 200), ("TERM", 100), ("KILL", 60), ("KILL", 250)] {
        let mut command = dir.command(&with(&["--compression", "zstd:19"]));
        command.stderr(std::process::Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let mut kill = std::process::Command::new("kill");
        drop(kill.arg(format!("-{signal}")).arg(child.id().to_string()).output());
        let status = child.wait().unwrap();
        if status.success() {
            std::fs::remove_file(dir.join("out.tar")).unwrap();
            continue;
        }
        assert!(!dir.join("out.tar").exists(), "{signal}");
        if signal != "KILL" {
            assert_eq!(dir.names(), ["in.tar", "shadowed.toml"], "{signal} after {wait} ms");
        }
    }
}

#[test]
fn the_input_is_not_changed() {
    let dir = Dir::new();
    let archive = Archive::new(small(), Form::OciDir);
    archive.write(dir.path());
    dir.run(&["in", "-p", "shadowed.toml", "-o", "out"]).ok();
    for (name, entry) in archive.entries() {
        if let Entry::File(bytes) = entry {
            assert!(std::fs::read(dir.join("in").join(name)).unwrap() == bytes);
        }
    }
}
