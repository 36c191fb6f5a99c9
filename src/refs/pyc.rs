//! Python's compiled modules: the name and the first bytes of a `.pyc`. Where both agree with the source, an interpreter loads
//! it; otherwise it compiles the source, even if it cannot write the result.
//!
//! Sources: PEP 3147 (`__pycache__` and tags), PEP 488 (`.opt-`), PEP 552 (the header from Python 3.7 on).

/// The directory in which interpreters look for compiled modules.
pub const CACHE: &[u8] = b"__pycache__";

/// The size in bytes of a header.
pub const HEADER: usize = 16;

/// The name of a compiled module in `__pycache__`: `MODULE.TAG[.opt-LEVEL].pyc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The module; its source is `MODULE.py` in the directory above.
    pub module: &'a [u8],
    /// The interpreter that it is for, such as `cpython-311`.
    pub tag: &'a [u8],
    /// The optimization level, if it is not the usual one.
    pub optimized: Option<&'a [u8]>,
}

impl<'a> Name<'a> {
    /// Reads a file name; returns `None` if an interpreter would not look for it, as for files that pytest leaves there.
    #[must_use]
    pub fn of(file: &'a [u8]) -> Option<Self> {
        let stem = file.strip_suffix(b".pyc")?;
        let (before, last) = split(stem)?;
        let (rest, optimized) = match last.strip_prefix(b"opt-") {
            Some(level) => (before, Some(level)),
            None => (stem, None),
        };
        let (module, tag) = split(rest)?;
        let name = Self { module, tag, optimized };
        (!module.is_empty() && name.version().is_some()).then_some(name)
    }

    /// Returns the version of Python in the tag: 3 and 11 for `cpython-311` and `pypy311`.
    #[must_use]
    pub fn version(&self) -> Option<(u32, u32)> {
        let digits = self.tag.strip_prefix(b"cpython-").or_else(|| self.tag.strip_prefix(b"pypy"))?;
        let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|c| c.is_ascii_digit()))?;
        Some((digits.get(..1)?.parse().ok()?, digits.get(1..)?.parse().ok()?))
    }

    /// True if it is for CPython.
    #[must_use]
    pub fn is_cpython(&self) -> bool {
        self.tag.starts_with(b"cpython-")
    }
}

/// Returns the parts before and after the last dot.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr::memrchr(b'.', name)?;
    Some((&name[..dot], &name[dot + 1..]))
}

/// The first bytes of a compiled module; `None` for a shorter file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(Option<[u8; HEADER]>);

impl Header {
    /// Takes the first bytes of a file, at most [`HEADER`] of which matter.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        Self(head.first_chunk().copied())
    }

    /// Returns the number of the bytecode's version, which changes with every Python; `None` if the file is too short or its
    /// first bytes do not end in `\r
    /// `, as all do.
    #[must_use]
    pub fn magic(&self) -> Option<u16> {
        let bytes = self.0?;
        (bytes[2..4] == *b"\r\n").then(|| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// True if an interpreter takes it for the compiled form of a source with this time, in seconds, and this size, in bytes;
    /// only the low 32 bits of both count. A file that has a hash of the source instead passes: the interpreter decides about
    /// it.
    #[must_use]
    pub fn agrees(&self, mtime: i64, size: u64) -> bool {
        let Some(bytes) = self.0 else { return false };
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        match word(4) {
            0 => word(8) == mtime as u32 && word(12) == size as u32,
            0b01 | 0b11 => true,
            _ => false,
        }
    }

    /// True if it is used whatever the source says: it has a hash that is not to be checked.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        self.0.is_some_and(|bytes| bytes[4..8] == [1, 0, 0, 0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts<'a> = (&'a str, &'a str, Option<&'a str>, (u32, u32));

    fn parts(file: &str) -> Option<Parts<'_>> {
        let text = |b| std::str::from_utf8(b).unwrap();
        let name = Name::of(file.as_bytes())?;
        Some((text(name.module), text(name.tag), name.optimized.map(text), name.version().unwrap()))
    }

    #[test]
    fn names_are_read_as_interpreters_make_them() {
        assert_eq!(parts("a.cpython-311.pyc"), Some(("a", "cpython-311", None, (3, 11))));
        assert_eq!(parts("a.b.cpython-39.opt-2.pyc"), Some(("a.b", "cpython-39", Some("2"), (3, 9))));
        assert_eq!(parts("x.pypy310.pyc"), Some(("x", "pypy310", None, (3, 10))));
        for other in [
            "a.pyc",
            "a.py",
            ".pyc",
            ".cpython-311.pyc",
            "a.cpython-311-pytest-7.4.0.pyc",
            "a.cpython-.pyc",
            "a.jython-27.pyc",
            "a.cpython-3x.pyc",
            "a.opt-1.pyc",
            "a.cpython-99999999999.pyc",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    fn header(flags: u32, mtime: u32, size: u32) -> Header {
        Header::of(
            &[&[0xa7, 0x0d, 0x0d, 0x0a][..], &flags.to_le_bytes(), &mtime.to_le_bytes(), &size.to_le_bytes(), b"code"]
                .concat(),
        )
    }

    #[test]
    fn a_header_agrees_with_time_and_size_or_has_a_hash() {
        let stamped = header(0, 1_700_000_000, 123);
        assert!(stamped.agrees(1_700_000_000, 123) && stamped.agrees(1_700_000_000 + (1 << 32), (1 << 32) + 123));
        assert!(!stamped.agrees(1_700_000_001, 123) && !stamped.agrees(1_700_000_000, 124));
        assert!(header(0, u32::MAX, 0).agrees(-1, 0));
        assert!(header(1, 7, 7).agrees(0, 0) && header(3, 7, 7).agrees(0, 0) && !header(2, 0, 0).agrees(0, 0));
        assert!(header(1, 0, 0).is_unchecked() && !header(3, 0, 0).is_unchecked() && !stamped.is_unchecked());
        assert_eq!(stamped.magic(), Some(3495));
        let short = Header::of(b"\xa7\r\r\n");
        assert!(!short.agrees(0, 0) && short.magic().is_none() && Header::of(&[0; 16]).magic().is_none());
    }
}
