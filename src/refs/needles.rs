//! A search for many strings at once.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// The number of bytes of each string that are looked for first: there are few different beginnings, for which a vector search
/// is enough.
const HEAD: usize = 4;

/// The strings, made ready when they are first looked for: most plans need only some of a search's sets.
#[derive(Clone, Debug)]
pub(super) struct Needles {
    all: Vec<String>,
    ready: OnceLock<Option<Ready>>,
}

#[derive(Clone, Debug)]
struct Ready {
    /// The strings' first bytes, each once.
    heads: AhoCorasick,
    /// All the strings, searched for only where a beginning was found.
    whole: AhoCorasick,
}

impl Needles {
    pub(super) fn new(all: Vec<String>) -> Self {
        Self { all, ready: OnceLock::new() }
    }

    /// Returns the range and number of the next string in `text` from `at` on; if several begin there, the longest. Never finds
    /// any if they are too many to be searched for.
    pub(super) fn find(&self, text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
        let ready = self.ready.get_or_init(|| Ready::new(&self.all)).as_ref()?;
        let mut at = at;
        while let Some(head) = ready.heads.find(Input::new(text).range(at..)) {
            let here = Input::new(text).range(head.start()..).anchored(Anchored::Yes);
            if let Some(found) = ready.whole.find(here) {
                return Some((found.range(), found.pattern().as_usize()));
            }
            at = head.start() + 1;
        }
        None
    }
}

impl Ready {
    fn new(all: &[String]) -> Option<Self> {
        let head = |one: &'_ String| one.as_bytes()[..one.len().min(HEAD)].to_vec();
        let heads: BTreeSet<Vec<u8>> = all.iter().filter(|one| !one.is_empty()).map(head).collect();
        let builder = || {
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostLongest);
            builder
        };
        Some(Self {
            heads: builder().build(heads).ok()?,
            whole: builder().start_kind(StartKind::Anchored).build(all).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_that_begins_first_is_found() {
        let needles = Needles::new(["/tmp", "/usr/share/doc", "/usr/share", "$", ".md"].map(str::to_owned).into());
        let all = |text: &str| {
            let (mut at, mut out) = (0, Vec::new());
            while let Some((hit, number)) = needles.find(text.as_bytes(), at) {
                at = hit.end;
                out.push((hit.start, number));
            }
            out
        };
        assert_eq!(all("/usr/lib /usr/share/docs /usr/share/x/y.md$"), [(9, 1), (25, 2), (39, 4), (42, 3)]);
        assert_eq!(all("/us/tm/usr/sharp/tmp"), [(16, 0)]);
        assert_eq!(all(""), []);
        assert!(Needles::new(Vec::new()).find(b"x", 0).is_none());
    }
}
