//! Looks for data that no header knows, in what a layout drops: programs put archives behind themselves.

use std::ops::Range;

use super::layout::Layout;
use super::read::{Image, has_bytes, range};
use super::{Object, Reason};

/// So many bytes are read at once.
const RUN: u64 = 1 << 20;

/// More unknown bytes than this are not read to see whether they are zeros.
const UNKNOWN_MAX: u64 = 64 << 20;

/// Refuses a layout that would drop data that neither a section nor a table accounts for.
pub(super) fn look<O: Object + ?Sized>(object: &O, image: &Image, layout: &Layout) -> Result<(), Reason> {
    let mut known: Vec<Range<u64>> = layout.clusters.iter().map(|cluster| cluster.from.clone()).collect();
    known.push(image.section_table());
    known.extend(image.sections.iter().filter(|s| has_bytes(s)).map(|s| range(s.sh_offset, s.sh_size)));
    known.sort_by_key(|range| (range.start, range.end));
    let mut end = 0;
    let mut left = UNKNOWN_MAX;
    for next in known {
        if next.start > end && !zeros(object, end..next.start, &mut left)? {
            return Err(Reason::Hidden);
        }
        end = end.max(next.end);
    }
    if zeros(object, end..image.size, &mut left)? { Ok(()) } else { Err(Reason::Appended) }
}

fn zeros<O: Object + ?Sized>(object: &O, unknown: Range<u64>, left: &mut u64) -> Result<bool, Reason> {
    let mut begin = unknown.start;
    while begin < unknown.end {
        let end = begin.saturating_add(RUN).min(unknown.end);
        *left = match left.checked_sub(end - begin) {
            Some(left) => left,
            None => return Ok(false),
        };
        let bytes = object.read(begin..end).ok_or(Reason::Unreadable)?;
        if bytes.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        begin = end;
    }
    Ok(true)
}
