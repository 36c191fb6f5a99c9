//! Turns offsets in a text into references with line numbers.

use hashbrown::HashMap;

use super::{Reference, Target, When};

/// Turns offsets into line numbers. Of a reference that a file has several times, the first place counts.
pub(super) fn number(text: &str, found: Vec<(usize, Target, When)>) -> Vec<Reference> {
    number_bytes(text.as_bytes(), found)
}

/// Like [`number`], for a text that need not be UTF-8.
pub(super) fn number_bytes(text: &[u8], mut found: Vec<(usize, Target, When)>) -> Vec<Reference> {
    found.sort_unstable();
    let mut seen: HashMap<&Target, usize> = HashMap::with_capacity(found.len());
    // At the first place of each target, the earliest condition under which it is followed; nothing at the other places.
    let mut whens: Vec<Option<When>> = vec![None; found.len()];
    for (index, (_, target, when)) in found.iter().enumerate() {
        let first = *seen.entry(target).or_insert(index);
        whens[first] = Some(whens[first].map_or(*when, |known| known.min(*when)));
    }
    drop(seen);
    let (mut line, mut counted) = (1_u32, 0);
    let firsts = found.into_iter().zip(whens).filter_map(|((offset, target, _), when)| Some((offset, target, when?)));
    let number = |(offset, target, when)| {
        let passed = text.get(counted..offset).unwrap_or_default();
        line = line.saturating_add(line_ends(passed));
        counted = offset;
        Reference { line, when, target }
    };
    firsts.map(number).collect()
}

/// Returns the number of line ends: `
/// `, `\r
/// ` or `\r`. No token begins between `\r` and `
/// `.
fn line_ends(text: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text).filter(|&i| text[i] == b'\r' || i == 0 || text[i - 1] != b'\r');
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}
