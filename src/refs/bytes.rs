//! Sets of bytes, and the length of the run of bytes of a set that a text begins with. Most of the time of reading sources goes
//! into the names in them, so this is fast.

/// A set of bytes: at each byte's index, true if the byte is in the set.
pub(super) type Set = [bool; 256];

/// Returns the set of all bytes in any of `ranges`, ends included.
pub(super) const fn set(ranges: &[(u8, u8)]) -> Set {
    let mut set = [false; 256];
    let mut i = 0;
    while i < ranges.len() {
        let (mut byte, last) = (ranges[i].0 as usize, ranges[i].1 as usize);
        while byte <= last {
            set[byte] = true;
            byte += 1;
        }
        i += 1;
    }
    set
}

/// Returns the number of bytes at the beginning of `text` that are in `set`.
#[inline]
pub(super) fn run(text: &[u8], set: &Set) -> usize {
    text.iter().position(|c| !set[usize::from(*c)]).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_the_set_does() {
        const LETTERS: Set = set(&[(b'a', b'z'), (b'_', b'_')]);
        for before in 0..40 {
            for after in 0..20 {
                let text = [vec![b'x'; before], vec![b'.'; after], vec![b'_'; 3]].concat();
                let expected = if after == 0 { before + 3 } else { before };
                assert_eq!(run(&text, &LETTERS), expected, "{before} {after}");
            }
        }
    }
}
