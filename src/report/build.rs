//! Makes the report's figures from plans and written layers. Those of files that stay and change are in `changes.rs`.

use super::{
    Fate, Held, ImageReport, ImageSide, KeptPackage, LayerReport, Named, RemovedPackage, RemovedPath, Rescue,
    RuleReport, Totals, escape, words,
};
use crate::layer::LayerIndex;
use crate::plan::{self, LayerPlan, Plan, Removed, TakenBy};
use crate::profile::{Action, Profile, Risk, Rule, RuleId};
use crate::sink::OutLayer;
use crate::source::Image;
use crate::tar::Member;
use crate::tree::{MemberId, NodeId, Tree};
use crate::{packages, path};
use bstr::BStr;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The number of levels below the root down to which the report adds up directories.
const DIRECTORY_DEPTH: usize = 3;

/// One image after its plan, and the layers that were written of it.
pub struct Built<'a> {
    /// The input image.
    pub image: &'a Image,
    /// The layers as scanned.
    pub layers: &'a [&'a LayerIndex],
    /// The merged tree.
    pub tree: &'a Tree,
    /// The plan.
    pub plan: &'a Plan,
    /// The rules.
    pub profile: &'a Profile,
    /// The number of layers in the base.
    pub base: usize,
    /// True if the other layers became one.
    pub squash: bool,
    /// The layers as written; none in a dry run.
    pub written: Option<&'a [OutLayer]>,
    /// The digests of the written config and manifest.
    pub output: Option<ImageSide>,
}

impl Built<'_> {
    /// Returns the image's part of the report.
    #[must_use]
    pub fn report(&self) -> ImageReport {
        let paths: Vec<&Removed> = self.plan.removed.iter().filter(|r| !r.whiteout).collect();
        let roots = package_roots(self.profile);
        let (held, rescued) = self.held();
        ImageReport {
            tags: self.image.tags.clone(),
            platform: self.image.platform.to_string(),
            picked: self.profile.picked(),
            input: self.input_side(),
            output: self.output.clone(),
            layers: self.layer_reports(),
            rules: self.rules(),
            unmatched_rules: self.unmatched(|_| true),
            idle_rules: self.unmatched(|rule| !rule.is_built_in()),
            removed: Totals { files: paths.len() as u64, bytes: self.plan.removed.iter().map(|r| r.bytes).sum() },
            stripped: self.stripped(),
            removed_packages: self.removed_packages(),
            kept_packages: self.kept_packages(),
            linked: self.linked(),
            made: self.made(),
            bytecode: self.bytecode(),
            unchanged: self.unchanged(),
            packages: top(paths.iter().filter_map(|r| {
                let name = packages::by_directory(self.path_of(r), &roots)?;
                Some((escape(&name), r.bytes))
            })),
            directories: top(paths.iter().map(|r| (directory(self.path_of(r)), r.bytes))),
            rescued,
            held,
        }
    }

    /// Returns every path that goes, layer by layer in tar order.
    #[must_use]
    pub fn removed(&self) -> Vec<RemovedPath> {
        let mut ids: HashMap<TakenBy, Arc<str>> = HashMap::new();
        let one = |r: &Removed| RemovedPath {
            path: self.members(r.layer)[r.member as usize].path.clone(),
            layer: r.layer as usize + 1,
            bytes: r.bytes,
            rule: ids.entry(r.by).or_insert_with(|| r.by.id(self.profile).into()).clone(),
        };
        self.plan.removed.iter().filter(|r| !r.whiteout).map(one).collect()
    }

    fn path_of(&self, removed: &Removed) -> &BStr {
        &self.members(removed.layer)[removed.member as usize].path
    }

    fn members(&self, layer: u32) -> &[Member] {
        &self.layers[layer as usize].members
    }

    pub(super) fn rule_id(&self, rule: RuleId) -> &str {
        &self.profile.rule(rule).id
    }

    fn input_side(&self) -> ImageSide {
        ImageSide {
            manifest: self.image.manifest_digest.map(|d| d.to_string()),
            config: self.image.config_digest.to_string(),
            uncompressed_bytes: self.layers.iter().map(|l| l.tar_bytes).sum(),
            blob_bytes: self.image.layers.iter().map(|l| l.size).sum(),
        }
    }

    fn layer_reports(&self) -> Vec<LayerReport> {
        let mut removed = vec![0; self.layers.len()];
        self.plan.removed.iter().filter(|r| !r.whiteout).for_each(|r| removed[r.layer as usize] += 1);
        let mut instructions = self.image.facts.history.iter().filter(|h| !h.empty_layer);
        let mut outputs: HashMap<u32, (&LayerPlan, Option<&OutLayer>)> = HashMap::new();
        for (index, plan) in self.plan.outputs.iter().enumerate() {
            outputs.insert(plan.from(), (plan, self.written.map(|w| &w[index])));
        }
        let one = |index: usize| {
            let layer = &self.image.layers[index];
            let output = outputs.get(&(index as u32));
            let tar_bytes = self.layers[index].tar_bytes;
            LayerReport {
                index: index + 1,
                instruction: instructions.next().map(|h| h.created_by.to_string()).unwrap_or_default(),
                input_bytes: tar_bytes,
                output_bytes: output.map_or(0, |(plan, _)| match plan {
                    LayerPlan::Verbatim(_) => tar_bytes,
                    LayerPlan::Splice { size, .. } => *size,
                }),
                input_blob: layer.size,
                output_blob: output.and_then(|(_, out)| out.map(|o| o.size)),
                diff_id: layer.diff_id.to_string(),
                output_diff_id: output.and_then(|(_, out)| out.map(|o| o.diff_id.to_string())),
                fate: self.fate(index, output.map(|(plan, _)| *plan)),
                files_removed: removed[index],
            }
        };
        (0..self.layers.len()).map(one).collect()
    }

    const fn fate(&self, index: usize, output: Option<&LayerPlan>) -> Fate {
        match output {
            Some(LayerPlan::Verbatim(_)) if index < self.base => Fate::Base,
            Some(LayerPlan::Verbatim(_)) => Fate::Unchanged,
            _ if self.squash && index >= self.base => Fate::Squashed,
            Some(LayerPlan::Splice { .. }) => Fate::Rewritten,
            None => Fate::Dropped,
        }
    }

    /// Returns the bytes that each rule takes, most first.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleReport> {
        let mut totals: BTreeMap<TakenBy, Totals> = BTreeMap::new();
        for removed in &self.plan.removed {
            let total = totals.entry(removed.by).or_default();
            total.files += u64::from(!removed.whiteout);
            total.bytes += removed.bytes;
        }
        let rewrites = &self.plan.rewrites;
        let changed = rewrites.stripped.iter().chain(&rewrites.made).map(|s| (s.rule, self.shrinks(s.at)));
        for (rule, bytes) in changed.chain(self.plan.links.all.iter().map(|l| (l.rule, l.bytes))) {
            let total = totals.entry(TakenBy::Rule(rule)).or_default();
            total.files += 1;
            total.bytes += bytes;
        }
        let report = |(by, total): (TakenBy, Totals)| {
            let rule = by.rule(self.profile);
            RuleReport {
                id: by.id(self.profile).to_owned(),
                profile: rule.map(|r| r.profile.clone()).unwrap_or_default(),
                about: rule.map_or("what later layers hide cannot be in one layer", |r| &r.about).to_owned(),
                costs: rule.map(|r| r.costs.clone()).unwrap_or_default(),
                risk: rule.map_or(Risk::None, |r| r.risk),
                files: total.files,
                bytes: total.bytes,
            }
        };
        let mut rules: Vec<RuleReport> = totals.into_iter().map(report).collect();
        rules.sort_by_key(|r| std::cmp::Reverse(r.bytes));
        rules
    }

    pub(super) fn shrinks(&self, at: MemberId) -> u64 {
        self.plan.rewrites.shrinks(at, &self.members(at.layer)[at.member as usize])
    }

    pub(super) fn node_size(&self, at: MemberId) -> u64 {
        self.members(at.layer)[at.member as usize].size()
    }

    /// Returns those of the rules that are on and matched no path.
    fn unmatched(&self, of: impl Fn(&Rule) -> bool) -> Vec<String> {
        let rules = self.profile.rules.iter().zip(&self.plan.matched);
        let asks = |r: &Rule| !r.paths.is_empty() || matches!(r.action, Action::RemovePackage(_));
        let idle = rules.filter(|(r, matched)| r.enabled && asks(r) && of(r) && !**matched);
        idle.map(|(r, _)| r.id.clone()).collect()
    }

    fn node_bytes(&self, id: NodeId) -> u64 {
        let bytes = |at: MemberId| self.members(at.layer)[at.member as usize].span_bytes();
        self.tree.node(id).at().map_or(0, bytes)
    }

    fn held(&self) -> (Vec<Held>, Vec<Rescue>) {
        let tree = self.tree;
        let mut held: BTreeMap<(String, RuleId), Totals> = BTreeMap::new();
        let mut rescued = Vec::new();
        for one in self.plan.held.iter().filter(|h| !tree.is_dir(h.node)) {
            let bytes = self.node_bytes(one.node);
            let rule = self.rule_id(one.rule).to_owned();
            let told = words::held(one.why, tree, self.profile);
            let total = held.entry((told.class, one.rule)).or_default();
            total.files += 1;
            total.bytes += bytes;
            if let Some(why) = told.sentence {
                rescued.push(Rescue { path: tree.path(one.node), rule, bytes, why });
            }
        }
        let held = held.into_iter().map(|((reason, rule), total)| Held {
            reason,
            rule: self.rule_id(rule).to_owned(),
            files: total.files,
            bytes: total.bytes,
        });
        let mut held: Vec<Held> = held.collect();
        held.sort_by_key(|h| std::cmp::Reverse(h.bytes));
        (held, rescued)
    }

    /// Returns the packages that rules removed.
    fn removed_packages(&self) -> Vec<RemovedPackage> {
        let packages = &self.plan.packages;
        let one = |p: &plan::packages::RemovedPackage| RemovedPackage {
            manager: p.manager,
            name: escape(&p.name),
            version: escape(&p.version),
            rule: self.rule_id(p.rule).to_owned(),
            orphan: p.orphan,
            breaks: packages.broken.iter().filter(|(_, lost)| *lost == p.name).map(|(by, _)| escape(by)).collect(),
            files: p.files,
            bytes: p.bytes,
        };
        packages.removed.iter().map(one).collect()
    }

    /// Returns the packages that rules asked for and that stay.
    fn kept_packages(&self) -> Vec<KeptPackage> {
        let one = |p: &plan::packages::KeptPackage| KeptPackage {
            manager: p.manager,
            name: escape(&p.name),
            rule: self.rule_id(p.rule).to_owned(),
            why: words::kept(p, self.tree, self.profile),
        };
        self.plan.packages.kept.iter().map(one).collect()
    }
}

/// Adds up bytes by name, most first.
fn top(items: impl Iterator<Item = (String, u64)>) -> Vec<Named> {
    let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
    for (name, bytes) in items {
        let total = totals.entry(name).or_default();
        total.files += 1;
        total.bytes += bytes;
    }
    let mut all: Vec<Named> =
        totals.into_iter().map(|(name, t)| Named { name, files: t.files, bytes: t.bytes }).collect();
    all.sort_by_key(|n| std::cmp::Reverse(n.bytes));
    all.truncate(20);
    all
}

fn directory(path: &BStr) -> String {
    let (dir, _) = path::split(path);
    let parts: Vec<&[u8]> = path::components(dir).take(DIRECTORY_DEPTH).collect();
    if parts.is_empty() { "/".to_owned() } else { escape(&bstr::join("/", parts)) }
}

/// Returns the names of the directories that hold packages, each in a directory of its own: the ends of the patterns of the set
/// `packages`.
fn package_roots(profile: &Profile) -> Vec<Vec<u8>> {
    let patterns = profile.sets.get(Profile::PACKAGES).into_iter().flatten();
    let last = patterns.filter_map(|pattern| pattern.rsplit('/').next());
    let mut roots: Vec<Vec<u8>> = last.filter(|n| !n.contains(['*', '?', '['])).map(|n| n.into()).collect();
    roots.sort();
    roots.dedup();
    roots
}
