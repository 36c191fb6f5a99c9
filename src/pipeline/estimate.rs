//! The savings of profiles on an image that is already scanned: a plan for each, of which nothing is written.

use crate::Result;
use crate::analyze::Request;
use crate::analyze::savings::{Saving, output_bytes};
use crate::plan::matched::Named;
use crate::plan::{self, Plan};
use crate::profile::{Matcher, Profile};
use crate::report::build::Built;
use crate::report::risk::risk;
use crate::source::{Image, Input};
use crate::transform::Checksums;
use rayon::prelude::*;
use std::cmp::Reverse;

/// Removes the profiles that another one (`auto`) would pick, but not for this image.
#[must_use]
pub fn fitting(all: Vec<Profile>) -> Vec<Profile> {
    let choices: Vec<_> = all.iter().flat_map(|p| p.choices.clone()).collect();
    let used = |profile: &Profile, holds: bool| {
        let [name] = profile.names.as_slice() else { return false };
        choices.iter().any(|choice| choice.holds == holds && choice.uses.contains(name))
    };
    all.into_iter().filter(|profile| used(profile, true) || !used(profile, false)).collect()
}

/// Makes the input of a plan for a profile, of an image that is not written: with all its layers, each in its own place.
#[must_use]
pub fn request_of<'a>(
    profile: &'a Profile,
    matcher: &'a Matcher,
    named: Option<&'a Named>,
    request: &Request<'a>,
) -> plan::Request<'a> {
    let Request { facts, layers, merged, .. } = *request;
    plan::Request { facts, layers, merged, profile, matcher, named, squash: false, base: 0, cut: &plan::cut::WHOLE }
}

/// Returns the plan, with the files that keep their bytes because a text of the image has their checksum.
fn planned(request: &plan::Request<'_>, checksums: &Checksums<'_>) -> Result<Plan> {
    plan::plan_with(request, |verdicts| checksums.pinned(request, verdicts))
}

/// Returns the plan of one profile for the image of an analysis.
///
/// # Errors
/// Returns the errors of [`savings`].
pub fn plan_of(profile: &Profile, input: &Input, image: &Image, request: &Request<'_>) -> Result<Plan> {
    let matcher = Matcher::new(profile)?;
    let of = request_of(profile, &matcher, None, request);
    planned(&of, &Checksums::new(input, &image.layers, &of))
}

/// Returns the savings of each profile. Those that give the same result, such as `auto` and the profile that it picks, are
/// planned once; those with most rules come first, so that no thread is left with a long plan at the end.
///
/// # Errors
/// Returns the errors of the input, and of patterns that cannot be compiled.
pub fn savings(profiles: &[Profile], input: &Input, image: &Image, request: &Request<'_>) -> Result<Vec<Saving>> {
    let mut different: Vec<&Profile> = Vec::new();
    for profile in profiles {
        if !different.iter().any(|p| p.plans_like(profile)) {
            different.push(profile);
        }
    }
    different.sort_by_key(|p| Reverse(p.rules.iter().filter(|r| r.enabled).count()));
    let matchers = Matcher::all(&different)?;
    let named = matchers.first().map(|matcher| Named::new(&request.merged.tree, matcher));
    let pairs = || different.iter().copied().zip(&matchers);
    let requests: Vec<_> = pairs().map(|(p, matcher)| request_of(p, matcher, named.as_ref(), request)).collect();
    let Some(first) = requests.first() else { return Ok(Vec::new()) };
    let checksums = Checksums::new(input, &image.layers, first).ahead(first)?;
    let one =
        |plan: &plan::Request<'_>| planned(plan, &checksums).map(|found| saving(plan.profile, &found, image, request));
    let pairs = requests.par_iter().with_max_len(1);
    let found: Vec<Saving> = pairs.map(one).collect::<Result<_>>()?;
    let of = |profile: &Profile| {
        let (_, saving) = different.iter().zip(&found).find(|(p, _)| p.plans_like(profile))?;
        let (risk, costs) = risk(&profile.names, &saving.rules);
        Some(Saving { profile: profile.names.join(","), risk, costs, ..saving.clone() })
    };
    Ok(profiles.iter().filter_map(of).collect())
}

/// Returns the savings of a profile, by its plan.
fn saving(profile: &Profile, plan: &Plan, image: &Image, request: &Request<'_>) -> Saving {
    let Request { layers, merged, .. } = *request;
    let tars: Vec<u64> = layers.iter().map(|l| l.tar_bytes).collect();
    let after = output_bytes(plan, &tars);
    let tree = &merged.tree;
    let built = Built { image, layers, tree, plan, profile, base: 0, squash: false, written: None, output: None };
    let rules = built.rules();
    let (risk, costs) = risk(&profile.names, &rules);
    Saving {
        profile: profile.names.join(","),
        risk,
        costs,
        output_bytes: after,
        saved_bytes: tars.iter().sum::<u64>().saturating_sub(after),
        rules,
    }
}
