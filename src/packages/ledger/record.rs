//! `RECORD`: comma-separated values as Python's `csv` writes them.

use super::row::{Row, lines};
use crate::path;
use std::borrow::Cow;
use std::ops::Range;

pub(super) fn rows<'a>(at: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = Row> + 'a {
    let (site, _) = path::split(path::split(at).0);
    lines(text).filter_map(|(range, line)| row(site, range, line))
}

fn row(site: &[u8], range: Range<usize>, line: &[u8]) -> Option<Row> {
    let [name, checksum, size] = fields(line)?;
    let name = unquote(&line[name]);
    // A quoted field elsewhere is not written by an installer.
    let plain = |field: &Range<usize>| !line[field.clone()].contains(&b'"');
    if name.is_empty() || !plain(&checksum) || !plain(&size) {
        return None;
    }
    let path = if name.starts_with(b"/") { name.into_owned() } else { path::join(site, &name).into() };
    let shift = |field: Range<usize>| range.start + field.start..range.start + field.end;
    Some(Row { path, checksum: shift(checksum), size: shift(size), line: range.clone() })
}

/// Returns the three fields of a row; `None` if there are fewer or more.
fn fields(line: &[u8]) -> Option<[Range<usize>; 3]> {
    let mut quoted = false;
    let mut comma = |&(_, c): &(usize, &u8)| {
        quoted ^= *c == b'"';
        *c == b',' && !quoted
    };
    let mut commas = line.iter().enumerate().filter(|at| comma(at)).map(|(index, _)| index);
    let (Some(first), Some(second), None) = (commas.next(), commas.next(), commas.next()) else { return None };
    Some([0..first, first + 1..second, second + 1..line.len()])
}

/// Returns a field's value: quotes around it are removed, two quotes within become one.
fn unquote(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")) else {
        return Cow::Borrowed(field);
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().peekable();
    while let Some(&c) = bytes.next() {
        out.push(c);
        if c == b'"' {
            bytes.next_if(|&&next| next == b'"');
        }
    }
    out.into()
}
