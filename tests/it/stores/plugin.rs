//! `docker slim`.

use super::{engines, log};
use crate::run::{Dir, Outcome, finish, slim};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::process::Command;

/// Runs slim as docker runs a plugin.
fn plugin(dir: &Dir, args: &[&str]) -> Outcome {
    let link = dir.join("docker-slim");
    if !link.exists() {
        symlink(slim(), &link).unwrap();
    }
    let mut command = Command::new(link);
    let plain = dir.command::<&str>(&[]);
    command.args(args).current_dir(dir.path()).envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    finish(command, b"")
}

#[test]
fn docker_is_told_what_it_is() {
    let dir = Dir::new();
    let json: Value = serde_json::from_slice(&plugin(&dir, &["docker-cli-plugin-metadata"]).ok().stdout).unwrap();
    assert_eq!((&json["SchemaVersion"], &json["Vendor"]), (&"0.1.0".into(), &"slim".into()));
    assert!(json["ShortDescription"].as_str().is_some_and(|text| !text.is_empty()) && json["Version"].is_string());
    for args in [&["help", "slim"][..], &["slim", "--help"]] {
        assert!(plugin(&dir, args).ok().text().contains("docker slim IMAGE [-p PROFILE"));
    }
    assert!(plugin(&dir, &["__complete", "slim", "x"]).ok().text().is_empty());
    plugin(&dir, &["slim", "plan", "--no-such"]);
}

#[test]
fn images_are_dockers_and_the_new_one_has_a_name_of_its_own() {
    let dir = engines();
    for (args, name) in [
        (&["slim", "app:v1"][..], "app:v1-slim"),
        (&["slim", "app:v1", "-p", "caches", "-t", "small", "-t", "also:x"], "small:latest"),
        (&["slim", "docker-archive:in.tar", "-t", "file:1"], "file:1"),
        (&["slim", "podman:app:v1", "-o", "docker-daemon:b:1"], "b:1"),
    ] {
        plugin(&dir, args).ok();
        assert!(dir.join(&format!("store/{name}")).exists(), "{name}: {}", log(&dir));
    }
    assert!(dir.join("store/also:x").exists());
    plugin(&dir, &["slim", "app:v1", "-o", "out.tar"]).ok();
    for args in [
        &["slim", "plan", "app:v1"][..],
        &["slim", "analyze", "app:v1"],
        &["slim", "analyze", "app:v1", "app:v1-slim"],
        &["slim", "diff", "app:v1", "app:v1-slim"],
        &["slim", "verify", "app:v1-slim", "--against", "docker-archive:in.tar"],
        &["slim", "compare", "app:v1", "-p", "caches"],
        &["slim", "app:v1", "--dry-run"],
    ] {
        let run = plugin(&dir, args);
        assert_eq!(run.code, Some(0), "{args:?} {}", run.stderr);
    }
    plugin(&dir, &["slim", "docker-archive:in.tar"]).error(&["no name", "hint: name it: `-t NAME:TAG`"]);
    plugin(&dir, &["slim", "nothing:1"]).error(&["docker-daemon:nothing:1: there is no such image"]);
}

#[test]
fn dockers_own_options_reach_its_client() {
    let dir = engines();
    let docker = std::fs::read_to_string(dir.join("bin/docker")).unwrap();
    dir.write(
        "bin/docker",
        docker.replacen("cd ", "echo \"context=$DOCKER_CONTEXT host=$DOCKER_HOST\" >> \"$HOME/log\"; cd ", 1),
    );
    plugin(&dir, &["--context", "far", "-H=unix:///x", "-D", "slim", "app:v1", "--dry-run"]).ok();
    assert!(log(&dir).contains("context=far host=unix:///x\n"), "{}", log(&dir));
    plugin(&dir, &["--tlskey", "k", "slim", "app:v1", "--dry-run"]).error(&["--tlskey", "DOCKER_CERT_PATH"]);
}

#[test]
fn the_plugin_is_a_link_that_comes_and_goes() {
    let mut dir = engines();
    dir.run(&["plugin", "install"]).ok();
    let link = dir.join(".docker/cli-plugins/docker-slim");
    assert_eq!(link.read_link().unwrap(), slim().canonicalize().unwrap());
    dir.run(&["plugin", "install"]).ok();
    assert!(dir.run(&["plugin", "remove"]).ok().text().contains("is removed") && !link.exists());
    assert!(dir.run(&["plugin", "remove"]).ok().text().contains("was not installed"));
    std::fs::write(&link, "another's").unwrap();
    for action in ["install", "remove"] {
        dir.run(&["plugin", action]).error(&["this is no link", "hint: move it away"]);
    }
    let config = dir.join("config").display().to_string();
    dir.env("DOCKER_CONFIG", &config);
    dir.run(&["plugin", "install"]).ok();
    assert!(dir.join("config/cli-plugins/docker-slim").is_symlink());
}

#[test]
fn the_real_client_finds_it() {
    let mut dir = Dir::new();
    if !Command::new("docker").arg("--version").output().is_ok_and(|out| out.status.success()) {
        eprintln!("no docker client: skipped");
        return;
    }
    let config = dir.path().display().to_string();
    dir.env("DOCKER_CONFIG", &config);
    dir.run(&["plugin", "install"]).ok();
    let mut docker = Command::new("docker");
    docker.args(["slim", "profiles"]).env("DOCKER_CONFIG", &config);
    assert!(finish(docker, b"").ok().text().contains("python-slim"));
    let mut docker = Command::new("docker");
    docker.args(["--host", "unix:///nowhere.sock", "slim", "app:v1", "--dry-run"]).env("DOCKER_CONFIG", &config);
    finish(docker, b"").error(&["docker-daemon:app:v1", "unix:///nowhere.sock"]);
}
