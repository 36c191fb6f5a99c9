//! The reasons of a plan in words: the one place that describes a [`HoldReason`] and a [`SkipReason`], for people and for
//! programs.

use super::escape;
use crate::plan::packages::{Kept, KeptPackage};
use crate::plan::{HoldReason, SkipReason};
use crate::profile::Profile;
use crate::tree::{NodeId, Tree};

/// The id of the reason for protected paths.
const PROTECTED: &str = "protected";

/// The reason that a path stays although a rule asked for it.
pub struct Explanation {
    /// A short name, which never changes.
    pub id: &'static str,
    /// A clause that holds for all paths that are held in this way, by which they are added up.
    pub class: String,
    /// A clause about just this path; `None` if the class says everything.
    pub sentence: Option<String>,
    /// The path that needs it.
    pub by: Option<NodeId>,
    /// The line of that file, from 1.
    pub line: Option<u32>,
}

impl Explanation {
    fn new(id: &'static str, class: impl Into<String>) -> Self {
        Self { id, class: class.into(), sentence: None, by: None, line: None }
    }

    /// Returns the most exact clause about the path.
    #[must_use]
    pub fn exact(&self) -> &str {
        self.sentence.as_deref().unwrap_or(&self.class)
    }

    /// Returns that clause as the end of a sentence.
    #[must_use]
    pub fn clause(&self) -> String {
        let verb = if self.id == PROTECTED { "it is " } else { "" };
        format!("{verb}{}", self.exact())
    }
}

/// Describes the reason that a path is held.
#[must_use]
pub fn held(why: HoldReason, tree: &Tree, profile: &Profile) -> Explanation {
    let path = |id| escape(&tree.path(id));
    match why {
        HoldReason::Protected(p) => {
            let protect = profile.protect(p);
            let class = format!("protected: {} ({})", protect.reason, protect.path.source);
            Explanation { sentence: Some(class.clone()), ..Explanation::new(PROTECTED, class) }
        }
        HoldReason::LinkedFrom(by) => Explanation {
            sentence: Some(format!("the link {} leads to it", path(by))),
            by: Some(by),
            ..Explanation::new("link", "a link that stays leads to it")
        },
        HoldReason::Config => {
            let class = "the image's config names it";
            Explanation { sentence: Some(class.to_owned()), ..Explanation::new("config", class) }
        }
        HoldReason::Interprets(by) => Explanation {
            sentence: Some(format!("{} needs it to run", path(by))),
            by: Some(by),
            ..Explanation::new("interpreter", "a script or program that stays needs it to run")
        },
        HoldReason::Referenced(by, line) => Explanation {
            sentence: Some(format!("{}:{line} refers to it", path(by))),
            by: Some(by),
            line: Some(line),
            ..Explanation::new("reference", "a file that stays refers to it")
        },
        HoldReason::Needed(by) => Explanation {
            sentence: Some(format!("{} is linked with it", path(by))),
            by: Some(by),
            ..Explanation::new("needed", "a program or library that stays needs it")
        },
        HoldReason::Named(by, line) => Explanation {
            sentence: Some(if line == 0 {
                format!("{} names its path, or runs what reads it", path(by))
            } else {
                format!("{}:{line} names its path, or runs what reads it", path(by))
            }),
            by: Some(by),
            line: Some(line).filter(|line| *line > 0),
            ..Explanation::new("named", "what stays names its path, or runs what reads it")
        },
        HoldReason::Loaded(by) => Explanation {
            sentence: Some(format!("{} loads it by this name", path(by))),
            by: Some(by),
            ..Explanation::new("loaded", "a file that stays loads it by this name")
        },
        HoldReason::Mapped(by, line) => Explanation {
            sentence: Some(format!(
                "{}:{line} names it as its source map, and the image has a program that follows such names",
                path(by)
            )),
            by: Some(by),
            line: Some(line),
            ..Explanation::new(
                "source-map",
                "a script or style names it as its source map, and the image has a program that follows such names",
            )
        },
        HoldReason::Base => Explanation::new("base", "its layer is one that other images share"),
    }
}

/// Describes the reason that a file is not stripped: a name that never changes, a clause, and true if this is so common that
/// nobody need be told.
#[must_use]
pub fn left(why: SkipReason, tree: &Tree, profile: &Profile) -> (&'static str, String, bool) {
    match why {
        SkipReason::Content(protect) => {
            let protect = profile.protect(protect);
            (PROTECTED, format!("protected: {} ({})", protect.reason, protect.path.source), false)
        }
        SkipReason::Stated(text) => ("stated", stated(text, tree), false),
        SkipReason::Elf(reason) => (reason.id(), reason.to_string(), reason.is_usual()),
        SkipReason::Protected => (PROTECTED, "protected: it stays byte for byte".to_owned(), false),
        SkipReason::Recorded => {
            ("recorded", "a package manager's checksum of it cannot be written anew".to_owned(), false)
        }
    }
}

/// Describes the text that has a file's checksum.
#[must_use]
pub fn stated(text: NodeId, tree: &Tree) -> String {
    // The root stands for the config, which is no file.
    let place = if text == NodeId::ROOT { "the image's config".to_owned() } else { escape(&tree.path(text)) };
    format!("its checksum is in {place}")
}

/// Describes the reason that a package stays although a rule asked for it.
#[must_use]
pub fn kept(package: &KeptPackage, tree: &Tree, profile: &Profile) -> String {
    let path = |node| escape(&tree.path(node));
    let other = package.other.as_ref().map(|name| escape(name)).unwrap_or_default();
    match package.why {
        Kept::Essential => "it is marked as essential".to_owned(),
        Kept::OnHold => "it is on hold".to_owned(),
        Kept::Protected(protect, node) => {
            format!("{} is protected: {}", path(node), profile.protect(protect).reason)
        }
        Kept::Base(node) => format!("{} lies in a layer that other images share", path(node)),
        Kept::Unlisted => "there is no list of its files".to_owned(),
        Kept::PartOf(_) => format!("it is a part of {other}"),
        Kept::Needed(_) => format!("{other} needs it"),
        Kept::Diverts => "it has diverted files of packages that stay".to_owned(),
        Kept::Held(node, why) => format!("its file {} stays: {}", path(node), held(why, tree, profile).clause()),
    }
}

/// Describes the reason that a file of such a package stays.
#[must_use]
pub fn file_of_kept(package: &KeptPackage, tree: &Tree, profile: &Profile) -> Explanation {
    let class = format!("its package {} stays: {}", escape(&package.name), kept(package, tree, profile));
    Explanation { sentence: Some(class.clone()), ..Explanation::new("package", class) }
}
