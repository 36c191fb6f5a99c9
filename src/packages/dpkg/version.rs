//! The order of Debian versions. Source: deb-version(7), "Sorting algorithm".

use std::cmp::Ordering;

/// Compares two versions as `dpkg --compare-versions` does. A text that is no version compares somehow, never with a panic.
#[must_use]
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let ((epoch_a, upstream_a, revision_a), (epoch_b, upstream_b, revision_b)) = (parts(a), parts(b));
    number(epoch_a)
        .cmp(&number(epoch_b))
        .then_with(|| part(upstream_a, upstream_b))
        .then_with(|| part(revision_a, revision_b))
}

/// Returns epoch, upstream version and revision; a missing part is empty, which compares as `0` does.
fn parts(version: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let version = version.trim_ascii();
    let (epoch, rest) = match memchr::memchr(b':', version) {
        Some(at) => (&version[..at], &version[at + 1..]),
        None => (&b""[..], version),
    };
    match memchr::memrchr(b'-', rest) {
        Some(at) => (epoch, &rest[..at], &rest[at + 1..]),
        None => (epoch, rest, b""),
    }
}

/// Returns digits as a value that compares like a number of any length: leading zeros mean nothing, more digits are more.
fn number(digits: &[u8]) -> (usize, &[u8]) {
    let start = digits.iter().position(|&c| c != b'0').unwrap_or(digits.len());
    (digits.len() - start, &digits[start..])
}

/// Compares runs of non-digits and of digits in turn.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, rest_a) = split(a, |c| !c.is_ascii_digit());
        let (text_b, rest_b) = split(b, |c| !c.is_ascii_digit());
        let (digits_a, rest_a) = split(rest_a, |c| c.is_ascii_digit());
        let (digits_b, rest_b) = split(rest_b, |c| c.is_ascii_digit());
        let order = text(text_a, text_b).then_with(|| number(digits_a).cmp(&number(digits_b)));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split(text: &[u8], is: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|&c| !is(c)).unwrap_or(text.len()))
}

/// Compares letters before all other characters, and a tilde before everything, even the end.
fn text(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |c: Option<&u8>| match c {
        None => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    };
    let orders = (0..a.len().max(b.len())).map(|i| weight(a.get(i)).cmp(&weight(b.get(i))));
    orders.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}
