//! Commands of the user's that make a smaller file out of a file: each in a fresh directory, with the paths of the input and
//! the output there, without standard input, and with no environment except `PATH`. Only the output file is taken from the
//! directory, and only if it is smaller.

use super::group::Group;
use super::{ContentReader, Spool};
use crate::elf::Object as _;
use crate::plan::made::{New, NotMadeReason, Unchanged};
use crate::plan::rewrite::Rewrites;
use crate::plan::wanted::Task;
use crate::profile::{Action, External, Profile};
use crate::sink::temp::Temp;
use crate::tar::Member;
use crate::{Error, ErrorKind, Result, path};
use rayon::prelude::*;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The number of bytes of a file that are copied at a time.
const CHUNK: u64 = 1 << 20;
/// The number of bytes of a failed program's output that are reported.
const TOLD: u64 = 160;

/// The result for a file.
pub(super) type Made = Result<New, Unchanged>;

/// The place where tasks are worked on.
pub(super) struct Shop<'a> {
    pub(super) profile: &'a Profile,
    pub(super) rewrites: &'a Rewrites,
    pub(super) contents: &'a ContentReader<'a>,
    pub(super) spool: &'a Spool,
}

impl Shop<'_> {
    /// Runs all tasks, as many at a time as there are threads. The results are in the order of the tasks.
    ///
    /// # Errors
    /// Returns an error for a program that cannot be started, and those of the input and the temporary files.
    pub(super) fn run(&self, tasks: &[(Task, &Member)]) -> Result<Vec<Made>> {
        // The directory is removed however the run ends.
        let all = Temp::dir(&std::env::temp_dir().join("commands"))?;
        fs::set_permissions(all.path(), Permissions::from_mode(0o700))?;
        tasks.par_iter().with_max_len(1).map(|(task, member)| self.one(*task, member, all.path())).collect()
    }

    fn one(&self, task: Task, member: &Member, all: &Path) -> Result<Made> {
        let rule = self.profile.rule(task.rule);
        let Action::External(external) = &rule.action else {
            return Err(Error::new(ErrorKind::Usage, format!("rule `{}` has no command", rule.id)));
        };
        let failed = |e| Error::io(format!("cannot make a temporary in {}", all.display()), e);
        let dir = tempfile::tempdir_in(all).map_err(failed)?;
        let ending = ending(&member.path);
        let (input, output) = (dir.path().join(format!("in{ending}")), dir.path().join(format!("out{ending}")));
        let size = self.write_input(task, member, &input)?;
        let unchanged = |why| Ok(Err(Unchanged { node: task.node, rule: task.rule, why }));
        let errors = tempfile::tempfile().map_err(failed)?;
        let Some(status) = run(external, &rule.id, dir.path(), &input, &output, &errors)? else {
            return unchanged(NotMadeReason::TimedOut(external.timeout));
        };
        if !status.success() {
            return unchanged(NotMadeReason::Failed(said(status, errors)));
        }
        // A link would lead out of the directory.
        let found = fs::symlink_metadata(&output).ok().filter(|m| m.is_file() && m.len() > 0);
        let Some(found) = found else { return unchanged(NotMadeReason::NoOutput) };
        if found.len() >= size {
            return unchanged(NotMadeReason::NotSmaller);
        }
        let (spool, sums) = self.spool.add(File::open(&output)?)?;
        Ok(Ok(New { spool, sums, rule: task.rule }))
    }

    /// Writes the file as it would be without the command, stripped if a rule strips it; returns its size in bytes.
    fn write_input(&self, task: Task, member: &Member, input: &Path) -> Result<u64> {
        let failed = |e| Error::io(format!("cannot write {}", input.display()), e);
        let mut file = File::create_new(input).map_err(failed)?;
        let content = self.contents.content(task.at);
        let mut size = 0;
        if let Some(recipe) = self.rewrites.of(task.at) {
            for chunk in recipe.chunks(&content) {
                size += chunk.len() as u64;
                file.write_all(&chunk).map_err(failed)?;
            }
            if size != recipe.size {
                return Err(Error::new(ErrorKind::Io, "cannot be read again").member(&member.path));
            }
        } else {
            size = content.size();
            for start in (0..size).step_by(CHUNK as usize) {
                file.write_all(&content.bytes(start..size.min(start + CHUNK))?).map_err(failed)?;
            }
        }
        // Programs that pack programs refuse a file that is not executable.
        let mode = if member.meta.attrs.mode & 0o111 == 0 { 0o600 } else { 0o700 };
        file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        Ok(size)
    }
}

/// Returns the extension of a file's name, by which programs tell its format; empty if it has characters that could mean
/// anything else.
fn ending(path: &[u8]) -> String {
    let name = path::split(path).1;
    let ending = path::extension(name);
    match std::str::from_utf8(ending) {
        Ok(text) if (1..=16).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric()) => {
            format!(".{text}")
        }
        _ => String::new(),
    }
}

/// Runs a command to its end; returns `None` if it took too long.
fn run(
    external: &External,
    rule: &str,
    dir: &Path,
    input: &Path,
    output: &Path,
    errors: &File,
) -> Result<Option<ExitStatus>> {
    let mut words = external.command.iter();
    let name = words.next().map_or("", String::as_str);
    let place = |word: &String| {
        word.replace(External::IN, &input.display().to_string()).replace(External::OUT, &output.display().to_string())
    };
    // A path is relative to the directory in which slim was started.
    let program = if name.contains('/') { std::path::absolute(name)? } else { PathBuf::from(name) };
    let mut command = Command::new(program);
    command.args(words.map(place)).current_dir(dir).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.try_clone()?);
    let mut child = Group::start(&mut command).map_err(|e| missing(name, rule, e))?;
    wait(&mut child, Duration::from_secs(external.timeout)).map_err(|e| Error::io(format!("cannot wait for {name}"), e))
}

/// Makes the error for a program that cannot be started.
pub(super) fn missing(program: &str, rule: &str, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("the program `{program}` of the rule `{rule}` cannot be run"))
        .cause(cause)
        .hint(format!("install `{program}`, or leave the rule `{rule}` off"))
}

/// Waits for the end of a process; after `limit`, ends it together with everything that it has started.
fn wait(group: &mut Group, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = group.child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            group.kill()?;
            group.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Describes the end of a program, with the last line that it wrote.
fn said(status: ExitStatus, mut errors: File) -> String {
    let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    let mut text = Vec::new();
    let length = errors.seek(SeekFrom::End(0)).unwrap_or(0);
    let _ = errors.seek(SeekFrom::Start(length.saturating_sub(TOLD)));
    let _ = errors.take(TOLD).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        // Paths of the run would make the message of each file a different one.
        Some(line) if !line.contains("/.commands.slim-") => format!("{how}, {line}"),
        _ => how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_plain() {
        for (path, want) in
            [("a/b.svg", ".svg"), ("b.tar.gz", ".gz"), ("b", ""), ("a.b/c", ""), (".x y", ""), ("a.", ""), (".é", "")]
        {
            assert_eq!(ending(path.as_bytes()), want, "{path}");
        }
    }
}
