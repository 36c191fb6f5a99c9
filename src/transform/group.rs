//! Programs that are run, each with everything that it starts: a shell or `docker` rarely does the work itself. Each is a
//! process group of its own, so that one that is too slow ends as a whole, and so do all when slim is interrupted.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};

/// The groups that may still have something running, by the number of their first process.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A running program, with everything that it has started.
pub(super) struct Group {
    /// The program itself.
    pub(super) child: Child,
}

impl Group {
    /// Starts a program.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        // The lock is held, as an interruption in between would not know of the program.
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.process_group(0).spawn()?;
        running.insert(child.id());
        Ok(Self { child })
    }

    /// Ends the program and everything that it has started.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        // After the program's end has been read, its number may belong to another process.
        if self.child.try_wait()?.is_none() {
            kill(self.child.id());
        }
        Ok(())
    }

    /// Waits for the end of the program itself.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.child.id());
    }
}

/// Ends all programs that are running.
pub fn kill_all() {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *running).into_iter().for_each(kill);
}

fn kill(id: u32) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // An error means that it has ended by itself, which is as good.
        let _ = kill_process_group(id, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    #[test]
    fn what_a_program_has_started_ends_with_it() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo up; wait"]).stdout(Stdio::piped());
        let mut group = Group::start(&mut shell).unwrap();
        let mut out = group.child.stdout.take().unwrap();
        let mut up = [0; 3];
        out.read_exact(&mut up).unwrap();
        group.kill().unwrap();
        assert!(!group.wait().unwrap().success());
        // The pipe is open as long as any process of the group runs.
        assert_eq!(out.read(&mut up).unwrap(), 0);
    }
}
