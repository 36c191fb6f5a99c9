//! What was found: mismatches with both sides, what else is to be told, and how much was looked at.

use crate::secrets::masked_value;
use serde::Serialize;

/// A mismatch, or something that is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind, a stable word for scripts: `digest`, `content`, `gone`.
    pub kind: &'static str,
    /// Which image, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where: a path of the image with a slash before it, or a document and its field.
    pub place: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// How much was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Images.
    pub images: u64,
    /// Digests and sizes that were computed anew.
    pub digests: u64,
    /// Layers that were read to their end.
    pub layers: u64,
    /// Paths of OUT.
    pub paths: u64,
    /// Files with the same bytes and metadata as in IN.
    pub same: u64,
    /// Files that have a new content, each allowed by a rule or with its rows checked.
    pub rewritten: u64,
    /// Of those: ELF files whose loaded parts were compared.
    pub elf: u64,
    /// Of those: lists and databases whose rows were compared.
    pub ledgers: u64,
    /// Paths of IN that are gone.
    pub removed: u64,
    /// Imports, libraries, interpreters, links and programs that still resolve.
    pub references: u64,
    /// Those whose target went because a rule took it on purpose.
    pub on_purpose: u64,
}

/// The paths that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The paths below each top directory that are gone: the name and how many.
    pub by_top: std::collections::BTreeMap<String, u64>,
    /// Each of them, with the rule that took it where a plan says so.
    pub paths: Vec<(String, Option<String>)>,
}

/// All that came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What is wrong.
    pub mismatches: Vec<Finding>,
    /// What differs and is not wrong: of configs, and blobs that are not there.
    pub notes: Vec<Finding>,
    /// What was checked.
    pub checked: Checked,
    /// What is gone.
    pub removed: Removed,
}

impl Finding {
    /// One of an image that is named later. Of a config no secret is told.
    fn new(
        kind: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (place, mut expected, mut found) = (place.into(), expected.into(), found.into());
        if let Some(field) = place.strip_prefix("config: ") {
            let name = field.strip_prefix("config.").unwrap_or(field);
            [&mut expected, &mut found].into_iter().for_each(|text| *text = masked_value(name, text));
        }
        Self { kind, image: None, place, expected, found }
    }
}

impl Outcome {
    /// Adds a mismatch.
    pub fn wrong(
        &mut self,
        kind: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.mismatches.push(Finding::new(kind, place, expected, found));
    }

    /// Adds what is to be told.
    pub fn note(
        &mut self,
        kind: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.notes.push(Finding::new(kind, place, expected, found));
    }

    /// Adds a mismatch if two values differ.
    pub fn same<T: PartialEq + std::fmt::Display>(&mut self, kind: &'static str, place: &str, expected: &T, found: &T) {
        if expected != found {
            self.wrong(kind, place, expected.to_string(), found.to_string());
        }
    }

    /// Says of all findings from two numbers on in which image they are.
    pub fn name(&mut self, from: (usize, usize), image: &str) {
        let (mismatches, notes) = (self.mismatches.iter_mut().skip(from.0), self.notes.iter_mut().skip(from.1));
        mismatches.chain(notes).for_each(|finding| finding.image = Some(image.to_owned()));
    }

    /// How many mismatches and notes there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.mismatches.len(), self.notes.len())
    }
}
