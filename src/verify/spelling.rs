//! The spelling of paths and bytes in findings.

/// Returns a path with a slash before it, and nothing in it that controls a terminal.
pub fn show(path: &[u8]) -> String {
    format!("/{}", crate::report::escape(path))
}

/// Returns hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
