//! Rows of `RECORD` for files that go: without them `pip uninstall` and audits look for nothing that is not there. dpkg's and
//! apk's lists keep theirs: a package without its documentation is still the package.

use super::Request;
use super::places::Places;
use super::rewrite::Edits;
use crate::ledger::Ledger;
use crate::tree::Type;

/// The rows to be taken out of the `RECORD`s that stay.
#[must_use]
pub fn edits(request: &Request<'_>, dropped: &[Option<u16>]) -> Edits {
    let tree = &request.merged.tree;
    let mut out = Edits::new();
    if dropped.iter().all(Option::is_none) {
        return out;
    }
    let mut places = Places::new(tree);
    for (id, inode) in tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
        let Some(at) = inode.holder().filter(|at| at.layer as usize >= request.base) else { continue };
        let layer = request.layers[at.layer as usize];
        let Some(text) = layer.facts.get(&at.member).and_then(|facts| facts.ledger.as_deref()) else { continue };
        // Rows are relative to a name that stays: a hard link of it may lie in a cache that goes.
        let Some(&name) = tree.names(id).iter().find(|name| dropped[name.index()].is_none()) else { continue };
        let path = tree.path(name);
        if Ledger::of(&path) != Some(Ledger::Record) {
            continue;
        }
        let gone =
            |path: &[u8], places: &mut Places<'_>| places.get(path).is_some_and(|n| dropped[n.index()].is_some());
        let rows = Ledger::Record.rows(&path, text).filter(|row| gone(&row.path, &mut places));
        let cuts: Vec<_> = rows.map(|row| (row.line, Vec::new())).collect();
        if !cuts.is_empty() {
            out.insert(at, cuts);
        }
    }
    out
}
