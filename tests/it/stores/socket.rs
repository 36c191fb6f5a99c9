//! An engine behind a socket, for machines without its client program.

use crate::archives::small;
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Form};
use crate::oracle::archive::{get, read_tar};
use crate::run::Dir;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

/// How the engine behaves.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Good,
    /// The export ends before its last chunk.
    Cut,
    /// The export is a chunk that says it is longer.
    Short,
    /// The import fails after the status line.
    Refuses,
    /// The connection ends before the import's body was read.
    HangsUp,
    /// What it has after an import is something else.
    Other,
}

struct Served {
    loaded: Option<Vec<u8>>,
    log: Vec<String>,
}

/// A directory, and an engine with the image `app:v1` at `DOCKER_HOST`, without any program on PATH.
fn serve(mode: Mode) -> (Dir, Arc<Mutex<Served>>) {
    let mut dir = Dir::new();
    let archive = to_tar(&Archive::new(small(), Form::Docker).entries());
    let socket = dir.join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let served = Arc::new(Mutex::new(Served { loaded: None, log: Vec::new() }));
    let to = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = answer(stream.unwrap(), mode, &archive, &to);
        }
    });
    let host = format!("unix://{}", socket.display());
    dir.env("PATH", "/nowhere").env("DOCKER_HOST", &host).env("CONTAINER_HOST", &host).env("DOCKER_CONTEXT", "");
    (dir, served)
}

fn answer(stream: UnixStream, mode: Mode, archive: &[u8], served: &Mutex<Served>) -> std::io::Result<()> {
    let mut from = BufReader::new(stream.try_clone()?);
    let mut to = stream;
    let mut line = String::new();
    from.read_line(&mut line)?;
    served.lock().unwrap().log.push(line.trim_end().to_owned());
    let mut chunked = false;
    loop {
        let mut header = String::new();
        from.read_line(&mut header)?;
        chunked |= header.to_lowercase().starts_with("transfer-encoding: chunked");
        if header.trim().is_empty() {
            break;
        }
    }
    let path = line.split(' ').nth(1).unwrap();
    let json = |status: &str, body: serde_json::Value| {
        let body = body.to_string();
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    if path.starts_with("/images/load") {
        assert!(chunked);
        if mode == Mode::HangsUp {
            return Ok(());
        }
        let body = chunks(&mut from)?;
        write!(to, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut said = json!({"stream": "Loaded image: app:new\n"}).to_string();
        if mode == Mode::Refuses {
            let why = "Error processing tar file(exit status 1): unexpected EOF";
            said += &format!("\n{}", json!({"errorDetail": {"message": why}, "error": why}));
        } else {
            served.lock().unwrap().loaded = Some(body);
        }
        write!(to, "{:x}\r\n{said}\r\n0\r\n\r\n", said.len())
    } else if path.ends_with("/get") || path.contains("/get?") {
        write!(to, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for chunk in archive.chunks(3000) {
            write!(to, "{:x};ext\r\n", chunk.len())?;
            to.write_all(chunk)?;
            to.write_all(if mode == Mode::Short { b"xx" } else { b"\r\n" })?;
        }
        if mode == Mode::Cut { Ok(()) } else { to.write_all(b"0\r\n\r\n") }
    } else if path == "/images/json" {
        let body =
            json("200 OK", json!([{"RepoTags": ["app:v1"]}, {"RepoTags": null}, {"RepoTags": ["<none>:<none>"]}]));
        to.write_all(body.as_bytes())
    } else {
        let loaded = served.lock().unwrap().loaded.clone();
        let id = match loaded.filter(|_| mode != Mode::Other) {
            Some(tar) => {
                let manifest = get(&read_tar(&tar).unwrap(), "manifest.json").unwrap();
                let manifest: Value = serde_json::from_slice(&manifest).unwrap();
                manifest[0]["Config"].as_str().unwrap().replace("blobs/sha256/", "sha256:")
            }
            None => "sha256:0123".to_owned(),
        };
        let has = path == "/images/app:v1/json" || served.lock().unwrap().loaded.is_some();
        let body = if has {
            json("200 OK", json!({"Id": id, "RepoTags": ["app:v1"]}))
        } else {
            json("404 Not Found", json!({"message": "No such image: app"}))
        };
        to.write_all(body.as_bytes())
    }
}

fn chunks(from: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).unwrap();
        from.take(size).read_to_end(&mut body)?;
        from.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

const SLIM: [&str; 5] = ["docker-daemon:app:v1", "-p", "shadowed.toml", "-o", "docker-daemon:app:new"];

#[test]
fn an_image_goes_through_the_socket_both_ways() {
    for name in ["docker-daemon", "podman"] {
        let (dir, served) = serve(Mode::Good);
        let (from, to) = (format!("{name}:app:v1"), format!("{name}:app:new"));
        dir.run(&[&from, "-p", "shadowed.toml", "-o", &to, "-q"]).ok();
        dir.write("loaded.tar", served.lock().unwrap().loaded.take().unwrap());
        dir.run(&["verify", "loaded.tar", "--against", &from, "-p", "shadowed.toml", "-q"]).ok();
        let log = served.lock().unwrap().log.join("\n");
        assert!(log.contains("GET /images/app:v1/get HTTP/1.1") && log.contains("POST /images/load?quiet=1"), "{log}");
    }
}

#[test]
fn a_platform_is_asked_for_as_the_interface_has_it() {
    let (dir, served) = serve(Mode::Good);
    dir.run(&["docker-daemon:app:v1", "--platform", "linux/amd64", "--dry-run", "-q"]).ok();
    let log = served.lock().unwrap().log.join("\n");
    let asked = "get?platform=%7B%22os%22:%22linux%22%2C%22architecture%22:%22amd64%22%2C%22variant%22:%22%22%7D";
    assert!(log.contains(asked), "{log}");
}

#[test]
fn what_is_cut_or_refused_is_an_error() {
    for (mode, words) in [
        (Mode::Cut, &["the answer was cut off"][..]),
        (Mode::Short, &["longer than it says"]),
        (Mode::Refuses, &["it does not take the image", "Error processing tar file(exit status 1): unexpected EOF"]),
        (Mode::HangsUp, &["engine.sock"]),
        (Mode::Other, &["loaded something else"]),
    ] {
        let (dir, _) = serve(mode);
        dir.run(&SLIM).error(words);
    }
    let (dir, _) = serve(Mode::Good);
    dir.run(&["docker-daemon:ap:v1", "--dry-run"])
        .error(&["there is no such image", "similar name: docker-daemon:app:v1"]);
}

#[test]
fn what_is_no_socket_needs_the_client_program() {
    let (mut dir, _) = serve(Mode::Good);
    for host in ["tcp://h:2375", "ssh://me@h"] {
        dir.env("DOCKER_HOST", host);
        dir.run(&SLIM).error(&["no program `docker` is found", host, "hint: install `docker`"]);
    }
    dir.env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "far");
    dir.run(&SLIM).error(&["the context far"]);
    dir.env("DOCKER_HOST", "unix:///nowhere.sock");
    dir.run(&SLIM).error(&["/nowhere.sock", "start docker"]);
    dir.run(&["containerd:app:v1", "--dry-run"]).error(&["no program `ctr` is found"]);
}
