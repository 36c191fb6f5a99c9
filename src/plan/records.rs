//! Rows of `RECORD` for files that go: without them `pip uninstall` and audits do not miss files that are gone. dpkg's and
//! apk's lists keep theirs: a package without its documentation is still the package.

use super::Request;
use super::edits::Edits;
use super::places::Places;
use crate::ledger::Ledger;
use crate::tree::{MemberId, Type};
use bstr::BString;
use std::collections::HashSet;

/// Returns the edits that take these rows out of the `RECORD`s that stay.
#[must_use]
pub fn edits(request: &Request<'_>, dropped: &[Option<u16>]) -> Edits {
    let tree = &request.merged.tree;
    let mut out = Edits::new();
    if dropped.iter().all(Option::is_none) {
        return out;
    }
    base_edits(request, &mut out);
    let mut places = Places::new(tree);
    for (at, path, ledger, text) in kept(request, dropped) {
        if ledger != Ledger::Record || (at.layer as usize) < request.base {
            continue;
        }
        let gone =
            |path: &[u8], places: &mut Places<'_>| places.get(path).is_some_and(|n| dropped[n.index()].is_some());
        let rows = ledger.rows(&path, text).filter(|row| gone(&row.path, &mut places));
        let cuts: Vec<_> = rows.map(|row| (row.line, Vec::new())).collect();
        if !cuts.is_empty() {
            out.insert(at, cuts);
        }
    }
    if !out.is_empty() {
        let sealed = sealed(request, dropped);
        out.retain(|at, _| !sealed.contains(at));
    }
    out
}

/// The name of the lists whose rows go.
const RECORD: &[u8] = b"RECORD";

/// Returns the `RECORD`s whose own checksum is in another list that stays, as of pip's files in a package of dpkg: they are not
/// edited.
#[must_use]
pub fn sealed(request: &Request<'_>, dropped: &[Option<u16>]) -> HashSet<MemberId> {
    let tree = &request.merged.tree;
    let mut places = Places::new(tree);
    let mut out = HashSet::new();
    for (_, path, ledger, text) in kept(request, dropped) {
        if ledger == Ledger::Record || memchr::memmem::find(text, RECORD).is_none() {
            continue;
        }
        let rows = ledger.rows(&path, text).filter(|row| row.path.ends_with(RECORD));
        out.extend(rows.filter_map(|row| tree.inode_of(places.get(&row.path)?).holder()));
    }
    out
}

/// Adds the edits for the files that go from the base for all images. They depend on the base's layers and the cut alone, so each image
/// has the same.
fn base_edits(request: &Request<'_>, out: &mut Edits) {
    if request.cut.is_whole() {
        return;
    }
    let gone = request.cut.gone(request.layers);
    let mut listed: HashSet<Vec<u8>> = HashSet::new();
    for index in &request.layers[..request.base] {
        for (&member, facts) in &index.facts {
            let path = &index.members[member as usize].path;
            if let (Some(text), Some(ledger)) = (facts.database_text.as_deref(), Ledger::of(path))
                && ledger != Ledger::Record
                && memchr::memmem::find(text, RECORD).is_some()
            {
                let rows = ledger.rows(path, text).filter(|row| row.path.ends_with(RECORD));
                listed.extend(rows.map(|row| row.path));
            }
        }
    }
    for (layer, (index, cut)) in (0..).zip(request.layers.iter().zip(&request.cut.0)) {
        if cut.goes.is_empty() {
            continue;
        }
        for (&member, facts) in &index.facts {
            let at = MemberId { layer, member };
            let path = &index.members[member as usize].path;
            let Some(text) = facts.database_text.as_deref().filter(|_| !request.cut.has(at)) else { continue };
            if Ledger::of(path) != Some(Ledger::Record) || listed.contains(&***path) {
                continue;
            }
            let rows = Ledger::Record.rows(path, text).filter(|row| gone.contains(row.path.as_slice()));
            let cuts: Vec<_> = rows.map(|row| (row.line, Vec::new())).collect();
            if !cuts.is_empty() {
                out.insert(at, cuts);
            }
        }
    }
}

/// Returns the lists of checksums that stay, those of the base too, in the tree's order. Each comes with a name that stays, to
/// which its rows are relative: a hard link of it may lie in a cache that goes.
#[must_use]
pub fn kept<'a>(request: &Request<'a>, dropped: &[Option<u16>]) -> Vec<(MemberId, BString, Ledger, &'a [u8])> {
    let tree = &request.merged.tree;
    let mut out = Vec::new();
    for (id, inode) in tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
        let name = tree.names(id).iter().find(|name| dropped[name.index()].is_none());
        let (Some(at), Some(&name)) = (inode.holder(), name) else { continue };
        let Some(text) = request.facts_at(at).and_then(|facts| facts.database_text.as_deref()) else { continue };
        let path = tree.path(name);
        if let Some(ledger) = Ledger::of(&path) {
            out.push((at, path, ledger, text));
        }
    }
    out
}
