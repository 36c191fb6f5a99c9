//! Decodes the bytes of a Python source file.

use std::borrow::Cow;

/// Returns the text of a source file: UTF-8, or Latin-1 if a PEP 263 cookie says so. Other encodings keep their ASCII part,
/// which is all that imports and most file names need.
pub(super) fn decode(source: &[u8]) -> Cow<'_, str> {
    if !source.is_ascii() && is_latin1(source) {
        return source.iter().map(|&byte| char::from(byte)).collect();
    }
    crate::refs::text(source)
}

/// True if a comment on the first or second line declares Latin-1.
fn is_latin1(source: &[u8]) -> bool {
    let lines = source.split(|&c| c == b'\n' || c == b'\r').take(2);
    lines.filter_map(cookie).any(|name| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let latin1 = ["latin-1", "latin1", "l1", "iso-8859-1", "iso8859-1", "8859", "cp819", "iso-latin-1"];
        latin1.iter().any(|known| name == *known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with('-')))
    })
}

/// Returns the name in `# -*- coding: NAME -*-`.
fn cookie(line: &[u8]) -> Option<String> {
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = memchr::memmem::find(comment, b"coding")?;
    let value = comment[at..].strip_prefix(b"coding")?;
    let value = value.strip_prefix(b":").or_else(|| value.strip_prefix(b"="))?.trim_ascii_start();
    let is_name = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    Some(value.iter().copied().take_while(is_name).map(char::from).collect())
}
