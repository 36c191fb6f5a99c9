//! Patterns of the command line that match nothing: they may have a typo, and a protection that protects nothing is a serious
//! mistake.

use super::image::Inputs;
use super::progress::Ui;
use super::stack::MergedImage;
use crate::profile::{self, Glob, Globs};
use crate::{Error, ErrorKind, Result};

/// Refuses patterns of `--drop` and `--protect` that match no path of any image; with `--allow-idle` a note is enough.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] with the option and the pattern.
pub(super) fn check(inputs: Inputs<'_>, merged: &[MergedImage], ui: &dyn Ui) -> Result<()> {
    // Nothing is known of the paths of a Windows image.
    if inputs.input.images.iter().any(|image| image.is_windows()) {
        return Ok(());
    }
    let profile = inputs.profiles.widest();
    let drops = profile.rules.iter().filter(|rule| rule.id == profile::COMMAND_LINE).flat_map(|rule| &rule.paths);
    let protects = profile.protects.iter().filter(|p| p.profile == profile::COMMAND_LINE).map(|p| &p.path);
    let asked: Vec<(&str, &Glob)> =
        drops.map(|glob| ("--drop", glob)).chain(protects.map(|g| ("--protect", g))).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let patterns: Vec<Glob> = asked.iter().map(|(_, glob)| (*glob).clone()).collect();
    let globs = Globs::new(&patterns)?;
    let mut matched = vec![false; asked.len()];
    let mut path = Vec::new();
    for tree in merged.iter().map(|image| &image.merged.tree) {
        for id in tree.ids() {
            tree.path_into(id, &mut path);
            globs.find(&path, |pattern| matched[pattern] = true);
        }
    }
    // A path that a later layer hides is in the image as well.
    if matched.contains(&false) {
        for member in inputs.scans.values().flat_map(|scanned| &scanned.index.members) {
            globs.find(&member.path, |pattern| matched[pattern] = true);
        }
    }
    let idle: Vec<String> = asked
        .iter()
        .zip(matched)
        .filter(|(_, matched)| !matched)
        .map(|((option, glob), _)| format!("{option} {}", glob.source))
        .collect();
    if idle.is_empty() {
        return Ok(());
    }
    let what = format!("{} matches no path of the image", idle.join(" and "));
    if inputs.request.allow_idle {
        ui.note(&what);
        return Ok(());
    }
    let hint = "patterns start at the root of the image unless they begin with `**/`; --allow-idle lets a pattern match nothing";
    Err(Error::new(ErrorKind::Usage, what).archive(&inputs.input.name).hint(hint))
}
