//! Members that are in a layer and that no container sees: deleted or replaced by a later layer, or by a later member of their
//! own.

use super::entry::{Hider, How, Planned};
use crate::layer::LayerIndex;
use crate::path;
use crate::plan::TakenBy;
use crate::plan::emission::Names;
use crate::tar;
use crate::tree::MemberId;
use crate::tree::merge::{Role, Whiteout, role};
use std::collections::{HashMap, HashSet};

/// A member that no container sees.
pub(super) struct Hidden {
    pub(super) at: MemberId,
    /// Bytes of the tar that go with it: 0 if it stays in its layer.
    pub(super) bytes: u64,
    /// What takes it; `None` if it stays in its layer.
    pub(super) rule: Option<TakenBy>,
    pub(super) hider: Option<Hider>,
}

/// Finds all members that no container sees, by layer and path.
pub(super) fn find(image: &Planned<'_>) -> Vec<Hidden> {
    let names = Names::new(image.layers, image.tree);
    let mut removed = image.plan.removed.iter().peekable();
    let mut out = Vec::new();
    for (layer, index) in (0u32..).zip(image.layers) {
        for (number, member) in (0u32..).zip(&index.members) {
            let at = MemberId { layer, member: number };
            let name = names.get(at);
            if let Some(gone) = removed.next_if(|r| (r.layer, r.member) == (layer, number)) {
                if name.is_none_or(|n| image.plan.dropped[n.index()].is_none()) {
                    out.push(Hidden { at, bytes: gone.bytes, rule: Some(gone.by), hider: None });
                }
            } else if name.is_none() && role(&member.path) == Role::Entry && !describes_dir(image, member) {
                out.push(Hidden { at, bytes: 0, rule: None, hider: None });
            }
        }
    }
    drop(names);
    let path = |h: &Hidden| -> &[u8] { &image.layers[h.at.layer as usize].members[h.at.member as usize].path };
    out.sort_by(|a, b| {
        let parts = path::components(path(a)).cmp(path::components(path(b)));
        a.at.layer.cmp(&b.at.layer).then(parts).then(a.at.cmp(&b.at))
    });
    let hiders = Hiders::new(image.layers, image.whiteouts, out.iter().map(|h| h.at));
    out.iter_mut().for_each(|h| h.hider = hiders.of(h.at, path(h)));
    out
}

/// True if a member is one more description of a directory that containers see.
fn describes_dir(image: &Planned<'_>, member: &tar::Member) -> bool {
    member.kind == tar::Kind::Dir && image.tree.lookup(&member.path).is_some_and(|n| image.tree.is_dir(n))
}

/// Something that may hide members at or below a path.
#[derive(Clone, Copy)]
enum Cover {
    /// A member; true if it is a directory.
    Member(bool),
    Whiteout(How),
}

/// Everything that may hide any of the hidden members, by path.
pub struct Hiders<'a>(HashMap<&'a [u8], Vec<(MemberId, Cover)>>);

impl<'a> Hiders<'a> {
    /// Looks for everything that may hide any of these members: later members, and the whiteouts of later layers.
    pub fn new(
        layers: &[&'a LayerIndex],
        whiteouts: &'a [Vec<Whiteout>],
        hidden: impl Iterator<Item = MemberId>,
    ) -> Self {
        let mut wanted: HashSet<&[u8]> = HashSet::new();
        for at in hidden {
            let path: &'a [u8] = &layers[at.layer as usize].members[at.member as usize].path;
            // If a directory is known, so is everything above it.
            for above in std::iter::once(path).chain(above(path)) {
                if !wanted.insert(above) {
                    break;
                }
            }
        }
        let mut out: HashMap<&[u8], Vec<(MemberId, Cover)>> = HashMap::new();
        for (layer, (index, whiteouts)) in (0u32..).zip(layers.iter().zip(whiteouts)) {
            for (number, member) in (0u32..).zip(&index.members) {
                if wanted.contains(&**member.path) && role(&member.path) == Role::Entry {
                    let at = MemberId { layer, member: number };
                    out.entry(&member.path).or_default().push((at, Cover::Member(member.kind == tar::Kind::Dir)));
                }
            }
            for mark in whiteouts.iter().filter(|m| wanted.contains(&**m.path)) {
                let how = if mark.opaque { How::Opaque } else { How::Deleted };
                let at = MemberId { layer, member: mark.member };
                out.entry(&mark.path).or_default().push((at, Cover::Whiteout(how)));
            }
        }
        Self(out)
    }

    /// Returns the first layer that hides a member.
    #[must_use]
    pub fn of(&self, at: MemberId, path: &[u8]) -> Option<Hider> {
        let paths = std::iter::once((path, true)).chain(above(path).map(|p| (p, false)));
        let found = paths.flat_map(|(path, same)| {
            let covers = self.0.get(path).into_iter().flatten();
            covers.filter_map(move |&(by, cover)| {
                let how = match cover {
                    Cover::Member(is_dir) => (by > at && (same || !is_dir)).then_some(How::Replaced)?,
                    Cover::Whiteout(How::Opaque) if same => return None,
                    Cover::Whiteout(how) => (by.layer > at.layer).then_some(how)?,
                };
                Some(Hider { layer: by.layer, how })
            })
        });
        found.min()
    }
}

/// Returns the directories above a path, nearest first, the root last.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |p| (!p.is_empty()).then(|| path::split(p).0)).skip(1)
}
