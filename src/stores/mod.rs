//! The image stores of container engines: where `docker-daemon:`, `podman:` and `containerd:` lead to.

use crate::{Error, ErrorKind, Result};
use std::fmt;

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
        Ok(Self { store, namespace: None, reference: text.to_owned() })
    }
}

impl fmt::Display for Stored {
    /// The name in errors, as the user may write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.iter().map(|namespace| format!("{namespace}/")).collect::<String>();
        write!(f, "{}:{namespace}{}", self.store.prefix(), self.reference)
    }
}
