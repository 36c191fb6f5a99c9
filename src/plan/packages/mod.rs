//! Rules about packages: they go with all their files and with their entries in their manager's databases, so that these stay
//! true. A package that others need, or that a file which stays turns out to need, stays whole.
//!
//! Nothing is run. The work of maintainer scripts is done on the data (alternatives, bytecode, triggers), or leaving it undone
//! does no harm: the loader skips entries of `ld.so.cache` whose file is not there.

use super::guard::Prepared;
use super::hold::{self, Decided};
use super::proposal::Proposals;
use super::{HoldReason, Request};
use crate::ownership::{Entry, Ownership, Wanted};
use crate::packages::{Manager, Package};
use crate::profile::{self, Action, RuleId};
use crate::tree::NodeId;
use crate::{Error, ErrorKind, Result, Warning};
use bstr::BString;
use select::{Asked, Graph, Lost, Selection};
use std::collections::BTreeMap;

mod apply;
mod outcome;
mod select;

use apply::Going;
use outcome::Rule;
pub use outcome::{Kept, KeptPackage, Outcome, RemovedPackage};

/// Decides which packages go, and with them about every node. Without rules about packages this is [`hold::decide`] alone.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if others need a package that a rule asks for and the rule does not say what to do;
/// [`ErrorKind::Unsupported`] if the only packages are rpm's.
pub fn decide(
    request: &Request<'_>,
    proposals: &mut Proposals,
    warnings: &mut Vec<Warning>,
) -> Result<(Decided, Outcome)> {
    let rules: BTreeMap<RuleId, Rule<'_>> = request.profile.numbered_rules().filter_map(about_packages).collect();
    let prepared = Prepared::new(request);
    if rules.is_empty() {
        return Ok((hold::decide(request, &prepared, proposals), Outcome::default()));
    }
    let inventory = Ownership::read(request.layers, &request.merged.tree, Wanted::Removable);
    refuse_unread(request, &inventory, &rules, warnings)?;
    warnings.extend(idle(request, &inventory, &rules));
    let asked: Vec<Option<RuleId>> = inventory.entries.iter().map(|entry| asking(&rules, &entry.package)).collect();
    asked.iter().flatten().for_each(|&rule| proposals.matched[rule.index()] = true);
    let blocked = blocked(request, &inventory, proposals);
    let graph = Graph::new(&inventory);
    let mut held: BTreeMap<u32, Kept> = BTreeMap::new();
    loop {
        let (asked, blocked) = (asked.as_slice(), blocked.as_slice());
        let asking = Asked { inventory: &inventory, graph: &graph, rules: &rules, asked, blocked, held: &held };
        let selection = asking.select().map_err(|(s, lost)| refused(request, &inventory, &graph, &s, &lost))?;
        let going = Going::new(request, &inventory, &selection);
        let before = going.propose(request, proposals);
        let decided = hold::decide(request, &prepared, proposals);
        // If any file of a package must stay, all of it stays: half a package does not work, and its database would be wrong.
        let mut stays = staying(request, &going, &decided);
        if stays.is_empty() {
            let outcome = going.outcome(request, &inventory, &selection, &decided);
            warnings.extend(broken(request, &outcome));
            return Ok((decided, outcome));
        }
        before.into_iter().for_each(|(node, proposal)| proposals.nodes[node.index()] = proposal);
        proposals.relinked.clear();
        held.append(&mut stays);
    }
}

/// Returns what a rule that is on says of packages, with its number.
const fn about_packages((id, rule): (RuleId, &profile::Rule)) -> Option<(RuleId, Rule<'_>)> {
    match &rule.action {
        Action::RemovePackage(packages) if rule.enabled => Some((id, packages)),
        _ => None,
    }
}

/// Returns the packages of which a file must stay, and the reason for the first such file. A file that stays because of a file
/// of the same package, or of a package that stays because of this one, is no reason: each reason is traced back to a file that
/// stays whatever becomes of packages.
fn staying(request: &Request<'_>, going: &Going, decided: &Decided) -> BTreeMap<u32, Kept> {
    // A link that is loaded by its name stays alone: it leads to a library, and loading it needs nothing else of the package.
    let alone = |why: HoldReason| matches!(why, HoldReason::Loaded(_));
    let files = decided.held.iter().filter(|h| !request.merged.tree.is_dir(h.node) && !alone(h.why));
    // The package, the package that it stays for, and the reason.
    let mut open: Vec<(u32, Option<u32>, Kept)> = Vec::new();
    for one in files {
        let Some(&package) = going.nodes.get(&one.node) else { continue };
        let by = one.why.by().and_then(|by| going.nodes.get(&by)).copied();
        open.push((package, by, Kept::Held(one.node, one.why)));
    }
    let mut out: BTreeMap<u32, Kept> = BTreeMap::new();
    loop {
        let before = out.len();
        for (package, by, why) in &open {
            if by.is_none_or(|by| by != *package && out.contains_key(&by)) {
                out.entry(*package).or_insert(*why);
            }
        }
        if out.len() == before {
            break;
        }
        open.retain(|(package, ..)| !out.contains_key(package));
    }
    open.into_iter().for_each(|(package, _, why)| _ = out.entry(package).or_insert(why));
    out
}

/// Warns of names in the user's own rules that no package has. Built-in rules may name packages that are not there.
fn idle(request: &Request<'_>, inventory: &Ownership<'_>, rules: &BTreeMap<RuleId, Rule<'_>>) -> Vec<Warning> {
    let mut out = Vec::new();
    for (&index, rule) in rules {
        let known = request.profile.rule(index);
        let names = rule.idle(inventory.entries.iter().map(|entry| &entry.package));
        if !names.is_empty() && !known.is_built_in() {
            let what = format!("rule `{}` names packages that are not installed: {}", known.id, names.join(", "));
            out.push(Warning::new("unknown-packages", what));
        }
    }
    out
}

/// Warns of what `force` breaks.
fn broken(request: &Request<'_>, outcome: &Outcome) -> Vec<Warning> {
    let mut lost: BTreeMap<&BString, Vec<String>> = BTreeMap::new();
    outcome.broken.iter().for_each(|(by, gone)| lost.entry(gone).or_default().push(by.to_string()));
    let one = |(gone, by): (&BString, Vec<String>)| {
        let rule = outcome.removed.iter().find(|r| r.name == *gone)?.rule;
        let id = &request.profile.rule(rule).id;
        let what = format!("rule `{id}` removes {gone} by force, which {} cannot do without", by.join(", "));
        Some(Warning::new("broken-packages", what))
    };
    lost.into_iter().filter_map(one).collect()
}

/// Returns the first rule that asks for a package.
fn asking(rules: &BTreeMap<RuleId, Rule<'_>>, package: &Package) -> Option<RuleId> {
    rules.iter().find(|(_, rule)| rule.wants(package)).map(|(&index, _)| index)
}

/// Returns for each package the reason that no rule may take it, if there is one.
fn blocked(request: &Request<'_>, inventory: &Ownership<'_>, proposals: &Proposals) -> Vec<Option<Kept>> {
    inventory.entries.iter().map(|entry| block(request, proposals, entry)).collect()
}

/// Returns the reason that no rule may take a package, if there is one.
fn block(request: &Request<'_>, proposals: &Proposals, entry: &Entry) -> Option<Kept> {
    let tree = &request.merged.tree;
    let in_base = |node: NodeId| tree.node(node).at().is_some_and(|at| (at.layer as usize) < request.base);
    let protected = |node: NodeId| proposals.nodes[node.index()].protect.filter(|&p| !request.profile.protect(p).owned);
    let files = || entry.files.iter().chain(&entry.own).filter(|&&n| !tree.is_dir(n)).chain(&entry.shared).copied();
    if entry.package.essential {
        Some(Kept::Essential)
    } else if entry.package.on_hold {
        Some(Kept::OnHold)
    } else if let Some(owner) = entry.owner {
        Some(Kept::PartOf(owner))
    } else if !entry.listed {
        Some(Kept::Unlisted)
    } else if let Some((protect, node)) = files().find_map(|n| Some((protected(n)?, n))) {
        Some(Kept::Protected(protect, node))
    } else {
        files().find(|&n| in_base(n)).map(Kept::Base)
    }
}

/// Handles an image with a database that is not read, as rpm's: a rule that is meant for any image is warned about, any other
/// ends the run.
fn refuse_unread(
    request: &Request<'_>,
    inventory: &Ownership<'_>,
    rules: &BTreeMap<RuleId, Rule<'_>>,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let known = inventory.entries.iter().any(|entry| entry.package.manager.is_distribution());
    let tree = &request.merged.tree;
    let is_there = |path: &&str| tree.resolve(NodeId::ROOT, path.as_bytes()).target.is_some();
    let unread = Manager::all().filter_map(|manager| Some((manager, manager.unread()?)));
    let found = unread.filter(|_| !known).find(|(_, unread)| unread.paths.iter().any(&is_there));
    let Some((manager, unread)) = found else { return Ok(()) };
    let about = |(index, rule): (&RuleId, &Rule<'_>)| {
        let id = &request.profile.rule(*index).id;
        rule.manager.is_none().then_some((id.clone(), rule.keep_needed))
    };
    for (id, tolerant) in rules.iter().filter_map(about) {
        let name = manager.name();
        let what =
            format!("rule `{id}` removes packages, and this image's are {name}'s, whose database slim does not edit");
        if !tolerant {
            let known: Vec<&str> = Manager::removing().into_iter().map(|(name, _)| name).collect();
            let others =
                known.split_last().map_or(String::new(), |(last, rest)| format!("{} and {last}", rest.join(", ")));
            return Err(Error::new(ErrorKind::Unsupported, what).hint(format!(
                "remove them with {} in the Dockerfile, or set `manager` to one of {others}",
                unread.remove
            )));
        }
        warnings.push(Warning::new("rpm-packages", format!("{what}: they stay")));
    }
    Ok(())
}

/// Makes the error for packages that others need.
fn refused(
    request: &Request<'_>,
    inventory: &Ownership<'_>,
    graph: &Graph,
    selection: &Selection,
    lost: &[Lost],
) -> Error {
    const SHOWN: usize = 5;
    let name = |package: u32| inventory.entries[package as usize].package.name.to_string();
    let chain = |one: &Lost| graph.chain(*one, selection).into_iter().map(name).collect::<Vec<_>>().join(" needs ");
    let mut chains: Vec<String> = lost.iter().take(SHOWN).map(chain).collect();
    if lost.len() > SHOWN {
        chains.push(format!("and {} more", lost.len() - SHOWN));
    }
    let id = selection.going[lost[0].1 as usize].map_or("", |going| &request.profile.rule(going.rule).id);
    Error::new(ErrorKind::Usage, format!("rule `{id}` would take what other packages need: {}", chains.join("; ")))
        .hint("add those to its `packages`, or set `keep-needed = true` (what is needed stays) or `force = true` (it goes)")
}
