//! Docker and podman, asked by their interface over a Unix socket where there is no client program, as in a container with
//! `/var/run/docker.sock` mounted. Source: <https://docs.docker.com/reference/api/engine/version/v1.48/>; podman speaks it, too.

use super::engine::{Engine, Known};
use super::http::{self, Answer};
use super::{Store, refused};
use crate::image::Platform;
use crate::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::time::Duration;

/// What a name cannot have as it is in the path of a request.
const SPECIAL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':').remove(b'@');
/// The largest document that is read, in bytes.
const MAX_DOCUMENT: u64 = 64 << 20;

/// A socket of an engine.
pub struct Socket {
    pub store: Store,
    pub path: PathBuf,
    /// The time that it may take to answer a question.
    pub limit: Duration,
}

impl Socket {
    fn failed(&self, what: &str, said: &str) -> Error {
        refused::failed(self.store, &format!("{}: {what}", self.name()), said)
    }

    fn send(&self, method: &str, path: &str, body: Option<&mut dyn Read>, limit: Option<Duration>) -> Result<Answer> {
        // Without a version in its path a request is for the engine's own.
        http::send(&self.path, method, path, body, limit).map_err(|e| self.failed(&e.what, &cause(&e)))
    }

    /// Returns a document; `None` if the engine has none of that name.
    fn get(&self, path: &str) -> Result<Option<Value>> {
        let answer = self.send("GET", path, None, Some(self.limit))?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = self.good("it says no", answer)?;
        let mut bytes = Vec::new();
        let read = answer.body.take(MAX_DOCUMENT).read_to_end(&mut bytes);
        read.map_err(|e| self.failed("its answer cannot be read", &e.to_string()))?;
        let json = serde_json::from_slice(&bytes).map_err(|e| self.failed("its answer is no JSON", &e.to_string()));
        json.map(Some)
    }

    /// Returns the answer, or an error of what it says if that is a refusal.
    fn good(&self, what: &str, answer: Answer) -> Result<Answer> {
        if answer.status == 200 {
            return Ok(answer);
        }
        let mut text = String::new();
        // What cannot be read is not told.
        let _ = answer.body.take(MAX_DOCUMENT).read_to_string(&mut text);
        let said = serde_json::from_str::<Value>(&text).ok().and_then(|json| message(&json));
        Err(self.failed(what, &said.unwrap_or_else(|| format!("status {}", answer.status))))
    }
}

impl Engine for Socket {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn find(&self, reference: &str) -> Result<Option<Known>> {
        let json = self.get(&format!("/images/{}/json", escaped(reference)))?;
        let Some(json) = json else { return Ok(None) };
        Known::of(&json).map(Some).ok_or_else(|| self.failed("its answer", "no JSON with an id"))
    }

    fn names(&self) -> Result<Vec<String>> {
        let json = self.get("/images/json")?.unwrap_or_default();
        let tags = json.as_array().into_iter().flatten().filter_map(|image| image.get("RepoTags")?.as_array());
        let names = tags.flatten().filter_map(Value::as_str).filter(|name| !name.contains('<'));
        Ok(names.map(str::to_owned).collect())
    }

    fn save(&self, reference: &str, platform: Option<&Platform>) -> Result<Box<dyn Read + Send>> {
        let mut path = format!("/images/{}/get", escaped(reference));
        if let Some(Platform { os, architecture, variant }) = platform {
            // An engine that does not know it does not look at it.
            let json = json!({"os": os, "architecture": architecture, "variant": variant}).to_string();
            path.push_str(&format!("?platform={}", escaped(&json)));
        }
        let answer = self.send("GET", &path, None, None)?;
        Ok(self.good("it does not give the image", answer)?.body)
    }

    /// An engine that fails says 200 before it begins, and the reason in the body.
    fn load(&self, mut file: &File) -> Result<()> {
        let what = "it does not take the image";
        let answer = self.send("POST", "/images/load?quiet=1", Some(&mut file), None)?;
        let answer = self.good(what, answer)?;
        for line in BufReader::new(answer.body.take(MAX_DOCUMENT)).lines() {
            let line = line.map_err(|e| self.failed(what, &e.to_string()))?;
            let json = serde_json::from_str::<Value>(&line).ok();
            if let Some(said) = json.filter(|json| json.get("error").is_some()).and_then(|json| message(&json)) {
                return Err(self.failed(what, &said));
            }
        }
        Ok(())
    }
}

/// Returns what a document says that went wrong.
fn message(json: &Value) -> Option<String> {
    let text = ["message", "error", "cause"].iter().find_map(|key| json.get(key)?.as_str());
    text.map(str::to_owned)
}

fn cause(error: &Error) -> String {
    error.cause.as_ref().map_or_else(String::new, ToString::to_string)
}

/// Escapes what has a meaning in the path of a request; slashes and colons of a name stay.
fn escaped(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, SPECIAL)
}

/// The error for an address that needs the client program.
pub fn not_local(store: Store, address: &str) -> Error {
    let what = format!("no program `{}` is found, and without it slim reaches only a Unix socket", store.program());
    let error = Error::new(ErrorKind::Remote, what).expected("unix://PATH", address);
    error.hint(format!("install `{}`: it knows contexts, ssh and TLS", store.program()))
}
