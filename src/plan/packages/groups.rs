//! Alternatives of packages that go: the link behind a name such as `cc` moves on to the next best choice, as
//! `update-alternatives --remove` would do it, and if there is none the name goes.

use super::going::Going;
use crate::ownership::{Ownership, Places};
use crate::packages::dpkg::alternatives::{self, Choice, Group};
use crate::path;
use crate::plan::Request;
use crate::tree::{NodeId, Tree, Type};

/// The directory with the names of groups.
const DIR: &[u8] = b"etc/alternatives";

/// Adds the changes of all groups.
pub(super) fn alternatives(request: &Request<'_>, inventory: &Ownership<'_>, going: &mut Going) {
    let tree = &request.merged.tree;
    let mut places = Places::new(tree);
    for (file, text) in inventory.texts_in(alternatives::DIR) {
        let Some(group) = Group::parse(tree.name(file.node), text) else { continue };
        let behind: Vec<Option<u32>> =
            group.choices.iter().map(|c| going.nodes.get(&places.get(c.paths[0])?).copied()).collect();
        // The package on whose account the group changes.
        let Some(package) = behind.iter().flatten().min().copied() else { continue };
        let mut left: Vec<&Choice<'_>> = Vec::new();
        for (choice, _) in group.choices.iter().zip(&behind).filter(|(_, gone)| gone.is_none()) {
            left.extend(places.get(choice.paths[0]).map(|_| choice));
        }
        let names = Names { tree, group: &group };
        let now = names.link(&mut places, 0).and_then(|node| tree.target(node));
        if now.is_some_and(|now| !group.choices.iter().any(|c| **now == *c.paths[0])) {
            // The user's own link, to something that the group does not know.
            continue;
        }
        if left.is_empty() {
            names.links(&mut places).into_iter().flatten().chain([file.node]).for_each(|node| {
                going.nodes.entry(node).or_insert(package);
            });
            continue;
        }
        if (file.at.layer as usize) < request.base {
            continue;
        }
        let cuts = group.choices.iter().zip(&behind).filter(|(_, gone)| gone.is_some());
        let edits = going.edits.entry(file.at).or_default();
        edits.extend(cuts.map(|(choice, _)| (choice.range.clone(), Vec::new())));
        let lost = now.is_some_and(|now| !left.iter().any(|c| **now == *c.paths[0]));
        // Of equal choices the first, as dpkg has it.
        let best = left.iter().rev().max_by_key(|c| c.priority);
        if let Some(best) = best.filter(|_| lost) {
            edits.push((group.mode.clone(), b"auto".to_vec()));
            names.move_on(best, &mut places, package, going);
        }
    }
}

/// The links of a group.
struct Names<'a> {
    tree: &'a Tree,
    group: &'a Group<'a>,
}

impl Names<'_> {
    /// Returns the link in `/etc/alternatives`.
    fn link(&self, places: &mut Places<'_>, index: usize) -> Option<NodeId> {
        let node = places.get(&path::join(DIR, self.group.links[index].0))?;
        (self.tree.inode_of(node).kind == Type::Symlink).then_some(node)
    }

    /// Returns the link to that one, unless something else is there by now.
    fn generic(&self, places: &mut Places<'_>, index: usize) -> Option<NodeId> {
        let (name, link) = self.group.links[index];
        let node = places.get(link)?;
        let target = self.tree.target(node)?;
        (target.strip_prefix(b"/").unwrap_or_default() == &path::join(DIR, name)[..]).then_some(node)
    }

    /// Returns all links of the group.
    fn links(&self, places: &mut Places<'_>) -> Vec<Option<NodeId>> {
        (0..self.group.links.len()).flat_map(|i| [self.generic(places, i), self.link(places, i)]).collect()
    }

    /// Lets the links lead to another choice; a slave link that this choice does not have goes.
    fn move_on(&self, best: &Choice<'_>, places: &mut Places<'_>, package: u32, going: &mut Going) {
        for (index, &to) in best.paths.iter().enumerate() {
            let there = !to.is_empty() && places.get(to).is_some_and(|node| !going.nodes.contains_key(&node));
            let (generic, link) = (self.generic(places, index), self.link(places, index));
            if there {
                going.links.extend(link.map(|node| (node, to.into())));
                going.leads.extend(generic.map(|node| (node, to.into())));
            } else {
                generic.into_iter().chain(link).for_each(|node| {
                    going.nodes.entry(node).or_insert(package);
                });
            }
        }
    }
}
