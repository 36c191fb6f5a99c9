//! The input of lint, and the search for findings that its parts share.

use super::finding::{Finding, Severity};
use super::rules::Rules;
use crate::layer::Facts;
use crate::path;
use crate::plan;
use crate::tar::Member;
use crate::tree::{NodeId, Tree};
use bstr::{BString, ByteSlice};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Findings to leave out: a kind, or all (`*`), everywhere or below some paths.
#[derive(Clone, Debug)]
pub struct Ignore {
    id: String,
    paths: Option<GlobSet>,
}

impl Ignore {
    /// Reads `ID` or `ID:GLOB`. The glob starts at the root unless it begins with `**/`; a directory means everything below it.
    ///
    /// # Errors
    /// Returns a sentence with what was expected: a known id, or a correct glob.
    pub fn parse(text: &str, rules: &Rules) -> Result<Self, String> {
        let (id, glob) = text.split_once(':').map_or((text, None), |(id, glob)| (id, Some(glob)));
        if id != "*" && rules.kind(id).is_none() {
            let known: Vec<&str> = rules.kinds().iter().map(|kind| kind.id.as_str()).collect();
            return Err(format!("`{id}` is no kind of findings: expected one of {}, or *", known.join(", ")));
        }
        let glob = glob.map(|glob| {
            let glob = glob.trim_start_matches('/').trim_end_matches('/');
            let below = if glob.is_empty() { "**".to_owned() } else { format!("{glob}/**") };
            let mut both = GlobSetBuilder::new();
            for glob in [glob, &below] {
                both.add(GlobBuilder::new(glob).literal_separator(true).build()?);
            }
            both.build()
        });
        let paths = glob.transpose().map_err(|e: globset::Error| e.to_string())?;
        Ok(Self { id: id.to_owned(), paths })
    }

    /// True if the finding is to be left out.
    #[must_use]
    pub fn matches(&self, finding: &Finding) -> bool {
        (self.id == "*" || self.id == finding.id)
            && self.paths.as_ref().is_none_or(|paths| paths.is_match(finding.path.to_path_lossy()))
    }
}

/// The input of lint.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The image and its tree. The profile's sets name the directories of modules; its rules mean nothing here.
    pub plan: plan::Request<'a>,
    /// For each layer and member: true if containers see it; from [`crate::analyze::waste::needed`].
    pub needed: &'a [Vec<bool>],
    /// The instruction that made each layer, secrets masked; `None` for a layer without an entry.
    pub instructions: &'a [Option<String>],
    /// The rules for findings.
    pub rules: &'a Rules,
    /// The findings to leave out.
    pub ignore: &'a [Ignore],
}

/// A search for findings.
pub(super) struct Look<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) tree: &'a Tree,
    /// The instruction of each layer.
    pub(super) instructions: Vec<String>,
    pub(super) found: Vec<Finding>,
}

impl<'a> Look<'a> {
    pub(super) fn rules(&self) -> &'a Rules {
        self.request.rules
    }

    /// Returns the member with a name's metadata and content.
    pub(super) fn member(&self, node: NodeId) -> Option<&'a Member> {
        self.tree.inode_of(node).holder().map(|at| self.request.plan.member(at))
    }

    /// Returns the facts about a name's content.
    pub(super) fn facts(&self, node: NodeId) -> Option<&'a Facts> {
        self.request.plan.facts_of(node)
    }

    /// Returns the layer that gave a path its name, from 1.
    pub(super) fn layer(&self, node: NodeId) -> usize {
        self.tree.node(node).since() as usize + 1
    }

    /// Adds a finding about a path; the caller fills in the rest.
    pub(super) fn report(
        &mut self,
        id: &str,
        severity: Severity,
        node: NodeId,
        subject: &str,
        message: String,
    ) -> &mut Finding {
        let (path, layer) = (self.tree.path(node), self.layer(node));
        self.add(id, severity, path, Some(layer), subject, message)
    }

    pub(super) fn add(
        &mut self,
        id: &str,
        severity: Severity,
        path: BString,
        layer: Option<usize>,
        subject: &str,
        message: String,
    ) -> &mut Finding {
        let made = layer.and_then(|layer| self.instructions.get(layer - 1));
        let finding = Finding {
            id: id.to_owned(),
            severity,
            path,
            line: None,
            layer,
            instruction: made.cloned().unwrap_or_default(),
            subject: subject.to_owned(),
            count: 1,
            message,
            help: self.rules().kind(id).map(|kind| kind.help.clone()).unwrap_or_default(),
        };
        self.found.push(finding);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}

/// Returns `, and 3 more files`; empty for a single one.
pub(super) fn more(count: u64) -> String {
    match count {
        0 | 1 => String::new(),
        2 => ", and 1 more file".to_owned(),
        n => format!(", and {} more files", crate::report::units::count(n - 1)),
    }
}

/// Returns the last component of a path.
pub(super) fn base(path: &[u8]) -> &[u8] {
    path::split(path).1
}
