//! Runs a program to its end, with a limit on its time and on the bytes of output that are kept.

use crate::Digest;
use crate::digest::Hashing;
use rustix::process::Signal;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// The time that the last output of a killed program may take.
const GRACE: Duration = Duration::from_secs(2);

/// The limits of a program.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time after which it is ended.
    pub time: Duration,
    /// The number of bytes that are kept of each of its outputs; the rest is read, counted and hashed.
    pub keep: usize,
}

impl Limits {
    /// Returns limits with ten times as much time.
    #[must_use]
    pub const fn longer(self) -> Self {
        Self { time: Duration::from_secs(self.time.as_secs() * 10), keep: self.keep }
    }
}

/// One output of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The first bytes.
    pub head: Vec<u8>,
    /// The number of bytes.
    pub bytes: u64,
    /// The digest of all of them.
    pub digest: Digest,
}

/// The result of a program.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal or the time limit ended it.
    pub code: Option<i32>,
    /// True if it took too long.
    pub timed_out: bool,
    /// The standard output.
    pub stdout: Stream,
    /// The standard error.
    pub stderr: Stream,
    /// The time from its start to its end.
    pub time: Duration,
}

impl Ended {
    /// Returns the last line on standard error that is not blank, for messages.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr.head);
        let last = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
        last.chars().take(300).collect()
    }
}

/// Writes the standard input of a program.
pub type Feed<'a> = &'a mut (dyn FnMut(&mut dyn Write) -> crate::Result<()> + Send);

/// Runs `command`, with what `feed` writes on its standard input. When the time is up, `stop` is called before the program is
/// killed with all of its group: it ends what the program started elsewhere.
///
/// # Errors
/// Returns an error if the program cannot be started or waited for, or if `feed` fails for another reason than that nobody
/// reads.
pub fn run(mut command: Command, feed: Option<Feed<'_>>, limits: Limits, stop: &dyn Fn()) -> crate::Result<Ended> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |e: io::Error| crate::Error::io(format!("`{program}` cannot be run"), e);
    command.stdin(if feed.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Only slim gets a signal from the terminal; it then ends what it started, in order.
    command.process_group(0);
    let start = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let (done, wait) = mpsc::channel();
    let out = Reader::start(child.stdout.take(), limits.keep, done.clone());
    let err = Reader::start(child.stderr.take(), limits.keep, done);
    let stdin = child.stdin.take();
    let ended = std::thread::scope(|scope| {
        let feeder = feed.zip(stdin).map(|(feed, mut to)| scope.spawn(move || feed(&mut to)));
        let status = if both(&wait, start, limits.time) { exit(&mut child, start, limits.time)? } else { None };
        let timed_out = status.is_none();
        let status = match status {
            Some(status) => status,
            None => {
                stop();
                // It is gone already if `stop` has ended what it waited for; but processes that it left behind may hold the
                // pipes.
                let _ = rustix::process::kill_process_group(rustix::process::Pid::from_child(&child), Signal::KILL);
                let status = child.wait()?;
                both(&wait, Instant::now(), GRACE);
                status
            }
        };
        let time = start.elapsed();
        let fed = feeder.map_or(Ok(()), |f| f.join().unwrap_or(Ok(())));
        let ended = Ended { code: status.code(), timed_out, stdout: out.take()?, stderr: err.take()?, time };
        Ok::<_, io::Error>((ended, fed))
    });
    let (ended, fed) = ended.map_err(failed)?;
    match fed {
        // It ended before it had read everything: its exit code says why.
        Err(_) if ended.timed_out || ended.code != Some(0) => {}
        fed => fed?,
    }
    Ok(ended)
}

/// Waits for the ends of both outputs; returns true if they came in time.
fn both(wait: &mpsc::Receiver<()>, start: Instant, limit: Duration) -> bool {
    (0..2).all(|_| wait.recv_timeout(limit.saturating_sub(start.elapsed())).is_ok())
}

/// Returns the exit status, if the program ends in time: one that closed its outputs may run on.
fn exit(child: &mut Child, start: Instant, limit: Duration) -> io::Result<Option<ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || start.elapsed() >= limit {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The part of an output that has been read so far. Nobody waits for the thread that reads it: a process that got away may keep
/// the pipe open for good.
struct Reader(Arc<Mutex<Gathered>>);

struct Gathered {
    hash: Hashing<io::Sink>,
    head: Vec<u8>,
    failed: Option<io::Error>,
}

impl Gathered {
    fn new() -> Self {
        Self { hash: Hashing::new(io::sink()), head: Vec::new(), failed: None }
    }
}

impl Reader {
    fn start(from: Option<impl Read + Send + 'static>, keep: usize, done: mpsc::Sender<()>) -> Self {
        let gathered = Arc::new(Mutex::new(Gathered::new()));
        let to = Arc::clone(&gathered);
        std::thread::spawn(move || {
            let read = from.map_or(Ok(()), |from| read(from, keep, &to));
            lock(&to).failed = read.err();
            let _ = done.send(());
        });
        Self(gathered)
    }

    fn take(&self) -> io::Result<Stream> {
        let Gathered { hash, head, failed } = std::mem::replace(&mut *lock(&self.0), Gathered::new());
        let (_, digest, bytes) = hash.finish();
        failed.map_or(Ok(Stream { head, bytes, digest }), Err)
    }
}

fn lock(gathered: &Mutex<Gathered>) -> MutexGuard<'_, Gathered> {
    gathered.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(mut from: impl Read, keep: usize, to: &Mutex<Gathered>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let mut to = lock(to);
        to.hash.write_all(&buffer[..n])?;
        let room = keep.saturating_sub(to.head.len()).min(n);
        to.head.extend_from_slice(&buffer[..room]);
    }
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
    fn what_it_left_behind_holds_nothing_up() {
        let limits = Limits { time: Duration::from_millis(300), keep: 10 };
        for line in ["printf x; sleep 60; true", "printf x; sleep 60 & exit 0", "printf x; setsid sleep 20 & exit 0"] {
            let ended = sh(line, limits);
            assert!(ended.timed_out && ended.time < Duration::from_secs(15), "{line}: {ended:?}");
            assert_eq!(ended.stdout.head, b"x");
        }
        // A program that closed its outputs is ended, too.
        let stopped = std::cell::Cell::new(false);
        let mut command = Command::new("sh");
        command.args(["-c", "exec sleep 60 >/dev/null 2>&1"]);
        let ended = run(command, None, limits, &|| stopped.set(true)).unwrap();
        assert_eq!((ended.timed_out, ended.code, stopped.get()), (true, None, true));
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
