//! Records in images that slim has written with `--record`: with them no profile has to be named again.

use crate::image::Record;
use crate::pipeline::{self, Reading, Silent};
use crate::profile::builtins;
use crate::source::Location;

/// Returns the records of the images at a place; none if it cannot be read twice, as a pipe, or is no image.
pub(super) fn records(name: &str, reading: &Reading) -> Vec<Record> {
    let twice = |location: Location| {
        let metadata = location.path().and_then(|path| path.metadata().ok());
        metadata.is_some_and(|metadata| metadata.is_file() || metadata.is_dir())
    };
    if !Location::parse(name).is_ok_and(twice) {
        return Vec::new();
    }
    let input = pipeline::open_image(name, reading, &Silent);
    input.iter().flat_map(|input| &input.images).filter_map(|image| Record::of(&image.facts)).collect()
}

/// Returns the profiles of records if all are the same and built-in. An image is not asked which files of this machine are
/// profiles: those may run commands.
pub(super) fn profiles(records: &[Record]) -> Option<Vec<String>> {
    let first = &records.first()?.profiles;
    let known = |name: &String| builtins().any(|builtin| builtin.name == name);
    (records.iter().all(|record| record.profiles == *first) && first.iter().all(known)).then(|| first.clone())
}
