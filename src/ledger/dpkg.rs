//! `md5sums`: what `md5sum` prints.

use super::{Row, lines};

/// Hex digits of an MD5.
const DIGITS: usize = 32;

pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Row> + '_ {
    let row = |(start, line): (usize, &[u8])| {
        let (digest, rest) = line.split_at_checked(DIGITS)?;
        let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
        let hex = digest.iter().all(u8::is_ascii_hexdigit);
        (hex && !path.is_empty()).then(|| Row { path: path.to_vec(), checksum: start..start + DIGITS, size: 0..0 })
    };
    lines(text).filter_map(row)
}
