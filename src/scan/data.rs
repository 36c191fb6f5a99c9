//! The bytes of a program in which it may have strings: its file without instructions, symbols and debug data.

use super::strip::Stored;
use crate::codec::Compression;
use crate::elf::{self, Object};
use std::io::Read;
use std::ops::Range;

/// The bytes between two parts that are no neighbours, so that no string goes on from one to the other.
const GAP: &[u8] = b"\0";

/// Returns these bytes of a file as it lies in a layer; `None` if the layer is compressed.
pub(super) fn stored<'a>(object: &Stored<'a>) -> Option<Box<dyn Read + 'a>> {
    if object.place.layer.compression != Compression::None {
        return None;
    }
    joined(object, |range| {
        let place = object.place;
        let reader = place.input.open_blob_at(&place.layer.blob, object.range.start.checked_add(range.start)?).ok()?;
        Some(Box::new(reader.take(range.end - range.start)))
    })
}

/// Returns these bytes of a file in memory.
pub(super) fn held(bytes: &[u8]) -> Option<Box<dyn Read + '_>> {
    joined(bytes, |range| {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        Some(Box::new(bytes.get(start..end)?))
    })
}

/// Joins all parts except the silent ones.
fn joined<'a, O: Object + ?Sized>(
    object: &O,
    open: impl Fn(Range<u64>) -> Option<Box<dyn Read + 'a>>,
) -> Option<Box<dyn Read + 'a>> {
    let (mut all, mut at): (Option<Box<dyn Read + 'a>>, u64) = (None, 0);
    let end = object.size()..object.size();
    for silent in elf::silent(object).into_iter().chain([end]) {
        if at < silent.start {
            let part = open(at..silent.start)?;
            all = Some(match all {
                Some(before) => Box::new(before.chain(GAP).chain(part)),
                None => part,
            });
        }
        at = at.max(silent.end);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_what_is_no_object_is_read() {
        let mut all = Vec::new();
        held(b"MZ a string").unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, b"MZ a string");
        assert!(held(b"").is_none());
    }
}
