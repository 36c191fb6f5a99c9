//! Lint: what is wrong with an image as a container sees it, and secrets wherever they lie. Each module looks for kinds of findings;
//! `profiles/lint.toml` says what they are, and how severe.

use super::budget;
use crate::layer::Facts;
use crate::path;
use crate::plan;
use crate::report::markdown::cut;
use crate::tar::Member;
use crate::tree::{NodeId, Tree};
use bstr::{BString, ByteSlice};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

mod files;
mod imports;
mod links;
mod masked;
mod modes;
mod modules;
mod node;
mod programs;
mod reach;
pub mod rules;
pub mod sarif;
pub mod text;
mod variables;

pub use masked::{masked, masked_value};
use rules::Rules;

/// As many characters of an instruction are told beside each finding of its layer.
const INSTRUCTION: usize = 300;

/// How bad a finding is.
#[derive(Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not work, or a secret is out.
    Error,
    /// It is likely to be a fault.
    Warning,
    /// It may be meant so.
    Note,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something wrong.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The kind, as in `profiles/lint.toml`.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// Where, without a leading slash: the first path of several. Empty where it is in the config.
    #[serde(serialize_with = "super::json::path")]
    pub path: BString,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The layer that has it, from 1 at the bottom.
    pub layer: Option<usize>,
    /// The beginning of the instruction that made the layer, secrets masked; empty where there is none.
    pub instruction: String,
    /// What it is about: the module, the library, the target, the variable. With `id` and `path` it tells findings apart.
    pub subject: String,
    /// In how many files.
    pub count: u64,
    /// A sentence.
    pub message: String,
    /// A way out.
    pub help: String,
}

impl Finding {
    /// What budgets and comments want of it.
    #[must_use]
    pub fn told(&self) -> budget::Finding<'_> {
        let Self { id, severity, path, message, .. } = self;
        budget::Finding { id, severity: severity.name(), path: path.as_bstr(), message }
    }
}

/// What not to tell: a kind, or all (`*`), everywhere or below some paths.
#[derive(Clone, Debug)]
pub struct Ignore {
    id: String,
    paths: Option<GlobSet>,
}

impl Ignore {
    /// Reads `ID` or `ID:GLOB`. The glob starts at the root unless it begins with `**/`; a directory means all below it.
    ///
    /// # Errors
    /// What was expected: a known id, a right glob.
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

    /// Whether it says so of a finding.
    #[must_use]
    pub fn matches(&self, finding: &Finding) -> bool {
        (self.id == "*" || self.id == finding.id)
            && self.paths.as_ref().is_none_or(|paths| paths.is_match(finding.path.to_path_lossy()))
    }
}

/// What lint is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The image and its tree. The profile's sets name where modules are; its rules mean nothing here.
    pub plan: plan::Request<'a>,
    /// Which members containers see, from [`super::waste::needed`].
    pub needed: &'a [Vec<bool>],
    /// The instruction that made each layer, secrets masked; none where there is no entry.
    pub instructions: &'a [Option<String>],
    /// What is found fault with.
    pub rules: &'a Rules,
    /// What is not told.
    pub ignore: &'a [Ignore],
}

/// Finds what is wrong, most severe first, then by kind, path and subject.
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

/// A search for findings.
struct Look<'a> {
    request: &'a Request<'a>,
    tree: &'a Tree,
    /// Of each layer.
    instructions: Vec<String>,
    found: Vec<Finding>,
}

impl<'a> Look<'a> {
    fn rules(&self) -> &'a Rules {
        self.request.rules
    }

    /// The member with a name's metadata and content.
    fn member(&self, node: NodeId) -> Option<&'a Member> {
        self.tree.inode_of(node).holder().map(|at| self.request.plan.member(at))
    }

    /// What is known of a name's content.
    fn facts(&self, node: NodeId) -> Option<&'a Facts> {
        plan::guard::facts_of(&self.request.plan, node)
    }

    /// The layer that gave a path its name, from 1.
    fn layer(&self, node: NodeId) -> usize {
        self.tree.node(node).since() as usize + 1
    }

    /// Adds a finding about a path; the rest is the caller's to fill in.
    fn report(&mut self, id: &str, severity: Severity, node: NodeId, subject: &str, message: String) -> &mut Finding {
        let (path, layer) = (self.tree.path(node), self.layer(node));
        self.add(id, severity, path, Some(layer), subject, message)
    }

    fn add(
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

/// `, and 3 more files`; nothing where there is one alone.
fn more(count: u64) -> String {
    match count {
        0 | 1 => String::new(),
        2 => ", and 1 more file".to_owned(),
        n => format!(", and {} more files", crate::report::units::count(n - 1)),
    }
}

/// The last component of a path.
fn base(path: &[u8]) -> &[u8] {
    path::split(path).1
}
