//! The location of an image, as the user writes it.

use crate::registry;
use crate::stores::{Store, Stored};
use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// The place that a location names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Standard input or output.
    Std,
    /// A file or a directory.
    Path(PathBuf),
    /// An image in a registry.
    Registry(registry::Name),
    /// An image in the store of an engine.
    Stored(Stored),
}

/// The prefix of a location: the image format that the user says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `docker-archive:`
    DockerArchive,
    /// `oci-archive:`
    OciArchive,
    /// `oci:`
    Oci,
}

impl Prefix {
    /// The prefix as the user writes it, without the colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DockerArchive => "docker-archive",
            Self::OciArchive => "oci-archive",
            Self::Oci => "oci",
        }
    }
}

/// A place with what the user said of it: `PATH`, `docker-archive:PATH[:REF]`, `oci-archive:PATH[:REF]`,
/// `oci:DIR[:REF]`, `-`, `docker://HOST/REPO[:TAG|@DIGEST]`, `docker-daemon:REF`, `podman:REF` or `containerd:[NAMESPACE/]REF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    place: Place,
    /// The image format that the user says it has.
    pub prefix: Option<Prefix>,
    /// The image that the user picks.
    pub reference: Option<String>,
}

impl Location {
    /// Returns true for standard input, or standard output of a target.
    #[must_use]
    pub fn is_std(&self) -> bool {
        self.place == Place::Std
    }

    /// The file or directory, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Path(path) => Some(path),
            Place::Std | Place::Registry(_) | Place::Stored(_) => None,
        }
    }

    /// The image's name, if it is in a registry.
    #[must_use]
    pub fn registry(&self) -> Option<&registry::Name> {
        if let Place::Registry(name) = &self.place { Some(name) } else { None }
    }

    /// The image's name, if it is in the store of an engine.
    #[must_use]
    pub fn stored(&self) -> Option<&Stored> {
        if let Place::Stored(stored) = &self.place { Some(stored) } else { None }
    }

    /// Parses the location of an input. A path that exists as it is written wins over any other reading.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for an empty path or reference, or a transport that slim does not have.
    pub fn parse(text: &str) -> Result<Self> {
        let location = Self::parse_with(text, &|path| path.symlink_metadata().is_ok())?;
        // `in.tar:app:1` picks an image of `in.tar` without a prefix too.
        if let (None, Some(path)) = (location.prefix, location.path())
            && path.symlink_metadata().is_err()
            && let (path, Some(reference)) = split_existing(text, &|path| path.is_file())
            && !reference.is_empty()
        {
            return Ok(Self { place: Place::Path(path.into()), prefix: None, reference: Some(reference.to_owned()) });
        }
        Ok(location)
    }

    /// Parses with `exists` in place of the file system.
    pub(crate) fn parse_with(text: &str, exists: &dyn Fn(&Path) -> bool) -> Result<Self> {
        let usage = |what: String| Error::new(ErrorKind::Usage, what);
        if text == "-" {
            return Ok(Self { place: Place::Std, prefix: None, reference: None });
        }
        if text.is_empty() {
            return Err(usage("the path is empty".into()));
        }
        let plain = Self { place: Place::Path(text.into()), prefix: None, reference: None };
        let Some((prefix, rest)) = text.split_once(':').filter(|_| !exists(Path::new(text))) else {
            return Ok(plain);
        };
        let of = |place| Self { place, prefix: None, reference: None };
        if let Some(name) = text.strip_prefix("docker://").or_else(|| text.strip_prefix("registry:")) {
            let name = name.strip_prefix("//").unwrap_or(name);
            return registry::Name::parse(name).map(|name| of(Place::Registry(name)));
        }
        if let Some(store) = Store::of_prefix(prefix) {
            return Stored::parse(store, rest).map(|stored| of(Place::Stored(stored)));
        }
        let prefix = match prefix {
            "docker-archive" => Prefix::DockerArchive,
            "oci-archive" => Prefix::OciArchive,
            "oci" => Prefix::Oci,
            "dir" | "ostree" | "sif" | "tarball" | "https" | "http" => {
                let hint = format!("copy it to a file first: `skopeo copy {text} docker-archive:app.tar:app:latest`");
                return Err(usage(format!("`{prefix}:` cannot be read or written")).hint(hint));
            }
            _ => return Ok(plain),
        };
        let (path, reference) = split_existing(rest, exists);
        if path.is_empty() || reference == Some("") {
            let what = if path.is_empty() { "path" } else { "reference" };
            return Err(usage(format!("the {what} is empty in `{text}`")).hint(format!("{}:PATH[:REF]", prefix.name())));
        }
        let std = path == "-" && prefix != Prefix::Oci;
        let place = if std { Place::Std } else { Place::Path(path.into()) };
        Ok(Self { place, prefix: Some(prefix), reference: reference.map(str::to_owned) })
    }
}

impl fmt::Display for Location {
    /// The name in errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Std => f.write_str("standard input"),
            Place::Path(path) => path.display().fmt(f),
            Place::Registry(name) => name.fmt(f),
            Place::Stored(stored) => stored.fmt(f),
        }
    }
}

/// `PATH[:REF]`: the longest path that exists, or else all before the first colon.
fn split_existing<'a>(text: &'a str, exists: &dyn Fn(&Path) -> bool) -> (&'a str, Option<&'a str>) {
    if exists(Path::new(text)) {
        return (text, None);
    }
    let split = |at: usize| (&text[..at], Some(&text[at + 1..]));
    let colons = text.match_indices(':').map(|(at, _)| at);
    let existing = colons.rev().find(|&at| at > 0 && exists(Path::new(&text[..at])));
    existing.or_else(|| text.find(':')).map_or((text, None), split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, existing: &[&str]) -> (String, Option<Prefix>, Option<String>) {
        let found = Location::parse_with(text, &|p| existing.iter().any(|e| Path::new(e) == p)).unwrap();
        (found.to_string(), found.prefix, found.reference)
    }

    #[test]
    fn prefixes_and_references_are_split_off() {
        let none = &[][..];
        assert_eq!(parse("a.tar", none), ("a.tar".into(), None, None));
        assert_eq!(parse("-", none), ("standard input".into(), None, None));
        let docker = Some(Prefix::DockerArchive);
        assert_eq!(parse("docker-archive:-", none), ("standard input".into(), docker, None));
        assert_eq!(parse("docker-archive:a.tar", none), ("a.tar".into(), docker, None));
        assert_eq!(
            parse("docker-archive:/x/a.tar:h:5000/b:c", none),
            ("/x/a.tar".into(), docker, Some("h:5000/b:c".into()))
        );
        assert_eq!(parse("oci:dir:v1", none), ("dir".into(), Some(Prefix::Oci), Some("v1".into())));
        assert_eq!(parse("what:ever", none), ("what:ever".into(), None, None));
    }

    #[test]
    fn registries_and_stores_are_named_with_skopeos_words() {
        for (text, name) in [
            ("docker://alpine", "docker://docker.io/library/alpine:latest"),
            ("registry:localhost:5000/a:b", "docker://localhost:5000/a:b"),
            ("registry://localhost:5000/a:b", "docker://localhost:5000/a:b"),
            ("docker-daemon:a:b", "docker-daemon:a:b"),
            ("docker:a:b", "docker-daemon:a:b"),
            ("containers-storage:a", "podman:a"),
        ] {
            assert_eq!(parse(text, &[]), (name.into(), None, None));
            assert!(matches!(Location::parse(text).unwrap().place, Place::Registry(_) | Place::Stored(_)));
        }
    }

    #[test]
    fn a_path_that_exists_as_written_wins() {
        assert_eq!(parse("oci:dir", &["oci:dir"]), ("oci:dir".into(), None, None));
        let oci = Some(Prefix::OciArchive);
        assert_eq!(parse("oci-archive:a:b", &["a:b"]), ("a:b".into(), oci, None));
        assert_eq!(parse("oci-archive:a:b:c:d", &["a:b"]), ("a:b".into(), oci, Some("c:d".into())));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for text in ["", "oci:", "oci::x", "oci-archive:a:", "docker://A", "docker-daemon:", "dir:x"] {
            assert_eq!(Location::parse(text).unwrap_err().kind, ErrorKind::Usage, "{text}");
        }
    }

    #[test]
    fn a_plain_file_may_have_a_reference_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("in.tar");
        std::fs::write(&file, "").unwrap();
        let found = Location::parse(&format!("{}:app:1", file.display())).unwrap();
        assert_eq!((found.path(), found.reference.as_deref()), (Some(file.as_path()), Some("app:1")));
    }
}
