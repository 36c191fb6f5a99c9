//! The engines that run here; tests skip where none does.

use crate::archives::small;
use crate::builder::{Archive, Form};
use crate::run::Dir;
use serde_json::Value;
use std::process::Command;

/// True if a program answers with success.
fn works(program: &str, args: &[&str]) -> bool {
    let works = Command::new(program).args(args).output().is_ok_and(|out| out.status.success());
    if !works {
        eprintln!("no {program}: skipped");
    }
    works
}

fn output(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// An image's name that no other test uses.
fn name(test: &str, tag: &str) -> String {
    format!("slim-it/{test}-{}:{tag}", std::process::id())
}

/// A directory with `in.tar`, an image of this name.
fn named(tag: &str) -> Dir {
    let dir = Dir::new();
    Archive::new(small(), Form::Docker).write(dir.path());
    dir.run(&["in.tar", "-p", "none", "-o", "named.tar", "-t", tag, "-q"]).ok();
    dir
}

/// Slims an image in an engine into another name and into its own, and removes both.
fn round_trip(client: &str, prefix: &str, mut dir: Dir, [old, new]: [&str; 2], path: Option<&str>) {
    output(client, &["load", "-i", dir.join("named.tar").to_str().unwrap()]);
    if let Some(path) = path {
        dir.env("PATH", path);
    }
    let at = |name: &str| format!("{prefix}:{name}");
    for (from, to) in [(old, new), (old, old)] {
        dir.run(&[&at(from), "-p", "shadowed.toml", "-o", &at(to), "-q", "--report", "r.json"]).ok();
        let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
        let id = output(client, &["image", "inspect", "--format", "{{.Id}}", to]);
        let config = report["images"][0]["output"]["config"].as_str().unwrap();
        assert_eq!(id.trim().trim_start_matches("sha256:"), config.trim_start_matches("sha256:"));
        let notes = report["notes"].as_array().unwrap();
        assert_eq!(notes.len(), usize::from(from == to), "{notes:?}");
        // What podman writes has other names in it, but the same image.
        assert_eq!(report["images"].as_array().unwrap().len(), 1);
    }
    dir.run(&["verify", &at(new), "--against", "in.tar", "-p", "shadowed.toml", "-q"]).ok();
    let similar = format!("{}x", at(old));
    dir.run(&[&similar, "--dry-run"]).error(&["there is no such image", &at(old)]);
    output(client, &["rmi", "-f", old, new]);
}

#[test]
fn docker() {
    if !works("docker", &["info"]) {
        return;
    }
    let (old, new) = (name("docker", "1"), name("docker", "2"));
    round_trip("docker", "docker-daemon", named(&old), [&old, &new], None);
}

#[test]
fn docker_without_its_client() {
    if !works("docker", &["info"]) || !std::path::Path::new("/var/run/docker.sock").exists() {
        return;
    }
    let (old, new) = (name("socket", "1"), name("socket", "2"));
    let mut dir = named(&old);
    dir.env("DOCKER_HOST", "unix:///var/run/docker.sock");
    round_trip("docker", "docker-daemon", dir, [&old, &new], Some("/nowhere"));
}

#[test]
fn podman() {
    if !works("podman", &["info"]) {
        return;
    }
    let [old, new] = ["1", "2"].map(|tag| format!("localhost/{}", name("podman", tag)));
    round_trip("podman", "podman", named(&old), [&old, &new], None);
}

#[test]
fn containerd() {
    let address = std::env::var("CONTAINERD_ADDRESS").unwrap_or("/run/docker/containerd/containerd.sock".into());
    if !works("ctr", &["--address", &address, "version"]) {
        return;
    }
    let namespace = format!("slim-it-{}", std::process::id());
    let ctr = |args: &[&str]| output("ctr", &[&["--address", &address, "--namespace", &namespace], args].concat());
    let (old, new) = (name("ctr", "1"), format!("docker.io/{}", name("ctr", "2")));
    let mut dir = named(&old);
    dir.env("CONTAINERD_ADDRESS", &address).env("CONTAINERD_NAMESPACE", &namespace);
    ctr(&["images", "import", dir.join("named.tar").to_str().unwrap()]);
    let to = format!("containerd:{namespace}/{new}");
    dir.run(&[&format!("containerd:{old}"), "-p", "shadowed.toml", "-o", &to, "-q", "--report", "r.json"]).ok();
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    let manifest = report["images"][0]["output"]["manifest"].as_str().unwrap();
    assert!(ctr(&["images", "ls"]).lines().any(|l| l.starts_with(&new) && l.contains(manifest)), "{manifest}");
    dir.run(&["verify", &to, "--against", "in.tar", "-p", "shadowed.toml", "-q"]).ok();
    dir.run(&[&format!("containerd:{old}"), "--platform", "linux/arm64", "--dry-run"]).error(&["linux/amd64"]);
    ctr(&["images", "rm", "--sync", &new, &format!("docker.io/{old}")]);
    output("ctr", &["--address", &address, "namespaces", "rm", &namespace]);
}
