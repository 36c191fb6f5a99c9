//! Images in the stores of engines. Most engines here are shell scripts that say and do what a test needs; `real.rs` asks those that
//! run, `socket.rs` is an engine behind a socket, `plugin.rs` is `docker slim`.

use crate::archives::small;
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Form, Image, layer};
use crate::oracle;
use crate::run::Dir;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

mod plugin;
mod real;
mod socket;

/// A client of docker's or podman's. `$SAVE` and `$LOAD` are what these commands do; a name that it has is a file in `store` with the
/// image's id in it.
const CLIENT: &str = r#"#!/bin/sh
cd "$HOME" && printf '%s %s\n' "${0##*/}" "$*" >> log
key() { printf %s "$1" | tr / _; }
[ -z "$DOWN" ] || { echo "$DOWN" >&2; exit 1; }
case $1 in
  image) [ -e "store/$(key "$4")" ] || { echo "Error: No such image: $4" >&2; exit 1; }
    printf '[{"Id":"%s","RepoTags":["other:tag","%s"]}]\n' "$(cat "store/$(key "$4")")" "$4" ;;
  images) ls store | tr _ /; echo '<none>:<none>' ;;
  save) if [ "$2" = --help ]; then echo "$HELP"; else eval "${SAVE:-cat in.tar}"; fi ;;
  load) eval "${LOAD:-cat > loaded.tar}" || exit
    config=$(tar -xOf loaded.tar manifest.json | sed 's/.*"Config":"blobs.sha256.\([0-9a-f]*\).*/\1/')
    tags=$(tar -xOf loaded.tar manifest.json | sed 's/.*"RepoTags":\[\([^]]*\)\].*/\1/' | tr -d '"' | tr , ' ')
    for tag in $tags; do echo "sha256:${ID:-$config}" > "store/$(key "$tag")"; done
    echo "Loaded image: $tags" ;;
esac
"#;

/// A directory with `in.tar`, and `docker` and `podman` that have it as `app:v1`.
pub fn engines() -> Dir {
    let mut dir = Dir::new();
    Archive::new(small(), Form::Docker).write(dir.path());
    std::fs::create_dir_all(dir.join("bin")).unwrap();
    std::fs::create_dir_all(dir.join("store")).unwrap();
    for name in ["docker", "podman"] {
        script(&dir, name, CLIENT);
    }
    dir.write("store/app:v1", "sha256:0123");
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
    let home = dir.path().display().to_string();
    dir.env("PATH", &path).env("HOME", &home).env("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "");
    dir
}

fn script(dir: &Dir, name: &str, text: &str) {
    let path = dir.write(&format!("bin/{name}"), text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn log(dir: &Dir) -> String {
    std::fs::read_to_string(dir.join("log")).unwrap_or_default()
}

const SLIM: [&str; 4] = ["docker-daemon:app:v1", "-p", "shadowed.toml", "-o"];

#[test]
fn an_image_goes_from_engine_to_engine() {
    for (from, to, name) in [
        ("docker-daemon:app:v1", "docker-daemon:app:v1-slim", "app:v1-slim"),
        ("docker:app:v1", "podman:org/app", "localhost/org/app:latest"),
        ("podman:app:v1", "podman:h:5000/app:x", "h:5000/app:x"),
        ("containers-storage:app:v1", "docker:docker.io/library/app", "app:latest"),
    ] {
        let dir = engines();
        dir.run(&[from, "-p", "shadowed.toml", "-o", to, "-t", "also:this", "-q", "--report", "r.json"]).ok();
        let view = oracle::open(&dir.join("loaded.tar"));
        assert_eq!(
            (view.images.len(), view.images[0].tags.as_slice()),
            (1, &[name.to_owned(), "also:this".to_owned()][..])
        );
        dir.run(&["verify", "loaded.tar", "--against", from, "-p", "shadowed.toml", "-q"]).ok();
        let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
        let long = |text: &str| text.replace("docker:", "docker-daemon:").replace("containers-storage", "podman");
        assert_eq!(
            report["output"]["path"].as_str(),
            Some(&*to.replacen("docker:", "docker-daemon:", 1)),
            "{}",
            long(to)
        );
        assert_eq!(report["output"]["form"], "hybrid");
        assert_eq!(report["notes"], serde_json::json!([]));
        // A name with its tag is asked for, whatever else the image is called: a name alone would mean all of its tags.
        assert!(log(&dir).contains("save -- app:v1\n"), "{}", log(&dir));
    }
}

#[test]
fn a_name_may_lack_its_tag_and_an_id_has_no_name() {
    let dir = engines();
    dir.write("store/app:latest", "sha256:0123");
    // The engine finds a name without a tag by itself.
    dir.write("store/app", "sha256:0123");
    dir.write("store/0123", "sha256:0123");
    std::fs::rename(dir.join("bin/docker"), dir.join("bin/inner")).unwrap();
    script(&dir, "docker", "#!/bin/sh\nHERE=1 exec \"$HOME/bin/inner\" \"$@\" | sed 's/\"app\"/\"app:latest\"/'\n");
    dir.run(&["docker-daemon:app", "--dry-run", "-q"]).ok();
    assert!(log(&dir).contains("save -- app:latest\n"), "{}", log(&dir));
    dir.run(&["docker-daemon:0123", "--dry-run", "-q"]).ok();
    assert!(log(&dir).contains("save -- 0123\n"), "{}", log(&dir));
    for out in ["docker-daemon:sha256:0123", "docker-daemon:app@sha256:0123"] {
        dir.run(&["in.tar", "-o", out]).error(&["cannot be given to an image", "hint: docker-daemon:NAME:TAG"]);
    }
}

#[test]
fn the_tag_of_the_input_moves_and_the_report_says_so() {
    let dir = engines();
    let run = dir.run(&[&SLIM[..], &["docker-daemon:app:v1"]].concat()).ok();
    assert!(run.stderr.contains("\nnote      docker-daemon:app:v1 was the name of sha256:0123"), "{}", run.stderr);
    let id = std::fs::read_to_string(dir.join("store/app:v1")).unwrap();
    assert!(run.stderr.contains(&format!("config   {}", id.trim())), "{id} {}", run.stderr);
    // Once more it is the same image: nothing moves.
    std::fs::rename(dir.join("loaded.tar"), dir.join("in.tar")).unwrap();
    let run = dir.run(&[&SLIM[..], &["docker-daemon:app:v1"]].concat()).ok();
    assert!(!run.stderr.contains("\nnote "), "{}", run.stderr);
}

#[test]
fn every_command_reads_from_engines() {
    let dir = engines();
    for (args, code) in [
        (&["analyze", "docker-daemon:app:v1"][..], 0),
        (&["plan", "podman:app:v1", "-p", "shadowed.toml"], 0),
        (&["diff", "podman:app:v1", "docker-daemon:app:v1", "--exit-code"], 0),
        (&["verify", "docker-daemon:app:v1"], 0),
        (&["compare", "docker-daemon:app:v1", "-p", "shadowed.toml"], 0),
    ] {
        let run = dir.run(args);
        assert_eq!(run.code, Some(code), "{args:?} {}", run.stderr);
    }
}

#[test]
fn what_the_engine_does_not_send_whole_is_no_image() {
    for (save, words) in [
        // It looks whole, and is not.
        ("cat in.tar; echo unexpected EOF >&2; exit 1", &["docker save", "unexpected EOF"][..]),
        ("head -c 2000 in.tar", &["docker-daemon:app:v1"]),
        ("head -c 2000 in.tar; exit 3", &["exit status: 3"]),
        ("echo '{\"message\":\"no\"}'", &["not a tar archive"]),
        (":", &["docker-daemon:app:v1"]),
        ("echo No space left on device >&2; exit 1", &["no space left", "hint: make room"]),
        ("kill -9 $$", &["signal: 9"]),
    ] {
        let mut dir = engines();
        dir.env("SAVE", save);
        for args in [&[&SLIM[..], &["docker-daemon:new"]].concat()[..], &["verify", "docker-daemon:app:v1"]] {
            let told = dir.run(args).error(words).stderr;
            assert!(!told.contains("compression") && !told.contains("cannot read"), "{told}");
        }
        assert!(!log(&dir).contains("load") && !dir.join("store/new:latest").exists());
    }
}

#[test]
fn an_engine_that_does_not_answer_is_told_with_the_next_step() {
    for (down, words) in [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "systemctl start docker"),
        ("permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
        ("something else", "something else"),
    ] {
        let mut dir = engines();
        dir.env("DOWN", down);
        for args in [&SLIM[..1], &["in.tar", "-o", "docker-daemon:app"], &["verify", "docker-daemon:app"]] {
            let args = [args, &["-p", "caches"]].concat();
            let args =
                if args.contains(&"-o") || args[0] == "verify" { args } else { [&args[..], &["--dry-run"]].concat() };
            let args = if args[0] == "verify" { args[..2].to_vec() } else { args };
            dir.run(&args).error(&[down, words]);
        }
        // Nothing was done before it was clear that the output has a place.
        assert!(!log(&dir).contains("save"), "{}", log(&dir));
    }
}

#[test]
fn an_image_that_is_not_there_has_a_hint() {
    let dir = engines();
    dir.run(&["docker-daemon:ap:v1", "--dry-run"])
        .error(&["there is no such image", "similar name: docker-daemon:app:v1"]);
    dir.run(&["podman:org/app:v2", "--dry-run"]).error(&["similar name: podman:app:v1"]);
    dir.run(&["docker-daemon:nginx", "--dry-run"]).error(&["`docker pull nginx` fetches it"]);
    dir.run(&["docker-daemon:", "--dry-run"]).error(&["the reference is empty", "docker-daemon:NAME:TAG"]);
}

#[test]
fn what_the_engine_refuses_is_no_output() {
    for (load, id, words) in [
        ("cat > /dev/null; echo invalid tar header >&2; exit 1", "", &["docker load", "invalid tar header"][..]),
        ("echo no space left on device >&2; exit 1", "", &["hint: make room"]),
        ("cat > loaded.tar", "4567", &["loaded something else", "found sha256:4567"]),
        ("cat > loaded.tar; rm -r store", "", &["loaded something else", "no image of this name"]),
    ] {
        let mut dir = engines();
        dir.env("LOAD", load).env("ID", id);
        dir.run(&[&SLIM[..], &["docker-daemon:app:new", "--report", "r.json"]].concat()).error(words);
        assert!(!dir.join("r.json").exists());
    }
}

#[test]
fn an_interrupted_load_gets_no_whole_archive() {
    let mut dir = engines();
    let big = Image::new(vec![
        layer("file big content=0123456789abcdef repeat=200000\nfile b content=b"),
        layer("file b content=c"),
    ]);
    dir.write("in.tar", to_tar(&Archive::new(big, Form::Docker).entries()));
    dir.env("LOAD", "touch begun; sleep 2; cat > loaded.tar; touch done");
    let mut child = dir.command(&[&SLIM[..], &["docker-daemon:app:new", "-q"]].concat()).spawn().unwrap();
    wait_for(&dir, "begun");
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success() && child.wait().unwrap().code() == Some(130));
    wait_for(&dir, "done");
    let got = std::fs::read(dir.join("loaded.tar")).unwrap();
    assert!(!got.is_empty() && !got.windows(13).any(|bytes| bytes == b"manifest.json"), "{}", got.len());
    assert!(!dir.join("store/app:new").exists());
}

fn wait_for(dir: &Dir, name: &str) {
    let start = Instant::now();
    while !dir.join(name).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no {name}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_platform_is_asked_for_where_the_client_can() {
    let mut dir = engines();
    let args = ["docker-daemon:app:v1", "--platform", "linux/x86_64", "--dry-run", "-q"];
    dir.run(&args).ok();
    assert!(log(&dir).contains("docker save -- app:v1\n"), "{}", log(&dir));
    dir.env("HELP", "  --platform string");
    dir.run(&args).ok();
    assert!(log(&dir).contains("docker save --platform linux/amd64 -- app:v1\n"), "{}", log(&dir));
    dir.run(&["podman:app:v1", "--platform", "linux/amd64", "--dry-run", "-q"]).ok();
    assert!(log(&dir).contains("podman save -- app:v1\n"), "{}", log(&dir));
    dir.run(&["podman:app:v1", "--platform", "linux/arm64", "--dry-run"])
        .error(&["no image for platform linux/arm64", "linux/amd64"]);
}

/// `ctr` with an image `docker.io/library/app:v1` for two platforms, one of which is not there.
const CTR: &str = r#"#!/bin/sh
cd "$HOME" && printf '%s\n' "$*" >> log
[ -z "$DOWN" ] || { echo "ctr: $DOWN" >&2; exit 1; }
case $* in
  *'ls --quiet') echo docker.io/library/app:v1 ;;
  *ls*v1*) echo 'REF TYPE DIGEST SIZE PLATFORMS LABELS'; echo 'docker.io/library/app:v1 type sha256:0123 1 MiB linux/amd64 -' ;;
  *ls*new*) echo 'REF TYPE DIGEST SIZE PLATFORMS LABELS'; [ ! -e loaded.tar ] || 
    echo "docker.io/library/app:new type $(tar -xOf loaded.tar index.json | sed 's/.*"digest":"\([^"]*\)".*/\1/') 1 MiB linux/amd64 -" ;;
  *--all-platforms*export* | *export*--all-platforms*) echo 'ctr: content digest sha256:4567: not found' >&2; exit 1 ;;
  *export*) cat in.tar ;;
  *import*--no-unpack*) cat > loaded.tar ;;
  *import*) cat > /dev/null; echo 'ctr: no match for platform in manifest sha256:4567: not found' >&2; exit 1 ;;
esac
"#;

#[test]
fn containerd_knows_full_names_in_a_namespace() {
    let mut dir = engines();
    script(&dir, "ctr", CTR);
    dir.run(&["containerd:app:v1", "-p", "shadowed.toml", "-o", "containerd:k8s.io/app:new", "-q"]).ok();
    let log = log(&dir);
    for line in [
        "images ls name==\"docker.io/library/app:v1\"",
        "images export --all-platforms - docker.io/library/app:v1",
        "images export - docker.io/library/app:v1",
        "--namespace k8s.io images ls name==\"docker.io/library/app:new\"",
        "--namespace k8s.io images import --all-platforms -",
        "--namespace k8s.io images import --all-platforms --no-unpack -",
    ] {
        assert!(log.lines().any(|l| l == line), "no {line} in {log}");
    }
    dir.run(&["verify", "loaded.tar", "--against", "in.tar", "-p", "shadowed.toml", "-q"]).ok();
    dir.run(&["containerd:app:v2", "--dry-run"]).error(&["no such image", "containerd:docker.io/library/app:v1"]);
    dir.run(&["containerd:moby/h:5000/x", "--dry-run"]).error(&["no such image", "ctr images pull h:5000/x:latest"]);
    dir.env("DOWN", "failed to dial \"/run/containerd/containerd.sock\"");
    dir.run(&["containerd:app:v1", "--dry-run"]).error(&["failed to dial", "CONTAINERD_ADDRESS"]);
}

#[test]
fn a_word_that_is_no_file_is_told_where_it_may_be() {
    let mut dir = engines();
    let run = |dir: &Dir, word: &str| dir.run(&[word, "--dry-run"]).error(&["cannot open"]).stderr;
    let here = run(&dir, "app:v1");
    let expected = "hint: it is an image that is here: `docker-daemon:app:v1` and `podman:app:v1`; in its registry it is \
                    `docker://docker.io/library/app:v1`";
    assert!(here.contains(expected), "{here}");
    let nowhere = run(&dir, "nginx");
    for place in [
        "docker-daemon:nginx:latest",
        "podman:nginx:latest",
        "containerd:nginx",
        "docker://docker.io/library/nginx:latest",
    ] {
        assert!(nowhere.contains(&format!("`{place}")), "{nowhere}");
    }
    assert!(run(&dir, "ghcr.io/org/app").contains("`docker://ghcr.io/org/app:latest`"));
    // What looks like a file, and what is like one that is there, asks nobody.
    std::fs::remove_file(dir.join("log")).unwrap();
    assert!(run(&dir, "other.tar").contains("has a prefix"));
    assert!(run(&dir, "in.ta").contains("did you mean in.tar?"));
    dir.env("SLIM_OFFLINE", "1");
    assert!(run(&dir, "app:v1").contains("say where: `docker-daemon:app:v1`"));
    dir.run(&[SLIM[0], "--dry-run"]).error(&["SLIM_OFFLINE"]);
    dir.run(&["in.tar", "-o", "podman:x"]).error(&["SLIM_OFFLINE"]);
    assert_eq!(log(&dir), "");
}

#[test]
fn an_engine_that_hangs_holds_no_hint_up() {
    let dir = engines();
    script(&dir, "docker", "#!/bin/sh\nsleep 100\n");
    let start = Instant::now();
    let told = dir.run(&["app:v1", "--dry-run"]).error(&["it is an image that is here: `podman:app:v1`"]).stderr;
    assert!(start.elapsed() < Duration::from_secs(20), "{told}");
}

#[test]
fn without_a_profile_it_is_auto_and_the_report_says_so() {
    let dir = engines();
    let run = dir.run(&["in.tar", "-o", "out.tar", "--report", "r.json"]).ok();
    assert!(
        run.stderr.contains("\nprofiles  auto") && run.stderr.contains("\nnote      no profile was given: auto\n"),
        "{}",
        run.stderr
    );
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    assert_eq!((&report["profiles"][0], &report["notes"][0]), (&"auto".into(), &"no profile was given: auto".into()));
    let plan = dir.run(&["plan", "in.tar"]).ok();
    assert!(plan.stderr.contains("note: no profile was given: auto"), "{}", plan.stderr);
    dir.run(&["in.tar"]).error(&["no output is given", "-o FILE"]);
    let named = dir.run(&["in.tar", "-p", "auto", "-o", "same.tar"]).ok();
    assert!(!named.stderr.contains("no profile was given"));
    assert!(std::fs::read(dir.join("out.tar")).unwrap() == std::fs::read(dir.join("same.tar")).unwrap());
}
