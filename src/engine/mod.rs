//! Runs an image before and after, to compare what it does. This is the only part of slim that needs a container engine, and it
//! is used only if the user asks for it.
//!
//! Nothing of the user's engine changes: images are loaded without a name, from a stream of slim's own ([`load`]), so that no
//! tag moves; containers have names of their own, no network and a time limit; both are removed afterwards, on signals too
//! ([`clean_up`]). Helpers are passed as arguments and lists as standard input: nothing is mounted, so an engine on another
//! host works as well.

use crate::{Error, ErrorKind, Result};
use cleanup::{Kind, Leftover};
use process::{Ended, Limits};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

mod cleanup;
pub mod load;
pub mod process;
pub mod subject;
pub mod sweep;
pub mod trial;

pub use cleanup::{Loaded, clean_up};

/// The engines that are looked for if none is named, in this order.
const KNOWN: [&str; 2] = ["docker", "podman"];
/// The time and output that an engine may take to say its version.
const GREETING: Limits = Limits { time: Duration::from_secs(20), keep: 64 << 10 };
/// The number of bytes that are kept of each output of a command.
pub const KEEP: usize = 1 << 20;

/// A container engine that works.
#[derive(Clone, Debug)]
pub struct Engine {
    program: PathBuf,
    /// More arguments for each `run`.
    args: Vec<String>,
}

/// One container to run.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    /// The image.
    pub image: &'a Loaded,
    /// The program.
    pub entrypoint: &'a str,
    /// The program's arguments.
    pub args: &'a [&'a str],
    /// The user that runs it; `None` for the image's own.
    pub user: Option<&'a str>,
    /// More variables, `KEY=VALUE`.
    pub env: &'a [&'a str],
    /// The bytes on its standard input.
    pub stdin: Option<&'a [u8]>,
    /// The time and output that it may take.
    pub limits: Limits,
}

impl Engine {
    /// Returns the engine with this name or path, or the first one that works; `args` are added to each `run`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] with a hint if none works.
    pub fn find(name: Option<&str>, args: &[String]) -> Result<Self> {
        let names = name.map_or(KNOWN.to_vec(), |name| vec![name]);
        let mut why = Vec::new();
        for program in &names {
            let engine = Self { program: PathBuf::from(program), args: args.to_vec() };
            match engine.call(&["version"], GREETING) {
                Ok(ended) if ended.code == Some(0) => return Ok(engine),
                Ok(ended) => why.push(format!("`{program} version`: {}", ended.last_words())),
                Err(e) => why.push(e.to_string()),
            }
        }
        let what = format!("no container engine answers: {}", why.join("; "));
        Err(Error::new(ErrorKind::Usage, what).hint(match name {
            Some(_) => "start it, or name another with --engine; without --run and --sweep none is needed",
            None => {
                "install or start docker or podman, or name one with --engine; without --run and --sweep none is needed"
            }
        }))
    }

    /// Returns the engine's name, as it was found or given.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.display().to_string()
    }

    fn program(&self) -> &Path {
        &self.program
    }

    /// Runs the engine with arguments that start no container.
    fn call(&self, args: &[&str], limits: Limits) -> Result<Ended> {
        let mut command = Command::new(&self.program);
        command.args(args);
        process::run(command, None, limits, &|| ())
    }

    /// True if an image has an `sh` that runs.
    ///
    /// # Errors
    /// Returns an error if the engine can run no container at all.
    pub fn has_shell(&self, image: &Loaded) -> Result<bool> {
        let (entrypoint, args) = ("sh", &["-c", ":"]);
        let container =
            Container { image, entrypoint, args, user: None, env: &[], stdin: None, limits: GREETING.longer() };
        let ended = self.run(container)?;
        let said = String::from_utf8_lossy(&ended.stderr.head).to_lowercase();
        let missing = ["not found", "no such file"].iter().any(|words| said.contains(words));
        // Engines end with these codes if they cannot start a program, for whatever reason.
        if matches!(ended.code, Some(126 | 127)) && !missing {
            let what = format!("`{}` cannot run a container: {}", self.name(), ended.last_words());
            return Err(Error::new(ErrorKind::Io, what).hint("`--engine-arg` gives its `run` more arguments"));
        }
        Ok(ended.code == Some(0))
    }

    /// Runs a container to its end: without network, without pulling, and the container is removed afterwards. With an exit
    /// code of 126 or 127 the engine says that the program cannot be run or is not there.
    ///
    /// # Errors
    /// Returns an error if the engine itself fails.
    pub fn run(&self, container: Container<'_>) -> Result<Ended> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let name = format!("slim-{}-{serial}", std::process::id());
        let leftover = Leftover::new(&self.program, Kind::Container, &name)?;
        let mut command = Command::new(&self.program);
        command.args(["run", "--rm", "--name", &name, "--network", "none", "--pull", "never"]);
        // The output comes through the pipe: a log on the engine's disk could be of any size.
        command.args(["--log-driver", "none", "--no-healthcheck"]).args(&self.args);
        if container.stdin.is_some() {
            command.arg("-i");
        }
        if let Some(user) = container.user {
            command.args(["--user", user]);
        }
        container.env.iter().for_each(|pair| _ = command.args(["-e", pair]));
        command.args(["--entrypoint", container.entrypoint, container.image.id()]).args(container.args);
        let mut feed = |to: &mut dyn Write| Ok(to.write_all(container.stdin.unwrap_or_default())?);
        let feed: Option<process::Feed<'_>> = if container.stdin.is_some() { Some(&mut feed) } else { None };
        let kill = || drop(self.call(&["rm", "-f", &name], GREETING));
        let ended = process::run(command, feed, container.limits, &kill)?;
        if !ended.timed_out && ended.code.is_some() {
            leftover.gone();
        }
        // 125 is the engine's own code, but a program may end with it as well.
        let said = String::from_utf8_lossy(&ended.stderr.head);
        if ended.code == Some(125) && (said.contains("docker: ") || said.contains("Error: ")) {
            let what = format!("`{}` cannot run a container: {}", self.name(), said.trim());
            return Err(Error::new(ErrorKind::Io, what));
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_engine_the_error_says_what_to_do() {
        let e = Engine::find(Some("/no/such/engine"), &[]).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Usage);
        assert!(e.to_string().contains("/no/such/engine") && e.hint.unwrap().contains("--engine"));
        let e = Engine::find(Some("false"), &[]).unwrap_err();
        assert!(e.to_string().contains("`false version`"), "{e}");
    }
}
