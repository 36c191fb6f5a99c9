//! An analysis as JSON: dive's keys, so that programs that read `dive --json` can read this, and slim's own under `slim`.
//!
//! | key | meaning |
//! |---|---|
//! | `layer[]` | as dive: `index` from 0, `id`, `digestId` (the diff id), `sizeBytes` (what headers state), `command`, `fileList[]` |
//! | `layer[].id` | hexadecimal digits of the diff id; dive has the directory of the archive that the layer lies in (`blobs`) |
//! | `layer[].fileList[]` | `path`, `typeFlag`, `linkName`, `size`, `fileMode` (bits as in Go), `uid`, `gid`, `isDir`; children before their directory, which is empty where only its children imply it |
//! | `image` | as dive: `sizeBytes`, `inefficientBytes`, `efficiencyScore`, `fileReference[]` (`count`, `sizeBytes`, `file`) |
//! | `slim.schemaVersion` | number: 1; keys keep their meaning within a version, and new ones may be added |
//! | `slim.slimVersion` | the version of slim that wrote it |
//! | `slim.image` | `path` (IN), `tags`, `platform`, `config` (digest), `archiveBytes` (`null` of a directory) |
//! | `slim.bytes`, `.blobBytes`, `.paths` | bytes of all layers as plain tars, and as stored; how many paths a container sees |
//! | `slim.compressedBytes` | bytes that a push or a pull moves; `null` where layers are stored plain and nobody asked with `--compress` |
//! | `slim.reclaimableBytes` | bytes of tar that no path of the final tree needs |
//! | `slim.userWastedPercent` | what `highestUserWastedPercent` is compared with; `null` where it is no number |
//! | `slim.layers[]` | `index` from 1, `instruction`, `diffId`, `bytes`, `blobBytes`, `compressedBytes`, `files`, `wastedBytes` |
//! | `slim.waste[]` | what each step wastes: `cause` (`deleted`, `replaced`, `touched`, `marker`), `by` (the layer that made it so), `path` (the largest), `bytes`, `files`, `parts[]` (`layer` that carries it, `files`, `bytes`), `sentence` |
//! | `slim.wastedPaths[]` | the same path by path: the 100 with most bytes |
//! | `slim.kinds[]`, `.packages[]`, `.directories[]` | `name`, `files`, `bytes`; each list adds up to `slim.bytes`. What is in brackets is no name |
//! | `slim.profiles[]` | `profile`, `outputBytes`, `savedBytes`, `rules[]` as in the report of `slim` |
//! | `slim.lint[]` | `id`, `severity` (`error`, `warning`, `note`), `path` (empty: the config), `line`, `layer` (from 1), `instruction` (its beginning), `subject`, `count` (files), `message`, `help`; `null` where nobody asked |
//! | `slim.growth` | since `--baseline`: `bytesBefore`, `bytesAfter`, `before` (`blobBytes`, `reclaimableBytes`, `paths`; `null` where it did not say), `packages[]` (`name` without version, `bytesBefore`, `bytesAfter`; most change first); `null` without it |
//! | `slim.ci` | `pass`, `rules[]` (`rule`, `status`, `threshold`, `found`; of budgets `rule` begins with `budget.` and `detail` says more); `null` without `--ci` |
//!
//! With `--manifest` it is an object of its own: `path` (IN), `images[]` (`tags`, `platform`, `manifest` and `config` (digests, `manifest` is
//! `null` where there is none), `blobBytes` (of all layers as stored), `layers[]` (`index` from 1, `instruction`, `digest` (`null` where no
//! document names it), `diffId`, `mediaType`, `blobBytes`)).
//!
//! Instructions, `command` as well, have `***` for texts that lint takes for secrets. Paths of `slim` are relative to the root,
//! and written as [`crate::report::escape`] does; those of dive's part are dive's.

use super::text::sentence;
use super::trie::{self, ROOT, Trie};
use super::waste::Waste;
use super::{Analysis, Request};
use crate::layer::LayerIndex;
use crate::tar::Kind;
use bstr::ByteSlice;
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// The instruction of a layer that the history does not describe.
const MISSING: &str = "(missing)";
/// The number of wasted paths that are listed.
const PATHS: usize = 100;

/// Writes the document on one line.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(analysis: &Analysis, request: &Request<'_>, out: &mut dyn Write) -> io::Result<()> {
    let layer: Vec<Layer<'_>> = request
        .layers
        .iter()
        .zip(request.instructions)
        .enumerate()
        .map(|(index, (layer, command))| {
            let diff_id = analysis.layers[index].diff_id.as_str();
            Layer {
                index,
                id: diff_id.split(':').next_back().unwrap_or(diff_id),
                digest_id: if command.is_some() { diff_id } else { "" },
                size_bytes: analysis.metric.layer_bytes[index],
                command: command.as_deref().map_or(MISSING, |c| c.strip_prefix("/bin/sh -c ").unwrap_or(c)),
                file_list: Files(layer),
            }
        })
        .collect();
    let metric = &analysis.metric;
    let document = Document {
        layer,
        image: Image {
            size_bytes: metric.size_bytes(),
            inefficient_bytes: metric.wasted_bytes,
            efficiency_score: metric.efficiency,
            file_reference: &metric.inefficient,
        },
        slim: Own(analysis),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    layer: Vec<Layer<'a>>,
    image: Image<'a>,
    slim: Own<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer<'a> {
    index: usize,
    id: &'a str,
    digest_id: &'a str,
    size_bytes: u64,
    command: &'a str,
    file_list: Files<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Image<'a> {
    size_bytes: u64,
    inefficient_bytes: u64,
    efficiency_score: f64,
    file_reference: &'a [super::dive::Inefficient],
}

/// The files of a layer, made as they are written.
struct Files<'a>(&'a LayerIndex);

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tree = Trie::of(self.0);
        let order = tree.below(ROOT);
        let mut list = serializer.serialize_seq(Some(order.len()))?;
        for id in order {
            let info = tree.node(id).info;
            list.serialize_element(&info.member.map_or_else(File::default, |m| File::of(self.0, m)))?;
        }
        list.end()
    }
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct File {
    path: String,
    type_flag: u8,
    link_name: String,
    size: u64,
    file_mode: u32,
    uid: u64,
    gid: u64,
    is_dir: bool,
}

impl File {
    fn of(layer: &LayerIndex, number: u32) -> Self {
        let member = &layer.members[number as usize];
        let attrs = &member.meta.attrs;
        Self {
            path: member.path.to_str_lossy().into_owned(),
            type_flag: match (member.flag, &member.kind) {
                (0, Kind::Dir) => b'5',
                (0, _) => b'0',
                (flag, _) => flag,
            },
            link_name: match &member.kind {
                Kind::Symlink(target) | Kind::HardLink(target) => target.to_str_lossy().into_owned(),
                _ => String::new(),
            },
            size: trie::stated(layer, number),
            file_mode: go_mode(attrs.mode, &member.kind, trie::is_dir(layer, number)),
            uid: attrs.uid,
            gid: attrs.gid,
            is_dir: trie::is_dir(layer, number),
        }
    }
}

/// Returns a mode as Go's `os.FileMode` has it. Source: <https://pkg.go.dev/io/fs#FileMode>.
fn go_mode(mode: u32, kind: &Kind, is_dir: bool) -> u32 {
    let special = [(0o4000, 23), (0o2000, 22), (0o1000, 20)];
    let bits = special.iter().filter(|(bit, _)| mode & bit != 0).fold(0, |all, (_, go)| all | 1 << go);
    let kind = match kind {
        Kind::Dir if is_dir => 1 << 31,
        Kind::Symlink(_) => 1 << 27,
        Kind::Block(..) => 1 << 26,
        Kind::Char(..) => 1 << 26 | 1 << 21,
        Kind::Fifo => 1 << 25,
        Kind::Dir | Kind::File | Kind::HardLink(_) => 0,
    };
    mode & 0o777 | bits | kind
}

/// The keys that slim adds.
struct Own<'a>(&'a Analysis);

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let analysis = self.0;
        let told = |list: &'_ [Waste]| -> Vec<Told> { list.iter().map(|w| Told::new(analysis, w)).collect() };
        let mut out = serializer.serialize_struct("slim", 21)?;
        out.serialize_field("schemaVersion", &1)?;
        out.serialize_field("slimVersion", env!("CARGO_PKG_VERSION"))?;
        out.serialize_field("image", &analysis.head)?;
        out.serialize_field("bytes", &analysis.bytes())?;
        out.serialize_field("blobBytes", &analysis.blob_bytes())?;
        out.serialize_field("compressedBytes", &analysis.compressed_bytes())?;
        out.serialize_field("paths", &analysis.paths)?;
        out.serialize_field("reclaimableBytes", &analysis.wasted.bytes())?;
        // JSON has no infinity; serde writes null for it.
        out.serialize_field("userWastedPercent", &analysis.metric.user_wasted)?;
        out.serialize_field("layers", &analysis.layers)?;
        out.serialize_field("waste", &told(&analysis.wasted.steps))?;
        let paths = &analysis.wasted.paths;
        out.serialize_field("wastedPaths", &told(&paths[..paths.len().min(PATHS)]))?;
        let breakdown = analysis.breakdown.as_ref();
        out.serialize_field("kinds", breakdown.map_or(&[][..], |b| &b.kinds))?;
        out.serialize_field("packages", breakdown.map_or(&[][..], |b| &b.packages))?;
        out.serialize_field("directories", breakdown.map_or(&[][..], |b| &b.directories))?;
        out.serialize_field("profiles", &analysis.savings)?;
        out.serialize_field("advice", &analysis.advice)?;
        out.serialize_field("lint", &analysis.findings)?;
        out.serialize_field("growth", &analysis.growth)?;
        out.serialize_field("ci", &analysis.verdict)?;
        out.end()
    }
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    waste: Waste,
    files: u64,
    bytes: u64,
    sentence: String,
}

impl Told {
    fn new(analysis: &Analysis, waste: &Waste) -> Self {
        let (files, bytes) = (waste.files(), waste.bytes());
        Self { waste: waste.clone(), files, bytes, sentence: sentence(analysis, waste) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_gos() {
        assert_eq!(go_mode(0o755, &Kind::Dir, true), 2_147_484_141);
        assert_eq!(go_mode(0o777, &Kind::symlink("x"), false), 134_218_239);
        assert_eq!(go_mode(0o1777, &Kind::Dir, true), 2_148_532_735);
        assert_eq!(go_mode(0o600, &Kind::File, false), 384);
    }
}
