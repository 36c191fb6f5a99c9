//! The kinds of sweeps, the images that they are done in, and their findings.

use crate::Result;
use crate::engine::subject::{Files, Subject};
use crate::engine::{Engine, Loaded};
use serde::Serialize;
use std::collections::BTreeMap;

/// The kind of things that are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Every module of every Python is imported.
    Python,
    /// Every shared object is loaded.
    Elf,
    /// Every program of `PATH` is run with `--version`.
    Bin,
    /// Every package below a `node_modules` is required.
    Node,
    /// Every package manager is asked.
    Packages,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Python, Self::Elf, Self::Bin, Self::Node, Self::Packages];

    /// Returns the word on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Elf => "elf",
            Self::Bin => "bin",
            Self::Node => "node",
            Self::Packages => "packages",
        }
    }
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The module, path, package or question.
    pub name: String,
    /// The file, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The result in the image after.
    pub why: String,
}

/// One sweep: the things that were tried with one interpreter, or with the image as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// The kind: `python`, `elf`, `bin`, `node` or `packages`.
    pub sweep: String,
    /// The interpreter, if it is one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// The number of things of the kind in the image.
    pub tried: usize,
    /// The number of them that worked before.
    pub worked: usize,
    /// The number of these that work after.
    pub works: usize,
    /// The things that worked before, are still there, and do not work as before.
    pub regressions: Vec<Finding>,
    /// The things that worked before and are not there any more.
    pub dropped: Vec<Finding>,
    /// The things that worked before and, tried again, did not always.
    pub unsteady: Vec<String>,
    /// The reason that nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The time that it took in both images, in seconds.
    pub seconds: f64,
}

/// The results of all sweeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// The engine.
    pub engine: String,
    /// The number of regressions of all sweeps.
    pub regressions: usize,
    /// Each sweep.
    pub sweeps: Vec<Sweep>,
}

/// A name's mark if it works, otherwise the reason that it does not.
pub(super) type Answer = std::result::Result<String, String>;

/// The marks of names.
pub(super) type Answers = BTreeMap<String, Answer>;

/// An image to sweep: in the engine, with its files.
pub struct Side<'a> {
    pub(super) engine: &'a Engine,
    pub(super) image: &'a Loaded,
    pub(super) files: Files,
}

impl<'a> Side<'a> {
    /// Reads the files of the image.
    ///
    /// # Errors
    /// Returns the errors of the layers.
    pub fn new(engine: &'a Engine, image: &'a Loaded, subject: &Subject) -> Result<Self> {
        Ok(Self { engine, image, files: subject.files()? })
    }
}
