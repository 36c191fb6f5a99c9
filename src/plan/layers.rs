//! Decides which member goes into which output layer, and in what form.
//!
//! The final tree decides: every name that stays is written once, in the layer that gave it, as the original member if that is
//! still right. Hard links are the exception: a group is written in one layer, the highest that has a name of it, with the data
//! first, as no engine lets a link reach into a lower layer.
//!
//! Without the rule `shadowed` the final tree does not decide: members that later layers hide stay where they are, and only
//! members that rules drop by their path go. The layers of the base are unchanged, except for the members that go for all images
//! that share them.

use super::compose::{Composer, same_attributes, same_inode};
use super::emission::{Names, Out, Outs};
use super::links::Links;
use super::rewrite::Rewrites;
use super::{LayerPlan, Request, verdict};
use crate::path;
use crate::profile::RuleId;
use crate::tar::{Kind, Member};
use crate::tree::merge::{Role, Whiteout, is_whiteout_of, role};
use crate::tree::{InodeId, MemberId, NodeId, Tree, Type};
use bstr::BString;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The output layers, and the members that are in none of them.
pub struct Composed {
    /// The output layers, bottom first.
    pub outputs: Vec<LayerPlan>,
    /// For each layer and member: true if neither it nor its data is in the output.
    pub gone: Vec<Vec<bool>>,
}

/// The changes of files.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    /// By node: the rule that drops it.
    pub dropped: &'a [Option<RuleId>],
    /// The files that get a new content.
    pub rewrites: &'a Rewrites,
    /// The files that become hard links.
    pub links: &'a Links,
}

/// Composes the output layers. With `shadowed`, or in a squash, only what the final tree has is written; otherwise members that
/// later layers hide stay too.
#[must_use]
pub fn compose(request: &Request<'_>, changes: Changes<'_>, names: &Names, shadowed: bool) -> Composed {
    let mut plan = Layers::new(request, changes, names);
    plan.base();
    if shadowed || request.squash {
        plan.script_tree();
        let hidden = plan.whiteouts();
        if request.squash { plan.write_squash(&hidden) } else { plan.write_layers(hidden) }
    } else {
        plan.write_with_hidden();
    }
    Composed { outputs: plan.outputs, gone: plan.gone }
}

struct Layers<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    dropped: &'a [Option<RuleId>],
    rewrites: &'a Rewrites,
    links: &'a Links,
    names: &'a Names,
    /// For each layer and member: everything that is written in its place.
    script: Vec<Vec<Outs>>,
    outputs: Vec<LayerPlan>,
    gone: Vec<Vec<bool>>,
}

impl<'a> Layers<'a> {
    fn new(request: &'a Request<'a>, changes: Changes<'a>, names: &'a Names) -> Self {
        // Every member counts as gone until something of it is written.
        let gone = request.layers.iter().map(|l| vec![true; l.members.len()]).collect();
        let tree = &request.merged.tree;
        let Changes { dropped, rewrites, links } = changes;
        Self { request, tree, dropped, rewrites, links, names, script: Vec::new(), outputs: Vec::new(), gone }
    }

    fn member(&self, at: MemberId) -> &'a Member {
        self.request.member(at)
    }

    /// Writes the layers of the base.
    fn base(&mut self) {
        (0..self.request.base as u32).for_each(|layer| self.base_layer(layer));
    }

    fn above_base(&self) -> std::ops::Range<u32> {
        self.request.base as u32..self.request.layers.len() as u32
    }

    /// Decides for every name that stays what is written where.
    fn script_tree(&mut self) {
        self.script = self.request.layers.iter().map(|l| l.members.iter().map(|_| Outs::None).collect()).collect();
        for (id, inode) in self.tree.inodes() {
            if inode.kind == Type::Dir {
                // A directory that only layers of the base describe is written when a child needs it.
                if let Some(at) = inode.holder().filter(|at| at.layer >= self.request.base as u32)
                    && self.dropped[inode.name.index()].is_none()
                {
                    let out = self.own_member(at, inode.name);
                    self.outs_mut(at).push(out);
                }
            } else {
                self.script_group(id);
            }
        }
    }

    fn outs(&self, at: MemberId) -> &[Out] {
        self.script[at.layer as usize][at.member as usize].as_slice()
    }

    fn outs_mut(&mut self, at: MemberId) -> &mut Outs {
        &mut self.script[at.layer as usize][at.member as usize]
    }

    /// Returns the form in which the holder of an inode is written under the name that it gives.
    fn own_member(&self, at: MemberId, node: NodeId) -> Out {
        match self.copyable(at, node) {
            true if self.member(at).global => Out::Explicit(node),
            true => Out::Raw,
            false => Out::Inode(node),
        }
    }

    /// True if a member's header and data can stand for this name in the output.
    fn copyable(&self, at: MemberId, node: NodeId) -> bool {
        let member = self.member(at);
        // Engines refuse these two in new layers; a layer that had them keeps them.
        let refused = self.request.squash && matches!(member.flag, b'S' | b'7');
        !refused && self.tree.is_at(node, &member.path)
    }

    /// Decides what is written of a file: its data once, and its names, all in one layer. That is the highest layer which has a name
    /// of it: lower layers of an overlay are read-only, so no engine lets a link reach into one, and where a name is wanted
    /// again, the data is too.
    fn script_group(&mut self, id: InodeId) {
        // All names of the group that stay, in the order of their members. The last one tells the highest layer.
        let Some(holder) = self.tree.inode(id).holder() else { return };
        let names = self.tree.names(id).iter();
        let mut names: Vec<(MemberId, NodeId)> = names.filter_map(|&n| Some((self.tree.node(n).at()?, n))).collect();
        names.retain(|&(_, n)| self.dropped[n.index()].is_none());
        names.sort_unstable();
        let Some(&(highest, _)) = names.last() else { return };
        // The whole group lies in the base, which is copied.
        if highest.layer < self.request.base as u32 {
            return;
        }
        // A rule makes this file a hard link of an equal one. It has only this name: others are no candidates.
        if let Some(first) = self.links.first_of(names[0].1) {
            self.gone[holder.layer as usize][holder.member as usize] = false;
            self.outs_mut(holder).push(Out::Link(names[0].1, first));
            return;
        }
        // In a squash all layers above the base are one layer.
        let home = |at: MemberId| {
            if self.request.squash { at.layer >= self.request.base as u32 } else { at.layer == highest.layer }
        };
        let at_home = names.iter().find(|(at, _)| home(*at)).copied();
        let Some((first_at, first)) = at_home else { return };
        // The data stays where it is if the holder is in this layer. Otherwise it moves up to the first member here that is a
        // link to it.
        let (place, first) = if home(holder) {
            let own = names.iter().find(|(at, _)| *at == holder).map(|&(_, n)| n);
            (holder, own.unwrap_or(first))
        } else {
            (first_at, first)
        };
        // The data is written under some name, and so is every name that stays, wherever its own member was.
        self.gone[holder.layer as usize][holder.member as usize] = false;
        names.iter().for_each(|(at, _)| self.gone[at.layer as usize][at.member as usize] = false);
        let own = self.tree.node(first).at() == Some(holder) && place == holder;
        let out = if own { self.own_member(holder, first) } else { Out::Inode(first) };
        let raw = out.is_member();
        let mut outs = vec![out];
        for &(at, node) in names.iter().filter(|&&(_, n)| n != first) {
            // A name of a lower layer, or one that comes before the data, has no place of its own: it is written right behind
            // the data.
            if !home(at) || at < place {
                outs.push(Out::Link(node, first));
            } else {
                let out = match self.link_copyable(at, node, first) {
                    true if self.link_agrees(at, holder, raw) && !self.member(at).global => Out::Raw,
                    true => Out::Relink(node, first),
                    false => Out::Link(node, first),
                };
                self.outs_mut(at).push(out);
            }
        }
        // The data comes first, as links must follow it.
        let slot = self.outs_mut(place);
        outs.extend(std::mem::take(slot).as_slice());
        outs.into_iter().for_each(|out| slot.push(out));
    }

    /// True if a link's own member can stay: it names the file under which the data is written.
    fn link_copyable(&self, at: MemberId, node: NodeId, first: NodeId) -> bool {
        let target = &self.member(at).kind;
        matches!(target, Kind::HardLink(target) if **target == self.tree.path(first)) && self.copyable(at, node)
    }

    /// True if a link's own header agrees with the holder about its inode. In a squash, and in a group with a new holder, all
    /// metadata must be the same; beside a holder that stays as it is, xattrs may be missing, as GNU tar writes none with a
    /// link.
    fn link_agrees(&self, at: MemberId, holder: MemberId, raw: bool) -> bool {
        let (link, holder) = (self.member(at), self.member(holder));
        same_inode(link, holder) || (raw && !self.request.squash && same_attributes(link, holder))
    }

    /// Returns the topmost paths that the base has and the result does not: without a whiteout they would come back.
    fn whiteouts(&self) -> Vec<BString> {
        let Some(base) = &self.request.merged.base else {
            return Vec::new();
        };
        let (cut, mut out) = (self.request.cut, Vec::new());
        let stay = if cut.is_whole() { HashSet::new() } else { cut.stay(self.request.layers) };
        let mut todo = vec![(NodeId::ROOT, NodeId::ROOT)];
        while let Some((lower, upper)) = todo.pop() {
            for &child in base.children(lower) {
                let same = self.tree.child(upper, base.name(child)).filter(|n| self.dropped[n.index()].is_none());
                match same {
                    None if cut.leaves(base, child, &stay) => out.push(base.path(child)),
                    None => {}
                    // A directory in both trees merges; anything else that is in both replaces the lower path, so it needs no
                    // whiteout.
                    Some(same) if base.is_dir(child) && self.tree.is_dir(same) => todo.push((child, same)),
                    Some(_) => {}
                }
            }
        }
        out.sort();
        out
    }

    /// Returns the directories that only their children implied and that have no child left, by the layer of the first child:
    /// they need an entry now.
    fn emptied_dirs(&self) -> HashMap<u32, Vec<NodeId>> {
        let mut out: HashMap<u32, Vec<NodeId>> = HashMap::new();
        let kept = |id: &NodeId| self.dropped[id.index()].is_none();
        for id in self.tree.ids().skip(1).filter(|id| self.tree.is_dir(*id) && kept(id)) {
            let implied = self.tree.inode_of(id).holder().is_none();
            if implied
                && !self.tree.children(id).iter().any(kept)
                && self.tree.node(id).since() >= self.request.base as u32
            {
                out.entry(self.tree.node(id).since()).or_default().push(id);
            }
        }
        out
    }

    /// Returns the directory entries of a layer that are written: those that hold the tree's metadata, and those above anything
    /// written here. If there are several for one directory, the last.
    fn explicit_dirs(&self, layer: u32, whiteouts: &HashSet<u32>) -> HashMap<NodeId, u32> {
        let mut needed = HashSet::new();
        // A directory that is known has those above it known, too.
        let mut need = |node: NodeId| _ = self.tree.ancestors(node).take_while(|dir| needed.insert(*dir)).count();
        let mut above_whiteouts = Vec::new();
        let members = &self.request.layers[layer as usize].members;
        for index in 0..members.len() as u32 {
            let at = MemberId { layer, member: index };
            for out in self.outs(at) {
                match out {
                    Out::Raw => self.names.get(at).into_iter().for_each(&mut need),
                    Out::Inode(node) | Out::Explicit(node) | Out::Link(node, _) | Out::Relink(node, _) => need(*node),
                }
            }
            if whiteouts.contains(&index) {
                // A whiteout is in no tree, so its directory counts as if it held a written file.
                let dir = self.tree.lookup(path::split(&members[index as usize].path).0);
                above_whiteouts.extend(dir);
            }
        }
        above_whiteouts.iter().for_each(|&dir| need(dir));
        needed.extend(above_whiteouts);
        let mut dirs = HashMap::new();
        for (index, member) in members.iter().enumerate().rev() {
            let index = index as u32;
            if member.kind != Kind::Dir || role(&member.path) != Role::Entry {
                continue;
            }
            let own = self.names.get(MemberId { layer, member: index });
            let node = own.or_else(|| self.tree.lookup(&member.path).filter(|&n| self.tree.is_dir(n)));
            if let Some(node) = node.filter(|n| self.dropped[n.index()].is_none()) {
                // A directory entry counts if it holds the metadata. If a higher layer holds it, this one is still needed above
                // something written here. One that a later entry of this layer replaced means nothing.
                let holder = self.tree.inode_of(node).holder();
                let holds = holder == Some(MemberId { layer, member: index });
                let told_above = holder.is_some_and(|h| h.layer > layer);
                if holds || (own.is_none() && told_above && needed.contains(&node)) {
                    dirs.entry(node).or_insert(index);
                }
            }
        }
        dirs
    }

    /// Writes every layer above the base in its own place.
    fn write_layers(&mut self, hidden: Vec<BString>) {
        let mut hidden: BTreeSet<BString> = hidden.into_iter().collect();
        let emptied = self.emptied_dirs();
        for layer in self.above_base() {
            let last = layer + 1 == self.request.layers.len() as u32;
            let whiteouts = self.whiteouts_that_stay(layer, &mut hidden);
            let dirs = self.explicit_dirs(layer, &whiteouts);
            let members = &self.request.layers[layer as usize].members;
            let mut composer = Composer::new(self.request, self.rewrites, Some(layer), dirs.keys().copied().collect());
            // If each member is copied in its place, the input layer's blob is used unchanged.
            let mut untouched = true;
            for (index, member) in (0u32..).zip(members) {
                let at = MemberId { layer, member: index };
                let outs = self.outs(at);
                if !outs.is_empty() {
                    untouched &= matches!(outs, [out] if out.is_member());
                    write_outs(&mut composer, at, self.names.get(at), outs);
                    self.gone[layer as usize][index as usize] = false;
                } else if whiteouts.contains(&index) {
                    self.gone[layer as usize][index as usize] = false;
                    composer.raw_whiteout(at);
                } else if let Some(node) = self.parent_dir(member, index, &dirs) {
                    self.gone[layer as usize][index as usize] = false;
                    if member.global { composer.explicit(node) } else { composer.raw(at, Some(node)) }
                } else {
                    untouched = false;
                }
            }
            emptied.get(&layer).into_iter().flatten().for_each(|&dir| composer.inode(dir));
            self.rewrites.added.iter().filter(|a| a.layer == layer).for_each(|added| composer.added(added));
            // Base paths that no whiteout of any layer hides any more get theirs in the last layer.
            if last {
                untouched &= hidden.is_empty();
                hidden.iter().for_each(|path| composer.whiteout(path));
            }
            self.outputs.extend(composer.finish(layer, untouched));
        }
    }

    /// Returns the whiteouts of a layer that still hide something of the base, one for each path; the others are not written
    /// again.
    fn whiteouts_that_stay(&self, layer: u32, hidden: &mut BTreeSet<BString>) -> HashSet<u32> {
        let spelled = |m: &&Whiteout| is_whiteout_of(&self.member(MemberId { layer, member: m.member }).path, &m.path);
        let whiteouts = self.request.merged.whiteouts[layer as usize].iter().filter(|m| !m.opaque).filter(spelled);
        whiteouts.filter(|m| hidden.remove(&m.path)).map(|m| m.member).collect()
    }

    /// Returns the node of a directory member that is written only because something below it is.
    fn parent_dir(&self, member: &Member, index: u32, dirs: &HashMap<NodeId, u32>) -> Option<NodeId> {
        let node = (member.kind == Kind::Dir).then(|| self.tree.lookup(&member.path)).flatten()?;
        (dirs.get(&node) == Some(&index)).then_some(node)
    }

    /// Writes all layers above the base as one.
    fn write_squash(&mut self, hidden: &[BString]) {
        let Some(last) = self.above_base().last() else { return };
        let mut composer = Composer::new(self.request, self.rewrites, None, HashSet::new());
        let mut untouched = hidden.is_empty();
        let mut used = HashSet::new();
        for layer in self.above_base() {
            let members = &self.request.layers[layer as usize].members;
            let mut end = 0;
            for (index, member) in (0u32..).zip(members) {
                let at = MemberId { layer, member: index };
                let span = member.span();
                // A gap between members is a global PAX header, which is not copied, so the blob cannot be used unchanged.
                untouched &= end == span.start;
                end = span.end;
                let outs = self.outs(at);
                if outs.is_empty() {
                    untouched = false;
                    continue;
                }
                used.insert(layer);
                untouched &= matches!(outs, [out] if out.is_member());
                write_outs(&mut composer, at, self.names.get(at), outs);
                self.gone[layer as usize][index as usize] = false;
            }
        }
        self.emptied_dirs()
            .into_values()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .for_each(|dir| composer.inode(dir));
        self.rewrites.added.iter().for_each(|added| composer.added(added));
        hidden.iter().for_each(|path| composer.whiteout(path));
        // The blob of a single layer above the base can be used unchanged.
        let single = used.len() == 1 && self.above_base().all(|l| used.contains(&l));
        self.outputs.extend(composer.finish(last, untouched && single));
    }

    /// Writes every layer without the members whose path is dropped.
    fn write_with_hidden(&mut self) {
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
        let goes = |(index, member): (u32, &Member)| match self.names.get(MemberId { layer, member: index }) {
            Some(node) => self.dropped[node.index()].is_some(),
            None => !linked.contains(&index) && self.hidden_goes(member),
        };
        let goes: Vec<bool> = (0u32..).zip(members).map(goes).collect();
        // A hidden link cannot stay without its data.
        let loses = |index: u32| links.get(&index).is_some_and(|data| goes[*data as usize]);
        (0u32..).zip(&goes).map(|(index, goes)| *goes || loses(index)).collect()
    }

    /// True if a member that a later layer hides goes by its path, and is neither a directory nor a link. The path may have
    /// something else by now, and then goes or stays with that.
    fn hidden_goes(&self, member: &Member) -> bool {
        let data = !matches!(member.kind, Kind::Dir | Kind::HardLink(_)) && role(&member.path) == Role::Entry;
        data && match self.tree.lookup(&member.path) {
            Some(node) => self.dropped[node.index()].is_some(),
            None => verdict::propose_path(&member.path, self.request.matcher).is_some(),
        }
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

    /// Writes a layer of the base: unchanged, or without the members that go for all images that share it.
    fn base_layer(&mut self, layer: u32) {
        let members = &self.request.layers[layer as usize].members;
        let cut = self.request.cut.0.get(layer as usize).filter(|cut| !cut.is_whole());
        let Some(cut) = cut else {
            self.gone[layer as usize].fill(false);
            return self.outputs.push(LayerPlan::Verbatim(layer));
        };
        let mut composer = Composer::new(self.request, self.rewrites, Some(layer), HashSet::new());
        let mut end = 0;
        for (member, found) in (0u32..).zip(members) {
            let at = MemberId { layer, member };
            let span = found.span();
            composer.gap(layer, end..span.start);
            end = span.end;
            let goes = cut.has(member);
            self.gone[layer as usize][member as usize] = goes;
            if !goes {
                composer.raw(at, None);
            }
        }
        cut.emptied.iter().for_each(|dir| composer.implied(dir));
        self.outputs.extend(composer.finish(layer, false));
    }
}

/// Writes everything that takes the place of a member.
fn write_outs(composer: &mut Composer<'_>, at: MemberId, name: Option<NodeId>, outs: &[Out]) {
    for out in outs {
        match *out {
            Out::Raw => composer.raw(at, name),
            Out::Inode(node) => composer.inode(node),
            Out::Explicit(node) => composer.explicit(node),
            Out::Link(node, first) => composer.link(node, first),
            Out::Relink(node, first) => composer.relink(node, first),
        }
    }
}
