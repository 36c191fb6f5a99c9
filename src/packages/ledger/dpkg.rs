//! `md5sums`: the output of `md5sum`.

use super::row::{Row, lines};
use std::ops::Range;

/// The number of hexadecimal digits of an MD5.
const DIGITS: usize = 32;

pub(super) fn rows(text: &[u8]) -> impl Iterator<Item = Row> + '_ {
    let row = |(line_range, line): (Range<usize>, &[u8])| {
        let (digest, rest) = line.split_at_checked(DIGITS)?;
        let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
        let hex = digest.iter().all(u8::is_ascii_hexdigit);
        let checksum = line_range.start..line_range.start + DIGITS;
        (hex && !path.is_empty()).then(|| Row { path: path.to_vec(), checksum, size: 0..0, line: line_range })
    };
    lines(text).filter_map(row)
}
