//! apk, the manager of Alpine: paragraphs of one-letter fields in `installed`, and names in `world`.
//! Source: <https://wiki.alpinelinux.org/wiki/Apk_spec>, apk-v2(5), apk-world(5).

use super::manager::{
    Clause, Files, Installed, Package, PackageManager, Part, Relation, Removal, Row, Sums, Target, lines,
};
use crate::path;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bstr::{BString, ByteSlice};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// The paths of the database: the second where `/lib` is a link to `/usr/lib`.
const INSTALLED: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];
/// The list of the packages that were asked for.
const WORLD: &[u8] = b"etc/apk/world";

/// apk.
pub struct Apk;

impl PackageManager for Apk {
    fn name(&self) -> &'static str {
        "apk"
    }

    fn is_distribution(&self) -> bool {
        true
    }

    fn removes(&self) -> bool {
        true
    }

    fn part(&self, dir: &[u8], name: &[u8]) -> Part {
        match (dir, name) {
            (b"etc/apk", b"world") => Part::DATABASE,
            (dir, b"installed") if dir.ends_with(b"lib/apk/db") => Part { database: true, list: true, ledger: true },
            _ => Part::NONE,
        }
    }

    fn packages<'a>(&self, files: &dyn Files<'a>) -> Vec<Installed<'a>> {
        let world: HashSet<BString> = files.text(WORLD).into_iter().flat_map(world).map(|(name, _)| name).collect();
        let mut out = Vec::new();
        for (path, text) in files.texts().iter().filter(|(path, _)| INSTALLED.contains(&&path[..])) {
            for (package, paths) in packages(text) {
                let provided = package.provides.iter().map(|(name, _)| name);
                let auto = !std::iter::once(&package.name).chain(provided).any(|name| world.contains(name));
                let files = Some(paths.into_iter().map(|path| Cow::Owned(path.into())).collect());
                let shared = Some(path.clone());
                out.push(Installed { shared, files, auto, ..Installed::new(package) });
            }
        }
        out
    }

    fn satisfies(&self, package: &Package, target: &Target, _: &Package) -> bool {
        // apk installs one provider with a version for each name: whatever version is asked for, this is it.
        let mut provided = package.provides.iter().filter(|(name, _)| *name == target.name);
        package.name == target.name || provided.any(|(_, version)| target.version.is_none() || version.is_some())
    }

    fn cuts(&self, removal: &mut Removal<'_>) -> Vec<(usize, Range<usize>)> {
        // `world` may contain names that packages provide, and another provider may stay.
        let names = |packages: &[&'_ Package]| -> HashSet<BString> {
            let of = |p: &&Package| {
                std::iter::once(p.name.clone())
                    .chain(p.provides.iter().map(|(name, _)| name.clone()))
                    .collect::<Vec<_>>()
            };
            packages.iter().flat_map(of).collect()
        };
        let (going, staying) = (names(&removal.going), names(&removal.staying));
        let texts = removal.texts.iter().enumerate().filter(|(_, (path, _))| *path == WORLD);
        let rows = texts.flat_map(|(index, (_, text))| world(text).map(move |(name, range)| (index, name, range)));
        let lost = rows.filter(|(_, name, _)| going.contains(name) && !staying.contains(name));
        lost.map(|(index, _, range)| (index, range)).collect()
    }

    /// Reads the rows of `installed`: `F:` directory, `R:` file in it, `Z:` the file's checksum.
    fn rows<'a>(&self, _: &'a [u8], text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        let (mut dir, mut file) = (&b""[..], None);
        let rows = lines(text).filter_map(move |(range, line)| {
            match line.split_at_checked(2)? {
                (b"F:", name) => (dir, file) = (name, None),
                (b"R:", name) => file = Some(name),
                (b"Z:", _) => {
                    let checksum = range.start + 2..range.start + line.len();
                    let path = |f| path::join(dir, f).into();
                    return file.take().map(|f| Row { path: path(f), checksum, size: 0..0, line: range });
                }
                // A package begins.
                (b"P:", _) => (dir, file) = (b"", None),
                _ => {}
            }
            None
        });
        Box::new(rows)
    }

    /// Writes `Q1` and base64 of the SHA-1.
    fn checksum(&self, sums: &Sums, old: &[u8]) -> Option<Vec<u8>> {
        let sha1 = sums.legacy.filter(|_| old.starts_with(b"Q1"))?.1;
        Some(format!("Q1{}", STANDARD.encode(sha1)).into_bytes())
    }
}

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
            let package = Package { stanza: start..range.end, ..Package::new(&Apk, BString::default()) };
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
