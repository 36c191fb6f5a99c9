//! The report as JSON, for programs. Its schema, version 1 (`schemaVersion`): keys keep their meaning within a version and
//! all are always there; new ones may be added, so readers must ignore keys that they don't know. What is not known or
//! does not apply is `null`, an empty list is `[]`. Sizes are bytes. Digests are `sha256:HEX`. Paths of the image are
//! relative to its root, without a leading slash, and escaped as [`super::escape`] does. Lists of images and layers have
//! the archive's order; the others put what has most bytes first.
//!
//! | key | meaning |
//! |---|---|
//! | `schemaVersion` | number: 1 |
//! | `slimVersion` | string: the version of slim |
//! | `dryRun` | boolean: nothing was written; the sizes of layers are the plan's |
//! | `profiles` | strings: the profiles as given with `-p` |
//! | `picked` | strings: the profiles that a `[[when]]` of those brought for any of the images, as `auto` does |
//! | `layersMode` | string: `keep` or `squash` |
//! | `notes[]` | strings: what was taken for granted, such as a profile, and what was done beside writing, such as a tag that moved |
//! | `input` | object: what was read |
//! | `input.path` | string: IN as given, `-` for standard input |
//! | `input.form` | string: `docker-archive`, `oci-archive`, `oci` (a directory), `hybrid` (an archive that is both) or `registry` |
//! | `input.archiveBytes` | bytes of the archive as read, or of all blobs of a directory |
//! | `input.uncompressedBytes` | bytes of all layers as plain tars, each layer once |
//! | `input.pulledBytes` | bytes of all compressed layers, each once: what a pull moves; `null` where not all are compressed |
//! | `input.digest` | digest of the index, or of the (first) manifest where there is no index; `null` where the form has neither |
//! | `input.moved` | `null` |
//! | `output` | the same of what was written; `null` in a dry run |
//! | `output.moved` | object, of an image in a registry: `sentBytes`, `mountedBytes` (of blobs that the registry took from another of its repositories), `presentBytes` (of blobs that were there); `null` for anything else |
//! | `images[]` | object: an image of the archive that was rewritten |
//! | `images[].tags` | strings: its names |
//! | `images[].platform` | string: `OS/ARCH[/VARIANT]` |
//! | `images[].picked` | strings: the profiles that a `[[when]]` brought for this image |
//! | `images[].input` | object: the image as read |
//! | `images[].input.manifest` | digest of its manifest, `null` where the form has none |
//! | `images[].input.config` | digest of its config: docker's image id |
//! | `images[].input.uncompressedBytes` | bytes of its layers as plain tars |
//! | `images[].input.blobBytes` | bytes of its layers as they are stored |
//! | `images[].output` | the same of the image as written; `null` in a dry run |
//! | `images[].layers[]` | object: a layer of the input |
//! | `…layers[].index` | number: from 1 at the bottom, as `--base` counts |
//! | `…layers[].instruction` | string: `created_by` of its history entry, `***` for secrets in it, empty where there is none |
//! | `…layers[].inputBytes` | bytes of its tar |
//! | `…layers[].outputBytes` | bytes of the output's tar that come from it |
//! | `…layers[].inputBlob` | bytes of its blob as stored |
//! | `…layers[].outputBlob` | bytes of the output's blob; `null` where it has none of its own, and in a dry run |
//! | `…layers[].diffId` | digest of its tar |
//! | `…layers[].outputDiffId` | digest of the output's tar; `null` where it has none of its own, and in a dry run |
//! | `…layers[].fate` | string: `unchanged` (nothing to remove), `rewritten`, `dropped` (nothing was left), `squashed` (became part of the one layer), `base` (kept by `--base`) |
//! | `…layers[].filesRemoved` | number: members of its tar that went |
//! | `images[].rules[]` | object: a rule that removed something |
//! | `…rules[].id`, `.profile`, `.about`, `.risk` | strings: as the profile says; risk is `none`, `low` or `opt-in` |
//! | `…rules[].costs` | string: what stops working, in half a sentence; empty where nothing does |
//! | `…rules[].files`, `.bytes` | number of members that went or were changed; bytes of tar that went with them (header, data, padding) |
//! | `images[].unmatchedRules` | strings: ids of enabled rules whose patterns matched no path |
//! | `images[].removed` | object: `files` and `bytes` of all that went, counted as for rules |
//! | `images[].stripped` | object: `files` that lost symbols or debug data, `bytes` of tar that went with them |
//! | `images[].stripped.left[]` | object: files that a rule would strip and that stay: `id` of the reason (stable), `reason` (a sentence), `files`, `bytes` of their content, `example` (a path) |
//! | `images[].removedPackages[]` | object: a package that a rule removed: `manager` (`dpkg`, `apk` or `pip`), `name`, `version`, `rule`, `orphan` (boolean: it went as nothing else needed it), `breaks` (strings: packages that stay and needed it, with `force`), `files` and `bytes` that went with it |
//! | `images[].keptPackages[]` | object: a package that a rule asked for and that stays: `manager`, `name`, `rule`, `why` (a sentence) |
//! | `images[].linked` | object: `files` that became hard links of an equal one, `bytes` of tar that this saves |
//! | `images[].made` | object: `files` with a content that another program made, `bytes` of tar that this saves |
//! | `images[].bytecode` | object: what it costs that bytecode went: `modules` whose source stays, `bytes` of their bytecode, `startSeconds` of CPU that a start takes longer (an estimate) |
//! | `images[].unchanged[]` | object: files that a rule would have had a new content for and that stay: `id` of the reason (stable), `rule`, `reason` (a sentence), `files`, `bytes` of their content, `example` (a path) |
//! | `images[].packages[]` | object: `name` of a package, `files` and `bytes` that went of it |
//! | `images[].directories[]` | object: `name`, the path of a directory, `files` and `bytes` that went below it |
//! | `images[].rescued[]` | object: `path` that `rule` asked for and that stays, its `bytes`, `why` (a sentence) |
//! | `images[].held[]` | object: the rescued paths added up by `reason` (a sentence) and `rule`: `files`, `bytes` |
//! | `warnings[]` | object: `id` (stable, for scripts), `message` (a sentence) |
//! | `timings[]` | object: `phase`, `seconds` (wall clock), `bytes` that went through it; empty without `--timings` |

use std::io::{self, Write};

use super::Report;

/// Writes the report, indented, with a line feed at the end.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
