//! The removal of packages: the names that go with them, links of alternatives that lead elsewhere, and the rows of databases.

use super::outcome::{Kept, KeptPackage, Outcome, RemovedPackage};
use super::select::{Selection, Stay};
use crate::ownership::{Ownership, Places};
use crate::packages::dpkg::alternatives::{self, Choice, Group};
use crate::packages::{Package, Removal};
use crate::path;
use crate::plan::Request;
use crate::plan::edits::Edits;
use crate::plan::hold::Decided;
use crate::plan::proposal::{Proposal, Proposals};
use crate::profile::{ProtectId, RuleId};
use crate::tree::{MemberId, NodeId, Tree, Type};
use bstr::BString;
use std::collections::{BTreeMap, HashMap};

/// Everything that goes with the packages of a selection.
pub struct Going {
    /// Names that go, each with the package it goes with.
    pub nodes: BTreeMap<NodeId, u32>,
    /// The rule of each package that goes.
    rules: HashMap<u32, RuleId>,
    pub edits: Edits,
    /// Symbolic links that get a new target, with that target.
    pub links: Vec<(NodeId, BString)>,
    /// Links to those links, with the place where they lead in the end.
    pub leads: Vec<(NodeId, BString)>,
}

impl Going {
    /// Works out everything that goes with a selection.
    #[must_use]
    pub fn new(request: &Request<'_>, inventory: &Ownership<'_>, selection: &Selection) -> Self {
        let going = (0u32..).zip(&selection.going).filter_map(|(p, going)| Some((p, going.as_ref()?)));
        let rules: HashMap<u32, RuleId> = going.map(|(p, going)| (p, going.rule)).collect();
        let mut out = Self { nodes: BTreeMap::new(), rules, edits: Edits::new(), links: Vec::new(), leads: Vec::new() };
        out.files(inventory);
        out.bytecode(inventory);
        alternatives(request, inventory, &mut out);
        out.rows(inventory);
        out.edits.retain(|at, _| at.layer as usize >= request.base);
        out
    }

    /// True if a package goes, by itself or as a part of one: Debian's python3-pip has a distribution's metadata, too.
    fn takes(&self, inventory: &Ownership<'_>, package: u32) -> bool {
        let whole = inventory.entries[package as usize].owner;
        self.rules.contains_key(&package) || whole.is_some_and(|whole| self.rules.contains_key(&whole))
    }

    /// Adds files that no other package has, and directories that no other package has: those stay as long as anything is in
    /// them.
    fn files(&mut self, inventory: &Ownership<'_>) {
        let mut packages: Vec<u32> = self.rules.keys().copied().collect();
        packages.sort_unstable();
        for package in packages {
            let entry = &inventory.entries[package as usize];
            let alone = |&&node: &&NodeId| inventory.owners(node).all(|p| self.takes(inventory, p));
            let files: Vec<NodeId> = entry.files.iter().filter(alone).chain(&entry.own).copied().collect();
            for node in files.into_iter().filter(|&node| node != NodeId::ROOT) {
                self.nodes.entry(node).or_insert(package);
            }
        }
    }

    /// Adds bytecode that was compiled when the package was installed, and is in no list.
    fn bytecode(&mut self, inventory: &Ownership<'_>) {
        let tree = inventory.tree;
        let modules: Vec<(NodeId, u32)> =
            self.nodes.iter().filter(|(n, _)| tree.name(**n).ends_with(b".py")).map(|(n, p)| (*n, *p)).collect();
        for (module, package) in modules {
            let Some(cache) = tree.child(tree.node(module).parent, b"__pycache__") else { continue };
            let of_module = |&&n: &&NodeId| is_bytecode_of(tree.name(n), tree.name(module));
            let found: Vec<NodeId> = tree.children(cache).iter().filter(of_module).copied().collect();
            if found.is_empty() {
                continue;
            }
            for node in found.into_iter().chain([cache]) {
                if inventory.owners(node).all(|p| self.takes(inventory, p)) {
                    self.nodes.entry(node).or_insert(package);
                }
            }
        }
    }

    /// Cuts the packages' rows out of databases that have rows of others too.
    fn rows<'i>(&mut self, inventory: &'i Ownership<'_>) {
        let tree = inventory.tree;
        let mut cut = |at: MemberId, range| self.edits.entry(at).or_default().push((range, Vec::new()));
        for &package in self.rules.keys() {
            let entry = &inventory.entries[package as usize];
            if let Some(at) = entry.shared.and_then(|node| tree.inode_of(node).holder()) {
                cut(at, entry.package.stanza.clone());
            }
        }
        let mut places = Places::new(tree);
        for database in &inventory.databases {
            let all = (0u32..).zip(&inventory.entries).map(|(index, entry)| (index, &entry.package));
            let all = all.filter(|(_, package)| package.manager == database.manager);
            let (going, staying): (Vec<_>, Vec<_>) = all.partition(|(index, _)| self.rules.contains_key(index));
            let packages = |list: Vec<(u32, &'i Package)>| list.into_iter().map(|(_, package)| package).collect();
            let mut removal = Removal {
                texts: &database.texts,
                going: packages(going),
                staying: packages(staying),
                goes: &mut |path| places.get(path).is_some_and(|node| self.nodes.contains_key(&node)),
            };
            let cuts = database.manager.cuts(&mut removal);
            cuts.into_iter().for_each(|(text, range)| cut(database.places[text].at, range));
        }
    }

    /// Makes the packages' rules ask for these names; returns the earlier proposals.
    pub fn propose(&self, request: &Request<'_>, proposals: &mut Proposals) -> Vec<(NodeId, Proposal)> {
        let mut before = Vec::with_capacity(self.nodes.len());
        for (&node, package) in &self.nodes {
            let proposal = &mut proposals.nodes[node.index()];
            before.push((node, *proposal));
            // A protection that belongs to the package goes with it. A package with any other protection was blocked, except
            // for links of alternatives.
            let owned = |p: &ProtectId| request.profile.protect(*p).owned;
            if proposal.protect.as_ref().is_none_or(owned) {
                let asked = proposal.rule.filter(|_| proposal.protect.is_none());
                proposal.rule = asked.or_else(|| self.rules.get(package).copied());
                proposal.protect = None;
            }
        }
        proposals.relinked.extend(self.links.iter().chain(&self.leads).cloned());
        before
    }

    /// Returns the outcome: what to report, and what to write.
    #[must_use]
    pub fn outcome(
        self,
        request: &Request<'_>,
        inventory: &Ownership<'_>,
        selection: &Selection,
        decided: &Decided,
    ) -> Outcome {
        let tree = inventory.tree;
        let mut sums: HashMap<u32, (u64, u64)> = HashMap::new();
        for (&node, &package) in self.nodes.iter().filter(|(n, _)| decided.dropped[n.index()].is_some()) {
            let sum = sums.entry(package).or_default();
            sum.0 += u64::from(!tree.is_dir(node));
            sum.1 += span(request, tree, node);
        }
        let package = |p: u32| &inventory.entries[p as usize].package;
        let going = (0u32..).zip(&selection.going).filter_map(|(p, going)| Some((p, (*going)?)));
        let removed = going.map(|(p, going)| {
            let (files, bytes) = sums.get(&p).copied().unwrap_or_default();
            let one = package(p);
            let (manager, name, version) = (one.manager, one.name.clone(), one.version.clone());
            RemovedPackage { manager, name, version, rule: going.rule, orphan: going.orphan, files, bytes }
        });
        let kept = selection.kept.iter().map(|stay| kept(inventory, decided, stay));
        let (mut removed, mut kept): (Vec<_>, Vec<_>) = (removed.collect(), kept.collect());
        removed.sort_by(|a, b| (a.manager.rank(), &a.name).cmp(&(b.manager.rank(), &b.name)));
        kept.sort_by(|a, b| (a.manager.rank(), &a.name).cmp(&(b.manager.rank(), &b.name)));
        let names = |&(by, lost): &(u32, u32)| (package(by).name.clone(), package(lost).name.clone());
        let links = self.links.into_iter().filter_map(|(node, to)| Some((tree.inode_of(node).holder()?, to)));
        Outcome {
            removed,
            kept,
            broken: selection.broken.iter().map(names).collect(),
            edits: self.edits,
            links: links.collect(),
        }
    }
}

/// Returns a package that stays although a rule asked for it, as reports tell it.
fn kept(inventory: &Ownership<'_>, decided: &Decided, stay: &Stay) -> KeptPackage {
    let &Stay { package, rule, why } = stay;
    let entry = |package: u32| &inventory.entries[package as usize];
    let other = match why {
        Kept::Needed(other) | Kept::PartOf(other) => Some(entry(other).package.name.clone()),
        _ => None,
    };
    let entry = entry(package);
    let mut nodes: Vec<NodeId> = entry.files.iter().chain(&entry.own).copied().collect();
    nodes.retain(|&node| !inventory.tree.is_dir(node) && decided.dropped[node.index()].is_none());
    nodes.sort_unstable();
    nodes.dedup();
    KeptPackage { manager: entry.package.manager, name: entry.package.name.clone(), rule, why, other, nodes }
}

/// True for the bytecode that goes with a module: `a.cpython-311.pyc` with `a.py`.
fn is_bytecode_of(bytecode: &[u8], module: &[u8]) -> bool {
    let stem = module.strip_suffix(b".py");
    let rest = stem.and_then(|stem| bytecode.strip_prefix(stem));
    rest.is_some_and(|rest| rest.starts_with(b".") && rest.ends_with(b".pyc"))
}

fn span(request: &Request<'_>, tree: &Tree, node: NodeId) -> u64 {
    let at = tree.node(node).at();
    at.map_or(0, |at| request.member(at).span_bytes())
}

/// The directory with the names of groups.
const DIR: &[u8] = b"etc/alternatives";

/// Adds the changes of all groups: the link behind a name such as `cc` moves on to the next best choice, as `update-alternatives
/// --remove` would do it, and if there is none the name goes.
fn alternatives(request: &Request<'_>, inventory: &Ownership<'_>, going: &mut Going) {
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
