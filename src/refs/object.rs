//! Which paths a program names: the strings in its data. Every byte of it passes by once, whatever its size.

use super::paths::Search;
use super::spelling::{self, is_name};
use super::{Reference, Target, When};
use aho_corasick::Input;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// Bytes that are searched at a time.
const CHUNK: usize = 256 << 10;
/// What is looked at round a place at most, in bytes.
const ROUND: usize = 2 * spelling::MAX;
/// A program that names more is listened to no further.
const MOST: usize = 2048;

impl Search {
    /// What a program refers to. There are no lines in it: each is 0.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn object(&self, mut read: impl Read) -> io::Result<Vec<Reference>> {
        let mut found: BTreeSet<Target> = BTreeSet::new();
        let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK + ROUND);
        let mut from = 0;
        loop {
            let before = buffer.len();
            read.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
            let last = buffer.len() == before;
            // A place near the end is looked at with what comes next.
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

    /// Looks at all places that begin in a part of `bytes`; returns where to go on.
    fn places(&self, bytes: &[u8], from: usize, until: usize, found: &mut BTreeSet<Target>) -> usize {
        let mut at = from;
        while let Some(hit) = self.objects.find(Input::new(bytes).range(at..)) {
            if hit.start() >= until || found.len() >= MOST {
                return hit.start();
            }
            at = hit.end();
            if Some(hit.pattern().as_usize()) == self.library {
                found.extend(library(bytes, hit.start()).map(Target::Library));
                continue;
            }
            let word = spelling::word(bytes, hit.start());
            at = at.max(word.end);
            // In a program of Go's or Rust's other strings come before and behind without a gap.
            let spellings = [word.start, hit.start()].map(|start| spelling::path(&bytes[start..word.end]));
            found.extend(spellings.into_iter().flatten().map(|path| Target::Path(path.into())));
        }
        at.max(until)
    }
}

/// The name of a library that ends with the `.so` at a place, as `dlopen` takes it: `libz.so`.
fn library(bytes: &[u8], dot: usize) -> Option<Box<str>> {
    let good = |c: &u8| is_name(*c) || b"+-.".contains(c);
    let start = bytes[..dot].iter().rposition(|c| !good(c)).map_or(0, |at| at + 1);
    let name = &bytes[start..dot + 3];
    (name.starts_with(b"lib") && name.len() < 100).then(|| spelling::text(name))
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
