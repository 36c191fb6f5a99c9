//! Programs whose output is a stream. The stream fails at its end if the program did: one that was cut off between two members would
//! pass for a whole archive.

use crate::{Error, ErrorKind, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// The number of bytes of standard error that are kept: the last ones.
const KEEP: usize = 16 << 10;
/// The time that the last words of a program may take that has ended: a process that it left behind, such as the master of an ssh
/// connection, may hold its standard error for hours.
const GRACE: Duration = Duration::from_secs(1);
/// The size in bytes of what is written at a time.
const CHUNK: usize = 256 << 10;

/// Makes an error of what a program said on standard error.
pub type Explain = Box<dyn Fn(&str) -> Error + Send>;

/// The standard output of a running program. Dropping it before its end ends the program.
pub struct Output {
    child: Child,
    words: Words,
    explain: Explain,
    ended: bool,
}

impl Output {
    /// Starts a program that reads nothing.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub fn of(command: Command, explain: Explain) -> Result<Self> {
        Self::start(command, Stdio::null(), explain)
    }

    fn start(mut command: Command, stdin: Stdio, explain: Explain) -> Result<Self> {
        // In a group of its own it gets no signal from the terminal: when slim ends, its pipe breaks, and it sees half an archive.
        command.process_group(0).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |e| Error::new(ErrorKind::Remote, format!("`{program}` cannot be run")).cause(e);
        let mut child = command.spawn().map_err(failed)?;
        let words = Words::of(child.stderr.take());
        Ok(Self { child, words, explain, ended: false })
    }

    /// Runs a program to its end and returns its standard output, or else what it said on standard error. Nothing of it is left
    /// after `limit`.
    ///
    /// # Errors
    /// Returns an error if it cannot be started, or its output is no text.
    pub fn ask(command: Command, limit: Duration) -> Result<Result<String, String>> {
        let mut output = Self::of(command, Box::new(|said| Error::new(ErrorKind::Remote, said)))?;
        let pid = Pid::from_child(&output.child);
        let (_done, wait) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if wait.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process_group(pid, Signal::KILL);
            }
        });
        let mut text = String::new();
        Ok(match output.read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(e) => Err(Error::from(e).what),
        })
    }

    /// Runs a program to its end with `from` as its standard input.
    ///
    /// # Errors
    /// Returns an error if it cannot be started, if `from` cannot be read, and what `explain` makes of a failure.
    pub fn feed(command: Command, from: &mut dyn Read, explain: Explain) -> Result<()> {
        let mut output = Self::start(command, Stdio::piped(), explain)?;
        if let Some(stdin) = output.child.stdin.take() {
            fill(stdin, from)?;
        }
        io::copy(&mut output, &mut io::sink())?;
        Ok(())
    }

    /// Waits for the program, which has closed its standard output.
    fn end(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let said = self.words.take();
        let said = if said.trim().is_empty() { status.to_string() } else { said };
        Err((self.explain)(said.trim()).into())
    }
}

/// Writes all of `from`. A program that does not want all of it says why by itself.
fn fill(mut to: ChildStdin, from: &mut dyn Read) -> Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = from.read(&mut chunk).map_err(|e| Error::io("cannot read the temporary file", e))?;
        if n == 0 || to.write_all(&chunk[..n]).is_err() {
            return Ok(());
        }
    }
}

impl Read for Output {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.child.stdout.as_mut().map_or(Ok(0), |stdout| stdout.read(buf))?;
        if n == 0 && !buf.is_empty() {
            self.end()?;
        }
        Ok(n)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// What a program said on standard error so far.
struct Words {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Ends when standard error does.
    open: mpsc::Receiver<()>,
}

impl Words {
    fn of(from: Option<impl Read + Send + 'static>) -> Self {
        let kept = Arc::default();
        let (to, (end, open)) = (Arc::clone(&kept), mpsc::channel());
        std::thread::spawn(move || {
            let _end = end;
            let mut buffer = [0; 4096];
            let Some(mut from) = from else { return };
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let mut kept: MutexGuard<'_, Vec<u8>> = lock(&to);
                kept.extend_from_slice(&buffer[..n]);
                if kept.len() > 2 * KEEP {
                    let first = kept.len() - KEEP;
                    kept.drain(..first);
                }
            }
        });
        Self { kept, open }
    }

    fn take(&self) -> String {
        let _ = self.open.recv_timeout(GRACE);
        String::from_utf8_lossy(&lock(&self.kept)).into_owned()
    }
}

fn lock(kept: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn sh(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    fn explain() -> Explain {
        Box::new(|said| Error::new(ErrorKind::Remote, said))
    }

    fn run(line: &str) -> (Vec<u8>, io::Result<()>) {
        let mut bytes = Vec::new();
        let end = Output::of(sh(line), explain()).unwrap().read_to_end(&mut bytes).map(drop);
        (bytes, end)
    }

    #[test]
    fn the_stream_fails_at_its_end_if_the_program_does() {
        let (bytes, end) = run("printf abc");
        assert!(bytes == b"abc" && end.is_ok());
        let (bytes, end) = run("printf abc; echo no such thing >&2; exit 3");
        assert_eq!((bytes.as_slice(), Error::from(end.unwrap_err()).what.as_str()), (&b"abc"[..], "no such thing"));
        let (_, end) = run("kill -9 $$");
        assert!(Error::from(end.unwrap_err()).what.contains("signal"));
    }

    #[test]
    fn the_last_words_are_kept_of_one_that_says_much() {
        let (bytes, end) = run("yes 0123456789 | head -20000 >&2; echo end >&2; exit 1");
        let what = Error::from(end.unwrap_err()).what;
        assert!(bytes.is_empty() && what.ends_with("\nend") && what.len() <= 2 * KEEP);
    }

    #[test]
    fn nothing_waits_for_what_a_program_left_behind() {
        let start = Instant::now();
        drop(Output::of(sh("yes & wait"), explain()).unwrap());
        let (_, end) = run("sleep 60 >/dev/null & echo why >&2; exit 1");
        assert_eq!(Error::from(end.unwrap_err()).what, "why");
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_question_has_a_limit_and_an_answer_or_a_reason() {
        let limit = Duration::from_secs(20);
        assert_eq!(Output::ask(sh("echo yes"), limit).unwrap(), Ok("yes\n".to_owned()));
        assert_eq!(Output::ask(sh("echo no >&2; false"), limit).unwrap(), Err("no".to_owned()));
        let start = Instant::now();
        assert!(Output::ask(sh("sleep 60"), Duration::from_millis(100)).unwrap().is_err());
        assert!(start.elapsed() < limit);
        assert!(Output::ask(Command::new("/no/such"), limit).unwrap_err().what.contains("/no/such"));
    }

    #[test]
    fn standard_input_is_fed_and_one_who_does_not_want_it_says_why() {
        let zeros = || io::repeat(0).take(1 << 20);
        let feed = |line: &str| Output::feed(sh(line), &mut zeros(), explain());
        feed("test $(wc -c) = 1048576").unwrap();
        assert_eq!(feed("echo no room >&2; exit 1").unwrap_err().what, "no room");
    }
}
