//! Images in registries, against the smallest registry that there can be: a thread with a map. What real registries do beside that is
//! in `tests/e2e`.

use crate::archives::small;
use crate::builder::codec::sha256;
use crate::builder::{Archive, Comp, Form};
use crate::oracle::archive::open;
use crate::run::{Dir, Outcome};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a registry has, and what it was asked for.
#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    /// Manifests with their media types, by tag and by digest.
    manifests: HashMap<String, (String, Vec<u8>)>,
    /// Method and path of each request.
    asked: Vec<String>,
    /// The bytes that came in `PATCH` requests.
    sent: usize,
    /// The bytes of this blob are given out wrong.
    spoilt: Option<String>,
    /// True if manifests are refused.
    read_only: bool,
}

struct Registry {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Registry {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { port, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn name(&self, rest: &str) -> String {
        format!("docker://127.0.0.1:{}/{rest}", self.port)
    }

    /// The method and path of each request so far, which are forgotten.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }
}

/// Answers requests of one connection.
fn serve(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        if !path.starts_with("/v2/") {
            // What speaks TLS gets no answer that it understands.
            return None;
        }
        let (mut length, mut media) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "content-type" => media = value.trim().to_owned(),
                _ => {}
            }
        }
        if length > 1 << 20 {
            (&stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, headers, answer) = answer(&mut state.lock().unwrap(), &method, &path, media, body);
        let body = if method == "HEAD" { &[][..] } else { &answer };
        let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", answer.len());
        (&stream).write_all(&[head.as_bytes(), body].concat()).ok()?;
    }
}

/// The status, the headers and the body of an answer.
fn answer(state: &mut State, method: &str, path: &str, media: String, body: Vec<u8>) -> (u16, String, Vec<u8>) {
    state.asked.push(format!("{method} {path}"));
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    let name = place.rsplit('/').next().unwrap().to_owned();
    let none = (404, String::new(), Vec::new());
    match method {
        _ if place == "/v2/" => (200, String::new(), Vec::new()),
        "PUT" if place.contains("/manifests/") && state.read_only => {
            (403, String::new(), br#"{"errors":[{"code":"DENIED","message":"look only"}]}"#.to_vec())
        }
        "PUT" if place.contains("/manifests/") => {
            state.manifests.insert(sha256(&body), (media.clone(), body.clone()));
            state.manifests.insert(name, (media, body));
            (201, String::new(), Vec::new())
        }
        "GET" | "HEAD" if place.contains("/manifests/") => state.manifests.get(&name).map_or(none, |(media, bytes)| {
            let headers = format!("Content-Type: {media}\r\nDocker-Content-Digest: {}\r\n", sha256(bytes));
            (200, headers, bytes.clone())
        }),
        "GET" | "HEAD" => state.blobs.get(&name).map_or(none, |bytes| {
            let mut bytes = bytes.clone();
            if state.spoilt.as_ref() == Some(&name) {
                *bytes.last_mut().unwrap() ^= 1;
            }
            (200, String::new(), bytes)
        }),
        "POST" => {
            let id = state.asked.len();
            (202, format!("Location: /v2/uploads/{id}\r\n"), Vec::new())
        }
        "PATCH" => {
            state.sent += body.len();
            state.blobs.insert(name, body);
            (202, format!("Location: {place}\r\n"), Vec::new())
        }
        "PUT" => {
            let bytes = state.blobs.remove(&name).unwrap_or(body);
            let digest = query.strip_prefix("digest=").unwrap().replace("%3A", ":");
            assert_eq!(sha256(&bytes), digest);
            state.blobs.insert(digest, bytes);
            (201, String::new(), Vec::new())
        }
        "DELETE" => (204, String::new(), Vec::new()),
        _ => none,
    }
}

/// A directory with a small image of gzip layers, and what the profile makes of it.
fn dir() -> Dir {
    let dir = Dir::new();
    Archive::new(small().comp(Comp::Gzip), Form::OciTar).write(dir.path());
    dir.run(&["in.tar", "-p", "shadowed.toml", "-q", "-o", "want.tar"]).ok();
    dir
}

fn push(dir: &Dir, to: &str, more: &[&str]) -> Outcome {
    dir.run(&[&["in.tar", "-p", "shadowed.toml", "-o", to], more].concat())
}

#[test]
fn what_is_pushed_comes_back() {
    let (dir, registry) = (dir(), Registry::new());
    let to = registry.name("app:v1");
    let run = push(&dir, &to, &["-t", "v2", "--report", "report.json"]).ok();
    assert!(run.stderr.contains("sent "), "{}", run.stderr);
    let asked = registry.asked();
    let puts: Vec<&str> =
        asked.iter().filter(|a| a.starts_with("PUT") && a.contains("/manifests/")).map(|a| &a[4..]).collect();
    assert!(puts[0].contains("sha256:"), "the first is by digest: {puts:?}");
    assert_eq!(puts[1..], ["/v2/app/manifests/v1", "/v2/app/manifests/v2"]);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["output"]["form"], "registry");
    assert_eq!(report["output"]["digest"], sha256(&registry.state().manifests["v1"].1));
    assert!(report["output"]["moved"]["sentBytes"].as_u64().unwrap() >= registry.state().sent as u64);
    dir.run(&[&to, "-p", "none", "-q", "-o", "oci-archive:back.tar"]).ok();
    let tars = |name: &str| open(&dir.join(name)).images[0].tars().concat();
    assert!(tars("back.tar") == tars("want.tar"));
    let said = dir.run(&["analyze", &to, "--manifest", "--json"]).ok();
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["images"][0]["manifest"], report["output"]["digest"]);
    assert_eq!(said["images"][0]["blobBytes"], report["output"]["pulledBytes"]);
    dir.run(&["analyze", &to, "--manifest"]).ok();
    for command in [
        &["analyze", &to][..],
        &["verify", &to, "--against", "in.tar", "-p", "shadowed.toml"],
        &["diff", "want.tar", &to],
    ] {
        dir.run(command).ok();
    }
}

#[test]
fn a_second_push_sends_nothing_and_moves_no_tag() {
    let (dir, registry) = (dir(), Registry::new());
    push(&dir, &registry.name("app:v1"), &[]).ok();
    registry.asked();
    let sent = registry.state().sent;
    push(&dir, &registry.name("app:v1"), &[]).ok();
    assert_eq!(registry.state().sent, sent);
    let asked = registry.asked();
    assert!(asked.iter().all(|a| !a.starts_with("PATCH") && a != "PUT /v2/app/manifests/v1"), "{asked:?}");
}

#[test]
fn wrong_bytes_leave_nothing() {
    let (dir, registry) = (dir(), Registry::new());
    let name = registry.name("app:v1");
    push(&dir, &name, &[]).ok();
    let layer =
        registry.state().blobs.iter().filter(|(_, b)| b.starts_with(&[0x1f, 0x8b])).map(|(d, _)| d.clone()).min();
    registry.state().spoilt.clone_from(&layer);
    let before = dir.names();
    let run = dir.run(&[&name, "-p", "none", "-o", "out.tar", "--retry-times", "0"]);
    run.error(&["docker://127.0.0.1", &layer.unwrap(), "expected sha256:", "found sha256:"]);
    assert_eq!(dir.names(), before);
}

#[test]
fn a_registry_that_refuses_is_quoted_and_no_tag_moves() {
    let (dir, registry) = (dir(), Registry::new());
    registry.state().read_only = true;
    push(&dir, &registry.name("app:v1"), &[]).error(&["403 Forbidden: DENIED: look only", "docker login"]);
    assert!(registry.state().manifests.is_empty());
}

#[test]
fn nothing_is_asked_offline_and_a_bare_tag_is_no_other_repository() {
    let (dir, registry) = (dir(), Registry::new());
    let name = registry.name("app:v1");
    push(&dir, &name, &["--offline"]).error(&["no registry is asked"]);
    let mut offline = Dir::new();
    offline.env("SLIM_OFFLINE", "1").run(&["analyze", &name]).error(&["no registry is asked"]);
    assert!(registry.asked().is_empty());
    push(&dir, &name, &["-t", "other/app:v2"]).error(&["is in another repository"]);
    push(&dir, &format!("{}@{}", registry.name("app"), sha256(b"")), &[]).error(&["an output has a tag"]);
}

#[test]
fn the_password_is_never_shown() {
    let (dir, registry) = (dir(), Registry::new());
    let name = registry.name("app:v1");
    for more in [&["--creds", "user:s3cret"][..], &["--creds", "user:s3cret", "--ca-file", "none.pem"]] {
        let run = push(&dir, &name, more);
        assert!(
            !run.stderr.contains("s3cret") && run.stderr.contains("password on the command line"),
            "{}",
            run.stderr
        );
    }
    push(&dir, &name, &["--creds", "user"]).error(&["no password", "SLIM_REGISTRY_PASSWORD"]);
    let from = Registry::new().name("app:v1");
    dir.run(&[&from, "-p", "none", "-o", &name, "--creds", "user:x"]).error(&["--creds is for one registry"]);
}
