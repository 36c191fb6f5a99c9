//! Notes, warnings and progress on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::values::Verbosity;
use crate::Warning;
use crate::pipeline::Ui;
use crate::report::paint::Paint;
use crate::report::printable;

/// Notes and warnings on standard error, with a progress bar if that is a terminal.
pub struct Stderr {
    bar: ProgressBar,
    paint: Paint,
    quiet: bool,
}

impl Stderr {
    /// Returns the output of a run with this verbosity.
    #[must_use]
    pub fn new(verbosity: Verbosity, paint: Paint) -> Self {
        let quiet = verbosity == Verbosity::Quiet;
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shown = io::stderr().is_terminal() && !quiet && !dumb;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), paint, quiet }
    }

    /// Prints a line on standard error, above the progress bar. If standard error is closed, nobody reads it.
    fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| {
                let _ = writeln!(io::stderr(), "{line}");
            });
        }
    }
}

/// The look of the bar: known bytes with an ETA, or a count alone.
fn style(total_bytes: u64) -> ProgressStyle {
    let template = if total_bytes > 0 {
        "{msg:>12} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {prefix} ETA {eta}"
    } else {
        "{msg:>12} {spinner} {decimal_bytes} {prefix}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

impl Ui for Stderr {
    fn phase(&self, name: &str, total_bytes: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.disable_steady_tick();
        // The look comes first: what follows draws.
        self.bar.set_style(style(total_bytes));
        if total_bytes > 0 {
            self.bar.set_length(total_bytes);
        } else {
            self.bar.unset_length();
        }
        self.bar.reset();
        self.bar.set_prefix("");
        self.bar.set_message(name.to_owned());
        if total_bytes == 0 {
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn layers(&self, done: usize, total: usize) {
        if !self.bar.is_hidden() {
            self.bar.set_prefix(format!("layer {done}/{total}"));
        }
    }

    fn note(&self, message: &str) {
        self.say(&format!("{} {}", self.paint.cyan("note:"), printable(message, true)));
    }

    fn warn(&self, warning: &Warning) {
        self.say(&format!("{} {}", self.paint.yellow("warning:"), printable(&warning.message, true)));
    }

    fn done(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::sync::{Arc, Mutex};

    /// A terminal of 80 columns that keeps the last line drawn.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn last(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, s: &str) -> io::Result<()> {
            self.write_str(s)
        }
        fn write_str(&self, s: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(s);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on(screen: &Screen) -> Stderr {
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        Stderr { bar: ProgressBar::with_draw_target(None, target), paint: Paint(false), quiet: false }
    }

    #[test]
    fn a_phase_shows_bytes_and_layers_and_clears_itself() {
        let screen = Screen::default();
        let ui = on(&screen);
        ui.phase("reading", 2_000_000);
        ui.advance(500_000);
        ui.layers(3, 8);
        ui.bar.force_draw();
        let shown = screen.last();
        for part in ["reading", "500.00 kB/2.00 MB", "layer 3/8", "ETA"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        ui.phase("writing", 0);
        ui.advance(1_000);
        ui.bar.force_draw();
        let shown = screen.last();
        assert!(shown.contains("writing") && !shown.contains("layer") && !shown.contains("ETA"), "{shown}");
        ui.done();
        assert_eq!(screen.last().trim(), "");
    }

    #[test]
    fn threads_may_advance_together() {
        let ui = on(&Screen::default());
        ui.phase("reading", 4_000);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..1_000).for_each(|_| ui.advance(1)));
            }
        });
        assert_eq!(ui.bar.position(), 4_000);
    }
}
