//! Rows of `RECORD` for files that go: without them `pip uninstall` and audits do not miss files that are gone. dpkg's and
//! apk's lists keep theirs: a package without its documentation is still the package.

use super::Request;
use super::edits::Edits;
use crate::layer::{Facts, LayerIndex};
use crate::ownership::Places;
use crate::packages::Ledger;
use crate::profile::RuleId;
use crate::tree::{MemberId, Type};
use bstr::BString;
use std::collections::HashSet;

/// A package manager's list of checksums.
pub struct List<'a> {
    /// The member that has it.
    pub at: MemberId,
    /// Its path, to which its rows may be relative.
    pub path: BString,
    /// Its format.
    pub ledger: Ledger,
    /// Its text.
    pub text: &'a [u8],
}

/// Returns the edits that take these rows out of the `RECORD`s that stay.
#[must_use]
pub fn edits(request: &Request<'_>, dropped: &[Option<RuleId>]) -> Edits {
    let tree = &request.merged.tree;
    let mut out = Edits::new();
    if dropped.iter().all(Option::is_none) {
        return out;
    }
    base_edits(request, &mut out);
    let lists = kept(request, dropped);
    let mut places = Places::new(tree);
    for list in lists.iter().filter(|list| list.at.layer as usize >= request.base) {
        cut_rows(list, |path| places.get(path).is_some_and(|n| dropped[n.index()].is_some()), &mut out);
    }
    if !out.is_empty() {
        let sealed = sealed(request, &lists);
        out.retain(|at, _| !sealed.contains(at));
    }
    out
}

/// Cuts the rows of files that are gone out of a `RECORD`; other lists keep theirs.
fn cut_rows(list: &List<'_>, mut gone: impl FnMut(&[u8]) -> bool, out: &mut Edits) {
    if list.ledger.manager().forgets_files() {
        let rows = list.ledger.rows(&list.path, list.text).filter(|row| gone(&row.path));
        let cuts: Vec<_> = rows.map(|row| (row.line, Vec::new())).collect();
        if !cuts.is_empty() {
            out.insert(list.at, cuts);
        }
    }
}

/// Returns the paths of the `RECORD`s of which a list of another kind has a checksum.
fn records_in(list: &List<'_>) -> Vec<Vec<u8>> {
    const RECORD: &[u8] = b"RECORD";
    // Nearly all lists have none, and searching is much faster than reading rows.
    if list.ledger.manager().forgets_files() || memchr::memmem::find(list.text, RECORD).is_none() {
        return Vec::new();
    }
    list.ledger.rows(&list.path, list.text).map(|row| row.path).filter(|path| path.ends_with(RECORD)).collect()
}

/// Returns the `RECORD`s whose own checksum is in one of these lists, as of pip's files in a package of dpkg: they are not edited.
#[must_use]
pub fn sealed(request: &Request<'_>, lists: &[List<'_>]) -> HashSet<MemberId> {
    let tree = &request.merged.tree;
    let mut places = Places::new(tree);
    let paths = lists.iter().flat_map(records_in);
    paths.filter_map(|path| tree.inode_of(places.get(&path)?).holder()).collect()
}

/// Adds the edits for the files that go from the base for all images. They depend on the base's layers and the cut alone, so each image
/// has the same.
fn base_edits(request: &Request<'_>, out: &mut Edits) {
    let cut = request.cut;
    if cut.is_whole() {
        return;
    }
    let lists = base_lists(request);
    let sealed: HashSet<Vec<u8>> = lists.iter().flat_map(records_in).collect();
    let gone = cut.gone(request.layers);
    for list in &lists {
        // A layer from which nothing goes passes unchanged.
        let changes = cut.0.get(list.at.layer as usize).is_some_and(|layer| !layer.goes.is_empty());
        if changes && !cut.has(list.at) && !sealed.contains(list.path.as_slice()) {
            cut_rows(list, |path| gone.contains(path), out);
        }
    }
}

/// Returns all lists of the base, those that are shadowed or go too.
fn base_lists<'a>(request: &Request<'a>) -> Vec<List<'a>> {
    let layers = (0..).zip(&request.layers[..request.base]);
    layers.flat_map(|(layer, index)| index.facts.iter().filter_map(move |of| base_list(layer, index, of))).collect()
}

/// Returns a file of a layer, if it is a list.
fn base_list<'a>(layer: u32, index: &'a LayerIndex, (&member, facts): (&u32, &'a Facts)) -> Option<List<'a>> {
    let path = &index.members[member as usize].path;
    let (text, ledger) = (facts.database_text.as_deref()?, Ledger::of(path)?);
    Some(List { at: MemberId { layer, member }, path: BString::from(path.to_vec()), ledger, text })
}

/// Returns the lists of checksums that stay, those of the base too, in the tree's order. Each comes with a name that stays, to
/// which its rows are relative: a hard link of it may lie in a cache that goes.
#[must_use]
pub fn kept<'a>(request: &Request<'a>, dropped: &[Option<RuleId>]) -> Vec<List<'a>> {
    let tree = &request.merged.tree;
    let mut out = Vec::new();
    for (id, inode) in tree.inodes().filter(|(_, inode)| inode.kind == Type::File) {
        let name = tree.names(id).iter().find(|name| dropped[name.index()].is_none());
        let (Some(at), Some(&name)) = (inode.holder(), name) else { continue };
        let Some(text) = request.facts_at(at).and_then(|facts| facts.database_text.as_deref()) else { continue };
        let path = tree.path(name);
        if let Some(ledger) = Ledger::of(&path) {
            out.push(List { at, path, ledger, text });
        }
    }
    out
}
