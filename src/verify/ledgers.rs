//! Lists of checksums and databases of package managers: the rest of one must be rows of the old one, in their order, and a
//! changed row must be true of the file as it is now. The rows are read here by the formats' own rules: `RECORD` of pip,
//! `md5sums` of dpkg, `installed` of apk; in all other texts lines are rows.

use super::expected::{Content, Expected};
use super::findings::{Outcome, hex, show};
use super::lists::{Format, format};
use super::member::{Kind, Member};
use super::replay::Tree;
use crate::path::{components, join, split};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bstr::BStr;
use std::collections::{HashMap, HashSet};

/// A row: the path from the root, the checksum as written, and the size if one is stated.
struct Row<'t> {
    path: Vec<u8>,
    sum: &'t [u8],
    size: &'t [u8],
}

fn rows<'t>(format: Format, path: &[u8], text: &'t [u8]) -> Vec<Row<'t>> {
    let lines = text.split(|&c| c == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut out = Vec::new();
    let (mut dir, mut file) = (&b""[..], None);
    for line in lines.filter(|line| !line.is_empty()) {
        match format {
            Format::Record => out.extend(record(split(split(path).0).0, line)),
            Format::Md5sums => out.extend(line.split_at_checked(32).and_then(|(sum, rest)| {
                let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
                Some(Row { path: path.to_vec(), sum, size: b"" })
            })),
            Format::Apk => match line.split_at_checked(2) {
                Some((b"F:", name)) => (dir, file) = (name, None),
                Some((b"P:", _)) => (dir, file) = (b"", None),
                Some((b"R:", name)) => file = Some(name),
                Some((b"Z:", sum)) => {
                    out.extend(file.take().map(|f| Row { path: join(dir, f).into(), sum, size: b"" }));
                }
                _ => {}
            },
        }
    }
    out
}

/// Reads a row of `RECORD`: `"path, with commas",sha256=…,size`.
fn record<'t>(site: &[u8], line: &'t [u8]) -> Option<Row<'t>> {
    let mut fields = line.rsplitn(3, |&c| c == b',');
    let (size, sum, name) = (fields.next()?, fields.next()?, fields.next()?);
    let name = match name.strip_prefix(b"\"").and_then(|n| n.strip_suffix(b"\"")) {
        Some(inner) => bstr::ByteSlice::replace(inner, b"\"\"", b"\""),
        None => name.to_vec(),
    };
    let path = if name.starts_with(b"/") { name } else { join(site, &name).into() };
    Some(Row { path, sum, size })
}

/// Checks every list and every database that a plan has rewritten.
pub fn all(old: &Tree<'_>, new: &Tree<'_>, expected: &Expected, planned: bool, out: &mut Outcome) {
    if !planned {
        return;
    }
    for (path, &inode) in &new.names {
        let fate = expected.fates.get(path);
        let edited = fate.is_some_and(|fate| fate.content == Content::Rows);
        let format = format(path);
        if !edited && format.is_none() {
            continue;
        }
        let (Some(now), Some((_, Some(before)))) = (new.member(inode), old.at(path)) else { continue };
        if now.kind != Kind::File || before.kind != Kind::File {
            continue;
        }
        let changed = before.hash != now.hash;
        let Some(text) = text(now).or_else(|| text(before).filter(|_| !changed)) else {
            if now.size > 0 && edited {
                out.wrong("row", show(path), "a text that can be compared", "one that is too large");
            }
            continue;
        };
        // An unchanged list is its own old version.
        let was = if changed { self::text(before) } else { Some(text) };
        let Some(was) = was else {
            out.wrong("row", show(path), "a text that can be compared", "one that is too large");
            continue;
        };
        out.checked.ledgers += u64::from(changed);
        if changed {
            subsequence(path, format, was, text, out);
        }
        if let Some(format) = format {
            let list = List { path, format, old, new };
            list.sums(was, text, out);
            if changed && format == Format::Record {
                list.cut(was, text, out);
            }
        }
    }
}

fn text(member: &Member) -> Option<&[u8]> {
    member.extra.as_ref().and_then(|extra| extra.text.as_deref())
}

/// Compares the rows that are left with the old ones: the same, in the same order, except for checksums.
fn subsequence(path: &[u8], format: Option<Format>, old: &[u8], new: &[u8], out: &mut Outcome) {
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (index, line) in old.split(|&c| c == b'\n').enumerate() {
        places.entry(constant(format, line)).or_default().push(index);
    }
    let mut at = 0;
    for line in new.split(|&c| c == b'\n') {
        let places = places.get(constant(format, line)).map_or(&[][..], Vec::as_slice);
        if let Some(found) = places.get(places.partition_point(|place| *place < at)) {
            at = found + 1;
        } else if !(line.is_empty() || format.is_none() && is_dpkg_path(path, line)) {
            out.wrong("row", show(path), "a row of the file as it was", format!("\"{}\"", line.escape_ascii()));
        }
    }
}

/// Returns the part of a row that stays when the checksum in it changes.
fn constant(format: Option<Format>, line: &[u8]) -> &[u8] {
    let part = match format {
        Some(Format::Record) => line.rsplitn(3, |&c| c == b',').nth(2),
        Some(Format::Md5sums) => line.get(32..).filter(|rest| !rest.is_empty()),
        // The lines before a checksum tell which file it is of, and these are the same.
        Some(Format::Apk) => line.starts_with(b"Z:").then_some(&b"Z:"[..]),
        None => None,
    };
    part.unwrap_or(line)
}

/// True for a line that tells dpkg which paths not to unpack.
fn is_dpkg_path(path: &[u8], line: &[u8]) -> bool {
    path.starts_with(b"etc/dpkg/dpkg.cfg.d/")
        && (line.starts_with(b"path-exclude=") || line.starts_with(b"path-include="))
}

struct List<'a> {
    path: &'a [u8],
    format: Format,
    old: &'a Tree<'a>,
    new: &'a Tree<'a>,
}

impl List<'_> {
    /// Returns the file that a row is about.
    fn file<'t>(&self, tree: &Tree<'t>, row: &Row<'_>) -> Option<&'t Member> {
        let (dir, name) = split(&row.path);
        let dir = tree.resolve(b"", dir)?;
        tree.at(&join(&dir.path, name))?.1.filter(|m| m.kind == Kind::File)
    }

    /// Checks that every checksum that was right is still right.
    fn sums(&self, old: &[u8], new: &[u8], out: &mut Outcome) {
        let before = rows(self.format, self.path, old);
        let before: HashMap<&[u8], &Row<'_>> = before.iter().map(|r| (r.path.as_slice(), r)).collect();
        for row in rows(self.format, self.path, new) {
            let (Some(was), Some(file)) = (before.get(row.path.as_slice()), self.file(self.new, &row)) else {
                continue;
            };
            let Some(origin) = self.file(self.old, was) else { continue };
            let place = || format!("{}: row of {}", show(self.path), show(&row.path));
            if origin.hash == file.hash {
                if (was.sum, was.size) != (row.sum, row.size) {
                    let found = String::from_utf8_lossy(row.sum);
                    out.wrong("row", place(), String::from_utf8_lossy(was.sum), found);
                }
                continue;
            }
            let right = |row: &Row<'_>, file: &Member| self.sum(row, file).is_none_or(|sum| sum == row.sum);
            if row.sum.is_empty() || !right(was, origin) {
                continue;
            }
            if let Some(sum) = self.sum(&row, file).filter(|sum| sum != row.sum) {
                out.wrong("row", place(), String::from_utf8_lossy(&sum), String::from_utf8_lossy(row.sum));
            }
            let size = file.size.to_string();
            if !row.size.is_empty() && row.size != size.as_bytes() {
                out.wrong("row", format!("{}: size", place()), size, String::from_utf8_lossy(row.size));
            }
        }
    }

    /// Returns a file's checksum, in the form of a row's; `None` if the row's is of another kind.
    fn sum(&self, row: &Row<'_>, file: &Member) -> Option<Vec<u8>> {
        let sums = file.extra.as_ref().and_then(|extra| extra.sums);
        match self.format {
            Format::Record if row.sum.starts_with(b"sha256=") => {
                Some(format!("sha256={}", URL_SAFE_NO_PAD.encode(file.hash)).into_bytes())
            }
            Format::Md5sums => sums.map(|sums| hex(&sums.0).into_bytes()),
            Format::Apk if row.sum.starts_with(b"Q1") => {
                sums.map(|sums| format!("Q1{}", STANDARD.encode(sums.1)).into_bytes())
            }
            Format::Record | Format::Apk => None,
        }
    }

    /// Checks that rows which were taken out are of files that are gone.
    fn cut(&self, old: &[u8], new: &[u8], out: &mut Outcome) {
        let left: HashSet<Vec<u8>> = rows(self.format, self.path, new).into_iter().map(|row| row.path).collect();
        for row in rows(self.format, self.path, old).iter().filter(|row| !left.contains(&row.path)) {
            let there = self.file(self.new, row).is_some() && self.file(self.old, row).is_some();
            if there && components(&row.path).count() > 0 {
                let path = BStr::new(&row.path);
                out.wrong("row", show(self.path), format!("the row of {}, which is there", show(path)), "none");
            }
        }
    }
}
