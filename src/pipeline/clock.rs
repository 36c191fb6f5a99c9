//! The times of the phases.

use crate::report::Timing;
use std::time::Instant;

/// Measures the phases.
pub(super) struct Clock {
    last: Instant,
    pub laps: Vec<Timing>,
}

impl Clock {
    pub fn new() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    pub fn lap(&mut self, phase: &str, bytes: u64) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.laps.push(Timing { phase: phase.to_owned(), seconds, bytes });
    }
}
