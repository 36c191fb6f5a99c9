//! How paths and bytes are written in findings.

/// A path as it is told: with a slash before it, and nothing in it that steers a terminal.
pub fn show(path: &[u8]) -> String {
    format!("/{}", crate::report::escape(path))
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
