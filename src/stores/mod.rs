//! The image stores of container engines: where `docker-daemon:`, `podman:` and `containerd:` lead to.

use crate::image::Reference;
use crate::{Error, ErrorKind, Result};
use std::fmt;

mod client;
mod ctr;
mod engine;
mod hints;
mod http;
mod output;
mod reach;
mod refused;
mod socket;
#[cfg(test)]
mod tests;
mod transfer;

pub use hints::who_has;
pub use transfer::{load, named, open};

/// An engine's store of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The docker daemon that the docker client talks to.
    Docker,
    /// Podman's store.
    Podman,
    /// Containerd's, reached by `ctr`.
    Containerd,
}

/// An image in a store, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The store.
    pub store: Store,
    /// Containerd's namespace, if one is given.
    pub namespace: Option<String>,
    /// The image's name or id.
    pub reference: String,
}

impl Store {
    /// The store that a prefix means, without the colon.
    #[must_use]
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        match prefix {
            "docker-daemon" | "docker" => Some(Self::Docker),
            "podman" | "containers-storage" => Some(Self::Podman),
            "containerd" => Some(Self::Containerd),
            _ => None,
        }
    }

    /// The client program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Containerd => "ctr",
        }
    }

    /// The prefix of a location, without the colon.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Docker => "docker-daemon",
            Self::Podman => "podman",
            Self::Containerd => "containerd",
        }
    }
}

impl Stored {
    /// Parses what follows the prefix: `REF`, or `[NAMESPACE/]REF` for containerd.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] if there is no reference.
    pub fn parse(store: Store, text: &str) -> Result<Self> {
        if text.is_empty() {
            let error = Error::new(ErrorKind::Usage, format!("the reference is empty in `{}:`", store.prefix()));
            return Err(error.hint(format!("{}:NAME:TAG", store.prefix())));
        }
        let (namespace, reference) = match text.split_once('/') {
            Some((namespace, rest)) if store == Store::Containerd && is_namespace(namespace, rest) => {
                (Some(namespace.to_owned()), rest)
            }
            _ => (None, text),
        };
        Ok(Self { store, namespace, reference: reference.to_owned() })
    }

    /// The reference as a name with a tag; `None` for an id or a digest. A name without a registry is docker's own, but of
    /// podman it is `localhost/`, as `podman build -t` and `podman tag` read it.
    #[must_use]
    pub fn name(&self) -> Option<Reference> {
        let is_id = self.reference.starts_with("sha256:") || is_whole_id(&self.reference);
        let name = Reference::parse(&self.reference).ok().filter(|_| !is_id)?;
        let short = name.host == "docker.io" && !self.reference.contains("docker.io/");
        let local = short && self.store == Store::Podman;
        if local { Reference::parse(&format!("localhost/{}", self.reference)).ok() } else { Some(name) }
    }

    /// The name that an image gets in the store.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] if no image can have it.
    pub fn tag(&self) -> Result<String> {
        let error = || Error::new(ErrorKind::Usage, "an id or a digest cannot be given to an image");
        let name = self.name().ok_or_else(|| error().hint(format!("{}:NAME:TAG", self.store.prefix())))?;
        Ok(name.familiar())
    }
}

/// Returns true for all 64 digits of an id: docker takes no such name.
fn is_whole_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Returns true if the first component is containerd's namespace: containerd's names begin with a registry, so a second registry
/// behind the first component means that it is none. `k8s.io`, the namespace of Kubernetes, is no registry.
fn is_namespace(first: &str, rest: &str) -> bool {
    let host = rest.split_once('/').map_or("", |(host, _)| host);
    first == "k8s.io" || host == "localhost" || host.contains(['.', ':'])
}

impl fmt::Display for Stored {
    /// The name in errors, as the user may write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.iter().map(|namespace| format!("{namespace}/")).collect::<String>();
        write!(f, "{}:{namespace}{}", self.store.prefix(), self.reference)
    }
}
