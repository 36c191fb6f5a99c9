//! Packages that stay although a rule asks for them, and packages of which `--drop` takes every file.

use super::image::Planned;
use super::progress::Ui;
use crate::explain::Explain;
use crate::ownership::{Entry, Ownership, Wanted};
use crate::plan::packages::{Kept, KeptPackage};
use crate::profile::{Action, COMMAND_LINE, Packages};
use crate::report::{escape, words};
use crate::{Error, ErrorKind, Result, Warning};
use std::cell::LazyCell;

/// Refuses a plan in which a package stays because a file refers to it, if the rule does not say what to do then. Returns warnings
/// about packages that stay in spite of `force`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] with the chain of reasons.
pub(super) fn check(planned: &Planned<'_>) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    // It looks at all members, and most plans keep no such package.
    let explain = LazyCell::new(|| Explain::new(planned.explained("", &[])));
    for kept in &planned.plan.packages.kept {
        let rule = planned.profile.rule(kept.rule);
        let Action::RemovePackage(settings) = &rule.action else { continue };
        // What is essential, on hold or protected stays whatever a rule says, and reports tell so.
        if settings.keep_needed || !matches!(kept.why, Kept::Held(..)) {
            continue;
        }
        let why = words::kept(kept, &planned.tree, &planned.profile);
        let name = escape(&kept.name);
        if settings.force {
            let what = format!("rule `{}` does not remove {name} in spite of `force`: {why}", rule.id);
            warnings.push(Warning::new("kept-packages", format!("{what}{}", chain(planned, kept, &explain))));
            continue;
        }
        let what =
            format!("rule `{}` cannot remove the package {name}: {why}{}", rule.id, chain(planned, kept, &explain));
        return Err(Error::new(ErrorKind::Usage, what).hint(hint(planned, kept, settings)));
    }
    Ok(warnings)
}

/// Returns what leads to the file that holds a package, a line for each step.
fn chain(planned: &Planned<'_>, kept: &KeptPackage, explain: &Explain<'_>) -> String {
    let Kept::Held(_, why) = kept.why else { return String::new() };
    let Some(by) = why.by() else { return String::new() };
    let answer = explain.answer(&escape(&planned.tree.path(by)));
    answer.into_iter().flat_map(|answer| answer.sentences).map(|sentence| format!("\n  {sentence}")).collect()
}

fn hint(planned: &Planned<'_>, kept: &KeptPackage, settings: &Packages) -> String {
    let dead = match kept.why {
        Kept::Held(_, why) => why.by().map(|by| escape(&planned.tree.path(by))),
        _ => None,
    };
    let dead = dead.filter(|path| !path.contains(['*', '?', '[', '{']));
    let dead = dead.map(|path| match settings.ignore.is_empty() {
        true => format!(", or `ignore = [\"{path}\"]` if nothing runs that file any more"),
        false => format!(", or add \"{path}\" to its `ignore` if nothing runs that file any more"),
    });
    let dead = dead.unwrap_or_default();
    format!("set `keep-needed = true` (what is needed stays){dead}; or leave the package out of the rule")
}

/// Notes the packages of which the command line drops every file: their manager still believes that they are installed.
pub(super) fn note_dropped(planned: &Planned<'_>, ui: &dyn Ui) {
    let profile = &planned.profile;
    let Some((rule, _)) = profile.numbered_rules().find(|(_, rule)| rule.id == COMMAND_LINE) else { return };
    let owned = Ownership::read(&planned.layers, &planned.tree, Wanted::Removable);
    let goes = |node: &crate::tree::NodeId| planned.plan.dropped[node.index()] == Some(rule);
    let removed = |entry: &Entry| planned.plan.packages.removed.iter().any(|package| package.name == entry.name);
    let gone = owned.entries.iter().filter(|entry| !removed(entry)).filter(|entry| {
        let mut files = entry.files.iter().filter(|&&node| !planned.tree.is_dir(node)).peekable();
        files.peek().is_some() && files.all(goes)
    });
    let names: Vec<String> =
        gone.map(|entry| format!("{} {}", entry.package.manager.name(), escape(&entry.name))).collect();
    if !names.is_empty() {
        ui.note(&format!(
            "--drop takes all files of {}, but not the entry in the package manager's database: a rule with \
             `action = \"remove-package\"` takes both",
            names.join(", ")
        ));
    }
}
