//! Runs a list of commands in images and compares their ends, their outputs and their times.

use super::process::{Ended, Limits};
use super::{Container, Engine, KEEP, Loaded};
use crate::{Error, ErrorKind, Result};
use serde::Serialize;
use std::time::Duration;

/// The outputs that must be the same; exit codes always must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outputs {
    /// Neither.
    #[default]
    None,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both.
    Both,
}

impl Outputs {
    fn wants(self, what: What) -> bool {
        match what {
            What::ExitCode => true,
            What::Stdout => matches!(self, Self::Stdout | Self::Both),
            What::Stderr => matches!(self, Self::Stderr | Self::Both),
        }
    }
}

/// Options for running commands.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The outputs that are compared besides exit codes.
    pub outputs: Outputs,
    /// The number of times that each line is run in each image; at least one.
    pub runs: u32,
    /// The time that a line may take.
    pub time: Duration,
}

/// An aspect of a command's result that is compared before and after: exit code, standard output or standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The exit code, or the lack of one.
    ExitCode,
    /// Standard output, every byte of it.
    Stdout,
    /// Standard error, every byte of it.
    Stderr,
}

impl What {
    const ALL: [Self; 3] = [Self::ExitCode, Self::Stdout, Self::Stderr];

    /// Returns its name in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExitCode => "exit code",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// One output of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// The number of bytes.
    pub bytes: u64,
    /// The digest of all of them.
    pub digest: String,
    /// The end of the part that was kept (a mebibyte), as text; at most 2,000 characters.
    pub tail: String,
}

/// The results of a line in one image, over all the times that it was run there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The exit code of the first time; `None` if it took too long or a signal ended it.
    pub exit_code: Option<i32>,
    /// True if it took too long the first time.
    pub timed_out: bool,
    /// Standard output of the first time.
    pub stdout: Said,
    /// Standard error of the first time.
    pub stderr: Said,
    /// The aspects that were not the same each time.
    pub unsteady: Vec<What>,
    /// The time that each run took, from the engine's start of a container to its end, in seconds.
    pub seconds: Vec<f64>,
    /// The median of these.
    pub median_seconds: f64,
}

impl Run {
    fn new(ended: &Ended) -> Self {
        let said = |stream: &super::process::Stream| {
            let text = String::from_utf8_lossy(&stream.head);
            let skip = text.chars().count().saturating_sub(2000);
            Said { bytes: stream.bytes, digest: stream.digest.to_string(), tail: text.chars().skip(skip).collect() }
        };
        let seconds = ended.time.as_secs_f64();
        Self {
            exit_code: ended.code.filter(|_| !ended.timed_out),
            timed_out: ended.timed_out,
            stdout: said(&ended.stdout),
            stderr: said(&ended.stderr),
            unsteady: Vec::new(),
            seconds: vec![seconds],
            median_seconds: seconds,
        }
    }

    fn add(&mut self, again: Self) {
        let new = self.differs(&again);
        self.unsteady.extend(new.into_iter().filter(|w| !self.unsteady.contains(w)).collect::<Vec<_>>());
        self.unsteady.sort_by_key(|w| *w as u8);
        self.seconds.extend(again.seconds);
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let low = if sorted.len().is_multiple_of(2) { middle - 1 } else { middle };
        self.median_seconds = f64::midpoint(sorted[low], sorted[middle]);
    }

    fn differs(&self, other: &Self) -> Vec<What> {
        let same = |what: &What| match what {
            What::ExitCode => (self.exit_code, self.timed_out) == (other.exit_code, other.timed_out),
            What::Stdout => self.stdout.digest == other.stdout.digest,
            What::Stderr => self.stderr.digest == other.stderr.digest,
        };
        What::ALL.into_iter().filter(|what| !same(what)).collect()
    }

    /// Returns the end in words: an exit code, `timed out` or `killed`.
    #[must_use]
    pub fn end(&self) -> String {
        match self.exit_code {
            Some(code) => code.to_string(),
            None if self.timed_out => "timed out".to_owned(),
            None => "killed".to_owned(),
        }
    }
}

/// A line, before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// The command.
    pub line: String,
    /// The result in the image before.
    pub before: Run,
    /// The result in the image after.
    pub after: Run,
    /// The compared aspects that differ; those that change from run to run in the image before are left out.
    pub differs: Vec<What>,
    /// True if none differs.
    pub same: bool,
}

impl Trial {
    /// Compares the results of a line in two images.
    #[must_use]
    pub fn new(line: &str, before: Run, after: Run, outputs: Outputs) -> Self {
        let steady = |what: &What| !before.unsteady.contains(what);
        let moved = |what: &What| before.differs(&after).contains(what) || after.unsteady.contains(what);
        let differs = What::ALL.into_iter().filter(|w| outputs.wants(*w) && steady(w) && moved(w));
        let differs: Vec<What> = differs.collect();
        Self { line: line.to_owned(), same: differs.is_empty(), before, after, differs }
    }

    /// True if it did not even work before.
    #[must_use]
    pub fn failed_before(&self) -> bool {
        self.before.exit_code != Some(0)
    }
}

/// All lines, before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trials {
    /// The engine.
    pub engine: String,
    /// True if lines were run by the image's `sh`; without one each is a program with its arguments.
    pub shell: bool,
    /// The outputs that were compared besides exit codes.
    pub outputs: Outputs,
    /// The number of lines that are not as before.
    pub different: usize,
    /// Each line, in the order of the list.
    pub trials: Vec<Trial>,
}

/// Reads a list of commands: one on each line, except for empty lines and those that begin with `#`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if there is none.
pub fn commands(text: &str) -> Result<Vec<String>> {
    let lines = text.lines().map(str::trim_end).filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "there is no command in it").hint("one on a line, as for `sh -c`"));
    }
    Ok(lines)
}

/// The results of each line in each image: for each line one run per image, in their order.
pub struct Measured {
    /// True if lines were run by the first image's `sh`.
    pub shell: bool,
    /// The runs, per line and per image.
    pub lines: Vec<Vec<Run>>,
}

impl Measured {
    /// Compares the first image with the one at `index`.
    #[must_use]
    pub fn trials(&self, engine: &Engine, commands: &[String], index: usize, outputs: Outputs) -> Trials {
        let one = |(line, runs): (&String, &Vec<Run>)| Trial::new(line, runs[0].clone(), runs[index].clone(), outputs);
        let trials: Vec<Trial> = commands.iter().zip(&self.lines).map(one).collect();
        let different = trials.iter().filter(|t| !t.same).count();
        Trials { engine: engine.name(), shell: self.shell, outputs, different, trials }
    }
}

/// Runs all lines in all images, each in a container of its own. The images take turns, so that a host that is busy for a while
/// is so for all of them. If a line was run only once and differs from the first image, it is run once more. `note` is called
/// with each line.
///
/// # Errors
/// Returns the errors of the engine, and one for a line that cannot be split into words if the first image has no `sh`.
pub fn measure(
    engine: &Engine,
    images: &[&Loaded],
    commands: &[String],
    options: Options,
    note: &dyn Fn(&str),
) -> Result<Measured> {
    let Some(first) = images.first() else { return Ok(Measured { shell: false, lines: Vec::new() }) };
    let limits = Limits { time: options.time, keep: KEEP };
    let run = |image: &Loaded, entrypoint: &str, args: &[&str]| {
        engine.run(Container { image, entrypoint, args, user: None, env: &[], stdin: None, limits })
    };
    let shell = engine.has_shell(first)?;
    let mut lines = Vec::new();
    for (index, line) in commands.iter().enumerate() {
        note(&format!("{}/{}  {line}", index + 1, commands.len()));
        let words = if shell { vec!["sh".to_owned(), "-c".to_owned(), line.clone()] } else { words(line)? };
        let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let once = |image: &Loaded| run(image, &words[0], &args).map(|ended| Run::new(&ended));
        let mut runs = images.iter().map(|image| once(image)).collect::<Result<Vec<Run>>>()?;
        for _ in 1..options.runs.max(1) {
            for (image, run) in images.iter().zip(&mut runs) {
                run.add(once(image)?);
            }
        }
        let other = |run: &Run| runs[0].differs(run).into_iter().any(|what| options.outputs.wants(what));
        if options.runs <= 1 && runs.iter().any(other) {
            let again = once(first)?;
            runs[0].add(again);
        }
        lines.push(runs);
    }
    Ok(Measured { shell, lines })
}

/// Splits a line for an image without `sh` into words: only quotes and backslashes have a meaning in it.
fn words(line: &str) -> Result<Vec<String>> {
    let words = shlex::split(line).filter(|words| !words.is_empty());
    words.ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("a quote has no end in `{line}`"))
            .hint("the image has no `sh`, so a line is a program with its arguments")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;
    use crate::engine::process::Stream;

    fn ended(code: Option<i32>, out: &str, ms: u64) -> Ended {
        let stream =
            |s: &str| Stream { head: s.as_bytes().to_vec(), bytes: s.len() as u64, digest: Digest::of(s.as_bytes()) };
        let time = Duration::from_millis(ms);
        Ended { code, timed_out: code.is_none(), stdout: stream(out), stderr: stream(""), time }
    }

    fn runs(all: &[(Option<i32>, &str, u64)]) -> Run {
        let mut made = all.iter().map(|(code, out, ms)| Run::new(&ended(*code, out, *ms)));
        let mut first = made.next().unwrap();
        made.for_each(|run| first.add(run));
        first
    }

    #[test]
    fn a_list_has_comments_and_blank_lines() {
        assert_eq!(commands("# a\n\necho 1  \n  # b\n echo '# 2'\r\n").unwrap(), ["echo 1", " echo '# 2'"]);
        assert_eq!(commands("#\n \n").unwrap_err().kind, ErrorKind::Usage);
    }

    #[test]
    fn lines_without_a_shell_are_words() {
        assert_eq!(words(r#"/app --x 'a b' "c\"d" e\ f"#).unwrap(), ["/app", "--x", "a b", "c\"d", "e f"]);
        assert!(words("a 'b").is_err());
    }

    #[test]
    fn exit_codes_count_always_and_outputs_on_request() {
        let trial = |a, b, outputs| Trial::new("x", a, b, outputs);
        let (good, bad) = (runs(&[(Some(0), "a", 10)]), runs(&[(Some(1), "a", 10)]));
        let other = runs(&[(Some(0), "b", 10)]);
        assert_eq!(trial(good.clone(), bad.clone(), Outputs::None).differs, [What::ExitCode]);
        assert!(trial(good.clone(), other.clone(), Outputs::None).same);
        assert!(trial(good.clone(), other.clone(), Outputs::Stderr).same);
        assert_eq!(trial(good.clone(), other, Outputs::Both).differs, [What::Stdout]);
        let late = runs(&[(None, "a", 10)]);
        assert_eq!((late.end().as_str(), trial(good, late, Outputs::None).same), ("timed out", false));
        assert!(trial(bad.clone(), bad, Outputs::Both).failed_before());
    }

    #[test]
    fn what_changes_from_run_to_run_before_is_no_difference_but_what_begins_to_is_one() {
        let shaky = runs(&[(Some(0), "a", 10), (Some(0), "b", 30), (Some(0), "a", 20)]);
        assert_eq!((shaky.unsteady.as_slice(), shaky.median_seconds), (&[What::Stdout][..], 0.02));
        let steady = runs(&[(Some(0), "a", 10), (Some(0), "a", 20)]);
        assert_eq!(steady.median_seconds, 0.015);
        assert!(Trial::new("x", shaky.clone(), steady.clone(), Outputs::Stdout).same);
        assert!(!Trial::new("x", steady.clone(), shaky, Outputs::Stdout).same);
        let fails_at_times = runs(&[(Some(0), "a", 1), (Some(1), "a", 1)]);
        assert_eq!(Trial::new("x", steady, fails_at_times, Outputs::None).differs, [What::ExitCode]);
    }
}
