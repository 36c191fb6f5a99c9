//! Rows of `RECORD` for files that go: without them `pip uninstall` and audits do not miss files that are gone. dpkg's and
//! apk's lists keep theirs: a package without its documentation is still the package.

use super::Request;
use super::edits::Edits;
use super::places::Places;
use crate::ledger::Ledger;
use crate::tree::{MemberId, Type};
use bstr::BString;

/// Returns the edits that take these rows out of the `RECORD`s that stay.
#[must_use]
pub fn edits(request: &Request<'_>, dropped: &[Option<u16>]) -> Edits {
    let tree = &request.merged.tree;
    let mut out = Edits::new();
    if dropped.iter().all(Option::is_none) {
        return out;
    }
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
    out
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
