//! The removal of packages: the names that go with them, and the rows of databases.

use super::going::Going;
use super::groups;
use super::inventory::{Inventory, is_bytecode_of};
use super::outcome::{Kept, KeptPackage, Outcome, RemovedPackage};
use super::select::Selection;
use crate::packages::{Document, Manager, apk, dpkg};
use crate::plan::Request;
use crate::plan::edits::Edits;
use crate::plan::hold::Decided;
use crate::plan::places::Places;
use crate::plan::proposal::{Proposal, Proposals};
use crate::tree::{MemberId, NodeId, Tree};
use std::collections::{BTreeMap, HashMap, HashSet};

impl Going {
    /// Works out everything that goes with a selection.
    #[must_use]
    pub fn new(request: &Request<'_>, inventory: &Inventory<'_>, selection: &Selection) -> Self {
        let going = (0u32..).zip(&selection.going).filter_map(|(p, going)| Some((p, going.as_ref()?)));
        let rules: HashMap<u32, u16> = going.map(|(p, going)| (p, going.rule)).collect();
        let mut out = Self { nodes: BTreeMap::new(), rules, edits: Edits::new(), links: Vec::new(), leads: Vec::new() };
        out.files(inventory);
        out.bytecode(inventory);
        groups::alternatives(request, inventory, &mut out);
        out.rows(request, inventory);
        out.edits.retain(|at, _| at.layer as usize >= request.base);
        out
    }

    /// True if a package goes, by itself or as a part of one: Debian's python3-pip has a distribution's metadata, too.
    fn takes(&self, inventory: &Inventory<'_>, package: u32) -> bool {
        let whole = inventory.entries[package as usize].owner;
        self.rules.contains_key(&package) || whole.is_some_and(|whole| self.rules.contains_key(&whole))
    }

    /// Adds files that no other package has, and directories that no other package has: those stay as long as anything is in
    /// them.
    fn files(&mut self, inventory: &Inventory<'_>) {
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
    fn bytecode(&mut self, inventory: &Inventory<'_>) {
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
    fn rows(&mut self, request: &Request<'_>, inventory: &Inventory<'_>) {
        let tree = inventory.tree;
        let mut cut = |at: MemberId, range| self.edits.entry(at).or_default().push((range, Vec::new()));
        let mut gone: HashSet<(Manager, &[u8], &[u8])> = HashSet::new();
        for &package in self.rules.keys() {
            let (one, entry) = (&inventory.packages[package as usize], &inventory.entries[package as usize]);
            gone.insert((one.manager, &one.name, &one.arch));
            if let Some(at) = entry.shared.and_then(|node| tree.inode_of(node).holder()) {
                cut(at, one.stanza.clone());
            }
        }
        // The names of everything that goes and of everything that stays: a package of another architecture, or another
        // provider, may stay.
        let mut names: [HashSet<(Manager, &[u8])>; 2] = Default::default();
        for (p, one) in (0u32..).zip(&inventory.packages) {
            let provided = one.provides.iter().filter(|_| one.manager == Manager::Apk).map(|(name, _)| name);
            let all = std::iter::once(&one.name).chain(provided).map(|name| (one.manager, &name[..]));
            names[usize::from(self.rules.contains_key(&p))].extend(all);
        }
        let [staying, going] = names;
        let lost =
            |manager: Manager, name: &[u8]| going.contains(&(manager, name)) && !staying.contains(&(manager, name));
        let is_gone = |name: &[u8]| lost(Manager::Dpkg, name);
        let mut places = Places::new(&request.merged.tree);
        for text in &inventory.texts {
            let ranges: Vec<_> = match text.kind {
                Document::ExtendedStates => {
                    let rows = dpkg::extended_states(text.text);
                    // For packages for all architectures apt states the machine's.
                    let has = |name: &[u8], arch: &[u8]| gone.contains(&(Manager::Dpkg, name, arch));
                    let rows = rows.filter(|(name, arch, ..)| has(name, arch) || has(name, b"all"));
                    rows.map(|row| row.3).collect()
                }
                Document::Diversions => {
                    let rows = dpkg::diversions(text.text).filter(|d| d.by.is_some_and(is_gone));
                    rows.map(|row| row.range).collect()
                }
                Document::Statoverride => {
                    let rows = dpkg::statoverrides(text.text);
                    let rows = rows.filter(|(path, _)| places.get(path).is_some_and(|n| self.nodes.contains_key(&n)));
                    rows.map(|row| row.1).collect()
                }
                Document::TriggersFile | Document::TriggersName => {
                    let rows = dpkg::triggers(text.text).filter(|(word, _)| {
                        let (name, arch) = word.split_at(word.iter().position(|&c| c == b':').unwrap_or(word.len()));
                        let arch = arch.strip_prefix(b":").unwrap_or(arch);
                        if arch.is_empty() { is_gone(name) } else { gone.contains(&(Manager::Dpkg, name, arch)) }
                    });
                    rows.map(|row| row.1).collect()
                }
                Document::World => {
                    // `world` may contain names that packages provide.
                    let rows = apk::world(text.text).filter(|(name, _)| lost(Manager::Apk, name));
                    rows.map(|row| row.1).collect()
                }
                _ => continue,
            };
            ranges.into_iter().for_each(|range| cut(text.at, range));
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
            let owned = |p: &u16| request.profile.protects[usize::from(*p)].owned;
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
        inventory: &Inventory<'_>,
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
        let package = |p: u32| &inventory.packages[p as usize];
        let going = (0u32..).zip(&selection.going).filter_map(|(p, going)| Some((p, (*going)?)));
        let removed = going.map(|(p, going)| {
            let (files, bytes) = sums.get(&p).copied().unwrap_or_default();
            let one = package(p);
            let (manager, name, version) = (one.manager, one.name.clone(), one.version.clone());
            RemovedPackage { manager, name, version, rule: going.rule, orphan: going.orphan, files, bytes }
        });
        let kept = selection.kept.iter().map(|&(p, rule, why)| {
            let other = match why {
                Kept::Needed(other) | Kept::PartOf(other) => Some(package(other).name.clone()),
                _ => None,
            };
            let entry = &inventory.entries[p as usize];
            let mut nodes: Vec<NodeId> = entry.files.iter().chain(&entry.own).copied().collect();
            nodes.retain(|&node| !tree.is_dir(node) && decided.dropped[node.index()].is_none());
            nodes.sort_unstable();
            nodes.dedup();
            KeptPackage { manager: package(p).manager, name: package(p).name.clone(), rule, why, other, nodes }
        });
        let (mut removed, mut kept): (Vec<_>, Vec<_>) = (removed.collect(), kept.collect());
        removed.sort_by(|a, b| (a.manager, &a.name).cmp(&(b.manager, &b.name)));
        kept.sort_by(|a, b| (a.manager, &a.name).cmp(&(b.manager, &b.name)));
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

fn span(request: &Request<'_>, tree: &Tree, node: NodeId) -> u64 {
    let at = tree.node(node).at();
    at.map_or(0, |at| request.member(at).span_bytes())
}
