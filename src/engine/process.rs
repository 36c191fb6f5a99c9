//! A program run to its end: it may take so long and no longer, and of what it says so much is kept and no more.

use crate::Digest;
use crate::digest::Hashing;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until it is ended.
    pub time: Duration,
    /// How many bytes are kept of each of its outputs; the rest is read, counted and hashed.
    pub keep: usize,
}

impl Limits {
    /// Ten times as much time.
    #[must_use]
    pub const fn longer(self) -> Self {
        Self { time: Duration::from_secs(self.time.as_secs() * 10), keep: self.keep }
    }
}

/// One output of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its beginning.
    pub head: Vec<u8>,
    /// How many bytes there were.
    pub bytes: u64,
    /// The digest of all of them.
    pub digest: Digest,
}

/// What came of a program.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; none where a signal or the time-out ended it.
    pub code: Option<i32>,
    /// Whether it took too long.
    pub timed_out: bool,
    /// Its standard output.
    pub stdout: Stream,
    /// Its standard error.
    pub stderr: Stream,
    /// From its start to its end.
    pub time: Duration,
}

impl Ended {
    /// The last line on standard error that says something, for messages.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr.head);
        let last = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
        last.chars().take(300).collect()
    }
}

/// Writes what a program finds on its standard input.
pub type Feed<'a> = &'a mut (dyn FnMut(&mut dyn Write) -> crate::Result<()> + Send);

/// Runs `command`, with what `feed` writes on its standard input. `stop` is called when the time is up, before the
/// program itself is killed: it ends what the program started elsewhere.
///
/// # Errors
/// Where it cannot be started or waited for, or where `feed` fails for another reason than that nobody reads.
pub fn run(mut command: Command, feed: Option<Feed<'_>>, limits: Limits, stop: &dyn Fn()) -> crate::Result<Ended> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |e: io::Error| crate::Error::io(format!("`{program}` cannot be run"), e);
    command.stdin(if feed.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // A signal from the terminal is for slim, which then ends in order what it started.
    command.process_group(0);
    let start = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ended = std::thread::scope(|scope| {
        let (done, wait) = mpsc::channel();
        let reader = |from: Option<Box<dyn Read + Send>>| {
            let done = done.clone();
            scope.spawn(move || {
                let stream = read(from, limits.keep);
                let _ = done.send(());
                stream
            })
        };
        let out = reader(stdout.map(|s| Box::new(s) as _));
        let err = reader(stderr.map(|s| Box::new(s) as _));
        let feeder = feed.zip(stdin).map(|(feed, mut to)| scope.spawn(move || feed(&mut to)));
        let timed_out = !both(&wait, start, limits.time);
        if timed_out {
            stop();
            // Gone already where `stop` has ended what it waited for.
            let _ = child.kill();
        }
        let code = exit(&mut child, start, limits.time)?;
        let time = start.elapsed();
        let stream = |joined: std::thread::Result<io::Result<Stream>>| {
            joined.unwrap_or_else(|_| Err(io::Error::other("a thread is gone")))
        };
        let fed = feeder.map_or(Ok(()), |f| f.join().unwrap_or(Ok(())));
        let ended = Ended { code, timed_out, stdout: stream(out.join())?, stderr: stream(err.join())?, time };
        Ok::<_, io::Error>((ended, fed))
    });
    let (ended, fed) = ended.map_err(failed)?;
    match fed {
        // It ended before it had read all: its exit code says why.
        Err(_) if ended.timed_out || ended.code != Some(0) => {}
        fed => fed?,
    }
    Ok(ended)
}

/// Waits for the ends of both outputs; whether they came in time.
fn both(wait: &mpsc::Receiver<()>, start: Instant, limit: Duration) -> bool {
    (0..2).all(|_| wait.recv_timeout(limit.saturating_sub(start.elapsed())).is_ok())
}

/// The exit code. A program that closed its outputs and runs on gets the rest of its time.
fn exit(child: &mut Child, start: Instant, limit: Duration) -> io::Result<Option<i32>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if start.elapsed() >= limit {
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn read(from: Option<Box<dyn Read + Send>>, keep: usize) -> io::Result<Stream> {
    let mut hash = Hashing::new(io::sink());
    let mut head = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut from = from.unwrap_or_else(|| Box::new(io::empty()));
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.write_all(&buffer[..n])?;
        let room = keep.saturating_sub(head.len()).min(n);
        head.extend_from_slice(&buffer[..room]);
    }
    let (_, digest, bytes) = hash.finish();
    Ok(Stream { head, bytes, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str, limits: Limits) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        run(command, None, limits, &|| ()).unwrap()
    }

    const SMALL: Limits = Limits { time: Duration::from_secs(20), keep: 4 };

    #[test]
    fn outputs_are_cut_and_hashed_whole() {
        let ended = sh("printf 123456; printf ab >&2; exit 3", SMALL);
        assert_eq!((ended.code, ended.timed_out), (Some(3), false));
        assert_eq!((ended.stdout.head.as_slice(), ended.stdout.bytes), (&b"1234"[..], 6));
        assert_eq!(ended.stdout.digest, Digest::of(b"123456"));
        assert_eq!(ended.last_words(), "ab");
    }

    #[test]
    fn what_takes_too_long_is_ended_once_its_stopper_was_called() {
        let stopped = std::cell::Cell::new(0);
        let mut command = Command::new("sh");
        command.args(["-c", "printf x; exec sleep 60"]);
        let limits = Limits { time: Duration::from_millis(200), keep: 10 };
        let ended = run(command, None, limits, &|| stopped.set(stopped.get() + 1)).unwrap();
        assert_eq!((ended.code, ended.timed_out, stopped.get()), (None, true, 1));
        assert_eq!(ended.stdout.head, b"x");
        assert!(ended.time < Duration::from_secs(30));
    }

    #[test]
    fn standard_input_is_fed_and_one_who_does_not_read_it_may_end() {
        let feed = |line: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            let mut feed = |to: &mut dyn Write| Ok(to.write_all(&vec![b'x'; 1 << 20])?);
            run(command, Some(&mut feed), SMALL, &|| ())
        };
        assert_eq!(feed("wc -c").unwrap().stdout.head, b"1048"[..]);
        assert_eq!(feed("exit 4").unwrap().code, Some(4));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let e = run(Command::new("/no/such"), None, SMALL, &|| ()).unwrap_err();
        assert!(e.to_string().contains("/no/such"), "{e}");
    }
}
