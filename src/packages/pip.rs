//! pip, and all others that write `.dist-info` directories: uv, poetry, pdm. A Python distribution has a directory with the
//! headers of its `METADATA` (names, requirements, the environments in which those hold) and `RECORD`, the list of its files.
//! Sources: <https://packaging.python.org/en/latest/specifications/core-metadata/>, `…/dependency-specifiers/`,
//! `…/recording-installed-packages/#the-record-file`.

use super::deb822::stanzas;
use super::manager::{Clause, Files, Installed, Package, PackageManager, Part, Row, Sums, Target, lines};
use crate::path;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bstr::{BString, ByteSlice};
use marker::Environment;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

mod marker;

const METADATA: &[u8] = b"METADATA";
const RECORD: &[u8] = b"RECORD";
/// The end of the name of a distribution's directory.
const INFO: &[u8] = b".dist-info";

/// pip.
pub struct Pip;

impl PackageManager for Pip {
    fn name(&self) -> &'static str {
        "pip"
    }

    fn removes(&self) -> bool {
        true
    }

    fn side_by_side(&self) -> bool {
        true
    }

    fn part(&self, dir: &[u8], name: &[u8]) -> Part {
        match name {
            METADATA if dir.ends_with(INFO) => Part::DATABASE,
            RECORD if dir.ends_with(INFO) => Part::LEDGER,
            _ => Part::NONE,
        }
    }

    /// Returns the size of the headers of `METADATA`: the description below them is longer than all else.
    fn needed(&self, name: &[u8], text: &[u8]) -> usize {
        if name == METADATA { headers(text).len() } else { text.len() }
    }

    fn packages<'a>(&self, files: &dyn Files<'a>) -> Vec<Installed<'a>> {
        let mut dirs: Vec<&[u8]> = Vec::new();
        let mut seen = BTreeSet::new();
        dirs.extend(files.texts().iter().map(|(path, _)| path::split(path).0).filter(|dir| seen.insert(*dir)));
        let mut found: Vec<Distribution> = Vec::new();
        let mut out: Vec<Installed<'a>> = Vec::new();
        for dir in dirs {
            let site = path::split(dir).0;
            let metadata = files.text(&path::join(dir, METADATA));
            let one = metadata.and_then(|text| distribution(text, python_of(site)));
            let list = path::join(dir, RECORD);
            let text = files.text(&list);
            let described = one.is_some();
            let shown = shown(dir);
            let one = one.unwrap_or_else(|| Distribution::named(normalize(&shown.0)));
            let rows = text.map(|text| rows(&list, text).map(|row| Cow::Owned(row.path)).collect());
            out.push(Installed {
                shown,
                described,
                files: rows,
                own: vec![dir.into()],
                scope: Some(site.into()),
                ..Installed::new(one.package.clone())
            });
            found.push(one);
        }
        settle(&mut found);
        for (one, distribution) in out.iter_mut().zip(found) {
            one.package = distribution.package;
        }
        out
    }

    fn normalized(&self, name: &[u8]) -> BString {
        normalize(name)
    }

    fn rows<'a>(&self, at: &'a [u8], text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        Box::new(rows(at, text))
    }

    fn checksum(&self, sums: &Sums, _: &[u8]) -> Option<Vec<u8>> {
        Some(format!("sha256={}", URL_SAFE_NO_PAD.encode(sums.sha256)).into_bytes())
    }

    fn forgets_files(&self) -> bool {
        true
    }

    fn sha256(&self, checksum: &[u8]) -> Option<[u8; 32]> {
        URL_SAFE_NO_PAD.decode(checksum.strip_prefix(b"sha256=")?).ok()?.try_into().ok()
    }
}

/// Returns the name and version of a distribution as its directory states them: `NAME-VERSION.dist-info`.
fn shown(dir: &[u8]) -> (BString, BString) {
    let name = path::split(dir).1;
    let name = name.strip_suffix(INFO).unwrap_or(name);
    let (name, version) = name.split_once_str("-").unwrap_or((name, b""));
    (name.into(), version.into())
}

/// Returns the rows of a `RECORD`, comma-separated values as Python's `csv` writes them: path, `sha256=` and url-safe base64,
/// size.
fn rows<'a>(at: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = Row> + 'a {
    let (site, _) = path::split(path::split(at).0);
    lines(text).filter_map(|(range, line)| row(site, range, line))
}

fn row(site: &[u8], range: Range<usize>, line: &[u8]) -> Option<Row> {
    let [name, checksum, size] = fields(line)?;
    let name = unquote(&line[name]);
    // A quoted field elsewhere is not written by an installer.
    let plain = |field: &Range<usize>| !line[field.clone()].contains(&b'"');
    if name.is_empty() || !plain(&checksum) || !plain(&size) {
        return None;
    }
    let path = if name.starts_with(b"/") { name.into_owned() } else { path::join(site, &name).into() };
    let shift = |field: Range<usize>| range.start + field.start..range.start + field.end;
    Some(Row { path, checksum: shift(checksum), size: shift(size), line: range.clone() })
}

/// Returns the three fields of a row; `None` if there are fewer or more.
fn fields(line: &[u8]) -> Option<[Range<usize>; 3]> {
    let mut quoted = false;
    let mut comma = |&(_, c): &(usize, &u8)| {
        quoted ^= *c == b'"';
        *c == b',' && !quoted
    };
    let mut commas = line.iter().enumerate().filter(|at| comma(at)).map(|(index, _)| index);
    let (Some(first), Some(second), None) = (commas.next(), commas.next(), commas.next()) else { return None };
    Some([0..first, first + 1..second, second + 1..line.len()])
}

/// Returns a field's value: quotes around it are removed, two quotes within become one.
fn unquote(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")) else {
        return Cow::Borrowed(field);
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().peekable();
    while let Some(&c) = bytes.next() {
        out.push(c);
        if c == b'"' {
            bytes.next_if(|&&next| next == b'"');
        }
    }
    out.into()
}

/// A distribution's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Name, version and the requirements without extras.
    pub package: Package,
    /// The requirements of extras: the normalized name of the extra, and the requirement.
    pub extras: Vec<(BString, Clause)>,
    /// The extras that it asks other distributions for: the other's name and the extra's.
    pub asks: Vec<(BString, BString)>,
}

impl Distribution {
    fn named(name: BString) -> Self {
        Self { package: Package::new(&Pip, name), extras: Vec::new(), asks: Vec::new() }
    }
}

/// Returns a name as installers compare it: lower case, runs of `-`, `_` and `.` as one `-`.
/// Source: <https://packaging.python.org/en/latest/specifications/name-normalization/>.
fn normalize(name: &[u8]) -> BString {
    let mut out = BString::default();
    for &c in name.trim() {
        let c = if b"-_.".contains(&c) { b'-' } else { c.to_ascii_lowercase() };
        if c != b'-' || out.last() != Some(&b'-') {
            out.push(c);
        }
    }
    out
}

/// Returns the headers of a `METADATA` file: everything before the first empty line.
#[must_use]
pub fn headers(text: &[u8]) -> &[u8] {
    let end = lines(text).find(|(_, line)| line.is_empty()).map_or(text.len(), |(range, _)| range.start);
    &text[..end]
}

/// Reads `METADATA` for an interpreter's version such as `3.11`, if that is known; returns `None` without a name.
#[must_use]
pub fn distribution(text: &[u8], python: Option<&[u8]>) -> Option<Distribution> {
    let stanza = stanzas(headers(text)).next()?;
    let name = stanza.get("Name").map(normalize).filter(|name| !name.is_empty())?;
    let version = BString::from(stanza.get("Version").unwrap_or_default());
    let mut out = Distribution::named(name);
    out.package.version = version;
    let provided: Vec<BString> = stanza.all("Provides-Extra").map(normalize).collect();
    for requirement in stanza.all("Requires-Dist") {
        let (what, condition) = match requirement.find_byte(b';') {
            Some(at) => (&requirement[..at], Some(requirement[at + 1..].trim())),
            None => (requirement, None),
        };
        let end = what.find_not_byteset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
        let name = normalize(&what[..end.unwrap_or(what.len())]);
        let clause = vec![Target { name: name.clone(), version: None }];
        let holds = |extra: Option<&[u8]>| {
            let is_extra = |name: &[u8]| normalize(name) == extra.unwrap_or_default();
            condition.is_none_or(|c| marker::evaluate(c, &Environment { python, is_extra: &is_extra }))
        };
        let bracket = what.find_byte(b'[').and_then(|open| Some(&what[open + 1..open + what[open..].find_byte(b']')?]));
        if holds(None) {
            out.package.needs.push(clause);
        } else {
            let wanted = provided.iter().filter(|extra| holds(Some(extra.as_slice())));
            out.extras.extend(wanted.map(|extra| (extra.clone(), clause.clone())));
        }
        let asked = bracket.into_iter().flat_map(|list| list.split_str(",")).map(normalize);
        out.asks.extend(asked.map(|extra| (name.clone(), extra)));
    }
    Some(out)
}

/// Returns the version of the interpreter that looks for modules in a directory such as
/// `opt/venv/lib/python3.11/site-packages`.
#[must_use]
pub fn python_of(site: &[u8]) -> Option<&[u8]> {
    path::components(site).filter_map(|part| part.strip_prefix(b"python")).find(|v| v.contains(&b'.'))
}

/// Adds the requirements of extras that another distribution asks for.
pub fn settle(all: &mut [Distribution]) {
    let asked: BTreeSet<(BString, BString)> = all.iter().flat_map(|d| d.asks.clone()).collect();
    for one in all {
        let name = one.package.name.clone();
        let wanted = one.extras.iter().filter(|(extra, _)| asked.contains(&(name.clone(), extra.clone())));
        one.package.needs.extend(wanted.map(|(_, clause)| clause.clone()).collect::<Vec<_>>());
    }
}
