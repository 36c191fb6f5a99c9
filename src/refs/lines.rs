//! From offsets in a text to references with lines.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Reference, Target, When};

/// Turns offsets into line numbers. Of what a file says several times the first counts.
pub(super) fn number(text: &str, mut found: Vec<(usize, Target, When)>) -> Vec<Reference> {
    found.sort_unstable();
    let mut seen: HashMap<&Target, usize> = HashMap::with_capacity(found.len());
    let (mut line, mut counted) = (1_u32, 0);
    let mut references: Vec<Reference> = Vec::new();
    for (offset, target, when) in &found {
        match seen.entry(target) {
            Entry::Occupied(first) => {
                let first: &mut Reference = &mut references[*first.get()];
                first.when = first.when.min(*when);
            }
            Entry::Vacant(place) => {
                place.insert(references.len());
                let passed = text.as_bytes().get(counted..*offset).unwrap_or_default();
                line = line.saturating_add(line_ends(passed));
                counted = *offset;
                references.push(Reference { line, when: *when, target: target.clone() });
            }
        }
    }
    references
}

/// The number of ends of lines, `\n`, `\r\n` or `\r`. No token begins between `\r` and `\n`.
fn line_ends(text: &[u8]) -> u32 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text).filter(|&i| text[i] == b'\r' || i == 0 || text[i - 1] != b'\r');
    u32::try_from(ends.count()).unwrap_or(u32::MAX)
}
