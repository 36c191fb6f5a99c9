//! The way to a size: plans of the built-in profiles, and of the opt-in rules in them, over one scan. Nothing is written.

use super::estimate::plan_of;
use super::needs::needs;
use super::profiles::Profiles;
use crate::analyze::advice::{Advice, Offer, Step, choose};
use crate::analyze::breakdown::{HIDDEN, Share};
use crate::analyze::savings::output_bytes;
use crate::analyze::{self, Request, waste};
use crate::plan::Plan;
use crate::profile::{self, Profile, Risk, builtins};
use crate::report::RuleReport;
use crate::report::build::Built;
use crate::scan::Needs;
use crate::source::{Image, Input};
use crate::{Error, ErrorKind, Result};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The profile whose rules no program can tell.
const SAFEST: &str = "caches";
/// The profile that is advised first.
const FIRST: &str = "auto";
/// The most packages that are named as what holds the rest.
const HOLDS: usize = 8;
/// The most plans that are made to meet a target: each is nearer to it than the one before.
const ROUNDS: usize = 6;
/// Seconds of a slower start that are worth telling.
const WORTH_TELLING: f64 = 0.05;

/// Everything that may be chosen.
pub struct Advisor {
    /// The profiles to begin with.
    base: Vec<String>,
    /// The profiles that are for those who choose them by name.
    named: Vec<String>,
    /// The ids of all opt-in rules.
    optional: Vec<String>,
    needs: Needs,
}

/// A choice, planned.
struct Tried {
    profiles: Vec<String>,
    enable: Vec<String>,
    plan: Plan,
    profile: Profile,
    bytes: u64,
    rules: Vec<RuleReport>,
    /// The seconds of CPU that a start takes longer, and the rule that is to blame.
    slower: Option<(String, f64)>,
}

impl Advisor {
    /// Prepares for advice that begins with these profiles; with `auto` if there are none.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Profile`] if one of them is wrong or missing.
    pub fn new(profiles: &[String]) -> Result<Self> {
        let base = if profiles.is_empty() { vec![FIRST.to_owned()] } else { profiles.to_vec() };
        let named = builtins().filter(|p| !p.costs.is_empty() && !base.iter().any(|name| name == p.name));
        let named: Vec<String> = named.map(|p| p.name.to_owned()).collect();
        let all = [base.as_slice(), &named].concat();
        let request = profile::Request { profiles: &all, ..profile::Request::default() };
        let rules = Profiles::of(request)?;
        let optional = rules.widest().rules.iter().filter(|rule| rule.risk == Risk::OptIn && !rule.enabled);
        let optional: Vec<String> = optional.map(|rule| rule.id.clone()).collect();
        let request = profile::Request { profiles: &all, enable: &optional, ..profile::Request::default() };
        let needs = needs(Profiles::of(request)?.widest());
        Ok(Self { base, named, optional, needs })
    }

    /// Returns what the scan has to look for.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.needs.clone()
    }

    /// Finds the steps that bring an image to `target` bytes of plain tars.
    ///
    /// # Errors
    /// Returns the errors of the input, and of patterns that cannot be compiled.
    pub fn advise(&self, target: u64, input: &Input, image: &Image, request: &Request<'_>) -> Result<Advice> {
        let before = request.layers.iter().map(|layer| layer.tar_bytes).sum();
        if before <= target {
            let (target_bytes, before_bytes, after_bytes) = (target, before, before);
            return Ok(Advice { target_bytes, before_bytes, after_bytes, met: true, ..Advice::default() });
        }
        let planner = Planner { input, image, request };
        let tried = self.tried(target, before, &planner)?;
        let met = tried.bytes <= target;
        let holds = if met { Vec::new() } else { planner.holds(&tried.plan)? };
        Ok(Advice {
            target_bytes: target,
            before_bytes: before,
            after_bytes: tried.bytes,
            met,
            steps: self.steps(&tried, before),
            profiles: tried.profiles,
            enable: tried.enable,
            holds,
        })
    }

    /// Returns the first choice that meets the target, the cheapest risk first; or everything together.
    fn tried(&self, target: u64, before: u64, planner: &Planner<'_>) -> Result<Tried> {
        if self.base == [FIRST] {
            let safest = planner.tried(&[SAFEST.to_owned()], &[])?;
            if safest.bytes <= target {
                return Ok(safest);
            }
        }
        let first = planner.tried(&self.base, &[])?;
        if first.bytes <= target {
            return Ok(first);
        }
        let all = self.all(planner)?;
        let offers = self.offers(&all);
        let everything = choose(&offers, u64::MAX);
        let mut wanted = first.bytes - target;
        for _ in 0..ROUNDS {
            let chosen = choose(&offers, wanted);
            let tried = self.with(&chosen, planner)?;
            // What nothing is chosen from any more is all that there is.
            if tried.bytes <= target || chosen.len() == everything.len() || wanted > before {
                return Ok(tried);
            }
            wanted += tried.bytes - target;
        }
        self.with(&everything, planner)
    }

    /// Returns the choice of everything. An opt-in rule may be held back from files that a profile would take without it: such a
    /// rule is left out if that takes more.
    fn all(&self, planner: &Planner<'_>) -> Result<Tried> {
        let profiles = [self.base.as_slice(), &self.named].concat();
        let all = planner.tried(&profiles, &self.optional)?;
        let named = planner.tried(&profiles, &[])?;
        let lost = all.plan.held.iter().filter(|held| named.plan.dropped[held.node.index()].is_some());
        let in_the_way: BTreeSet<&str> = lost.map(|held| all.profile.rule(held.rule).id.as_str()).collect();
        let rest: Vec<String> = self.optional.iter().filter(|id| !in_the_way.contains(id.as_str())).cloned().collect();
        if rest.len() == self.optional.len() {
            return Ok(all);
        }
        let without = planner.tried(&profiles, &rest)?;
        Ok(if without.bytes < all.bytes { without } else { all })
    }

    fn with(&self, chosen: &[Offer], planner: &Planner<'_>) -> Result<Tried> {
        let (named, rules): (Vec<&Offer>, Vec<&Offer>) = chosen.iter().partition(|offer| offer.is_profile);
        let profiles: Vec<String> = self.base.iter().cloned().chain(named.iter().map(|o| o.name.clone())).collect();
        let enable: Vec<String> = rules.iter().map(|offer| offer.name.clone()).collect();
        planner.tried(&profiles, &enable)
    }

    /// Returns what may be chosen, with the bytes that it takes if everything is.
    fn offers(&self, all: &Tried) -> Vec<Offer> {
        let mut offers: BTreeMap<(bool, String), Offer> = BTreeMap::new();
        for rule in &all.rules {
            let within = Some(&rule.profile).filter(|name| !costs_of(name).is_empty()).cloned();
            let is_rule = self.optional.contains(&rule.id);
            let name = match (is_rule, &within) {
                (true, _) => rule.id.clone(),
                (false, Some(within)) => within.clone(),
                (false, None) => continue,
            };
            let costs = if is_rule { rule.costs.clone() } else { costs_of(&name) };
            let new = Offer { name: name.clone(), is_profile: !is_rule, within: None, bytes: 0, costs };
            let offer = offers.entry((is_rule, name)).or_insert(new);
            offer.bytes += rule.bytes;
            offer.within = within.filter(|_| is_rule);
        }
        // A profile may take nothing, and a rule in it something.
        for name in &self.named {
            let costs = costs_of(name);
            let new = Offer { name: name.clone(), is_profile: true, within: None, bytes: 0, costs };
            offers.entry((false, name.clone())).or_insert(new);
        }
        offers.into_values().collect()
    }

    /// Returns the steps of a choice: the rules without risk, those of low risk, and each that has to be chosen.
    fn steps(&self, tried: &Tried, before: u64) -> Vec<Step> {
        let by_name = |rule: &&RuleReport| !costs_of(&rule.profile).is_empty();
        let of = |risk: Risk| {
            let rules = tried.rules.iter().filter(move |rule| rule.risk == risk && !by_name(rule));
            rules.map(|rule| rule.bytes).sum::<u64>()
        };
        let base = if tried.profiles == [SAFEST] { SAFEST.to_owned() } else { self.base.join(",") };
        let step = |name: &str, risk, bytes, costs: &str| Step {
            name: name.to_owned(),
            risk,
            bytes,
            left_bytes: 0,
            costs: costs.to_owned(),
        };
        let own = tried.rules.iter().filter(|rule| rule.risk == Risk::OptIn && !self.optional.contains(&rule.id));
        let own: u64 = own.filter(|rule| !by_name(rule)).map(|rule| rule.bytes).sum();
        let mut steps = vec![
            step(&base, Risk::None, of(Risk::None), ""),
            step(&base, Risk::Low, of(Risk::Low), ""),
            // What the profiles to begin with enable themselves.
            step(&base, Risk::OptIn, own, "what these profiles say"),
        ];
        let chosen = self.offers(tried).into_iter().filter(|offer| offer.bytes > 0);
        let mut chosen: Vec<Offer> = chosen.collect();
        chosen.sort_by_key(|offer| Reverse(offer.bytes));
        for offer in chosen {
            let mut costs = offer.costs;
            if let Some((_, seconds)) = tried.slower.as_ref().filter(|(rule, _)| *rule == offer.name) {
                let join = if costs.is_empty() { "a start takes longer: " } else { ", " };
                costs.push_str(&format!("{join}about {seconds:.1} s of CPU (an estimate)"));
            }
            steps.push(step(&offer.name, Risk::OptIn, offer.bytes, &costs));
        }
        steps.retain(|step| step.bytes > 0);
        let mut left = before;
        for step in &mut steps {
            left = left.saturating_sub(step.bytes);
            step.left_bytes = left;
        }
        // Blocks that end a tar, and headers that are written anew, belong to no rule.
        if let Some(last) = steps.last_mut() {
            last.left_bytes = tried.bytes;
        }
        steps
    }
}

/// Returns the costs of a built-in profile.
fn costs_of(name: &str) -> String {
    builtins().find(|p| p.name == name).map_or_else(String::new, |p| p.costs.to_owned())
}

/// An image, ready to be planned.
struct Planner<'a> {
    input: &'a Input,
    image: &'a Image,
    request: &'a Request<'a>,
}

impl Planner<'_> {
    fn tried(&self, profiles: &[String], enable: &[String]) -> Result<Tried> {
        let &Self { input, image, request } = self;
        let asked = profile::Request { profiles, enable, ..profile::Request::default() };
        let picked: Profile = Profiles::of(asked)?.pick(&request.merged.tree, request.layers)?;
        let plan = plan_of(&picked, input, image, request)?;
        let tars: Vec<u64> = request.layers.iter().map(|layer| layer.tar_bytes).collect();
        let (layers, tree) = (request.layers, &request.merged.tree);
        let built = Built {
            image,
            layers,
            tree,
            plan: &plan,
            profile: &picked,
            base: 0,
            squash: false,
            written: None,
            output: None,
        };
        let rules = built.rules();
        let seconds = built.bytecode().start_seconds;
        let slower = built.most_bytecode().filter(|_| seconds >= WORTH_TELLING).map(|rule| (rule, seconds));
        let bytes = output_bytes(&plan, &tars);
        Ok(Tried { profiles: profiles.to_vec(), enable: enable.to_vec(), plan, profile: picked, bytes, rules, slower })
    }

    /// Returns the packages with most bytes among what stays.
    fn holds(&self, plan: &Plan) -> Result<Vec<Share>> {
        let mut stays = waste::needed(self.request.layers, &self.request.merged.tree);
        for removed in &plan.removed {
            stays[removed.layer as usize][removed.member as usize] = false;
        }
        let breakdown = analyze::break_down(self.request, &stays).map_err(|e| Error::new(ErrorKind::Profile, e))?;
        Ok(breakdown.packages.into_iter().filter(|share| share.name != HIDDEN).take(HOLDS).collect())
    }
}
