//! Runs the binary in a directory of its own.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A profile with nothing but the rule that drops what later layers hide.
pub const SHADOWED: &str = "description = \"test\"\n[[rule]]\nid = \"shadowed\"\naction = \"drop-shadowed\"\nabout = \"hidden bytes\"\nrisk = \"none\"\n";

/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A temporary directory with the binary to run in it.
pub struct Dir {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// The binary under test.
pub fn slim() -> PathBuf {
    std::env::var_os("SLIM_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_slim")), PathBuf::from)
}

impl Dir {
    /// A new directory that holds `shadowed.toml`.
    pub fn new() -> Self {
        let mut dir = tempfile::Builder::new().prefix("slim-it-").tempdir().unwrap();
        dir.disable_cleanup(std::env::var_os("SLIM_KEEP").is_some());
        std::fs::write(dir.path().join("shadowed.toml"), SHADOWED).unwrap();
        Self { dir, env: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Sets a variable for the runs that follow.
    pub fn env(&mut self, key: &str, value: &str) -> &mut Self {
        self.env.push((key.into(), value.into()));
        self
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut c = Command::new(slim());
        c.args(args).current_dir(self.path()).env_remove("SOURCE_DATE_EPOCH").env("NO_COLOR", "1");
        c.envs(self.env.iter().map(|(k, v)| (k, v)));
        c
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome {
        self.run_with(args, b"")
    }

    /// Runs with these bytes on stdin, and ends what takes too long.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: &[S], stdin: &[u8]) -> Outcome {
        finish(self.command(args), stdin)
    }

    /// The names in the directory, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Keeps the directory where a failure is to be looked at.
    pub fn keep(mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.dir.path().to_owned()
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command, stdin: &[u8]) -> Outcome {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut to, mut out, mut err) =
        (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let input = stdin.to_vec();
    let feeder = std::thread::spawn(move || drop(to.write_all(&input)));
    let (tell, told) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).unwrap();
        // Fails when the command ran for too long, and nobody waits any more.
        let _ = tell.send(());
        bytes
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let start = Instant::now();
    // Standard output ends when the process does. Without this, half of the time of a short run would be spent asleep.
    let _ = told.recv_timeout(LIMIT);
    let mut pause = Duration::from_micros(50);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("{command:?} ran for more than {LIMIT:?}");
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    feeder.join().unwrap();
    let stdout = reader.join().unwrap();
    let stderr = String::from_utf8_lossy(&errors.join().unwrap()).into_owned();
    Outcome { code: status.code(), stdout, stderr }
}

impl Outcome {
    /// Fails the test unless the run ended with 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Fails the test unless the run ended with 2, an `error:`, and all of these words; no traces of a panic.
    #[track_caller]
    pub fn error(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "an error was expected; stderr: {}", self.stderr);
        assert!(self.stderr.contains("error:"), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in: {}", self.stderr);
        }
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}
