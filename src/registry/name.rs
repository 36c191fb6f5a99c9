//! The name of an image in a registry, as `docker://` takes it: `HOST[:PORT]/REPO[:TAG|@DIGEST]`.

use crate::image::Reference;
use crate::{Digest, Error, ErrorKind, Result};
use std::fmt;

/// The name of an image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The registry, such as `docker.io` or `localhost:5000`.
    pub host: String,
    /// The repository, such as `library/python`.
    pub repository: String,
    /// The version of the image.
    pub version: Version,
}

/// What names one image of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// A tag, which may move.
    Tag(String),
    /// The digest of the manifest or index.
    Digest(Digest),
}

impl Name {
    /// Parses a name, with docker's defaults for the host (`docker.io`), the namespace (`library`) and the tag (`latest`). Of
    /// `REPO:TAG@DIGEST` the digest counts, as for docker.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for what docker refuses.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        if let Some((_, rest)) = text.split_once('@')
            && rest.contains('/')
        {
            let error = Error::new(ErrorKind::Usage, "the name of an image has no user and no password in it");
            return Err(error.hint(format!("docker://{rest} with --creds USER")));
        }
        if let Some((host, port)) = name.split_once(':')
            && !name.contains('/')
            && (host == "localhost" || host.contains('.'))
            && port.bytes().all(|c| c.is_ascii_digit())
        {
            let error = Error::new(ErrorKind::Usage, format!("`{name}` names a registry, and no repository of it"));
            return Err(error.hint(format!("docker://{name}/REPO:TAG")));
        }
        let Reference { host, repository, tag } = Reference::parse(name)?;
        let host = host.to_ascii_lowercase();
        let version = match digest {
            None => Version::Tag(tag),
            Some(text) => Version::Digest(Digest::parse(text).ok_or_else(|| {
                let error = Error::new(ErrorKind::Usage, format!("`{text}` is no digest that slim can check"));
                error.hint("sha256: and 64 hexadecimal digits")
            })?),
        };
        Ok(Self { host, repository, version })
    }

    /// The host that is asked: docker.io's registry has another name than the one in references.
    #[must_use]
    pub fn server(&self) -> &str {
        server(&self.host)
    }

    /// The same image as a tagged name, if it has a tag.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        let Version::Tag(tag) = &self.version else { return None };
        Some(Reference { host: self.host.clone(), repository: self.repository.clone(), tag: tag.clone() })
    }
}

/// The host that is asked for the images of `host`.
#[must_use]
pub fn server(host: &str) -> &str {
    if host == "docker.io" { "registry-1.docker.io" } else { host }
}

/// True for a host that is this machine, which docker and slim speak plain HTTP with.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Name {
    /// The name in errors: `docker://HOST/REPO:TAG`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if matches!(self.version, Version::Tag(_)) { ':' } else { '@' };
        write!(f, "docker://{}/{}{separator}{}", self.host, self.repository, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_dockers_defaults_and_digests_win_over_tags() {
        let hex = "0".repeat(64);
        for (text, full) in [
            ("nginx", "docker://docker.io/library/nginx:latest".to_owned()),
            ("[::1]:80/a/b:c", "docker://[::1]:80/a/b:c".to_owned()),
            (&format!("ghcr.io/a/b:c@sha256:{hex}"), format!("docker://ghcr.io/a/b@sha256:{hex}")),
        ] {
            assert_eq!(Name::parse(text).unwrap().to_string(), full);
        }
        assert_eq!(Name::parse("nginx").unwrap().server(), "registry-1.docker.io");
        assert_eq!(Name::parse("LOCALHOST:5000/a").unwrap().to_string(), "docker://localhost:5000/a:latest");
        for text in [
            "localhost:5000",
            "r.io:80",
            "u:p@r.io/x",
            "r.io:99999/x",
            "",
            "A",
            "h.io/a@sha256:1",
            "h.io/a@md5:x",
            "a:b:c",
        ] {
            assert_eq!(Name::parse(text).unwrap_err().kind, ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        assert!(["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"].into_iter().all(is_loopback));
        assert!(!["localhost.evil.com", "10.0.0.1", "128.0.0.1"].into_iter().any(is_loopback));
    }
}
