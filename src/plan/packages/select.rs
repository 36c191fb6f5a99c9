//! The selection of packages: those that rules ask for, without those that must stay or that others need, and then the orphans.

use super::outcome::{Kept, Rule};
use crate::ownership::Ownership;
use crate::packages::{Clause, Package};
use crate::profile::RuleId;
use crate::tree::NodeId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// For each requirement of a package, the packages that meet it, by index.
type Choices = Vec<Vec<u32>>;

/// The packages that each package needs.
pub struct Graph {
    needs: Vec<Choices>,
    wants: Vec<Choices>,
    with: Vec<Choices>,
}

/// A package that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Going {
    /// The rule that takes it.
    pub rule: RuleId,
    /// True if only packages that go needed it.
    pub orphan: bool,
}

/// A package that stays although a rule asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// The package.
    pub package: u32,
    /// The rule.
    pub rule: RuleId,
    /// The reason that it stays.
    pub why: Kept,
}

/// The result of the selection.
#[derive(Default)]
pub struct Selection {
    /// By package: the rule that takes it, if it goes.
    pub going: Vec<Option<Going>>,
    /// The packages that stay although a rule asked for them.
    pub kept: Vec<Stay>,
    /// The packages that lose something they need by force: the package, and the one it loses.
    pub broken: Vec<(u32, u32)>,
}

/// A package that a rule must not take without being told: the package that needs it, and the package itself.
pub type Lost = (u32, u32);

impl Graph {
    /// Looks up every requirement. One that no package meets is left out: it was not met before either.
    #[must_use]
    pub fn new(inventory: &Ownership<'_>) -> Self {
        let packages = || inventory.entries.iter().map(|entry| &entry.package);
        let mut names: HashMap<&[u8], Vec<u32>> = HashMap::new();
        for (index, package) in packages().enumerate() {
            let provided = package.provides.iter().map(|(name, _)| name);
            for name in std::iter::once(&package.name).chain(provided) {
                let known = names.entry(name).or_default();
                if known.last() != Some(&(index as u32)) {
                    known.push(index as u32);
                }
            }
        }
        let choices = |by: usize, clauses: &[Clause]| -> Choices {
            let all = clauses.iter().map(|clause| meeting(inventory, &names, by, clause));
            all.filter(|found| !found.is_empty()).collect()
        };
        let of = |list: fn(&Package) -> &[Clause]| -> Vec<Choices> {
            packages().enumerate().map(|(i, p)| choices(i, list(p))).collect()
        };
        Self { needs: of(|p| &p.needs), wants: of(|p| &p.wants), with: of(|p| &p.with) }
    }

    /// Returns the packages that need one another, as a chain that ends with the lost one: `a needs b needs c`.
    #[must_use]
    pub fn chain(&self, lost: Lost, selection: &Selection) -> Vec<u32> {
        let mut chain = vec![lost.1, lost.0];
        let mut seen: HashSet<u32> = chain.iter().copied().collect();
        // Up to a package that nothing needs: that is the one the user knows by name.
        while let Some(&last) = chain.last().filter(|_| chain.len() < 10) {
            let needs = |p: &u32| self.needs[*p as usize].iter().any(|c| c.as_slice() == [last]);
            let stays = |p: &u32| selection.going[*p as usize].is_none() && !seen.contains(p);
            let Some(above) = (0..self.needs.len() as u32).filter(stays).find(needs) else { break };
            seen.insert(above);
            chain.push(above);
        }
        chain.reverse();
        chain
    }
}

/// The most packages meeting one clause that are looked at.
const MOST_CHOICES: usize = 256;

/// Returns the installed packages that meet a clause, in its order. Among Python distributions neighbours come first.
fn meeting(inventory: &Ownership<'_>, names: &HashMap<&[u8], Vec<u32>>, by: usize, clause: &Clause) -> Vec<u32> {
    let asking = &inventory.entries[by];
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for target in clause {
        let known = names.get(&target.name[..]).into_iter().flatten().copied();
        let meets = known.filter(|&p| inventory.entries[p as usize].package.satisfies(target, &asking.package));
        found.extend(meets.filter(|p| seen.insert(*p)).take(MOST_CHOICES));
    }
    let is_near = |&p: &u32| inventory.entries[p as usize].scope == asking.scope;
    let near: Vec<u32> = found.iter().copied().filter(is_near).collect();
    if near.is_empty() { found } else { near }
}

/// The input of the selection.
pub struct Asked<'a> {
    pub inventory: &'a Ownership<'a>,
    pub graph: &'a Graph,
    /// The rules about packages, by their index in the profile.
    pub rules: &'a BTreeMap<RuleId, Rule<'a>>,
    /// By package: the first rule that asks for it.
    pub asked: &'a [Option<RuleId>],
    /// By package: the reason that it must stay whatever rule asks.
    pub blocked: &'a [Option<Kept>],
    /// The packages that a kept file turned out to need.
    pub held: &'a BTreeMap<u32, Kept>,
}

impl Asked<'_> {
    /// Selects the packages that go.
    ///
    /// # Errors
    /// Returns the packages that others need and about which no rule says what to do, with the selection.
    pub fn select(&self) -> Result<Selection, (Selection, Vec<Lost>)> {
        let mut kept: BTreeMap<u32, Kept> = BTreeMap::new();
        for (index, blocked) in (0u32..).zip(self.blocked) {
            kept.extend(self.held.get(&index).or(blocked.as_ref()).map(|why| (index, *why)));
        }
        // Each kept package has needs of its own, and a package that it only recommends or suggests is no orphan: begin again
        // until none is new.
        let mut out = loop {
            let going = (0u32..).zip(self.asked).map(|(p, rule)| rule.filter(|_| !kept.contains_key(&p)));
            let going = going.map(|rule| rule.map(|rule| Going { rule, orphan: false })).collect();
            let mut out = Selection { going, ..Selection::default() };
            self.add_orphans(&mut out);
            let more = self.keep_needed(&mut out);
            if more.is_empty() {
                break out;
            }
            more.into_iter().for_each(|(package, why)| _ = kept.entry(package).or_insert(why));
        };
        let lost = self.lost(&out, |_| false);
        if !lost.is_empty() {
            return Err((out, lost));
        }
        out.broken = self.lost(&out, |rule| self.rules[&rule].force);
        let asked = |(package, why): (u32, Kept)| Some(Stay { package, rule: self.asked[package as usize]?, why });
        out.kept = kept.into_iter().filter_map(asked).collect();
        Ok(out)
    }

    /// Keeps packages that those which stay need: orphans, those whose rule says `keep_needed`, and all that a kept package
    /// needs which a rule asked for. Repeats until nothing changes; returns the packages that rules asked for and did not get.
    fn keep_needed(&self, out: &mut Selection) -> Vec<(u32, Kept)> {
        let mut kept = Vec::new();
        loop {
            let mut keep: Vec<(u32, Kept)> = Vec::new();
            for by in self.staying(out) {
                // A package that a rule asked for and did not get stays whole, with all it needs.
                let whole = self.asked[by as usize].is_some();
                let stays = |p: &u32| {
                    let going = out.going[*p as usize];
                    going.is_some_and(|g| g.orphan || whole || self.rules[&g.rule].keep_needed)
                };
                let lost = self.choices_lost(by, out).filter_map(|choices| choices.iter().copied().find(stays));
                keep.extend(lost.map(|p| (p, Kept::Needed(by))));
            }
            let going = (0u32..).zip(&out.going).filter(|(_, going)| going.is_some());
            keep.extend(going.filter(|(p, _)| self.diverts(*p, out)).map(|(p, _)| (p, Kept::Diverts)));
            if keep.is_empty() {
                return kept;
            }
            for (package, why) in keep {
                if out.going[package as usize].take().is_some_and(|going| !going.orphan) {
                    kept.push((package, why));
                }
            }
        }
    }

    /// True if a package has moved another package's file out of its way that stays: moving it back is a maintainer script's
    /// work.
    fn diverts(&self, package: u32, out: &Selection) -> bool {
        let stays = |node: &NodeId| {
            let mut owners = self.inventory.owners(*node).peekable();
            owners.peek().is_none() || owners.any(|p| out.going[p as usize].is_none())
        };
        self.inventory.entries[package as usize].diverted.iter().any(stays)
    }

    fn staying(&self, out: &Selection) -> Vec<u32> {
        (0u32..).zip(&out.going).filter(|(_, going)| going.is_none()).map(|(index, _)| index).collect()
    }

    /// Returns a package's requirements that nothing which stays meets.
    fn choices_lost<'s>(&'s self, by: u32, out: &'s Selection) -> impl Iterator<Item = &'s [u32]> {
        let gone = |choices: &&[u32]| choices.iter().all(|p| out.going[*p as usize].is_some());
        self.graph.needs[by as usize].iter().map(Vec::as_slice).filter(gone)
    }

    /// Returns the packages that lose something they need, and what they lose: through a rule with `force` where `forced`
    /// returns true for it, otherwise through one without.
    fn lost(&self, out: &Selection, forced: impl Fn(RuleId) -> bool) -> Vec<Lost> {
        let mut lost = Vec::new();
        for by in self.staying(out) {
            for choices in self.choices_lost(by, out) {
                let rule = |p: &u32| out.going[*p as usize].map(|g| g.rule);
                let force = choices.iter().filter_map(rule).any(|r| self.rules[&r].force);
                let wanted = choices.iter().filter_map(rule).any(&forced);
                if force == wanted {
                    lost.push((by, choices[0]));
                }
            }
        }
        lost
    }

    /// Adds packages that were installed because others need them, and that nothing needs any more. Recommendations and
    /// suggestions count as well, as in apt.
    fn add_orphans(&self, out: &mut Selection) {
        let live = self.live(out);
        for (&rule, _) in self.rules.iter().filter(|(_, rule)| rule.orphans) {
            let mut todo: Vec<u32> = (0u32..)
                .zip(&out.going)
                .filter(|(_, going)| going.is_some_and(|g| g.rule == rule))
                .map(|(index, _)| index)
                .collect();
            while let Some(package) = todo.pop() {
                for next in self.reached(package) {
                    let entry = &self.inventory.entries[next as usize];
                    let free = self.blocked[next as usize].is_none() && !self.held.contains_key(&next);
                    // A package that a rule asked for and did not get stays for a reason.
                    let asked = self.asked[next as usize].is_some();
                    let stays = out.going[next as usize].is_none();
                    if stays && entry.auto && free && !asked && !live.contains(&next) {
                        out.going[next as usize] = Some(Going { rule, orphan: true });
                        todo.push(next);
                    }
                }
            }
        }
    }

    fn reached(&self, package: u32) -> impl Iterator<Item = u32> {
        let (needs, wants) = (&self.graph.needs[package as usize], &self.graph.wants[package as usize]);
        needs.iter().chain(wants).flatten().copied()
    }

    /// Returns the packages that stay in their own right, and those that they need in turn.
    fn live(&self, out: &Selection) -> HashSet<u32> {
        let root = |p: &u32| {
            !self.inventory.entries[*p as usize].auto || self.inventory.entries[*p as usize].package.essential
        };
        let staying = self.staying(out);
        let mut live: HashSet<u32> = HashSet::new();
        let mut todo: Vec<u32> = staying.iter().copied().filter(root).collect();
        loop {
            while let Some(package) = todo.pop() {
                if live.insert(package) {
                    todo.extend(self.reached(package).filter(|p| out.going[*p as usize].is_none()));
                }
            }
            // apk's packages that are there as long as others are.
            let with = |p: &u32| {
                let choices = &self.graph.with[*p as usize];
                !choices.is_empty() && choices.iter().all(|c| c.iter().any(|p| live.contains(p)))
            };
            todo.extend(staying.iter().copied().filter(|p| !live.contains(p)).filter(with));
            if todo.is_empty() {
                return live;
            }
        }
    }
}
