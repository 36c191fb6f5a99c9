//! Docker and podman, asked by their client programs: so contexts, ssh and TLS need nothing of slim's.

use super::Store;
use super::engine::{Engine, Known};
use super::output::Output;
use super::refused;
use crate::image::Platform;
use crate::{Error, ErrorKind, Result};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The words by which engines say that they have no such image.
const UNKNOWN: [&str; 3] = ["no such image", "image not known", "unable to find a name and tag match"];

/// A client program.
pub struct Client {
    pub store: Store,
    pub program: PathBuf,
    /// The time that it may take to answer a question.
    pub limit: Duration,
}

impl Client {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args);
        command
    }

    /// Returns the answer to a question, or why there is none.
    fn ask(&self, args: &[&str]) -> Result<Result<String, String>> {
        Output::ask(self.command(args), self.limit)
    }

    fn failed(&self, what: &'static str, said: &str) -> Error {
        self.explain(what)(said)
    }

    /// Makes an error of what a command says.
    fn explain(&self, what: &'static str) -> super::output::Explain {
        let (store, name) = (self.store, self.name());
        Box::new(move |said| refused::failed(store, &format!("`{name} {what}`"), said))
    }

    /// Returns true if `save` knows `--platform`: docker's does from version 28 on, with an engine of that version.
    fn takes_platform(&self) -> Result<bool> {
        let help = if self.store == Store::Docker { self.ask(&["save", "--help"])? } else { return Ok(false) };
        Ok(help.is_ok_and(|help| help.contains("--platform")))
    }
}

impl Engine for Client {
    fn name(&self) -> String {
        self.program.display().to_string()
    }

    fn find(&self, reference: &str) -> Result<Option<Known>> {
        // Without `--format`, which podman takes for the whole list.
        let text = match self.ask(&["image", "inspect", "--", reference])? {
            Ok(text) => text,
            Err(said) if UNKNOWN.iter().any(|words| said.to_lowercase().contains(words)) => return Ok(None),
            Err(said) => return Err(self.failed("image inspect", &said)),
        };
        let json = serde_json::from_str::<Value>(&text).ok();
        let known = json.as_ref().and_then(|json| Known::of(json.get(0)?));
        known.map(Some).ok_or_else(|| self.failed("image inspect", "it gives no JSON with an id"))
    }

    fn names(&self) -> Result<Vec<String>> {
        let args = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
        let text = self.ask(&args)?.map_err(|said| self.failed("images", &said))?;
        Ok(text.lines().filter(|name| !name.contains('<')).map(str::to_owned).collect())
    }

    fn save(&self, reference: &str, platform: Option<&Platform>) -> Result<Box<dyn Read + Send>> {
        let mut args = vec!["save"];
        let platform = platform.map(ToString::to_string);
        if let Some(platform) = &platform
            && self.takes_platform()?
        {
            args.extend(["--platform", platform]);
        }
        args.extend(["--", reference]);
        Ok(Box::new(Output::of(self.command(&args), self.explain("save"))?))
    }

    fn load(&self, mut file: &File) -> Result<()> {
        Output::feed(self.command(&["load"]), &mut file, self.explain("load"))
    }
}

impl Known {
    /// Reads what docker's and podman's `inspect` say, and their interface over the socket.
    pub fn of(json: &Value) -> Option<Self> {
        let id = json.get("Id")?.as_str()?;
        let id = if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") };
        let names = json.get("RepoTags").and_then(Value::as_array).into_iter().flatten();
        Some(Self { id, names: names.filter_map(Value::as_str).map(str::to_owned).collect() })
    }
}

/// The error for an engine that cannot be asked at all.
pub fn no_client(store: Store, why: &str) -> Error {
    let program = store.program();
    let error = Error::new(ErrorKind::Remote, format!("no program `{program}` is found, and {why}"));
    let save = if store == Store::Containerd { "images export app.tar IMAGE" } else { "save IMAGE -o app.tar" };
    error.hint(format!("install `{program}`, or save the image to a file where it is: `{program} {save}`"))
}
