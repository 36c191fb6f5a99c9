//! A group of alternatives: programs that can stand behind one name, such as `cc`, with related files (manual pages).
//! Source: update-alternatives(1) and dpkg's `utils/update-alternatives.c`, which reads and writes these files.

use crate::packages::manager::lines;
use bstr::ByteSlice;
use std::ops::Range;

/// The directory with a file for each group.
pub const DIR: &[u8] = b"var/lib/dpkg/alternatives";

/// A group of alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group<'a> {
    /// The range of the first line, which states how it is chosen: `auto` or `manual`.
    pub mode: Range<usize>,
    /// The generic names: the master's first, then the slaves'. Each is a name in `/etc/alternatives`, and the link to it.
    pub links: Vec<(&'a [u8], &'a [u8])>,
    /// The programs that can stand behind these names.
    pub choices: Vec<Choice<'a>>,
}

/// An alternative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The paths behind the links, in their order; empty for a slave that it does not have.
    pub paths: Vec<&'a [u8]>,
    /// The priority; the highest one is chosen if the mode is `auto`.
    pub priority: i64,
    /// The range of its lines.
    pub range: Range<usize>,
}

impl<'a> Group<'a> {
    /// Reads the file of the group `name`; returns `None` if it is incomplete.
    #[must_use]
    pub fn parse(name: &'a [u8], text: &'a [u8]) -> Option<Self> {
        let mut rest = lines(text);
        let (mode, how) = rest.next()?;
        if ![&b"auto"[..], b"manual"].contains(&how) {
            return None;
        }
        let mut group = Self { mode: mode.start..mode.start + how.len(), ..Self::default() };
        group.links.push((name, rest.next()?.1));
        loop {
            match rest.next()?.1 {
                b"" => break,
                slave => group.links.push((slave, rest.next()?.1)),
            }
        }
        while let Some((first, path)) = rest.next().filter(|(_, path)| !path.is_empty()) {
            let (_, priority) = rest.next()?;
            let priority = priority.to_str().ok()?.trim().parse().ok()?;
            let (mut paths, mut end) = (vec![path], first.end);
            for _ in 1..group.links.len() {
                let (range, slave) = rest.next()?;
                paths.push(slave);
                end = range.end;
            }
            if group.links.len() == 1 {
                end = text[first.end..].find_byte(b'\n').map_or(text.len(), |at| first.end + at + 1);
            }
            group.choices.push(Choice { paths, priority, range: first.start..end });
        }
        Some(group)
    }
}
