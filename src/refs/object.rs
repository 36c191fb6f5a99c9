//! The paths that a program names: the strings in its data. Each of its bytes is read once, whatever its size.

use super::meaning;
use super::paths::Search;
use super::spelling;
use super::{Reference, Target, When};
use std::collections::BTreeSet;
use std::io::{self, Read};

/// The number of bytes that are searched at a time.
const CHUNK: usize = 256 << 10;
/// The most bytes around a place that are looked at.
const ROUND: usize = 2 * spelling::MAX;
/// The most references that are read from a program.
const MOST: usize = 2048;

impl Search {
    /// Returns the references of a program. It has no lines: each line number is 0.
    ///
    /// # Errors
    /// Returns the reader's errors.
    pub fn object(&self, mut read: impl Read) -> io::Result<Vec<Reference>> {
        let mut found: BTreeSet<Target> = BTreeSet::new();
        let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK + ROUND);
        let mut from = 0;
        loop {
            let before = buffer.len();
            read.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
            let last = buffer.len() == before;
            // A place near the end is looked at together with the next chunk.
            let until = if last { buffer.len() } else { buffer.len().saturating_sub(spelling::MAX) };
            from = self.places(&buffer, from, until, &mut found);
            if last || found.len() >= MOST {
                break;
            }
            let gone = until.saturating_sub(spelling::MAX);
            buffer.drain(..gone);
            from = from.max(until) - gone;
        }
        let reference = |target| Reference { line: 0, when: When::Mention, target };
        Ok(found.into_iter().map(reference).collect())
    }

    /// Like [`Self::object`], for a program whose strings may have two bytes for each character, as .NET writes them: it is
    /// read again for strings at even offsets, and for strings at odd ones.
    ///
    /// # Errors
    /// Returns the reader's errors.
    pub fn portable<R: Read>(&self, open: impl Fn() -> Option<R>) -> io::Result<Vec<Reference>> {
        let mut out = open().map_or(Ok(Vec::new()), |read| self.object(read))?;
        for first in [true, false] {
            let wide = open().map(|inner| Wide { inner, takes: first });
            out.extend(wide.map_or(Ok(Vec::new()), |read| self.object(read))?);
        }
        out.sort();
        out.dedup();
        Ok(out)
    }

    /// Looks at all places that begin in a part of `bytes`; returns the offset to go on from.
    fn places(&self, bytes: &[u8], from: usize, until: usize, found: &mut BTreeSet<Target>) -> usize {
        let mut at = from;
        while let Some((hit, number)) = self.objects.find(bytes, at) {
            if hit.start >= until || found.len() >= MOST {
                return hit.start;
            }
            at = hit.end;
            if Some(number) == self.library {
                found.extend(library(bytes, hit.start).map(Target::Library));
                continue;
            }
            let word = spelling::word(bytes, hit.start);
            at = at.max(word.end);
            // In Go and Rust programs other strings come before and behind without a gap.
            let spellings = [word.start, hit.start].map(|start| spelling::path(&bytes[start..word.end]));
            found.extend(spellings.into_iter().flatten().map(|path| Target::Path(path.into())));
        }
        at.max(until)
    }
}

/// A reader of every other byte.
struct Wide<R> {
    inner: R,
    /// True if the next byte is taken.
    takes: bool,
}

impl<R: Read> Read for Wide<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.inner.read(buf)?;
            let mut kept = 0;
            for at in 0..read {
                if self.takes {
                    buf[kept] = buf[at];
                    kept += 1;
                }
                self.takes = !self.takes;
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Returns the name of a library that ends with the `.so` at a place, as `dlopen` takes it: `libz.so`, whatever follows except
/// a version.
fn library(bytes: &[u8], dot: usize) -> Option<Box<str>> {
    let version = bytes.get(dot + 3).is_some_and(|c| c.is_ascii_digit() || b".-_".contains(c));
    meaning::library_before(bytes, dot).filter(|_| !version).map(spelling::text)
}

#[cfg(test)]
mod tests {
    use super::super::paths::Wanted;
    use super::*;

    fn found(bytes: &[u8]) -> Vec<String> {
        let roots = ["usr/share/doc", "tmp"].iter().map(|root| (*root).to_owned()).collect();
        let search = Search::new(Wanted { roots, libraries: true, ..Wanted::default() }).unwrap();
        let one = |r: Reference| match r.target {
            Target::Path(text) | Target::Library(text) => text.into_string(),
            other => format!("{other:?}"),
        };
        search.object(bytes).unwrap().into_iter().map(one).collect()
    }

    #[test]
    fn strings_with_two_bytes_for_a_character_are_found_at_any_place() {
        let roots = ["usr/share/doc"].iter().map(|root| (*root).to_owned()).collect();
        let search = Search::new(Wanted { roots, ..Wanted::default() }).unwrap();
        for before in 0..3 {
            let mut bytes = vec![b'M'; before];
            bytes.extend("\0/usr/share/doc/x/y\0".encode_utf16().flat_map(u16::to_le_bytes));
            let found = search.portable(|| Some(bytes.as_slice())).unwrap();
            assert!(
                matches!(&found[..], [Reference { target: Target::Path(path), .. }] if &**path == "/usr/share/doc/x/y")
            );
        }
    }

    #[test]
    fn strings_of_a_program_are_found_wherever_they_lie() {
        assert_eq!(
            found(b"\0/usr/share/doc/x/%s.gz\0/tmp\0/tmp/y\0libz.so\0libq.so.1\0"),
            ["/tmp/y", "/usr/share/doc/x/*.gz", "libz.so"]
        );
        assert_eq!(found(b"invalid/usr/share/doc/x/y.shpanic: "), ["/usr/share/doc/x/y.shpanic"]);
        for at in [CHUNK - 30, CHUNK - 5, CHUNK, CHUNK + 20, 2 * CHUNK - 3] {
            let mut bytes = vec![0; at];
            bytes.extend(b"/usr/share/doc/x/y");
            bytes.resize(3 * CHUNK, 0);
            assert_eq!(found(&bytes), ["/usr/share/doc/x/y"], "{at}");
        }
    }
}
