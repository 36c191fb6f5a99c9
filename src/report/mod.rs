//! The report of a run, as text ([`text`]), for programs ([`json`]) and as a list of paths ([`removed`]).
//!
//! A [`Report`] is plain data: built from the plan and the output, then only read. Nothing here does I/O on its own or looks at
//! the clock, so equal runs give equal reports (the timings, which differ, are empty unless asked for).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use bstr::{BStr, BString};
use serde::{Serialize, Serializer};

use crate::Warning;
use crate::packages::Manager;
use crate::profile::Risk;
use crate::registry::Moved;
use crate::source::ImageFormat;

pub(crate) mod build;
mod changes;
pub(crate) mod escape;
pub mod instruction;
pub mod json;
pub(crate) mod markdown;
pub(crate) mod paint;
pub mod removed;
pub mod risk;
pub(crate) mod table;
pub mod text;
pub(crate) mod units;
pub(crate) mod words;

#[cfg(test)]
mod tests;

pub use escape::{escape, printable, unescape};

/// The version of the JSON report's schema. It goes up when a key changes its meaning or goes; new keys may come without a new
/// version.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that a run reports. [`json`] documents each key with its unit.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of slim.
    pub slim_version: String,
    /// True if nothing was written: sizes are those of the plan.
    pub dry_run: bool,
    /// The profiles as the user named them.
    pub profiles: Vec<String>,
    /// The profiles that a `[[when]]` of these brought, because an image has what it asks for.
    pub picked: Vec<String>,
    /// `keep` or `squash`.
    pub layers_mode: String,
    /// What was taken for granted, and what was done beside writing the output.
    pub notes: Vec<String>,
    /// The input.
    pub input: Side,
    /// The output; `None` in a dry run.
    pub output: Option<Side>,
    /// The images of the archive that were rewritten, in its order.
    pub images: Vec<ImageReport>,
    /// Everything that the user should know, in the order in which it was found.
    pub warnings: Vec<Warning>,
    /// The time of each phase; empty unless asked for, because it differs from run to run.
    pub timings: Vec<Timing>,
}

/// Returns the name of an image format in reports.
#[must_use]
pub const fn form_name(form: ImageFormat) -> &'static str {
    match form {
        ImageFormat::Docker => "docker-archive",
        ImageFormat::Hybrid => "hybrid",
        ImageFormat::Oci => "oci-archive",
        ImageFormat::OciDir => "oci",
        ImageFormat::Registry => "registry",
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn form<S: Serializer>(form: &ImageFormat, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(form_name(*form))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn manager<S: Serializer>(manager: &Manager, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(manager.name())
}

/// The archive or directory that was read or written.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The path as the user named it.
    pub path: String,
    /// The image format.
    #[serde(serialize_with = "form")]
    pub form: ImageFormat,
    /// Bytes of the archive, or of all blobs of a directory.
    pub archive_bytes: Option<u64>,
    /// Bytes of all layers as plain tars, each once.
    pub uncompressed_bytes: u64,
    /// Bytes of all compressed blobs, each once, which a pull moves; `None` if not all are compressed.
    pub pulled_bytes: Option<u64>,
    /// The digest of the index, or of the (first) manifest if there is no index.
    pub digest: Option<String>,
    /// The bytes that moved to a registry, or did not have to; `None` for anything else.
    pub moved: Option<Moved>,
}

/// One image: its sizes, and the changes of its layers and files.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ImageReport {
    /// The image's names.
    pub tags: Vec<String>,
    /// `OS/ARCH[/VARIANT]`.
    pub platform: String,
    /// The profiles that a `[[when]]` brought for this image.
    pub picked: Vec<String>,
    /// The image as read.
    pub input: ImageSide,
    /// The image as written; `None` in a dry run.
    pub output: Option<ImageSide>,
    /// The input's layers, bottom first.
    pub layers: Vec<LayerReport>,
    /// The bytes that each rule took.
    pub rules: Vec<RuleReport>,
    /// Ids of enabled rules whose patterns matched no path.
    pub unmatched_rules: Vec<String>,
    /// Those of them that no built-in profile has: a rule that somebody wrote for an image should match something in it.
    #[serde(skip)]
    pub idle_rules: Vec<String>,
    /// Everything that went.
    pub removed: Totals,
    /// The executables and shared objects that were stripped, and those that were not.
    pub stripped: Stripped,
    /// Packages that rules removed, with their entries in their managers' databases.
    pub removed_packages: Vec<RemovedPackage>,
    /// Packages that a rule asked for and that stay.
    pub kept_packages: Vec<KeptPackage>,
    /// Equal files that became hard links.
    pub linked: Totals,
    /// Files with a content that another program made.
    pub made: Totals,
    /// The cost of dropping compiled Python modules.
    pub bytecode: Bytecode,
    /// Files that a rule would have given a new content, and that stay as they are, by rule and reason.
    pub unchanged: Vec<Unchanged>,
    /// Packages by the bytes that went of them.
    pub packages: Vec<Named>,
    /// Directories by the bytes that went of them.
    pub directories: Vec<Named>,
    /// Paths that a rule asked for and that stay.
    pub rescued: Vec<Rescue>,
    /// These paths added up by reason and rule.
    pub held: Vec<Held>,
}

/// An image's documents and size.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ImageSide {
    /// The manifest's digest, if the archive has one.
    pub manifest: Option<String>,
    /// The config's digest: docker's image id.
    pub config: String,
    /// Bytes of the layers as plain tars.
    pub uncompressed_bytes: u64,
    /// Bytes of the layers as they are stored.
    pub blob_bytes: u64,
}

/// What becomes of a layer.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// Nothing is removed from it.
    Unchanged,
    /// Its tar is written anew.
    Rewritten,
    /// Nothing is left of it.
    Dropped,
    /// It becomes part of the one layer of a squash.
    Squashed,
    /// It is kept, as it is part of the base.
    Base,
}

/// One layer of the input, and its counterpart in the output.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// The layer's number from 1 at the bottom, as in `--base` and in errors.
    pub index: usize,
    /// `created_by` of the history entry, `***` for secrets in it; empty if there is none.
    pub instruction: String,
    /// Bytes of the tar.
    pub input_bytes: u64,
    /// Bytes of the output's tar that come from it.
    pub output_bytes: u64,
    /// Bytes of the blob as stored.
    pub input_blob: u64,
    /// Bytes of the output's blob; `None` if it has none of its own.
    pub output_blob: Option<u64>,
    /// The digest of the tar.
    pub diff_id: String,
    /// The digest of the output's tar; `None` if it has none of its own.
    pub output_diff_id: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// The number of members that went.
    pub files_removed: u64,
}

/// The files and bytes that a rule took.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// The id of the rule.
    pub id: String,
    /// The profile that it comes from.
    pub profile: String,
    /// The reason that it is safe.
    pub about: String,
    /// The loss, in half a sentence; empty if there is none.
    pub costs: String,
    /// The risk of the rule.
    pub risk: Risk,
    /// The number of members that went.
    pub files: u64,
    /// Bytes of tar that went with them.
    pub bytes: u64,
}

/// The stripping of executables and shared objects.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Stripped {
    /// The number of files that lost symbols or debug data.
    pub files: u64,
    /// Bytes of tar that went with them.
    pub bytes: u64,
    /// Files that a rule asked for and that stay as they are, by reason.
    pub left: Vec<SkippedFiles>,
}

/// Files that are not stripped for one reason.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SkippedFiles {
    /// A short name of the reason, which never changes.
    pub id: String,
    /// The reason, in a sentence.
    pub reason: String,
    /// The number of files.
    pub files: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// The path of the largest of them.
    #[serde(serialize_with = "escape::serialize")]
    pub example: BString,
    /// True if the reason means nothing is wrong: there was nothing to strip.
    #[serde(skip)]
    pub usual: bool,
}

/// A package that a rule removed.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RemovedPackage {
    /// The package manager.
    #[serde(serialize_with = "manager")]
    pub manager: Manager,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The rule that removed it.
    pub rule: String,
    /// True if it went because nothing that stays needed it any more.
    pub orphan: bool,
    /// Packages that stay and needed it, if the rule has `force`.
    pub breaks: Vec<String>,
    /// The number of files and links that went with it.
    pub files: u64,
    /// Bytes of tar that went with them.
    pub bytes: u64,
}

/// A package that a rule asked for and that stays.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeptPackage {
    /// The package manager.
    #[serde(serialize_with = "manager")]
    pub manager: Manager,
    /// The package's name.
    pub name: String,
    /// The rule that asked for it.
    pub rule: String,
    /// The reason, in a sentence.
    pub why: String,
}

/// Files that stay as they are for one reason although a rule would have given them a new content.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Unchanged {
    /// A short name of the reason, which never changes.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The reason, in a sentence.
    pub reason: String,
    /// The number of files.
    pub files: u64,
    /// Bytes of their content.
    pub bytes: u64,
    /// The path of the largest of them.
    #[serde(serialize_with = "escape::serialize")]
    pub example: BString,
    /// True if the reason means that nothing is wrong.
    #[serde(skip)]
    pub usual: bool,
}

/// The cost of dropping compiled Python modules whose source stays.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bytecode {
    /// The number of modules that are compiled at each start that imports them.
    pub modules: u64,
    /// Bytes of bytecode that went with them.
    pub bytes: u64,
    /// The seconds of CPU, roughly, that a start takes longer: an estimate.
    pub start_seconds: f64,
}

/// A number of files and their bytes.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// The number of files.
    pub files: u64,
    /// Bytes of tar.
    pub bytes: u64,
}

/// The part of a package or directory that went.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The package, or the directory's path (see [`escape`]).
    pub name: String,
    /// The number of members that went.
    pub files: u64,
    /// Bytes of tar.
    pub bytes: u64,
}

/// A path that a rule asked for and that stays.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Rescue {
    /// The path, relative to the image's root, without a leading slash; written as [`escape`] does.
    #[serde(serialize_with = "escape::serialize")]
    pub path: BString,
    /// The rule that asked for it.
    pub rule: String,
    /// Bytes of tar that it would have saved.
    pub bytes: u64,
    /// The reason, in a sentence.
    pub why: String,
}

/// The paths that stay for one reason although a rule asked for them.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The reason, in a sentence.
    pub reason: String,
    /// The rule that asked.
    pub rule: String,
    /// The number of paths.
    pub files: u64,
    /// Bytes of tar that they would have saved.
    pub bytes: u64,
}

/// The time of a phase.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// The phase's name.
    pub phase: String,
    /// The wall-clock time, in seconds.
    pub seconds: f64,
    /// Bytes that went through it.
    pub bytes: u64,
}

/// A path that went; a line of the `--removed` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedPath {
    /// The path, relative to the image's root, without a leading slash.
    pub path: Box<BStr>,
    /// The layer that it was in, from 1 at the bottom.
    pub layer: usize,
    /// Bytes of tar that went with it.
    pub bytes: u64,
    /// The rule that took it.
    pub rule: Arc<str>,
}

impl Report {
    /// True if the same profiles were picked for all images.
    pub(crate) fn has_same_picks(&self) -> bool {
        self.images.iter().all(|image| image.picked == self.picked)
    }

    /// Returns the bytes of all layers as plain tars before and after, as planned; a layer that images share counts once.
    #[must_use]
    pub fn planned_bytes(&self) -> (u64, u64) {
        let layers = self.images.iter().flat_map(|image| &image.layers);
        let once: BTreeSet<(&str, u64, u64)> =
            layers.map(|l| (l.diff_id.as_str(), l.input_bytes, l.output_bytes)).collect();
        once.iter().fold((0, 0), |(before, after): (u64, u64), (_, input, output)| {
            (before.saturating_add(*input), after.saturating_add(*output))
        })
    }

    /// Puts every list of sums in the order in which it is shown: most bytes first, then most files, then by name, so that the
    /// order in which they were counted does not matter.
    pub fn sort(&mut self) {
        for image in &mut self.images {
            image.rules.sort_by(|a, b| order((a.bytes, a.files, &a.id), (b.bytes, b.files, &b.id)));
            image.stripped.left.sort_by(|a, b| order((a.bytes, a.files, &a.id), (b.bytes, b.files, &b.id)));
            image.removed_packages.sort_by(|a, b| order((a.bytes, a.files, &a.name), (b.bytes, b.files, &b.name)));
            image.unchanged.sort_by(|a, b| {
                let name = |u: &Unchanged| (u.rule.clone(), u.reason.clone());
                order((a.bytes, a.files, &name(a)), (b.bytes, b.files, &name(b)))
            });
            for list in [&mut image.packages, &mut image.directories] {
                list.sort_by(|a, b| order((a.bytes, a.files, &a.name), (b.bytes, b.files, &b.name)));
            }
            image.held.sort_by(|a, b| {
                let name = |h: &Held| (h.reason.clone(), h.rule.clone());
                order((a.bytes, a.files, &name(a)), (b.bytes, b.files, &name(b)))
            });
            image
                .rescued
                .sort_by(|a, b| (Reverse(a.bytes), &a.path, &a.rule).cmp(&(Reverse(b.bytes), &b.path, &b.rule)));
        }
    }
}

/// Orders by most bytes, then most files, then name.
fn order<T: Ord>(a: (u64, u64, &T), b: (u64, u64, &T)) -> std::cmp::Ordering {
    (Reverse((a.0, a.1)), a.2).cmp(&(Reverse((b.0, b.1)), b.2))
}
