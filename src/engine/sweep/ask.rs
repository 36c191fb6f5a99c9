//! The helpers that run inside an image, and their answers.

use super::found::{Answers, Side};
use crate::engine::Container;
use crate::engine::process::Limits;
use crate::{Error, ErrorKind, Result};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

const PYTHON: &str = concat!(include_str!("../sweeps/fork.py"), "\n", include_str!("../sweeps/python.py"));
const ELF: &str = concat!(include_str!("../sweeps/fork.py"), "\n", include_str!("../sweeps/elf.py"));
const LOADER: &str = include_str!("../sweeps/elf.sh");
const BIN: &str = include_str!("../sweeps/bin.sh");
const NODE: &str = include_str!("../sweeps/node.js");

/// The time that one helper may take, and the bytes that it may answer.
pub(super) const LIMITS: Limits = Limits { time: Duration::from_secs(3600), keep: 64 << 20 };
/// The seconds that one thing may take: a module, an object, a package.
const EACH: u32 = 40;
/// The seconds that a program's `--version` may take.
const VERSION: u32 = 10;
/// Variables for libraries that start a thread for each processor when they are imported: one is enough, and survives a fork.
const QUIET: [&str; 8] = [
    "OMP_NUM_THREADS=1",
    "OPENBLAS_NUM_THREADS=1",
    "MKL_NUM_THREADS=1",
    "NUMEXPR_NUM_THREADS=1",
    "RAYON_NUM_THREADS=1",
    "POLARS_MAX_THREADS=1",
    "MPLBACKEND=Agg",
    "PYTHONWARNINGS=ignore",
];

/// The helper, with the program of the image that it uses.
pub(super) enum Helper {
    /// This Python imports modules.
    Python(String),
    /// This Python loads objects.
    Elf(String),
    /// The shell asks this dynamic loader which libraries objects need.
    Loader(String),
    /// The shell runs programs.
    Bin,
    /// This Node requires packages.
    Node(String),
}

/// A helper to be asked.
pub(super) struct Ask(Helper);

impl Ask {
    pub const fn new(helper: Helper) -> Self {
        Self(helper)
    }

    /// Tries all names together; those that fail are tried alone, for at most `budget` seconds for each package.
    pub fn all(&self, side: &Side<'_>, names: &[&str], budget: u32) -> Result<Answers> {
        self.ask(side, names, false, budget)
    }

    /// Tries each name on its own.
    pub fn alone(&self, side: &Side<'_>, names: &[&str]) -> Result<Answers> {
        self.ask(side, names, true, 0)
    }

    fn ask(&self, side: &Side<'_>, names: &[&str], alone: bool, budget: u32) -> Result<Answers> {
        if names.is_empty() {
            return Ok(Answers::new());
        }
        let jobs = std::thread::available_parallelism().map_or(2, usize::from);
        let lines = || names.iter().flat_map(|n| [n.as_bytes(), b"\n"].concat()).collect::<Vec<u8>>();
        let asked =
            || json!({"names": names, "jobs": jobs, "timeout": EACH, "alone": alone, "budget": budget}).to_string();
        let (jobs, limit) = (jobs.to_string(), VERSION.to_string());
        let root = Some("0");
        let (entrypoint, args, stdin, user): (&str, Vec<&str>, Vec<u8>, _) = match &self.0 {
            Helper::Python(python) => (python, vec!["-c", PYTHON], asked().into_bytes(), root),
            Helper::Elf(python) => (python, vec!["-c", ELF], asked().into_bytes(), root),
            Helper::Node(node) => (node, vec!["-e", NODE], asked().into_bytes(), root),
            Helper::Loader(loader) => ("sh", vec!["-c", LOADER, "sh", loader], lines(), root),
            // As the image's own user, since root could do more harm.
            Helper::Bin => ("sh", vec!["-c", BIN, "sh", &jobs, &limit], lines(), None),
        };
        let container = Container {
            image: side.image,
            entrypoint,
            args: &args,
            user,
            env: &QUIET,
            stdin: Some(&stdin),
            limits: LIMITS,
        };
        let ended = side.engine.run(container)?;
        let text = String::from_utf8_lossy(&ended.stdout.head);
        let mut marks = Answers::new();
        let asked: HashSet<&str> = names.iter().copied().collect();
        for line in text.lines() {
            // Answers that were not asked for are not kept.
            if let Some((name, mark)) = self.parse(line).filter(|(name, _)| asked.contains(name.as_str())) {
                // A second try that fails for another reason means nothing new.
                marks.insert(name, mark);
            }
        }
        if marks.is_empty() && ended.code != Some(0) && !matches!(ended.code, Some(126 | 127)) {
            let what = format!("the helper of a sweep failed in the image: {}", ended.last_words());
            return Err(Error::new(ErrorKind::Io, what).hint("leave this sweep out of --sweep"));
        }
        if marks.is_empty() && ended.code != Some(0) {
            let why = format!("`{entrypoint}` cannot be run: {}", ended.last_words());
            return Ok(names.iter().map(|name| ((*name).to_owned(), Err(why.clone()))).collect());
        }
        Ok(marks)
    }

    fn parse(&self, line: &str) -> Option<(String, Result<String, String>)> {
        let (name, mark, why) = match self.0 {
            Helper::Python(_) | Helper::Elf(_) | Helper::Node(_) => serde_json::from_str(line).ok()?,
            Helper::Loader(_) => {
                let mut parts = line.splitn(3, '\t').map(str::to_owned);
                (parts.next()?, parts.next()?, parts.next()?)
            }
            Helper::Bin => {
                let mut parts = line.splitn(3, '\t');
                let (path, code, sum) = (parts.next()?, parts.next()?, parts.next()?);
                // A program works if it writes something for its version, and ends as it should.
                let said = if sum.is_empty() { "ok" } else { sum };
                let mark = if code == "0" { said.to_owned() } else { String::new() };
                (path.to_owned(), mark, format!("exit code {code}"))
            }
        };
        Some((name, if mark.is_empty() { Err(why) } else { Ok(mark) }))
    }

    /// True if the answer after is at least as good as the one before.
    pub fn as_good(&self, before: &str, after: &str) -> bool {
        // An object with all symbols found is better than one that merely loads.
        before == after || (matches!(self.0, Helper::Elf(_)) && after == "now")
    }

    /// Returns a mark in words.
    pub fn words(&self, mark: &str) -> String {
        match self.0 {
            Helper::Bin => format!("output {mark}"),
            Helper::Elf(_) if mark == "lazy" => "not all symbols found".to_owned(),
            Helper::Elf(_) => "all symbols found".to_owned(),
            _ => mark.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_what_is_none_is_passed_over() {
        let python = Ask::new(Helper::Python("p".into()));
        assert_eq!(python.parse(r#"["a.b","ok",""]"#), Some(("a.b".into(), Ok("ok".into()))));
        assert_eq!(python.parse(r#"["a","","E: x"]"#), Some(("a".into(), Err("E: x".into()))));
        assert_eq!(python.parse("noise"), None);
        assert_eq!(Ask::new(Helper::Bin).parse("/bin/ls\t0\t123 4"), Some(("/bin/ls".into(), Ok("123 4".into()))));
        assert_eq!(Ask::new(Helper::Bin).parse("/bin/x\t1\t9 9"), Some(("/bin/x".into(), Err("exit code 1".into()))));
        let loader = Ask::new(Helper::Loader("l".into()));
        assert_eq!(loader.parse("/a.so\t\tlibx => not found"), Some(("/a.so".into(), Err("libx => not found".into()))));
        assert_eq!(loader.parse("/a.so"), None);
    }

    #[test]
    fn an_object_may_get_better_and_not_worse() {
        let elf = Ask::new(Helper::Elf("p".into()));
        assert!(elf.as_good("now", "now") && elf.as_good("lazy", "now") && !elf.as_good("now", "lazy"));
        assert!(!Ask::new(Helper::Bin).as_good("1 2", "1 3"));
    }

    /// Runs the helper as in an image, but by the host's shell.
    #[test]
    fn programs_that_hang_or_leave_children_behind_hold_nothing_up() {
        use crate::engine::process;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path.display().to_string()
        };
        let good = write("good", "echo version 1");
        let lazy = write("lazy *", "sleep 600 & echo version 1");
        let hangs = write("hangs", "sleep 600");
        let paths = format!("{good}\n{lazy}\n{hangs}\n/no/such\n");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", BIN, "sh", "2", "2"]);
        let mut feed = |to: &mut dyn std::io::Write| Ok(to.write_all(paths.as_bytes())?);
        let limits = Limits { time: Duration::from_secs(60), keep: 4096 };
        let ended = process::run(command, Some(&mut feed), limits, &|| ()).unwrap();
        let ask = Ask::new(Helper::Bin);
        let text = String::from_utf8(ended.stdout.head).unwrap();
        let marks: Answers = text.lines().filter_map(|line| ask.parse(line)).collect();
        assert!(!ended.timed_out && marks.len() == 4, "{text}");
        assert_eq!(marks[&good], marks[&lazy]);
        assert!(marks[&good].is_ok() && marks[&hangs].is_err());
        assert_eq!(marks["/no/such"], Err("exit code 127".to_owned()));
    }

    /// Linux takes no longer argument.
    #[test]
    fn helpers_fit_into_an_argument() {
        for text in [PYTHON, ELF, LOADER, BIN, NODE] {
            assert!(text.len() < 100_000);
        }
    }
}
