//! What sweeps are of, the images that they are done in, and what they find.

use crate::Result;
use crate::engine::subject::{Files, Subject};
use crate::engine::{Engine, Loaded};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is tried.
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
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Python, Self::Elf, Self::Bin, Self::Node, Self::Packages];

    /// The word on the command line and in reports.
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
    /// The file that it is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What came of it after.
    pub why: String,
}

/// One sweep: what was tried with one interpreter, or with the image as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// What was tried: `python`, `elf`, `bin`, `node` or `packages`.
    pub sweep: String,
    /// With what, where that is one of several interpreters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// How many things the image has of the kind.
    pub tried: usize,
    /// How many of them worked before.
    pub worked: usize,
    /// How many of these work after.
    pub works: usize,
    /// What worked before, is still there, and does not work as before.
    pub regressions: Vec<Finding>,
    /// What worked before and is not there any more.
    pub dropped: Vec<Finding>,
    /// What worked before and, tried again, did not always.
    pub unsteady: Vec<String>,
    /// Why nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How long it took, in both images, in seconds.
    pub seconds: f64,
}

/// What all sweeps found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// The engine.
    pub engine: String,
    /// How many regressions there are in all.
    pub regressions: usize,
    /// Each sweep.
    pub sweeps: Vec<Sweep>,
}

/// A name's mark where it works, else why it does not.
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
    /// Reads what files the image has.
    ///
    /// # Errors
    /// Those of its layers.
    pub fn new(engine: &'a Engine, image: &'a Loaded, subject: &Subject) -> Result<Self> {
        Ok(Self { engine, image, files: subject.files()? })
    }
}
