//! The 512-byte header block: its fields, the checksum, and the formats of its numbers.

use crate::{Error, ErrorKind, Result};
use std::ops::Range;

pub(super) type Block = [u8; 512];

pub(super) const ZERO: Block = [0; 512];

pub(super) const NAME: Range<usize> = 0..100;
pub(super) const MODE: Range<usize> = 100..108;
pub(super) const UID: Range<usize> = 108..116;
pub(super) const GID: Range<usize> = 116..124;
pub(super) const SIZE: Range<usize> = 124..136;
pub(super) const MTIME: Range<usize> = 136..148;
pub(super) const CHECKSUM: Range<usize> = 148..156;
pub(super) const FLAG: usize = 156;
pub(super) const LINK: Range<usize> = 157..257;
/// The magic and the version, which GNU's magic runs into.
pub(super) const MAGIC: Range<usize> = 257..265;
pub(super) const UNAME: Range<usize> = 265..297;
pub(super) const GNAME: Range<usize> = 297..329;
pub(super) const MAJOR: Range<usize> = 329..337;
pub(super) const MINOR: Range<usize> = 337..345;
pub(super) const PREFIX: Range<usize> = 345..500;
/// The prefix in star's headers, which is shorter as times and a magic follow it.
const STAR_PREFIX: Range<usize> = 345..476;
const STAR_MAGIC: Range<usize> = 508..512;
const GNU_ATIME: Range<usize> = 345..357;
const GNU_CTIME: Range<usize> = 357..369;
/// Old GNU sparse: four chunks here, and a flag for extension blocks after them.
pub(super) const SPARSE: Range<usize> = 386..482;
pub(super) const SPARSE_MORE: usize = 482;
pub(super) const SPARSE_SIZE: Range<usize> = 483..495;

pub(super) const MAGIC_USTAR: &[u8; 8] = b"ustar\x0000";
pub(super) const MAGIC_GNU: &[u8; 8] = b"ustar  \0";

/// Makes an error about the stream's bytes; the caller adds member and offset.
pub(super) fn bad(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Layer, what)
}

/// Returns bytes of the input as a message may show them: escaped and of bounded length.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let more = if bytes.len() > MOST { "..." } else { "" };
    format!("\"{}\"{more}", bytes[..bytes.len().min(MOST)].escape_ascii())
}

/// Returns `bytes` up to the first NUL.
pub(super) fn text(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

/// A header block whose checksum has been verified, unless it is made by a test.
pub(super) struct Header(pub(super) Block);

impl Header {
    /// Verifies the checksum of a block. Some old writers summed signed bytes.
    pub(super) fn new(block: Block) -> Result<Self> {
        let field = &block[CHECKSUM];
        let blanks = 8 * u32::from(b' ');
        let sum = |bytes: &[u8]| bytes.iter().map(|&b| u32::from(b)).sum::<u32>();
        let unsigned = i64::from(sum(&block) - sum(field) + blanks);
        let found = number(field);
        if found != Some(unsigned) {
            let high = block.iter().filter(|&&b| b >= 0x80).count();
            let in_field = field.iter().filter(|&&b| b >= 0x80).count();
            let signed = unsigned - 256 * i64::try_from(high - in_field).unwrap_or(0);
            if found != Some(signed) {
                let found = found.map_or_else(|| shown(field), |n| n.to_string());
                return Err(bad("wrong checksum of a tar header").expected(unsigned, found));
            }
        }
        Ok(Self(block))
    }

    /// The type flag.
    pub(super) fn flag(&self) -> u8 {
        self.0[FLAG]
    }

    /// Returns the bytes of a field up to the first NUL.
    pub(super) fn text(&self, field: Range<usize>) -> &[u8] {
        text(&self.0[field])
    }

    /// Returns the number in a field; `what` names it in the error.
    pub(super) fn number(&self, what: &str, field: Range<usize>) -> Result<i64> {
        let field = &self.0[field];
        number(field).ok_or_else(|| {
            bad(format!("bad {what} in a tar header")).expected("an octal or base-256 number", shown(field))
        })
    }

    /// Like [`Header::number`], for numbers that cannot be negative.
    pub(super) fn unsigned(&self, what: &str, field: Range<usize>) -> Result<u64> {
        let n = self.number(what, field)?;
        u64::try_from(n).map_err(|_| bad(format!("negative {what} in a tar header")).expected("at least 0", n))
    }

    /// The size field.
    pub(super) fn size(&self) -> Result<u64> {
        self.unsigned("size", SIZE)
    }

    /// True if there is a magic, so that the fields which v7 lacks are there.
    pub(super) fn has_magic(&self) -> bool {
        self.0[MAGIC].starts_with(b"ustar")
    }

    /// Returns the name with its prefix, from this header alone.
    pub(super) fn name(&self) -> Vec<u8> {
        let (prefix, name) = (self.prefix(), self.text(NAME));
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    fn prefix(&self) -> &[u8] {
        if self.0[MAGIC].starts_with(b"ustar\0") {
            let star = self.0[STAR_MAGIC] == *b"tar\0";
            return self.text(if star { STAR_PREFIX } else { PREFIX });
        }
        // Engines built with Go before 1.8 wrote a prefix into GNU headers, and all later Go readers accept it if there is no
        // number in its place; a GNU writer has times there.
        let times = [&self.0[GNU_ATIME], &self.0[GNU_CTIME]];
        let prefix = self.text(PREFIX);
        if self.0[MAGIC] == *MAGIC_GNU && times.iter().any(|t| number(t).is_none()) && prefix.is_ascii() {
            return prefix;
        }
        b""
    }
}

/// Returns the number in a field: base-256 if the top bit is set, octal otherwise. Blanks and NULs around it mean nothing, and
/// they alone are 0. Returns `None` if it is no such number or needs more than 64 bits.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        // Two's complement without its top bit, which the mark takes: bit 6 is the sign. Fields have at most 12 bytes.
        let first = i128::from(first & 0x7f) - if first & 0x40 == 0 { 0 } else { 0x80 };
        let value = rest.iter().fold(first, |n, &b| (n << 8) | i128::from(b));
        return i64::try_from(value).ok();
    }
    let blank = |b: &u8| matches!(b, b' ' | 0);
    let start = field.iter().position(|b| !blank(b)).unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(blank) {
        return None;
    }
    digits.iter().try_fold(0i64, |n, &b| match b {
        b'0'..=b'7' => Some((n << 3) | i64::from(b - b'0')),
        _ => None,
    })
}

/// Returns a number that consists of decimal digits alone and fits 64 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_numbers_may_have_blanks_and_nuls_around_them() {
        for field in [&b"0000017\0"[..], b"     17 ", b"17\0\0\0\0\0\0", b"\x00000017 ", b"00000017", b"   17 \0 "] {
            assert_eq!(number(field), Some(15), "{}", field.escape_ascii());
        }
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"        "), Some(0));
        assert_eq!(number(b"777777777777"), Some((1 << 36) - 1));
        for field in [&b"0000018\0"[..], b"17 17 \0\0", b"-0000017", b"0x17\0\0\0\0", b"17\0x\0\0\0\0"] {
            assert_eq!(number(field), None, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn base_256_numbers_have_a_sign_and_a_limit() {
        assert_eq!(number(b"\x80\0\0\0\0\x2d\xc6\xc0"), Some(3_000_000));
        assert_eq!(number(&[0xff; 12]), Some(-1));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\x00"), Some(-256));
        assert_eq!(number(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), Some(i64::MAX));
        assert_eq!(number(b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), Some(i64::MIN));
        assert_eq!(number(b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), None, "2^63");
        assert_eq!(number(b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), None, "2^64");
        assert_eq!(number(b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }

    #[test]
    fn checksums_of_signed_bytes_are_accepted_and_others_not() {
        let mut block = ZERO;
        block[..3].copy_from_slice(b"\xe9\xffx");
        let sum = |n: i64| format!("{n:06o}\0 ");
        let unsigned = 0xe9 + 0xff + i64::from(b'x') + 8 * 32;
        for (n, good) in [(unsigned, true), (unsigned - 512, true), (unsigned - 256, false), (0, false)] {
            if n >= 0 {
                block[CHECKSUM].copy_from_slice(sum(n).as_bytes());
                assert_eq!(Header::new(block).is_ok(), good, "{n}");
            }
        }
        let e = Header::new([b'<'; 512]).err().unwrap();
        assert_eq!((e.kind, e.found.as_deref()), (ErrorKind::Layer, Some("\"<<<<<<<<\"")));
    }

    #[test]
    fn the_prefix_counts_only_in_headers_that_have_one() {
        let make = |magic: &[u8], prefix: &[u8], tail: &[u8]| {
            let mut block = ZERO;
            block[..1].copy_from_slice(b"n");
            block[MAGIC][..magic.len()].copy_from_slice(magic);
            block[PREFIX][..prefix.len()].copy_from_slice(prefix);
            block[512 - tail.len()..].copy_from_slice(tail);
            Header(block).name()
        };
        assert_eq!(make(MAGIC_USTAR, b"p/q", b""), b"p/q/n");
        assert_eq!(make(b"", b"p/q", b""), b"n", "v7");
        assert_eq!(make(MAGIC_GNU, b"14000000000\x0014000000000", b""), b"n", "GNU times");
        assert_eq!(make(MAGIC_GNU, b"usr/share", b""), b"usr/share/n", "Go before 1.8");
        let long = [b'p'; 140];
        assert_eq!(make(MAGIC_USTAR, &long, b"tar\0").len(), 131 + 2, "star");
    }
}
