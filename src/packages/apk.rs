//! apk's database: paragraphs of one-letter fields in `installed`, and names in `world`.
//! Source: <https://wiki.alpinelinux.org/wiki/Apk_spec>, apk-v2(5), apk-world(5).

use super::{Clause, Manager, Package, Relation, Target, lines};
use crate::path;
use bstr::{BString, ByteSlice};
use std::ops::Range;

/// Returns the packages of `installed`, each with the paths of its directories and files from the root.
#[must_use]
pub fn packages(text: &[u8]) -> Vec<(Package, Vec<BString>)> {
    let mut out: Vec<(Package, Vec<BString>)> = Vec::new();
    let (mut start, mut fresh, mut dir) = (0, true, &b""[..]);
    for (range, line) in lines(text) {
        if line.is_empty() {
            // The empty line belongs to the paragraph before it.
            if let Some((last, _)) = out.last_mut().filter(|_| !fresh) {
                last.stanza.end = range.end;
            }
            (fresh, start) = (true, range.end);
            continue;
        }
        if fresh {
            let package = Package { stanza: start..range.end, ..Package::new(Manager::Apk, BString::default()) };
            out.push((package, Vec::new()));
            (fresh, dir) = (false, b"");
        }
        let Some((package, files)) = out.last_mut() else { continue };
        package.stanza.end = range.end;
        let Some((key, value)) = line.split_at_checked(2) else { continue };
        match key {
            b"P:" => package.name = value.into(),
            b"V:" => package.version = value.into(),
            b"A:" => package.arch = value.into(),
            b"D:" => package.needs = clauses(value),
            b"i:" => package.with = clauses(value),
            b"p:" => package.provides = clauses(value).into_iter().flatten().map(provided).collect(),
            b"F:" => {
                dir = value;
                files.push(value.into());
            }
            b"R:" => files.push(path::join(dir, value)),
            _ => {}
        }
    }
    out.retain(|(package, _)| !package.name.is_empty());
    out
}

fn provided(target: Target) -> (BString, Option<BString>) {
    (target.name, target.version.map(|(_, version)| version))
}

/// Reads names with conditions, as in `D:`; conflicts (`!name`) are no requirements.
fn clauses(text: &[u8]) -> Vec<Clause> {
    let words = text.fields().filter(|word| !word.starts_with(b"!"));
    words.map(|word| vec![target(word)]).collect()
}

fn target(word: &[u8]) -> Target {
    let end = word.find_byteset("<>=~@").unwrap_or(word.len());
    let rest = &word[end..];
    let at = rest.find_not_byteset("<>=~").unwrap_or(rest.len());
    // apk's versions are not compared: it is enough to know that there was a condition.
    let version = (at > 0).then(|| (Relation::Same, BString::from(&rest[at..])));
    Target { name: word[..end].into(), version }
}

/// Returns the names in `world` without conflicts, each with the range of its word and the blank after it, or of its line if
/// nothing else is in it.
pub fn world(text: &[u8]) -> impl Iterator<Item = (BString, Range<usize>)> + '_ {
    let words = text.split_inclusive(u8::is_ascii_whitespace).scan(0, |at, word| {
        let range = *at..*at + word.len();
        *at = range.end;
        Some((word.trim_ascii(), range))
    });
    let names = words.filter(|(word, _)| !word.is_empty() && !word.starts_with(b"!"));
    names.map(|(word, range)| (target(word).name, range))
}
