//! Many strings that are searched for at once.

use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// So many bytes of each string are looked for first: there are few different ones, for which a vector search is enough.
const HEAD: usize = 4;

/// The strings, made ready when they are first looked for: most plans need only some of a search's.
#[derive(Clone, Debug)]
pub(super) struct Needles {
    all: Vec<String>,
    ready: OnceLock<Option<Ready>>,
}

#[derive(Clone, Debug)]
struct Ready {
    /// How they begin, each once.
    heads: AhoCorasick,
    /// All of them, where a head was found.
    whole: AhoCorasick,
}

impl Needles {
    pub(super) fn new(all: Vec<String>) -> Self {
        Self { all, ready: OnceLock::new() }
    }

    /// The next of them in `text` from `at` on, and which; of several that begin there the longest. Never any where they are too many to
    /// be searched for.
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
