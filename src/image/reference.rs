//! Image references as docker reads them: `[HOST/]NAME[:TAG]`.
//! Source: <https://github.com/distribution/reference/blob/main/reference.go>.

use crate::{Error, ErrorKind, Result};
use std::fmt;

/// A tagged name, in full form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The registry, such as `docker.io` or `localhost:5000`.
    pub host: String,
    /// The repository, such as `library/python`.
    pub repository: String,
    /// The tag, such as `latest`.
    pub tag: String,
}

impl Reference {
    /// Parses `text`, with docker's defaults for host (`docker.io/library`) and tag (`latest`).
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for what docker refuses, and for a digest in place of a tag.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::new(ErrorKind::Usage, format!("`{text}` is no image reference: {why}"));
        if text.contains('@') {
            return Err(wrong("a digest cannot be given to an image").hint("give NAME:TAG"));
        }
        let (name, tag) = match text.rsplit_once(':') {
            // A colon before a slash belongs to a port.
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        if !is_tag(tag) {
            return Err(wrong("a tag has at most 128 letters, digits, `_`, `.` and `-`"));
        }
        let (host, rest) = match name.split_once('/') {
            Some((h, r)) if h.contains(['.', ':']) || h == "localhost" || h.bytes().any(|c| c.is_ascii_uppercase()) => {
                (h, r)
            }
            _ => ("docker.io", name),
        };
        let host = if host == "index.docker.io" { "docker.io" } else { host };
        if !is_host(host) {
            return Err(wrong("the registry's name is wrong"));
        }
        if rest.bytes().any(|c| c.is_ascii_uppercase()) {
            return Err(wrong("the repository must be lower case"));
        }
        if rest.len() > 255 || !rest.split('/').all(is_component) {
            return Err(wrong("a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`"));
        }
        let official = host == "docker.io" && !rest.contains('/');
        let repository = if official { format!("library/{rest}") } else { rest.to_owned() };
        Ok(Self { host: host.to_owned(), repository, tag: tag.to_owned() })
    }

    /// The name as docker shows it and writes it to `RepoTags`: without `docker.io/` and `library/`, always with a tag.
    #[must_use]
    pub fn familiar(&self) -> String {
        let name = if self.host == "docker.io" {
            self.repository.strip_prefix("library/").filter(|r| !r.contains('/')).unwrap_or(&self.repository).to_owned()
        } else {
            format!("{}/{}", self.host, self.repository)
        };
        format!("{name}:{}", self.tag)
    }
}

impl fmt::Display for Reference {
    /// The full name, as containerd writes it: `docker.io/library/python:3.12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.host, self.repository, self.tag)
    }
}

/// Returns true for a tag: `[\w][\w.-]{0,127}`.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|c| word(c) || matches!(c, b'.' | b'-'))
}

/// Returns true for a component of a repository: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(text: &str) -> bool {
    let alnum = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(alnum) && text.bytes().last().is_some_and(alnum);
    let separator = |s: &str| s.is_empty() || matches!(s, "." | "_" | "__") || s.bytes().all(|c| c == b'-');
    ends && text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(separator)
}

/// Returns true for a DNS name or an IPv6 address in brackets, with an optional port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let v6 = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    let name = v6.map_or_else(
        || name.split('.').all(label),
        |n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_hexdigit() || c == b':'),
    );
    name && port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_dockers_defaults() {
        for (text, full, familiar) in [
            ("app", "docker.io/library/app:latest", "app:latest"),
            ("app:1.2_x-Y", "docker.io/library/app:1.2_x-Y", "app:1.2_x-Y"),
            ("images/tiny", "docker.io/images/tiny:latest", "images/tiny:latest"),
            ("localhost:5000/a/b", "localhost:5000/a/b:latest", "localhost:5000/a/b:latest"),
            ("localhost/a:b", "localhost/a:b", "localhost/a:b"),
            ("docker.io/library/x:1", "docker.io/library/x:1", "x:1"),
            ("index.docker.io/x:1", "docker.io/library/x:1", "x:1"),
            ("ghcr.io/a/b__c--d.e:v1", "ghcr.io/a/b__c--d.e:v1", "ghcr.io/a/b__c--d.e:v1"),
            ("[::1]:80/x", "[::1]:80/x:latest", "[::1]:80/x:latest"),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!((reference.to_string().as_str(), reference.familiar().as_str()), (full, familiar));
        }
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        let long = format!("a:{}", "t".repeat(129));
        for text in [
            "",
            ":",
            "a:",
            "A",
            "a/B",
            "a:b c",
            "a:-b",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a//b",
            "/a",
            "a/",
            "a b",
            "a@sha256:00",
            "a.b-/x",
            "x.y:z/a",
            long.as_str(),
        ] {
            assert_eq!(Reference::parse(text).unwrap_err().kind, ErrorKind::Usage, "{text}");
        }
    }
}
