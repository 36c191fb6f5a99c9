//! The members that go from layers which several images share: the same for all of them, so that each such layer is written
//! once. A member goes if no image keeps it and nothing that it hides would come back.

use super::emission::Names;
use crate::layer::LayerIndex;
use crate::path;
use crate::profile::{Action, Profile, RuleId};
use crate::tar::{Kind, Member};
use crate::tree::merge::{Role, merge, role};
use crate::tree::{MemberId, NodeId, Tree};
use bstr::BString;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The members that go from one shared layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerCut {
    /// By member: true if it goes. Empty if none does.
    pub goes: Vec<bool>,
    /// Paths of directories that the layer only implied and in which nothing is left: they get an entry of their own.
    pub emptied: BTreeSet<BString>,
}

impl LayerCut {
    /// True if a member of the layer goes.
    #[must_use]
    pub fn has(&self, member: u32) -> bool {
        self.goes.get(member as usize).is_some_and(|goes| *goes)
    }

    /// True if the layer stays as it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.goes.is_empty() && self.emptied.is_empty()
    }
}

/// The cut of each layer of a base, bottom first; from layers that are not listed nothing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut(pub Vec<LayerCut>);

/// The cut that removes nothing.
pub static WHOLE: Cut = Cut(Vec::new());

/// The need that an image has of a member of a shared layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The image's plan keeps it.
    Kept,
    /// A rule drops it.
    Dropped,
    /// No container of the image sees it: a higher layer has something else there.
    Hidden,
}

/// Returns an image's need of each member of its lowest `count` layers; `dropped` are the verdicts of its plan.
#[must_use]
pub fn needs(
    layers: &[&LayerIndex],
    tree: &Tree,
    dropped: &[Option<RuleId>],
    profile: &Profile,
    count: usize,
) -> Vec<Vec<Need>> {
    let names = Names::new(layers, tree);
    // A package goes whole or not at all, together with all that its manager's database says of it.
    let alone = |rule: RuleId| !matches!(profile.rule(rule).action, Action::RemovePackage(_));
    let need = |at: MemberId, found: &Member| match (role(&found.path), names.get(at)) {
        (Role::Entry, None) => Need::Hidden,
        (Role::Entry, Some(node)) if dropped[node.index()].is_some_and(alone) => Need::Dropped,
        _ => Need::Kept,
    };
    let of_layer = |(layer, index): (u32, &&LayerIndex)| {
        (0..).zip(&index.members).map(|(member, found)| need(MemberId { layer, member }, found)).collect()
    };
    (0..).zip(&layers[..count]).map(of_layer).collect()
}

impl Cut {
    /// True if a member goes.
    #[must_use]
    pub fn has(&self, at: MemberId) -> bool {
        self.0.get(at.layer as usize).is_some_and(|layer| layer.has(at.member))
    }

    /// Takes back the members that cannot go: those that hide something that stays, directories with anything left in them, and
    /// the data of hard links that stay. The result for a layer depends on it and on the layers below alone.
    pub fn settle(&mut self, layers: &[&LayerIndex]) {
        let mut below: HashSet<&[u8]> = HashSet::new();
        for (cut, index) in self.0.iter_mut().zip(layers) {
            if !cut.goes.is_empty() {
                settle_layer(&mut cut.goes, &index.members, &below);
            }
            below.extend(members(cut, index, false).flat_map(|member| upwards(&member.path)));
        }
    }

    /// Adds the directories that only lower layers imply and that an image keeps although nothing is left in them.
    pub fn keep_emptied(&mut self, layers: &[&LayerIndex], tree: &Tree, dropped: &[Option<RuleId>]) {
        if self.is_whole() {
            return;
        }
        let stay = self.stay(layers);
        let kept = |id: &NodeId| dropped[id.index()].is_none();
        for id in tree.ids().skip(1).filter(|id| tree.is_dir(*id) && kept(id)) {
            if tree.inode_of(id).holder().is_none()
                && !tree.children(id).iter().any(kept)
                && !stay.contains(tree.path(id).as_slice())
                && let Some(layer) = self.0.get_mut(tree.node(id).since() as usize)
            {
                layer.emptied.insert(tree.path(id));
            }
        }
    }

    /// True if nothing goes.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(LayerCut::is_whole)
    }

    /// Returns the paths of the members that stay, those that are shadowed too, and of all directories above them: an overlay
    /// engine makes each of these directories, whatever becomes of what is in them.
    pub(super) fn stay<'l>(&self, layers: &[&'l LayerIndex]) -> HashSet<&'l [u8]> {
        let members = self.0.iter().zip(layers).flat_map(|(cut, index)| members(cut, index, false));
        members.flat_map(|member| upwards(&member.path)).collect()
    }

    /// Returns the paths of which no member of the base is left.
    pub(super) fn gone<'l>(&self, layers: &[&'l LayerIndex]) -> HashSet<&'l [u8]> {
        let stay = self.stay(layers);
        let members = self.0.iter().zip(layers).flat_map(|(cut, index)| members(cut, index, true));
        members.map(|member| &*member.path as &[u8]).filter(|path| !stay.contains(path)).collect()
    }

    /// True if anything is left at a node of the base's tree or below it. `stay` are the paths that [`stay`](Self::stay) returns.
    pub(super) fn leaves(&self, base: &Tree, node: NodeId, stay: &HashSet<&[u8]>) -> bool {
        self.is_whole()
            || stay.contains(base.path(node).as_slice())
            || base.subtree(node).any(|id| match base.node(id).at() {
                Some(at) => !self.has(at),
                None => self.0.iter().any(|layer| layer.emptied.contains(&base.path(id))),
            })
    }

    /// True if these layers, merged without the members that go, have everything else as it was. This is checked by merging
    /// them, independently of [`settle`](Self::settle).
    #[must_use]
    pub fn is_clean(&self, layers: &[&LayerIndex]) -> bool {
        let layers = &layers[..self.0.len()];
        let stays: Vec<Vec<u32>> = (0..)
            .zip(layers)
            .map(|(layer, index)| {
                (0..index.members.len() as u32).filter(|&member| !self.has(MemberId { layer, member })).collect()
            })
            .collect();
        let whole: Vec<&[Member]> = layers.iter().map(|l| l.members.as_slice()).collect();
        let pick = |(index, stays): (&&LayerIndex, &Vec<u32>)| -> Vec<Member> {
            stays.iter().map(|&member| index.members[member as usize].clone()).collect()
        };
        let left: Vec<Vec<Member>> = layers.iter().zip(&stays).map(pick).collect();
        let left: Vec<&[Member]> = left.iter().map(Vec::as_slice).collect();
        let (Ok(before), Ok(after)) = (merge(&whole, 0), merge(&left, 0)) else { return false };
        let mut before = given(&before.tree, &|at| at);
        before.retain(|_, (at, _)| !self.has(*at));
        before == given(&after.tree, &|at| MemberId { member: stays[at.layer as usize][at.member as usize], ..at })
    }
}

/// Returns the members of a layer that go, or those that stay.
fn members<'l>(cut: &LayerCut, index: &'l LayerIndex, goes: bool) -> impl Iterator<Item = &'l Member> {
    (0..).zip(&index.members).filter(move |(member, _)| cut.has(*member) == goes).map(|(_, member)| member)
}

/// Returns for each path the member that gives it its name, and the member that gives it its inode; `original` maps members to
/// those of the uncut layers.
fn given(tree: &Tree, original: &dyn Fn(MemberId) -> MemberId) -> HashMap<BString, (MemberId, Option<MemberId>)> {
    let one =
        |id: NodeId| Some((tree.path(id), (original(tree.node(id).at()?), tree.inode_of(id).holder().map(original))));
    tree.ids().filter_map(one).collect()
}

/// Returns a path and all directories above it.
fn upwards(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(path), |path| Some(path::split(path).0).filter(|dir| !dir.is_empty()))
}

/// Settles one layer. `below` are the paths that lower layers keep, with all directories above them.
fn settle_layer(goes: &mut Vec<bool>, members: &[Member], below: &HashSet<&[u8]>) {
    let mut data: HashSet<&[u8]> = HashSet::new();
    for (goes, member) in goes.iter_mut().zip(members).rev() {
        let path: &[u8] = &member.path;
        *goes &= !data.contains(path) && !below.contains(path);
        if let (false, Kind::HardLink(target)) = (*goes, &member.kind) {
            data.insert(target);
        }
    }
    let stay = goes.iter().zip(members).filter(|(goes, _)| !**goes);
    let above: HashSet<&[u8]> = stay.flat_map(|(_, member)| upwards(&member.path).skip(1)).collect();
    for (goes, member) in goes.iter_mut().zip(members) {
        *goes &= !above.contains(&*member.path as &[u8]);
    }
    if !goes.contains(&true) {
        goes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::merge::tests::layer;

    /// Settles layers, each given with the paths that may go; returns those that go.
    fn settled(layers: &[(&[&str], &[&str])]) -> Vec<Vec<String>> {
        let index = |(lines, _): &(&[&str], &[&str])| LayerIndex { members: layer(lines), ..LayerIndex::default() };
        let indexes: Vec<LayerIndex> = layers.iter().map(index).collect();
        let refs: Vec<&LayerIndex> = indexes.iter().collect();
        let goes = |(index, (_, goes)): (&LayerIndex, &(&[&str], &[&str]))| LayerCut {
            goes: index.members.iter().map(|m| goes.iter().any(|path| *path == *m.path)).collect(),
            ..LayerCut::default()
        };
        let mut cut = Cut(indexes.iter().zip(layers).map(goes).collect());
        cut.settle(&refs);
        assert!(cut.is_clean(&refs), "{cut:?}");
        let paths = |(cut, index): (&LayerCut, &LayerIndex)| {
            let gone = index.members.iter().zip(&cut.goes).filter(|(_, goes)| **goes);
            gone.map(|(member, _)| member.path.to_string()).collect()
        };
        cut.0.iter().zip(&indexes).map(paths).collect()
    }

    #[test]
    fn what_would_come_back_or_lose_something_stays() {
        let one = |lines: &[&str], goes: &[&str]| settled(&[(lines, goes)]).remove(0);
        assert_eq!(one(&["d/", "d/x", "e"], &["d", "d/x"]), ["d", "d/x"]);
        assert_eq!(one(&["d/", "d/x", "e"], &["d", "e"]), ["e"]);
        // The data of a link that stays, and of a link to that.
        assert_eq!(one(&["a", "b=>a", "c=>b"], &["a"]), [""; 0]);
        assert_eq!(one(&["a", "b=>a", "c=>b"], &["a", "b", "c"]), ["a", "b", "c"]);
        // A member that hides something that stays.
        assert_eq!(settled(&[(&["x", "y"], &["y"]), (&["x", "y"], &["x", "y"])]), [vec!["y"], vec!["y"]]);
        assert_eq!(settled(&[(&["d/", "d/x"], &[]), (&["d"], &["d"])]), [Vec::<&str>::new(), vec![]]);
    }

    #[test]
    fn a_cut_that_lets_something_come_back_is_not_clean() {
        let indexes = [&["x"][..], &["x"]].map(|lines| LayerIndex { members: layer(lines), ..LayerIndex::default() });
        let refs: Vec<&LayerIndex> = indexes.iter().collect();
        let of = |goes: [bool; 2]| Cut(goes.map(|goes| LayerCut { goes: vec![goes], ..LayerCut::default() }).into());
        assert!(of([true, true]).is_clean(&refs) && of([true, false]).is_clean(&refs));
        assert!(!of([false, true]).is_clean(&refs));
    }
}
