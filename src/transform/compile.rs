//! Compiles Python modules with the image's own interpreter, which the caller runs: slim itself runs nothing of an image. A
//! small program is passed with the command, sources are written to its standard input, and it returns bytecode with a hash
//! that is not checked (PEP 552).
//!
//! Modules are compiled in batches of a fixed size, each in a process of its own, so that the result does not depend on the
//! number of threads.

use super::group::Group;
use super::{ContentReader, Spool};
use crate::elf::Object as _;
use crate::plan::made::{New, NotMadeReason, Unchanged};
use crate::plan::wanted::Module;
use crate::refs::pyc::{HEADER, Header};
use crate::{Error, ErrorKind, Result};
use bstr::ByteSlice;
use rayon::prelude::*;
use std::io::{self, BufWriter, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of modules that one process compiles: enough that its start does not matter.
const BATCH: usize = 400;
/// The number of seconds within which the process must answer.
const PATIENCE: u64 = 120;
/// The size in bytes of the largest compiled module.
const MAX_MODULE: u32 = 256 << 20;
/// The program that is passed with the command. It is started by [`START`], since nothing of the environment may reach it and
/// strings must have the same hash in each run, so that sets are written in the same order.
const PROGRAM: &str = include_str!("compile.py");
const START: &str = "import sys; del sys.path[:1]; import os; a=[sys.executable,'-S','-s','-B','-W','ignore','-c',sys.argv[1]]; \
    os.execve(a[0], a, dict(os.environ, PYTHONHASHSEED='0')) if sys.executable else exec(sys.argv[1])";
/// The bytes that the program writes first.
const GREETING: &[u8] = b"slimpyc1";

/// The result for a module.
type Made = Result<New, Unchanged>;

/// Compiles modules; the results are in their order.
///
/// # Errors
/// Returns an error for a command that cannot be started, ends early, takes too long or is no Python; for an interpreter of
/// another version than the image's; and those of the input and the temporary files.
pub(super) fn compile(
    command: &[String],
    modules: &[Module],
    contents: &ContentReader<'_>,
    spool: &Spool,
) -> Result<Vec<Made>> {
    let batches: Vec<Vec<Made>> = modules
        .par_chunks(BATCH)
        .with_max_len(1)
        .map(|batch| run(command, batch, contents, spool))
        .collect::<Result<_>>()?;
    Ok(batches.into_iter().flatten().collect())
}

fn run(command: &[String], batch: &[Module], contents: &ContentReader<'_>, spool: &Spool) -> Result<Vec<Made>> {
    let name = command.first().map_or("", String::as_str);
    let mut program = Command::new(name);
    program.args(&command[1..]).args(["-S", "-s", "-B", "-c", START, PROGRAM]);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot = |e| failed(command, &format!("`{name}` cannot be run"), "").cause(e);
    let mut group = Group::start(&mut program).map_err(cannot)?;
    let child = &mut group.child;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(to), Some(from), Some(errors)) = pipes else {
        return Err(failed(command, "it has no standard streams", ""));
    };
    let watch = Watch { group: Mutex::new(group), passed: AtomicU64::new(0), done: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        let feeder = scope.spawn(|| feed(to, batch, contents));
        let told = scope.spawn(move || tail(errors));
        let dog = scope.spawn(|| watch.keep());
        let read = receive(from, batch, spool, &watch);
        watch.done.store(true, Ordering::Relaxed);
        let late = dog.join().unwrap_or(false);
        if read.is_err() {
            // The process may be waiting for slim, and the thread that feeds it for the process.
            let _ = watch.group.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
        let fed = feeder.join().unwrap_or_else(|_| Err(io::Error::other("a thread failed").into()));
        let status = watch.group.lock().unwrap_or_else(PoisonError::into_inner).wait();
        let told = told.join().unwrap_or_default();
        if late {
            return Err(failed(command, &format!("nothing came back for {PATIENCE} s"), &told));
        }
        match (read, fed, status) {
            // An error of the input is reported as such.
            (_, Err(e), _) if e.kind != ErrorKind::Io => Err(e),
            (Ok(made), _, Ok(status)) if status.success() => Ok(made),
            (Err(Fault::Ours(e)), ..) => Err(e),
            // A process without an exit code was ended from outside, most likely by slim.
            (Err(Fault::Theirs(what)), _, Ok(status)) if status.success() || status.code().is_none() => {
                Err(failed(command, &what, &told))
            }
            (_, _, Ok(status)) => Err(failed(command, &format!("it ended with {status}"), &told)),
            (_, _, Err(e)) => Err(e.into()),
        }
    })
}

/// The origin of an error.
enum Fault {
    /// The program's: it did not write what it should.
    Theirs(String),
    /// Slim's: an error of its own kind.
    Ours(Error),
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Self {
        Self::Theirs(format!("it ended before all was compiled ({e})"))
    }
}

fn failed(command: &[String], what: &str, told: &str) -> Error {
    let told = if told.is_empty() { String::new() } else { format!("; it says: {told}") };
    Error::new(ErrorKind::Usage, format!("--run-with `{}`: {what}{told}", command.join(" "))).hint(
        "the command must start the image's own Python, pass arguments on to it, and keep its standard input open: \
         --run-with \"docker run --rm -i --network none --entrypoint python3 IMAGE\"",
    )
}

/// A watch that ends a process which does not answer.
struct Watch {
    group: Mutex<Group>,
    passed: AtomicU64,
    done: AtomicBool,
}

impl Watch {
    /// Returns true if it had to end the process.
    fn keep(&self) -> bool {
        let (mut last, mut since) = (0, Instant::now());
        while !self.done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.passed.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > Duration::from_secs(PATIENCE) {
                let _ = self.group.lock().unwrap_or_else(PoisonError::into_inner).kill();
                return true;
            }
        }
        false
    }
}

/// Sends the sources, and closes the pipe.
fn feed(to: ChildStdin, batch: &[Module], contents: &ContentReader<'_>) -> Result<()> {
    let mut to = BufWriter::new(to);
    for module in batch {
        let content = contents.content(module.source);
        let source = content.bytes(0..content.size())?;
        to.write_all(&(module.path.len() as u32).to_le_bytes())?;
        to.write_all(&module.path)?;
        to.write_all(&[module.optimize])?;
        to.write_all(&(source.len() as u32).to_le_bytes())?;
        to.write_all(&source)?;
    }
    to.flush()?;
    Ok(())
}

/// Returns the last line that a process writes.
fn tail(mut errors: impl Read) -> String {
    let (mut last, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(n) = errors.read(&mut buffer) {
        if n == 0 {
            break;
        }
        last.extend_from_slice(&buffer[..n]);
        let surplus = last.len().saturating_sub(2048);
        last.drain(..surplus);
    }
    last.to_str_lossy().lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Reads the process's answers.
fn receive(mut from: ChildStdout, batch: &[Module], spool: &Spool, watch: &Watch) -> Result<Vec<Made>, Fault> {
    let mut greeting = [0; GREETING.len() + 1];
    from.read_exact(&mut greeting)?;
    if !greeting.starts_with(GREETING) {
        return Err(Fault::Theirs("what it starts is no Python".into()));
    }
    let tag = bytes(&mut from, u32::from(greeting[GREETING.len()]), watch)?;
    let magic = bytes(&mut from, 4, watch)?;
    let number = u16::from_le_bytes([magic[0], magic[1]]);
    let mut out = Vec::with_capacity(batch.len());
    for module in batch {
        if *module.tag == *tag && module.magic.is_some_and(|usual| usual != number) {
            return Err(Fault::Theirs("its bytecode is of another version than the image's".into()));
        }
        let size = word(&mut from)?;
        let length = if size == 0 { word(&mut from)? } else { size };
        let made = bytes(&mut from, length, watch)?;
        let unchanged =
            |why: String| Unchanged { node: module.node, rule: module.rule, why: NotMadeReason::Failed(why) };
        let known = Header::of(&made);
        out.push(if size == 0 {
            Err(unchanged(kind(&made)))
        } else if *module.tag != *tag {
            Err(unchanged(format!("it is for {}, and the command runs {}", module.tag, tag.as_bstr())))
        } else if made.len() <= HEADER || known.magic() != Some(number) || !known.is_unchecked() {
            return Err(Fault::Theirs("what comes back is no bytecode".into()));
        } else {
            let (spool, sums) = spool.add(made.as_slice()).map_err(Fault::Ours)?;
            Ok(New { spool, sums, rule: module.rule })
        });
    }
    Ok(out)
}

/// Returns the name of the exception in a message: with the rest of the message, each file would have a reason of its own.
fn kind(message: &[u8]) -> String {
    let text = message.to_str_lossy();
    text.split('(').next().unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric()).take(40).collect()
}

fn word(from: &mut impl Read) -> Result<u32, Fault> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn bytes(from: &mut impl Read, size: u32, watch: &Watch) -> Result<Vec<u8>, Fault> {
    if size > MAX_MODULE {
        return Err(Fault::Theirs("what comes back is no bytecode".into()));
    }
    watch.passed.fetch_add(1, Ordering::Relaxed);
    let mut out = Vec::new();
    from.take(u64::from(size)).read_to_end(&mut out)?;
    if out.len() as u64 == u64::from(size) {
        Ok(out)
    } else {
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }
}
