//! From bytes to text, and from offsets in it to lines.

use std::borrow::Cow;

use super::{Reference, Target};

/// The text of a source file: UTF-8, or Latin-1 where a PEP 263 cookie says so. Other encodings keep their ASCII part,
/// which is all that imports and most file names need.
pub(super) fn decode(source: &[u8]) -> Cow<'_, str> {
    if !source.is_ascii() && is_latin1(source) {
        return source.iter().map(|&byte| char::from(byte)).collect();
    }
    String::from_utf8_lossy(source)
}

/// Whether a comment on the first or second line declares Latin-1.
fn is_latin1(source: &[u8]) -> bool {
    let lines = source.split(|&c| c == b'\n' || c == b'\r').take(2);
    lines.filter_map(cookie).any(|name| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let latin1 = ["latin-1", "latin1", "l1", "iso-8859-1", "iso8859-1", "8859", "cp819", "iso-latin-1"];
        latin1.iter().any(|known| name == *known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with('-')))
    })
}

/// `# -*- coding: NAME -*-`
fn cookie(line: &[u8]) -> Option<String> {
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = memchr::memmem::find(comment, b"coding")?;
    let value = comment[at..].strip_prefix(b"coding")?;
    let value = value.strip_prefix(b":").or_else(|| value.strip_prefix(b"="))?.trim_ascii_start();
    let is_name = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    Some(value.iter().copied().take_while(is_name).map(char::from).collect())
}

/// Turns offsets into line numbers, in order. What two readers found on one line is one reference.
pub(super) fn number(text: &str, mut found: Vec<(usize, Target)>) -> Vec<Reference> {
    found.sort_unstable_by_key(|&(offset, _)| offset);
    let (mut line, mut counted) = (1_u32, 0);
    let mut references = Vec::with_capacity(found.len());
    for (offset, target) in found {
        let passed = text.as_bytes().get(counted..offset).unwrap_or_default();
        line = line.saturating_add(line_ends(passed));
        counted = offset;
        references.push(Reference { line, target });
    }
    references.sort_unstable();
    references.dedup();
    references
}

/// The number of ends of lines, which Python writes `\n`, `\r\n` and `\r`. No token begins between `\r` and `\n`.
fn line_ends(text: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text).filter(|&i| text[i] == b'\r' || i == 0 || text[i - 1] != b'\r');
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}
