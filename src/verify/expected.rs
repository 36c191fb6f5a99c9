//! The image that a plan announces: a value between the plan, which is slim's own, and the checks, which are not.

use crate::Digest;
use bstr::BString;
use std::collections::{HashMap, HashSet};

/// The expectation for one image.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The digest of IN's config, which identifies the image.
    pub id: Option<Digest>,
    /// The rules, as plans count them.
    pub rules: Vec<Rule>,
    /// The paths that are not kept as they are.
    pub fates: HashMap<BString, Fate>,
    /// The number of paths that the plan knows, the root included.
    pub paths: usize,
    /// The paths, in layers, of files with new contents: any of their names.
    pub whole: HashSet<BString>,
}

/// The index of a rule in [`Expected::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleIndex(pub usize);

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule's id.
    pub id: String,
    /// True if references to its paths do not count: a package goes on purpose, with everything that others may want of it.
    pub on_purpose: bool,
}

/// The fate of a path. By default it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// The rule that takes it.
    pub dropped: Option<RuleIndex>,
    /// The new content.
    pub content: Content,
    /// The path that it becomes a hard link to.
    pub linked: Option<BString>,
    /// The new target of its symbolic link.
    pub target: Option<BString>,
}

/// The fate of a file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// It stays.
    #[default]
    Same,
    /// Symbols and debug data go: the rule.
    Stripped(RuleIndex),
    /// A program makes a new one: the rule, and the SHA-256 of the content, if known.
    Made(RuleIndex, Option<[u8; 32]>),
    /// Rows of it go or change with the files that they describe.
    Rows,
    /// The file is new: its metadata and content.
    Added(Box<Added>),
}

/// A file that IN does not have, or that is written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Permissions.
    pub mode: u32,
    /// Owner and group.
    pub ids: (i64, i64),
    /// Seconds since 1970, and nanoseconds.
    pub mtime: (i64, u32),
    /// The SHA-256 of the content.
    pub hash: [u8; 32],
}

impl Expected {
    /// Returns the name of a rule.
    #[must_use]
    pub fn rule(&self, index: RuleIndex) -> &str {
        self.rules.get(index.0).map_or("shadowed", |rule| &rule.id)
    }
}
