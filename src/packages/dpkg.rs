//! dpkg's database: stanzas of `status`, and the files beside it.

use super::deb822::{Stanza, stanzas};
use super::{Clause, Manager, Package, Relation, Target, lines};
use bstr::{BString, ByteSlice};
use std::ops::Range;

/// The file of dpkg's configuration that slim writes: the paths that dpkg need not unpack.
pub const PATHS: &str = "etc/dpkg/dpkg.cfg.d/slim";

/// Returns the installed packages of a `status` file, or of a file in `status.d`, whose stanzas have no `Status`.
pub fn packages(text: &[u8]) -> impl Iterator<Item = Package> + '_ {
    stanzas(text).filter_map(|stanza| package(&stanza))
}

fn package(stanza: &Stanza<'_>) -> Option<Package> {
    let words: Vec<&[u8]> = stanza.get("Status").unwrap_or(b"install ok installed").fields().collect();
    // For a removed package the database may still list configuration files.
    if matches!(words.last(), Some(&(b"config-files" | b"not-installed")) | None) {
        return None;
    }
    let value = |name| BString::from(stanza.get(name).unwrap_or_default());
    let clauses = |names: [&str; 2]| names.iter().filter_map(|n| stanza.get(n)).flat_map(clauses).collect();
    let provides = stanza.get("Provides").map(self::clauses).unwrap_or_default();
    let foreign = matches!(stanza.get("Multi-Arch"), Some(b"foreign" | b"allowed"));
    Some(Package {
        arch: value("Architecture"),
        version: value("Version"),
        needs: clauses(["Pre-Depends", "Depends"]),
        wants: clauses(["Recommends", "Suggests"]),
        provides: provides.into_iter().flatten().map(|t| (t.name, t.version.map(|(_, v)| v))).collect(),
        essential: ["Essential", "Protected", "Important"].iter().any(|name| stanza.yes(name)),
        on_hold: words.first() == Some(&&b"hold"[..]),
        foreign,
        stanza: stanza.range.clone(),
        ..Package::new(Manager::Dpkg, stanza.get("Package").filter(|name| !name.is_empty())?.into())
    })
}

/// Reads `a (>= 1) | b:any, c [arch]` as clauses of alternatives.
#[must_use]
pub fn clauses(text: &[u8]) -> Vec<Clause> {
    let clause = |part: &[u8]| -> Clause { part.split_str("|").filter_map(target).collect() };
    text.split_str(",").map(clause).filter(|clause| !clause.is_empty()).collect()
}

fn target(text: &[u8]) -> Option<Target> {
    let text = text.trim();
    let end = text.find_byteset(" \t\n([<:").unwrap_or(text.len());
    let name = BString::from(&text[..end]);
    let inner = text.find_byte(b'(').and_then(|open| {
        let rest = &text[open + 1..];
        Some(rest[..rest.find_byte(b')')?].trim())
    });
    let version = inner.map(|inner| {
        let at = inner.find_not_byteset("<>=").unwrap_or(inner.len());
        let relation = match &inner[..at] {
            b"<<" => Relation::Before,
            // A single sign is the deprecated spelling. Source: deb-control(5).
            b"<=" | b"<" => Relation::NotAfter,
            b">=" | b">" => Relation::NotBefore,
            b">>" => Relation::After,
            _ => Relation::Same,
        };
        (relation, inner[at..].trim().into())
    });
    (!name.is_empty()).then_some(Target { name, version })
}

/// Returns apt's records of packages: name and architecture, true if it was installed automatically, and the stanza's range.
pub fn extended_states(text: &[u8]) -> impl Iterator<Item = (BString, BString, bool, Range<usize>)> + '_ {
    stanzas(text).filter_map(|stanza| {
        let value = |name| BString::from(stanza.get(name).unwrap_or_default());
        let auto = stanza.get("Auto-Installed") == Some(b"1");
        Some((stanza.get("Package")?.into(), value("Architecture"), auto, stanza.range))
    })
}

/// A file of a package that was moved elsewhere, so that another package's file can be in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion<'a> {
    /// The path that both packages want, from the root with a slash.
    pub from: &'a [u8],
    /// The place of the file of all other packages.
    pub to: &'a [u8],
    /// The package whose file is at `from`; `None` if the administrator made the diversion.
    pub by: Option<&'a [u8]>,
    /// The range of its three lines.
    pub range: Range<usize>,
}

/// Returns the diversions.
pub fn diversions(text: &[u8]) -> impl Iterator<Item = Diversion<'_>> {
    let mut lines = lines(text);
    std::iter::from_fn(move || {
        let ((first, from), (_, to), (last, by)) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Diversion { from, to, by: (by != b":").then_some(by), range: first.start..last.end })
    })
}

/// Returns the path of each line of `statoverride`, with the line's range.
pub fn statoverrides(text: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    lines(text).filter_map(|(range, line)| Some((line.splitn_str(4, " ").nth(3)?, range)))
}

/// Returns the package that each line of a file in `triggers` names, with the line's range: the last word, up to a slash.
pub fn triggers(text: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    lines(text).filter_map(|(range, line)| {
        let word = line.rsplit_str(" ").next().filter(|word| !word.is_empty())?;
        Some((word.split_str("/").next().unwrap_or(word), range))
    })
}
