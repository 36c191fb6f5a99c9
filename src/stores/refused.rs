//! What an engine says where it says no, and what to do then.

use super::Store;
use crate::{Error, ErrorKind};

/// The number of characters of an engine's words in an error.
const MAX_WORDS: usize = 600;

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
