//! The findings: mismatches with both sides, notes, and the numbers of things that were checked; and how findings spell paths
//! and bytes.

use crate::secrets::masked_value;
use serde::Serialize;

/// A mismatch, or a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind, a stable word for scripts: `digest`, `content`, `gone`.
    pub kind: &'static str,
    /// The image, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The place: a path of the image with a slash before it, or a document and its field.
    pub place: String,
    /// The expected value.
    pub expected: String,
    /// The found value.
    pub found: String,
}

/// The numbers of things that were checked.
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
    /// ELF files among these whose loaded parts were compared.
    pub elf: u64,
    /// Lists and databases among these whose rows were compared.
    pub ledgers: u64,
    /// Paths of IN that are gone.
    pub removed: u64,
    /// Imports, libraries, interpreters, links and programs that still resolve.
    pub references: u64,
    /// References whose target went because a rule took it on purpose.
    pub on_purpose: u64,
}

/// The paths that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The number of gone paths below each top directory, by its name.
    pub by_top: std::collections::BTreeMap<String, u64>,
    /// Each of them, with the rule that took it if a plan states one.
    pub paths: Vec<(String, Option<String>)>,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The mismatches.
    pub mismatches: Vec<Finding>,
    /// The differences that are no mistakes: in configs, and blobs that are not there.
    pub notes: Vec<Finding>,
    /// The numbers of things that were checked.
    pub checked: Checked,
    /// The paths that are gone.
    pub removed: Removed,
}

impl Finding {
    /// Makes a finding of an image that is named later.
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

    /// Adds a note.
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

    /// Sets the image of all findings from two numbers on.
    pub fn name(&mut self, from: (usize, usize), image: &str) {
        let (mismatches, notes) = (self.mismatches.iter_mut().skip(from.0), self.notes.iter_mut().skip(from.1));
        mismatches.chain(notes).for_each(|finding| finding.image = Some(image.to_owned()));
    }

    /// Returns the numbers of mismatches and notes.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.mismatches.len(), self.notes.len())
    }
}

/// Returns a path with a slash before it, and nothing in it that controls a terminal.
pub(super) fn show(path: &[u8]) -> String {
    format!("/{}", crate::report::escape(path))
}

/// Returns hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
