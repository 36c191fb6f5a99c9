//! What to do where an engine says no, and where an image may be.

use super::reach::{engine_within, is_offline};
use super::{Store, Stored};
use crate::image::Reference;
use crate::{Error, ErrorKind};
use std::time::Duration;

/// The time that an engine may take to say if it has an image that nobody said is there.
const BRIEF: Duration = Duration::from_secs(2);
/// The number of characters of an engine's words in an error.
const MAX_WORDS: usize = 600;
/// The number of names in a hint.
const MAX_NAMES: usize = 5;

/// The error for what an engine says.
pub fn failed(store: Store, place: &str, said: &str) -> Error {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // The last lines say why; what is before them is progress.
    let words = lines[lines.len().saturating_sub(6)..].join("; ");
    let words: String = words.chars().take(MAX_WORDS).collect();
    let words = words.trim_end_matches('.');
    let error =
        Error::new(ErrorKind::Remote, if words.is_empty() { place.to_owned() } else { format!("{place}: {words}") });
    match advice(store, &said.to_lowercase()) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The next step for what an engine says, in lower case.
fn advice(store: Store, said: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|words| said.contains(words));
    let no_answer =
        ["cannot connect", "is the docker daemon running", "failed to dial", "connection refused", "unable to connect"];
    Some(match store {
        Store::Docker if says(&["permission denied"]) => {
            "run slim with sudo, or add yourself to the group `docker` (`sudo usermod -aG docker $USER`) and log in anew"
        }
        _ if says(&["permission denied", "access denied"]) => "run slim with sudo, as the user whose images these are",
        Store::Docker if says(&no_answer) || says(&["no such file or directory"]) => {
            "start it: `sudo systemctl start docker`; `docker context ls` and DOCKER_HOST say which daemon is asked"
        }
        Store::Podman if says(&no_answer) => {
            "start it: `systemctl --user start podman.socket`, or `podman machine start`"
        }
        Store::Containerd if says(&no_answer) || says(&["no such file or directory"]) => {
            "start it: `sudo systemctl start containerd`; CONTAINERD_ADDRESS names its socket if that is elsewhere"
        }
        _ if says(&["no space left"]) => "make room on the engine's disk, for example with `docker image prune`",
        _ => return None,
    })
}

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

/// The engines here that have an image of this name, as locations. None is asked if the environment says so, and each for a short
/// time only.
#[must_use]
pub fn who_has(reference: &str) -> Vec<String> {
    if is_offline() {
        return Vec::new();
    }
    let has = |store: &Store| {
        let engine = engine_within(*store, None, BRIEF).ok()?;
        engine.find(reference).ok()??;
        Some(Stored { store: *store, namespace: None, reference: reference.to_owned() }.to_string())
    };
    [Store::Docker, Store::Podman].iter().filter_map(has).collect()
}
