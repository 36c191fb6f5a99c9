//! Compares two trees path by path: with a plan every difference must be one that a rule allows, without one everything that is
//! still there must be as it was.

use super::elf;
use super::expected::{Added, Content, Expected, Fate};
use super::findings::{Outcome, hex, show};
use super::ledgers;
use super::member::{Kind, Member};
use super::replay::{Inode, Tree};
use crate::report::escape;
use bstr::{BStr, BString};
use std::collections::{BTreeSet, HashMap};

/// Compares the old tree with the new one.
pub fn trees(old: &Tree<'_>, new: &Tree<'_>, expected: Option<&Expected>, out: &mut Outcome) {
    let nothing = Expected::default();
    let compare = Compare { old, new, planned: expected.is_some(), expected: expected.unwrap_or(&nothing) };
    if let Some(expected) = expected {
        out.same("tree", "number of paths in IN, by the plan and read again", &expected.paths, &old.names.len());
        let unknown =
            expected.fates.iter().filter(|(path, fate)| !old.has(path) && !matches!(fate.content, Content::Added(_)));
        let unknown: BTreeSet<&BString> = unknown.map(|(path, _)| path).collect();
        for path in unknown {
            out.wrong("tree", show(path), "a path of IN, as the plan says", "nothing");
        }
    }
    for (path, &inode) in &new.names {
        out.checked.paths += 1;
        compare.path(path, inode, out);
    }
    compare.gone(out);
    compare.links(out);
    ledgers::all(old, new, compare.expected, compare.planned, out);
}

struct Compare<'a> {
    old: &'a Tree<'a>,
    new: &'a Tree<'a>,
    planned: bool,
    expected: &'a Expected,
}

impl Compare<'_> {
    fn fate(&self, path: &[u8]) -> Option<&Fate> {
        self.expected.fates.get(BStr::new(path))
    }

    /// Compares a path that is in the new tree.
    fn path(&self, path: &BString, inode: Inode, out: &mut Outcome) {
        let now = self.new.member(inode);
        let fate = self.fate(path);
        if let Some(Content::Added(added)) = fate.map(|fate| &fate.content) {
            return added_file(path, added, now, out);
        }
        let Some((_, before)) = self.old.at(path) else {
            out.wrong("added", show(path), "nothing", describe(now));
            return;
        };
        if let Some(rule) = fate.and_then(|fate| fate.dropped) {
            let taken = format!("gone, by rule {}", self.expected.rule(rule));
            out.wrong("stays", show(path), taken, describe(now));
            return;
        }
        let kinds = (before.map_or(Kind::Dir, |m| m.kind), now.map_or(Kind::Dir, |m| m.kind));
        if kinds.0 != kinds.1 {
            out.wrong("type", show(path), describe(before), describe(now));
            return;
        }
        // For a directory that is only implied by its contents, engines invent the metadata.
        match (before, now) {
            (Some(before), Some(now)) => {
                metadata(path, before, now, fate, out);
                if before.kind == Kind::File {
                    self.file(path, before, now, fate, out);
                }
            }
            (Some(before), None) => {
                out.wrong("metadata", show(path), describe(Some(before)), describe(None));
            }
            (None, Some(now)) if (now.mode, now.uid, now.gid) != (0o755, 0, 0) => {
                out.wrong("metadata", show(path), describe(None), describe(Some(now)));
            }
            (None, _) => {}
        }
    }

    /// Compares the content of a file.
    fn file(&self, path: &BString, before: &Member, now: &Member, fate: Option<&Fate>, out: &mut Outcome) {
        let unchanged = (before.size, before.hash) == (now.size, now.hash);
        let both = |m: &Member| format!("{} bytes, {}", m.size, content(m));
        match fate.map_or(&Content::Same, |fate| &fate.content) {
            Content::Same if unchanged => out.checked.same += 1,
            Content::Same => out.wrong("content", show(path), both(before), both(now)),
            Content::Stripped(rule) if unchanged => {
                let expected = format!("stripped, by rule {}", self.expected.rule(*rule));
                out.wrong("content", show(path), expected, "as it was");
            }
            Content::Stripped(_) => {
                out.checked.rewritten += 1;
                stripped(path, before, now, out);
            }
            Content::Made(rule, Some(hash)) => {
                out.checked.rewritten += 1;
                if *hash != now.hash {
                    let expected = format!("{} by rule {}", &hex(hash)[..12], self.expected.rule(*rule));
                    out.wrong("content", show(path), format!("sha256 {expected}"), both(now));
                }
            }
            Content::Made(..) => out.checked.rewritten += 1,
            Content::Rows if unchanged => out.wrong("content", show(path), "rows less or changed", "as it was"),
            Content::Rows => out.checked.rewritten += 1,
            Content::Added(_) => {}
        }
    }

    /// Checks paths that are no longer there.
    fn gone(&self, out: &mut Outcome) {
        for (path, &inode) in self.old.names.iter().filter(|(path, _)| !self.new.has(path)) {
            let before = self.old.member(inode);
            let rule = self.fate(path).and_then(|fate| fate.dropped);
            // A directory that was only implied by its children goes with them.
            if self.planned && rule.is_none() && before.is_some() {
                out.wrong("gone", show(path), describe(before), "nothing, and no rule takes it");
                continue;
            }
            out.checked.removed += 1;
            let top = path.split(|&c| c == b'/').next().unwrap_or_default();
            *out.removed.by_top.entry(escape(top)).or_default() += 1;
            out.removed.paths.push((escape(path), rule.map(|rule| self.expected.rule(rule).to_owned())));
        }
    }

    /// Checks the names of each file: they are the same as before, except for those that are gone and those that a rule links.
    fn links(&self, out: &mut Outcome) {
        let mut is_now: HashMap<Inode, (Inode, &BString)> = HashMap::new();
        let mut was: HashMap<Inode, (Inode, &BString)> = HashMap::new();
        for (path, &now) in self.new.names.iter().filter(|(_, inode)| self.new.kind(**inode) != Kind::Dir) {
            let first = self.fate(path).and_then(|fate| fate.linked.as_ref()).unwrap_or(path);
            let Some((before, _)) = self.old.at(first) else { continue };
            let (other, by) = *is_now.entry(before).or_insert((now, path));
            if other != now {
                out.wrong("hard-link", show(path), format!("the same file as {}", show(by)), "a file of its own");
            }
            let (other, by) = *was.entry(now).or_insert((before, path));
            if other != before {
                out.wrong("hard-link", show(path), "a file of its own", format!("the same file as {}", show(by)));
            }
        }
    }
}

fn metadata(path: &BString, before: &Member, now: &Member, fate: Option<&Fate>, out: &mut Outcome) {
    let mut same = |what: &str, before: String, now: String| {
        if before != now {
            out.wrong("metadata", format!("{}: {what}", show(path)), before, now);
        }
    };
    if before.mode != now.mode {
        same("mode", format!("{:04o}", before.mode), format!("{:04o}", now.mode));
    }
    if (before.uid, before.gid) != (now.uid, now.gid) {
        same("owner", format!("{}:{}", before.uid, before.gid), format!("{}:{}", now.uid, now.gid));
    }
    if before.mtime != now.mtime {
        same("mtime", time(before.mtime), time(now.mtime));
    }
    if before.device != now.device {
        same("device", format!("{:?}", before.device), format!("{:?}", now.device));
    }
    let target = fate.and_then(|fate| fate.target.as_ref()).unwrap_or(&before.link);
    if before.kind == Kind::Symlink && *target != now.link {
        same("target", escape(target), escape(&now.link));
    }
    if before.records != now.records {
        let keys: BTreeSet<&Vec<u8>> = before.records.iter().chain(&now.records).map(|(key, _)| key).collect();
        for key in keys {
            let of = |m: &Member| record(m.records.iter().find(|(k, _)| k == key).map(|(_, value)| value));
            let name = key.strip_prefix(b"SCHILY.xattr.").unwrap_or(key);
            same(&format!("xattr {}", escape(name)), of(before), of(now));
        }
    }
}

/// Checks a file that a rule adds.
fn added_file(path: &BString, added: &Added, now: Option<&Member>, out: &mut Outcome) {
    let found = now.map(|m| (m.mode, (m.uid, m.gid), m.mtime, m.hash));
    out.checked.rewritten += 1;
    if found != Some((added.mode, added.ids, added.mtime, added.hash)) {
        let expected = format!("a new file, sha256 {}, {:04o}", &hex(&added.hash)[..12], added.mode);
        out.wrong("content", show(path), expected, describe(now));
    }
}

/// Checks a file without its symbols: the loaded parts must be as before.
fn stripped(path: &BString, before: &Member, now: &Member, out: &mut Outcome) {
    let elf = |m: &Member| m.extra.as_ref().and_then(|extra| extra.elf.clone());
    match (elf(before), elf(now)) {
        (Some(Ok(before)), Some(Ok(now))) => {
            out.checked.elf += 1;
            for (what, expected, found) in elf::differences(&before, &now) {
                out.wrong("elf", format!("{}: {what}", show(path)), expected, found);
            }
        }
        (before, now) => {
            let say = |side: Option<Result<elf::Elf, String>>| match side {
                Some(Ok(_)) => "an ELF file".to_owned(),
                Some(Err(e)) => format!("a broken ELF file: {e}"),
                None => "no ELF file".to_owned(),
            };
            out.wrong("elf", show(path), say(before), say(now));
        }
    }
    if now.size > before.size {
        out.wrong("elf", format!("{}: size", show(path)), format!("less than {}", before.size), now.size.to_string());
    }
}

/// Returns a time as it stands in headers.
fn time((secs, nanos): (i64, u32)) -> String {
    if nanos == 0 { secs.to_string() } else { format!("{secs}.{nanos:09}") }
}

/// Describes a member: type, permissions, owner, and content.
fn describe(member: Option<&Member>) -> String {
    let Some(m) = member else { return "a directory that no layer describes".into() };
    let what = match m.kind {
        Kind::File => format!(" of {} bytes, {}", m.size, content(m)),
        Kind::Symlink => format!(" to {}", crate::report::escape(&m.link)),
        Kind::HardLink => format!(" to {}", show(&m.link)),
        Kind::Char | Kind::Block => format!(" {}:{}", m.device.0, m.device.1),
        Kind::Dir | Kind::Fifo => String::new(),
    };
    format!("{}{what}, {:04o} {}:{}", m.kind.name(), m.mode, m.uid, m.gid)
}

/// Returns the beginning of a content's SHA-256.
fn content(member: &Member) -> String {
    format!("sha256 {}", &hex(&member.hash)[..12])
}

/// Describes an extended attribute or another record, or the lack of one.
fn record(value: Option<&Vec<u8>>) -> String {
    value.map_or_else(|| "none".into(), |value| format!("\"{}\"", value.escape_ascii()))
}
