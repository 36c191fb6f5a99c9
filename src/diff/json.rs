//! A diff as JSON.
//!
//! | key | meaning |
//! |---|---|
//! | `schemaVersion`, `slimVersion` | number: 1; keys keep their meaning within a version, and new ones may be added |
//! | `differs` | whether anything differs: what `--exit-code` tells |
//! | `before`, `after` | the images: `path` (as given), `tags`, `platform`, `config` (digest), `record` (a sentence on how slim made it, if it was asked to say so), `archiveBytes` (`null` of a directory), `bytes` (of all layers as plain tars), `blobBytes` (as stored), `reclaimableBytes` (of tar, that no container sees), `paths`, `layers` |
//! | `same` | how many paths do not differ |
//! | `counts` | for each status of a file `files`, `bytesBefore`, `bytesAfter` (bytes of tar: header, data, padding) |
//! | `files[]` | paths that differ, sorted: `path`, `status`, `aspects[]`, `from` (the old path of what was renamed), `before`, `after` (`null` where it is not there) |
//! | `files[].status` | `added`, `removed`, `changed` (type, content or target), `renamed` (same content, and nothing is at the old path now), `metadata` (nothing but), `moved` (the same, in the layer of another step) |
//! | `files[].aspects[]` | `type`, `content`, `target`, `device`, `mode`, `owner`, `xattrs`, `links` (which paths are hard links of one file), `mtime`, `layer` |
//! | `files[].before`, `.after` | `type` (`file`, `dir`, `symlink`, `char`, `block`, `fifo`), `size`, `mode`, `uid`, `gid`, `mtime` (seconds; `null` of an implied directory), `target` (of a link), `layer` (from 1), `bytes` (of tar) |
//! | `packages[]` | `manager` (empty for what belongs to none), `name`, `status`, `before[]`, `after[]` (versions), `filesBefore`, `filesAfter`, `bytesBefore`, `bytesAfter`, `changed` (paths of both that differ in more than time and layer); most change of bytes first |
//! | `directories[]` | `path` (from `/`, `--depth` names deep), and the same sums; most change of bytes first |
//! | `layers[]` | steps from the bottom up: `same` (one diff_id), `before`, `after`: `index` (from 1), `instruction`, `diffId`, `bytes`, `blobBytes` |
//! | `config[]` | `field` (key of the config), `name` (variable, label, port, volume), `before`, `after` (`null` where it is not set). `created` is not compared; a step of `history` is compared by its instruction. Both lists have `***` for secrets |
//!
//! Paths are relative to the root and written as [`crate::report::escape`] does.

use super::{ConfigChange, Count, Diff, DirectoryChange, LayerChange, PackageChange, Side, Status};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    slim_version: &'static str,
    differs: bool,
    before: &'a Side,
    after: &'a Side,
    same: u64,
    counts: BTreeMap<&'static str, Count>,
    packages: &'a [PackageChange],
    directories: &'a [DirectoryChange],
    layers: &'a [LayerChange],
    config: &'a [ConfigChange],
    files: &'a [super::Change],
}

/// Writes the document on one line.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(diff: &Diff, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema_version: 1,
        slim_version: env!("CARGO_PKG_VERSION"),
        differs: diff.differs(),
        before: &diff.before,
        after: &diff.after,
        same: diff.same,
        counts: Status::ALL.into_iter().map(|status| (status.name(), diff.count(status))).collect(),
        packages: &diff.packages,
        directories: &diff.directories,
        layers: &diff.layers,
        config: &diff.config,
        files: &diff.files,
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}
