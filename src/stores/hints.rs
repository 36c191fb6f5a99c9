//! Where an image may be that is not where it was said to be.

use super::reach::engine_within;
use super::{Store, Stored};
use crate::image::Reference;
use crate::{Error, ErrorKind};
use std::time::Duration;

/// The time that an engine may take to say if it has an image that nobody said is there.
const BRIEF: Duration = Duration::from_secs(2);
/// The number of names in a hint.
const MAX_NAMES: usize = 5;

/// The error for an image that an engine does not have; `names` are those that it has.
pub fn unknown(stored: &Stored, names: &[String]) -> Error {
    let error = Error::new(ErrorKind::Remote, "there is no such image");
    let near = near(stored, names);
    if !near.is_empty() {
        return error.hint(format!("images with a similar name: {}", near.join(", ")));
    }
    let program = stored.store.program();
    error.hint(match (stored.name(), stored.store) {
        (Some(name), Store::Containerd) => format!("`ctr namespaces ls` and `ctr -n NAMESPACE images ls` list what is there; `ctr images pull {name}` fetches it"),
        (Some(_), _) => {
            format!("`{program} images` lists what is there; `{program} pull {}` fetches it", stored.reference)
        }
        (None, _) => format!("`{program} images` lists what is there"),
    })
}

/// Names like the one that is wanted, the best first, as the command line takes them.
fn near(stored: &Stored, names: &[String]) -> Vec<String> {
    let Some(wanted) = stored.name() else { return Vec::new() };
    let last = |name: &Reference| name.repository.rsplit('/').next().unwrap_or_default().to_owned();
    let distance = |text: &String| {
        let name = Reference::parse(text).ok()?;
        // Another tag of it, the same elsewhere, or a mistake in the name.
        let far = strsim::damerau_levenshtein(&last(&wanted), &last(&name));
        let close = far <= (last(&wanted).chars().count() / 4).max(1);
        close.then(|| (far, name.repository != wanted.repository, name.tag != wanted.tag, text.clone()))
    };
    let mut found: Vec<_> = names.iter().filter_map(distance).collect();
    found.sort();
    let spelled = |reference: String| Stored { reference, ..stored.clone() }.to_string();
    found.into_iter().take(MAX_NAMES).map(|(.., name)| spelled(name)).collect()
}

/// The engines here that have an image of this name, as locations. Each is asked for a short time only.
#[must_use]
pub fn who_has(reference: &str) -> Vec<String> {
    let has = |store: &Store| {
        let engine = engine_within(*store, None, BRIEF).ok()?;
        engine.find(reference).ok()??;
        Some(Stored { store: *store, namespace: None, reference: reference.to_owned() }.to_string())
    };
    [Store::Docker, Store::Podman].iter().filter_map(has).collect()
}
