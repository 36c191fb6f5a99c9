//! Layers without the rule `shadowed`: members that later layers hide stay where they are, and only members that rules drop by
//! their path go.

use super::compose::Composer;
use super::layers::Layers;
use super::{LayerPlan, verdict};
use crate::path;
use crate::tar::{Kind, Member};
use crate::tree::merge::{Role, role};
use crate::tree::{MemberId, NodeId};
use std::collections::HashSet;

impl Layers<'_> {
    /// Writes every layer without the members whose path is dropped.
    pub(super) fn write_with_hidden(&mut self) {
        let goes: Vec<Vec<bool>> = (0..self.request.layers.len() as u32).map(|l| self.goes_by_path(l)).collect();
        let back = self.comes_back(&goes);
        let emptied = self.emptied_dirs();
        for layer in self.above_base() {
            let members = &self.request.layers[layer as usize].members;
            let goes = &goes[layer as usize];
            let mut composer = Composer::new(self.request, self.rewrites, Some(layer), HashSet::new());
            let mut end = 0;
            for (index, member) in members.iter().enumerate() {
                let at = MemberId { layer, member: index as u32 };
                let span = member.span();
                composer.gap(layer, end..span.start);
                end = span.end;
                if !goes[index] {
                    self.gone[layer as usize][index] = false;
                    let link = self.names.get(at).and_then(|node| Some((node, self.links.first_of(node)?)));
                    match link {
                        Some((node, first)) => composer.bare_link(node, first),
                        None => composer.raw(at, None),
                    }
                } else if let Some(node) = self.names.get(at).filter(|n| back.contains(n)) {
                    let path = self.tree.path(node);
                    // The layer may already hide the path.
                    if !self.request.merged.whiteouts[layer as usize].iter().any(|m| !m.opaque && m.path == path) {
                        composer.whiteout(&path);
                    }
                }
            }
            if goes.contains(&true) || self.rewrites.touch(layer) || self.links.touch(layer) {
                emptied.get(&layer).into_iter().flatten().for_each(|&dir| composer.inode(dir));
                self.rewrites.added.iter().filter(|a| a.layer == layer).for_each(|added| composer.added(added));
                self.outputs.extend(composer.finish(layer, false));
            } else {
                self.outputs.push(LayerPlan::Verbatim(layer));
            }
        }
    }

    /// Returns true for each member of a layer that goes by its path. Hidden members go with their path too, except for
    /// directories, which cost nothing, and hard links, whose data another name may need.
    fn goes_by_path(&self, layer: u32) -> Vec<bool> {
        let members = &self.request.layers[layer as usize].members;
        if (layer as usize) < self.request.base {
            return (0..members.len() as u32).map(|member| self.request.cut.has(MemberId { layer, member })).collect();
        }
        let links = &self.request.merged.links[layer as usize];
        let linked: HashSet<u32> = links.values().copied().collect();
        let goes = |(index, member): (u32, &Member)| {
            if let Some(node) = self.names.get(MemberId { layer, member: index }) {
                return self.dropped[node.index()].is_some();
            }
            let data = !matches!(member.kind, Kind::Dir | Kind::HardLink(_)) && !linked.contains(&index);
            data && role(&member.path) == Role::Entry
                && match self.tree.lookup(&member.path) {
                    Some(node) => self.dropped[node.index()].is_some(),
                    None => verdict::propose_path(&member.path, self.request.matcher).is_some(),
                }
        };
        let goes: Vec<bool> = (0u32..).zip(members).map(goes).collect();
        // A hidden link cannot stay without its data.
        let loses = |index: u32| links.get(&index).is_some_and(|data| goes[*data as usize]);
        (0u32..).zip(&goes).map(|(index, goes)| *goes || loses(index)).collect()
    }

    /// Returns the dropped names at or below which a lower layer still has something: it would come back.
    fn comes_back(&self, goes: &[Vec<bool>]) -> HashSet<NodeId> {
        let mut out = HashSet::new();
        for (layer, index) in (0u32..).zip(self.request.layers) {
            let stay = index.members.iter().zip(&goes[layer as usize]).filter(|(_, goes)| !**goes);
            for (member, _) in stay {
                // The name itself, or a file that replaced a directory above it.
                let mut node = NodeId::ROOT;
                for part in path::components(&member.path) {
                    let Some(next) = self.tree.child(node, part) else { break };
                    node = next;
                    let above = self.tree.node(node).at().is_some_and(|top| top.layer > layer);
                    if above && self.dropped[node.index()].is_some() {
                        out.insert(node);
                        break;
                    }
                }
            }
        }
        out
    }
}
