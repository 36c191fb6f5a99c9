//! The time before a request is sent again.

use super::http::Reply;
use std::time::Duration;
use ureq::http::header::RETRY_AFTER;

/// The longest time that is waited before a request is sent again. Where a registry wants more, its reply is the answer.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The seconds after which a registry wants to be asked again, if it says so.
pub fn asked(reply: &Reply) -> Option<u64> {
    reply.header(&RETRY_AFTER).and_then(|text| text.trim().parse().ok())
}

/// True for a status that may be another one soon.
pub const fn is_busy(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// True if a registry wants to be left alone for longer than anybody waits.
pub fn is_long(reply: &Reply) -> bool {
    asked(reply).is_some_and(|seconds| seconds > MAX_PAUSE.as_secs())
}

/// The time before a request is sent again: what the registry asks for in seconds, or twice as long each time.
pub fn pause(attempt: u32, asked: Option<u64>) -> Duration {
    let own = Duration::from_millis(200 << attempt.min(6));
    asked.map_or(own, Duration::from_secs).min(MAX_PAUSE)
}
