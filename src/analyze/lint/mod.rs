//! Lint: faults of an image as a container sees it, and secrets in any layer. Each module looks for some kinds of findings;
//! `profiles/lint.toml` describes them and their severities.

use crate::report::markdown::cut;

mod files;
mod finding;
mod imports;
mod links;
mod look;
mod modes;
mod modules;
mod node;
mod programs;
pub mod rules;
pub mod sarif;
pub mod text;
mod variables;

pub use finding::{Finding, Severity};
use look::Look;
pub use look::{Ignore, Request};

/// The number of characters of an instruction that are shown beside each finding of its layer.
const INSTRUCTION: usize = 300;

/// Returns the findings, most severe first, then by kind, path and subject.
#[must_use]
pub fn lint(request: &Request<'_>) -> Vec<Finding> {
    let instructions = request.instructions.iter().map(|made| cut(made.as_deref().unwrap_or_default(), INSTRUCTION));
    let instructions = instructions.collect();
    let tree = &request.plan.merged.tree;
    let kinds: [fn(&mut Look<'_>); 7] =
        [imports::look, node::look, programs::look, links::look, modes::look, files::look, variables::look];
    let mut look = Look { request, tree, instructions, found: Vec::new() };
    kinds.iter().for_each(|kind| kind(&mut look));
    let mut found = look.found;
    found.retain(|finding| !request.ignore.iter().any(|ignore| ignore.matches(finding)));
    found.sort_by(|a, b| (a.severity, &a.id, &a.path, &a.subject).cmp(&(b.severity, &b.id, &b.path, &b.subject)));
    found
}
