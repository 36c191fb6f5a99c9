//! Descriptions of paths in a few words, for findings.

use super::member::{Kind, Member};
use super::spelling::{hex, show};

/// Returns a time as it stands in headers.
pub fn time((secs, nanos): (i64, u32)) -> String {
    if nanos == 0 { secs.to_string() } else { format!("{secs}.{nanos:09}") }
}

/// Describes a member: type, permissions, owner, and content.
pub fn describe(member: Option<&Member>) -> String {
    let Some(m) = member else { return "a directory that no layer describes".into() };
    let what = match m.kind {
        Kind::File => format!(" of {} bytes, {}", m.size, content(m)),
        Kind::Symlink => format!(" to {}", crate::report::escape(&m.link)),
        Kind::HardLink => format!(" to {}", show(&m.link)),
        Kind::Char | Kind::Block => format!(" {}:{}", m.device.0, m.device.1),
        Kind::Dir | Kind::Fifo => String::new(),
    };
    format!("{}{what}, {:04o} {}:{}", m.kind.name(), m.mode, m.uid, m.gid)
}

/// Returns the beginning of a content's SHA-256.
pub fn content(member: &Member) -> String {
    format!("sha256 {}", &hex(&member.hash)[..12])
}

/// Describes an extended attribute or another record, or the lack of one.
pub fn record(value: Option<&Vec<u8>>) -> String {
    value.map_or_else(|| "none".into(), |value| format!("\"{}\"", value.escape_ascii()))
}
