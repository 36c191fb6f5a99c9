//! `slim analyze --html`: the plan of one profile, and the page of the analysis with its verdicts.

use crate::analyze::page::page as fill;
use crate::analyze::{Analysis, Request};
use crate::explain::{Explain, Planned};
use crate::page::Page;
use crate::pipeline::estimate;
use crate::profile::{self, Profile};
use crate::source::{Image, Input};
use crate::{Error, ErrorKind, Result};

/// Makes the page, with the verdicts of the profile that looks at the image itself, or else of the one to choose first.
pub(super) fn page(
    analysis: &Analysis,
    request: &Request<'_>,
    image: &Image,
    (input, profiles): (&Input, &[Profile]),
) -> Result<Page> {
    let saves_most = || {
        let best = analysis.advised().map(|s| &s.profile);
        profiles.iter().find(|p| Some(&p.names.join(",")) == best)
    };
    let none;
    let profile = match profiles.iter().find(|p| !p.choices.is_empty()).or_else(saves_most) {
        Some(profile) => profile,
        None => {
            none = profile::resolve(&profile::Request::default(), &|path| std::fs::read_to_string(path))?;
            &none
        }
    };
    let plan = estimate::plan_of(profile, input, image, request)?;
    let instructions: Vec<&str> = request.instructions.iter().map(|made| made.as_deref().unwrap_or_default()).collect();
    let explain = Explain::new(Planned {
        tags: &image.tags,
        platform: &analysis.head.platform,
        instructions: &instructions,
        layers: request.layers,
        tree: &request.merged.tree,
        whiteouts: &request.merged.whiteouts,
        plan: &plan,
        profile,
        base: 0,
    });
    fill(analysis, request, &explain).map_err(|what| Error::new(ErrorKind::Profile, what))
}
