//! The input, the questions and the result of a comparison.

use crate::Digest;
use crate::analyze::Head;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::report::escape::{escape, serialize};
use crate::tree::{MemberId, Tree};
use bstr::BString;
use serde::{Serialize, Serializer};
use std::collections::{HashMap, HashSet};

/// One of the two images.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// The path, names and digest.
    pub head: &'a Head,
    /// The facts of the config.
    pub facts: &'a ImageFacts,
    /// The config itself.
    pub config: &'a serde_json::Value,
    /// The diff_id of each layer, and its size as stored in bytes.
    pub stored: &'a [(Digest, u64)],
    /// The layers, bottom first.
    pub layers: &'a [&'a LayerIndex],
    /// The tree that a container sees.
    pub tree: &'a Tree,
}

/// The contents that have to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Files of equal path and size: are they equal?
    pub pairs: Vec<(MemberId, MemberId)>,
    /// Files that only one image has at their path, and whose size a file of the other has too: what are their hashes?
    pub lone: [Vec<MemberId>; 2],
    /// The `package.json` of npm's packages, with the name of the package: which version do they state?
    pub manifests: [Vec<(MemberId, String)>; 2],
}

/// The answers.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The pairs that are not equal.
    pub different: HashSet<(MemberId, MemberId)>,
    /// The hashes of lone files.
    pub hashes: [HashMap<MemberId, Digest>; 2],
    /// The versions of npm's packages by name; several if there are several copies.
    pub versions: [HashMap<String, Vec<String>>; 2],
}

/// The way in which a path differs.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is only in the second image.
    Added,
    /// It is only in the first.
    Removed,
    /// The type, content or target is another.
    Changed,
    /// A renamed path: its content was at another path, where there is no such file any more.
    Renamed,
    /// Only the metadata is another.
    Metadata,
    /// It is the same, in a layer of another step.
    Moved,
}

impl Status {
    /// All, in the order in which they are reported.
    pub const ALL: [Self; 6] = [Self::Added, Self::Removed, Self::Changed, Self::Renamed, Self::Metadata, Self::Moved];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
            Self::Metadata => "metadata",
            Self::Moved => "moved",
        }
    }
}

/// An aspect in which a path differs that both images have.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// The type: a file, a directory, a symbolic link, another kind of device.
    Type,
    /// The bytes of a file.
    Content,
    /// The target of a symbolic link.
    Target,
    /// The numbers of a device.
    Device,
    /// Permissions, set-uid and the like.
    Mode,
    /// User or group, by number.
    Owner,
    /// Extended attributes.
    Xattrs,
    /// The set of other paths that are hard links to it.
    Links,
    /// The modification time.
    Mtime,
    /// The layer that it is in.
    Layer,
}

/// A path of one image.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// `file`, `dir`, `symlink`, `char`, `block` or `fifo`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The size of a file in bytes; 0 for everything else.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// User.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Modification time in seconds since 1970; `None` for a directory that only its children imply.
    pub mtime: Option<i64>,
    /// The target of a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_some")]
    pub target: Option<BString>,
    /// The layer with its data, from 1 at the bottom.
    pub layer: usize,
    /// Bytes of tar that it takes: header, data, padding.
    pub bytes: u64,
}

/// A path that differs.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path, without a leading slash; if it was renamed, the new one.
    #[serde(serialize_with = "serialize")]
    pub path: BString,
    /// The way in which it differs.
    pub status: Status,
    /// The aspects in which it differs; empty if it was added or removed.
    pub aspects: Vec<Aspect>,
    /// The old path, if it was renamed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_some")]
    pub from: Option<BString>,
    /// The path in the first image.
    pub before: Option<Entry>,
    /// The path in the second.
    pub after: Option<Entry>,
}

impl Change {
    /// Returns the bytes of tar before and after.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let bytes = |entry: &Option<Entry>| entry.as_ref().map_or(0, |e| e.bytes);
        (bytes(&self.before), bytes(&self.after))
    }
}

/// Sums over both images.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    /// Paths before.
    pub files_before: u64,
    /// Paths after.
    pub files_after: u64,
    /// Bytes of tar before.
    pub bytes_before: u64,
    /// Bytes of tar after.
    pub bytes_after: u64,
    /// The number of paths of both that differ in more than their time and layer.
    pub changed: u64,
}

/// A package that differs.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PackageChange {
    /// `dpkg`, `apk`, `pip` or `npm`.
    pub manager: &'static str,
    /// The package's name.
    pub name: String,
    /// `added`, `removed` or `changed`.
    pub status: Status,
    /// The versions in the first image, sorted; empty if they are not known.
    pub before: Vec<String>,
    /// The versions in the second.
    pub after: Vec<String>,
    /// The package's files and bytes.
    #[serde(flatten)]
    pub sum: Sum,
}

/// A directory in which something differs.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct DirectoryChange {
    /// The path from `/`, cut to the depth that was asked for; it counts everything below.
    pub path: String,
    /// The directory's files and bytes.
    #[serde(flatten)]
    pub sum: Sum,
}

/// A layer of one image.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Layer {
    /// The number, from 1 at the bottom.
    pub index: usize,
    /// `created_by` of the history entry; empty if there is none.
    pub instruction: String,
    /// The digest of the tar.
    pub diff_id: String,
    /// The size of the tar in bytes.
    pub bytes: u64,
    /// The size as stored, in bytes.
    pub blob_bytes: u64,
}

/// A step of the build, by its layer in both images.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct LayerChange {
    /// True if both are the same layer, by diff_id.
    pub same: bool,
    /// The layer in the first image.
    pub before: Option<Layer>,
    /// The layer in the second.
    pub after: Option<Layer>,
}

/// A value of the configuration that differs.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The key, as in the config, such as `Env`, `Entrypoint`, `architecture` or `history`.
    pub field: String,
    /// The variable, label, port or path, if the key has several values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value in the first image; `None` if it has none.
    pub before: Option<String>,
    /// The value in the second.
    pub after: Option<String>,
}

/// The sizes of one image.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The path, names and digest.
    #[serde(flatten)]
    pub head: Head,
    /// A sentence on how slim made the image, if it says so; `None` otherwise.
    pub record: Option<String>,
    /// Bytes of all layers as plain tars.
    pub bytes: u64,
    /// Bytes of all layers as stored.
    pub blob_bytes: u64,
    /// Bytes of tar that no container sees.
    pub reclaimable_bytes: u64,
    /// The number of paths that a container sees.
    pub paths: u64,
    /// The number of layers.
    pub layers: usize,
}

/// The differences between two images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The first image.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// The paths that differ, sorted.
    pub files: Vec<Change>,
    /// The number of paths that do not differ.
    pub same: u64,
    /// The packages that differ, those that grew or shrank most first.
    pub packages: Vec<PackageChange>,
    /// The directories in which something differs, those that grew or shrank most first.
    pub directories: Vec<DirectoryChange>,
    /// All layers, from the bottom up.
    pub layers: Vec<LayerChange>,
    /// The differences in the configuration.
    pub config: Vec<ConfigChange>,
}

/// The number and bytes of the paths that differ in one way.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// Paths.
    pub files: u64,
    /// The bytes of tar in the first image.
    pub bytes_before: u64,
    /// The bytes of tar in the second.
    pub bytes_after: u64,
}

impl Diff {
    /// True if anything differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        !(self.files.is_empty() && self.config.is_empty() && self.layers.iter().all(|l| l.same))
    }

    /// Returns the number and bytes of the paths that differ in this way.
    #[must_use]
    pub fn count(&self, status: Status) -> Count {
        let of = self.files.iter().filter(|c| c.status == status).map(Change::bytes);
        of.fold(Count::default(), |sum, (before, after)| Count {
            files: sum.files + 1,
            bytes_before: sum.bytes_before + before,
            bytes_after: sum.bytes_after + after,
        })
    }
}

/// Serializes the path of some as `serialize` does, and nothing for none.
fn serialize_some<S: Serializer>(path: &Option<BString>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| escape(path)).serialize(serializer)
}
