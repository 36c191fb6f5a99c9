//! Standard output, standard error, and exit codes.

use super::values::Color;
use crate::report::paint::Paint;
use crate::{Error, Result};
use rustix::process::{Resource, Rlimit};
use std::io::{self, IsTerminal, Write};

/// Done.
pub(super) const OK: u8 = 0;
/// A check failed.
pub(super) const FAILED: u8 = 1;
/// An error.
pub(super) const ERROR: u8 = 2;
/// The exit code that shells report for SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// Sets the number of threads and of open files, and removes temporary files, images and containers if the run is interrupted.
pub(super) fn prepare_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        // Fails only where a pool is there already, as in a test that runs two jobs.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    // Each blob that moves to or from a registry is a file without a name, and many hosts allow 1,024 where they would allow more.
    let files = rustix::process::getrlimit(Resource::Nofile);
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
    let _ = ctrlc::set_handler(|| {
        crate::transform::kill_all();
        crate::sink::remove_temporaries();
        crate::engine::clean_up();
        std::process::exit(i32::from(INTERRUPTED));
    });
}

/// Returns the width of a text in columns: on a terminal that of the terminal, at least 40 and at most 200, as tables beyond either
/// are hard to read. Elsewhere nothing is cut or wrapped: a file and a log have no edge, and are searched by line.
pub(super) fn width(terminal: bool) -> usize {
    let columns = || terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0)).clamp(40, 200);
    if terminal { columns() } else { usize::MAX }
}

/// Returns the colours for a stream; `terminal` says if the stream is one. See <https://no-color.org>.
pub(super) fn paint(color: Color, terminal: bool) -> Paint {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    Paint(match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
    })
}

/// Writes text for people to standard output, as wide as the terminal is, with colours where those are wanted.
pub(super) fn show(color: Color, render: impl FnOnce(usize, Paint) -> String) -> Result<()> {
    let terminal = io::stdout().is_terminal();
    let text = render(width(terminal), paint(color, terminal));
    to_stdout(|out| out.write_all(text.as_bytes())).map_err(|e| Error::io("standard output cannot be written", e))
}

/// Writes to standard output. That its reader has gone, as `head` does, is no error.
pub(super) fn to_stdout(fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match fill(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            // What is left in the buffer has nowhere to go; dropping it must not try again.
            let _ = out.into_parts();
            Ok(())
        }
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_as_asked_and_only_a_terminal_gets_it_unasked() {
        assert_eq!(paint(Color::Always, false), Paint(true));
        assert_eq!(paint(Color::Never, true), Paint(false));
        assert_eq!(paint(Color::Auto, false), Paint(false));
    }
}
