//! dpkg, the manager of Debian and Ubuntu: stanzas of `status`, and the files beside it.
//! Source of the checksums: deb-md5sums(5).

use super::deb822::{Stanza, stanzas};
use super::manager::{
    Clause, Files, Installed, Package, PackageManager, Part, Relation, Removal, Row, Sums, Target, Text, lines,
};
use crate::path;
use bstr::{BString, ByteSlice};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

pub mod alternatives;
mod version;

#[cfg(test)]
pub use version::compare;

/// The file of dpkg's configuration that slim writes: the paths that dpkg need not unpack.
pub const PATHS: &str = "etc/dpkg/dpkg.cfg.d/slim";

/// The directory of the database.
const DIR: &[u8] = b"var/lib/dpkg";
/// The directory with a list of paths and a list of checksums for each package.
const INFO: &[u8] = b"var/lib/dpkg/info";
/// The directory of distroless images with a stanza and a list of checksums for each package.
const STATUS_D: &[u8] = b"var/lib/dpkg/status.d";
/// The directory of triggers: in `File` path and package in a line, in the others a package. Source: deb-triggers(5).
const TRIGGERS: &[u8] = b"var/lib/dpkg/triggers";
/// dpkg's `status`: a stanza for each package. Source: deb-src-control(5), dpkg-query(1).
const STATUS: &[u8] = b"var/lib/dpkg/status";
/// The diversions: three lines for each. Source: dpkg-divert(1).
const DIVERSIONS: &[u8] = b"var/lib/dpkg/diversions";
/// Owners and modes: user, group, mode and path in a line. Source: dpkg-statoverride(1).
const STATOVERRIDE: &[u8] = b"var/lib/dpkg/statoverride";
/// apt's record of packages that were installed because others need them.
const EXTENDED_STATES: &[u8] = b"var/lib/apt/extended_states";

/// The end of the names of lists of checksums.
const SUMS: &[u8] = b".md5sums";
/// The number of hexadecimal digits of an MD5.
const DIGITS: usize = 32;

/// dpkg.
pub struct Dpkg;

impl PackageManager for Dpkg {
    fn name(&self) -> &'static str {
        "dpkg"
    }

    fn is_distribution(&self) -> bool {
        true
    }

    fn removes(&self) -> bool {
        true
    }

    fn part(&self, dir: &[u8], name: &[u8]) -> Part {
        match (dir, name) {
            (INFO | STATUS_D, name) if name.ends_with(SUMS) => Part { list: true, ..Part::LEDGER },
            (INFO, name) if name.ends_with(b".list") => Part { list: true, ..Part::DATABASE },
            // Whose file is at a listed path depends on the diversions.
            (DIR, b"diversions") => Part { list: true, ..Part::DATABASE },
            (DIR, b"status" | b"statoverride") | (b"var/lib/apt", b"extended_states") => Part::DATABASE,
            (TRIGGERS, b"Lock" | b"Unincorp") => Part::NONE,
            (STATUS_D | TRIGGERS | alternatives::DIR, _) => Part::DATABASE,
            _ => Part::NONE,
        }
    }

    fn packages<'a>(&self, files: &dyn Files<'a>) -> Vec<Installed<'a>> {
        let mut reader = Reader::new(files);
        reader.status();
        reader.status_d();
        reader.out
    }

    fn names(&self, package: &Package) -> Vec<BString> {
        vec![package.name.clone(), [&package.name[..], b":", &package.arch].concat().into()]
    }

    fn satisfies(&self, package: &Package, target: &Target, by: &Package) -> bool {
        let all = |p: &Package| p.arch.is_empty() || p.arch == "all";
        if !(package.arch == by.arch || all(package) || all(by) || package.foreign) {
            return false;
        }
        if package.name == target.name {
            return holds(target.version.as_ref(), Some(&package.version));
        }
        let mut provided = package.provides.iter().filter(|(name, _)| *name == target.name);
        provided.any(|(_, version)| holds(target.version.as_ref(), version.as_ref()))
    }

    fn cuts(&self, removal: &mut Removal<'_>) -> Vec<(usize, Range<usize>)> {
        let gone: HashSet<(&[u8], &[u8])> = removal.going.iter().map(|p| (&p.name[..], &p.arch[..])).collect();
        // A package of another architecture may stay.
        let mut names: HashSet<&[u8]> = removal.going.iter().map(|p| &p.name[..]).collect();
        removal.staying.iter().for_each(|p| _ = names.remove(&p.name[..]));
        let mut out = Vec::new();
        for (index, (path, text)) in removal.texts.iter().enumerate() {
            let mut cut = |range| out.push((index, range));
            match &path[..] {
                EXTENDED_STATES => {
                    // For packages for all architectures apt states the machine's.
                    let has = |name: &[u8], arch: &[u8]| gone.contains(&(name, arch)) || gone.contains(&(name, b"all"));
                    let rows = extended_states(text).filter(|(name, arch, ..)| has(name, arch));
                    rows.for_each(|row| cut(row.3));
                }
                DIVERSIONS => {
                    let rows = diversions(text).filter(|d| d.by.is_some_and(|by| names.contains(by)));
                    rows.for_each(|row| cut(row.range));
                }
                STATOVERRIDE => {
                    let rows = statoverrides(text).filter(|(path, _)| (removal.goes)(path));
                    rows.for_each(|row| cut(row.1));
                }
                path if path::split(path).0 == TRIGGERS => {
                    let rows = triggers(text).filter(|(word, _)| match word.split_once_str(":") {
                        Some((name, arch)) if !arch.is_empty() => gone.contains(&(name, arch)),
                        named => names.contains(named.map_or(*word, |(name, _)| name)),
                    });
                    rows.for_each(|row| cut(row.1));
                }
                _ => {}
            }
        }
        out
    }

    /// Reads `md5sums`, the output of `md5sum`: hex digest, two blanks and path.
    fn rows<'a>(&self, _: &'a [u8], text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        let row = |(line_range, line): (Range<usize>, &[u8])| {
            let (digest, rest) = line.split_at_checked(DIGITS)?;
            let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
            let hex = digest.iter().all(u8::is_ascii_hexdigit);
            let checksum = line_range.start..line_range.start + DIGITS;
            (hex && !path.is_empty()).then(|| Row { path: path.to_vec(), checksum, size: 0..0, line: line_range })
        };
        Box::new(lines(text).filter_map(row))
    }

    fn checksum(&self, sums: &Sums, _: &[u8]) -> Option<Vec<u8>> {
        let hex = sums.legacy?.0.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Some(hex.into_bytes())
    }
}

/// True if a version is as asked for. A package without one does not meet a requirement for one.
fn holds(asked: Option<&(Relation, BString)>, version: Option<&BString>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let Some((relation, wanted)) = asked else { return true };
    let Some(version) = version else { return false };
    match (relation, version::compare(version.as_bytes(), wanted.as_bytes())) {
        (Relation::Before, order) => order == Less,
        (Relation::NotAfter, order) => order != Greater,
        (Relation::Same, order) => order == Equal,
        (Relation::NotBefore, order) => order != Less,
        (Relation::After, order) => order == Greater,
    }
}

/// Reads the packages of an image.
struct Reader<'f, 'a> {
    files: &'f dyn Files<'a>,
    /// The diversion of each path.
    from: HashMap<&'a [u8], Diversion<'a>>,
    out: Vec<Installed<'a>>,
}

impl<'f, 'a> Reader<'f, 'a> {
    fn new(files: &'f dyn Files<'a>) -> Self {
        let mut from = HashMap::new();
        for diversion in files.text(DIVERSIONS).into_iter().flat_map(diversions) {
            // dpkg knows one diversion of each path.
            from.entry(diversion.from).or_insert(diversion);
        }
        Self { files, from, out: Vec::new() }
    }

    /// Adds the packages of `status`, and those that have a list and no stanza: of these only configuration files are left, or
    /// the image has no `status`.
    fn status(&mut self) {
        let auto = self.files.text(EXTENDED_STATES).into_iter().flat_map(extended_states);
        let mut auto_of: HashMap<BString, HashSet<BString>> = HashMap::new();
        for (name, arch, ..) in auto.filter(|state| state.2) {
            auto_of.entry(name).or_default().insert(arch);
        }
        let mut diverted_by: HashMap<&[u8], Vec<&'a [u8]>> = HashMap::new();
        for diversion in self.files.text(DIVERSIONS).into_iter().flat_map(diversions) {
            diversion.by.into_iter().for_each(|by| diverted_by.entry(by).or_default().push(diversion.to));
        }
        let mut info = self.info();
        for package in self.files.text(STATUS).into_iter().flat_map(packages) {
            let keys = [[&package.name[..], b":", &package.arch].concat(), package.name.to_vec()];
            let own = keys.iter().find_map(|key| info.remove(key)).unwrap_or_default();
            let files = self.listed(&own, &package.name);
            // For packages for all architectures apt states the machine's.
            let auto = auto_of.get(&package.name);
            let auto = auto.is_some_and(|archs| package.arch == "all" || archs.contains(&package.arch));
            let diverted = diverted_by.get(&package.name[..]).cloned().unwrap_or_default();
            let shared = Some(STATUS.into());
            self.out.push(Installed { shared, own, files, diverted, auto, ..Installed::new(package) });
        }
        for (stem, own) in info {
            let name = BString::from(stem.split_once_str(":").map_or(&stem[..], |(name, _)| name));
            let files = self.listed(&own, &name);
            files.into_iter().for_each(|files| self.add_undescribed(name.clone(), files));
        }
    }

    /// Adds a package of which there is no stanza.
    fn add_undescribed(&mut self, name: BString, files: Vec<Cow<'a, [u8]>>) {
        let version = self.out.iter().find(|one| one.package.name == name).map(|one| one.package.version.clone());
        let package = Package { version: version.unwrap_or_default(), ..Package::new(&Dpkg, name) };
        self.out.push(Installed { described: false, files: Some(files), ..Installed::new(package) });
    }

    /// Returns the paths of the files in `info`, by the package that they are named for.
    fn info(&self) -> BTreeMap<Vec<u8>, Vec<BString>> {
        let mut out: BTreeMap<Vec<u8>, Vec<BString>> = BTreeMap::new();
        for name in self.files.names(INFO) {
            if let Some((stem, _)) = name.rsplit_once_str(".") {
                out.entry(stem.to_vec()).or_default().push(path::join(INFO, &name));
            }
        }
        out
    }

    /// Returns the paths of the list among a package's files in `info`; of those that were diverted, the places where they are
    /// now.
    fn listed(&self, own: &[BString], package: &[u8]) -> Option<Vec<Cow<'a, [u8]>>> {
        let list = own.iter().find(|path| path.ends_with(b".list"))?;
        let moved = |path: &'a [u8]| {
            let known = self.from.get(path);
            known.filter(|diversion| diversion.by != Some(package)).map_or(path, |diversion| diversion.to)
        };
        Some(self.files.text(list)?.lines().map(|path| Cow::Borrowed(moved(path))).collect())
    }

    /// Adds the packages of distroless images.
    fn status_d(&mut self) {
        let texts: Vec<Text<'a>> =
            self.files.texts().iter().filter(|(p, _)| path::split(p).0 == STATUS_D).cloned().collect();
        let paths = |text: &'a [u8]| Dpkg.rows(b"", text).map(|row| Cow::Owned(row.path)).collect();
        let (sums, stanzas): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(path, _)| path.ends_with(SUMS));
        let mut sums: BTreeMap<BString, &'a [u8]> = sums.into_iter().collect();
        for (path, text) in stanzas {
            let list = BString::from([&path[..], SUMS].concat());
            let files = sums.remove(&list).map(paths);
            if let Some(package) = packages(text).next() {
                self.out.push(Installed { own: vec![path, list], files, ..Installed::new(package) });
            }
        }
        for (list, text) in sums {
            let name = path::split(&list).1;
            self.add_undescribed(name.strip_suffix(SUMS).unwrap_or(name).into(), paths(text));
        }
    }
}

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
        ..Package::new(&Dpkg, stanza.get("Package").filter(|name| !name.is_empty())?.into())
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
