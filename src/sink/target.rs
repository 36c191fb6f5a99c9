//! The target of the output, and the checks of it before any work is done.

use super::archive::Goal;
use super::host;
use super::temp::parent;
use crate::image::Reference;
use crate::image::reference::is_tag;
use crate::registry::{Name, Options, Version};
use crate::source::{ImageFormat, Location, Prefix};
use crate::stores::{self, Stored};
use crate::{Digest, Error, ErrorKind, Result};
use std::collections::HashSet;
use std::fmt;
use std::fs::Metadata;
use std::io::IsTerminal;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The place that an image is written to: `PATH`, `docker-archive:PATH[:REF]`, `oci-archive:PATH[:REF]`, `oci:DIR[:REF]`, `-`,
/// `docker-daemon:REF`, `podman:REF` or `containerd:[NAMESPACE/]REF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Location, Options);

/// The kind of thing that a target is on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Something that cannot be replaced by renaming, and gets a copy.
    Copied(Goal),
    /// A file, new or to be replaced; links have been followed.
    File(PathBuf),
    /// A directory, new or empty; links have been followed.
    Dir(PathBuf),
    /// A repository of a registry, and a tag.
    Registry(Name),
    /// The store of an engine.
    Store(Stored),
}

impl Target {
    /// Parses the target.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] as [`Location::parse`] does.
    pub fn parse(text: &str) -> Result<Self> {
        Location::parse_with(text, &|path: &Path| path.exists()).map(|location| Self(location, Options::default()))
    }

    /// The same target with options for registries.
    #[must_use]
    pub fn with(self, options: &Options) -> Self {
        Self(self.0, options.clone())
    }

    /// The options for registries.
    pub(super) const fn options(&self) -> &Options {
        &self.1
    }

    /// Returns true for standard output.
    #[must_use]
    pub fn is_std(&self) -> bool {
        self.0.is_std()
    }

    /// The name that the user gives with the place: a tag, as `-t` would be.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        let registry = self.0.registry().and_then(Name::reference).map(|reference| reference.to_string());
        registry.or_else(|| self.0.reference.clone()).or_else(|| self.0.stored()?.tag().ok())
    }

    /// All names of the output: the target's own, then those of `tags`. In a registry a bare tag is one of the same repository.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for a name in another repository.
    pub fn names(&self, tags: &[String]) -> Result<Vec<String>> {
        let mut names: Vec<String> = self.reference().into_iter().collect();
        let Some(own) = self.0.registry().and_then(Name::reference) else {
            names.extend(tags.iter().cloned());
            return Ok(names);
        };
        for tag in tags {
            let name = if is_tag(tag) { Reference { tag: tag.clone(), ..own.clone() } } else { Reference::parse(tag)? };
            if (&name.host, &name.repository) != (&own.host, &own.repository) {
                let what = format!("`{tag}` is in another repository than {self}");
                return Err(Error::new(ErrorKind::Usage, what).hint("one run pushes to one repository: run slim again"));
            }
            names.push(name.to_string());
        }
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Ok(names)
    }

    /// The image format that is written for an input of `form`.
    #[must_use]
    pub fn form(&self, form: ImageFormat) -> ImageFormat {
        if self.0.registry().is_some() {
            return ImageFormat::Registry;
        }
        match (self.0.prefix, form) {
            // Every engine reads one of its two parts.
            _ if self.0.stored().is_some() => ImageFormat::Hybrid,
            (Some(Prefix::DockerArchive), _)
            | (None, ImageFormat::Docker | ImageFormat::Hybrid | ImageFormat::Registry) => ImageFormat::Hybrid,
            (Some(Prefix::OciArchive), _) | (None, ImageFormat::Oci) => ImageFormat::Oci,
            // A directory cannot go through a pipe.
            (None, ImageFormat::OciDir) if self.is_std() => ImageFormat::Oci,
            (Some(Prefix::Oci), _) | (None, ImageFormat::OciDir) => ImageFormat::OciDir,
        }
    }

    /// Checks before any work: that the target is not the input, that its directory is there, and, where the form of the
    /// output is known (by prefix, or from the input's `form`), that what exists at the target may be replaced.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] with a hint.
    pub fn check(&self, input: &Location, form: Option<ImageFormat>) -> Result<()> {
        if let Some(name) = self.0.registry() {
            return self.check_registry(name, form);
        }
        if let Some(stored) = self.0.stored() {
            // The engine is asked once, before any work.
            return if form.is_none() {
                stores::named(stored, self.1.offline).map(drop).map_err(|e| e.archive(self))
            } else {
                Ok(())
            };
        }
        let Some(path) = self.0.path() else {
            if self.is_std() && std::io::stdout().is_terminal() {
                let error = Error::new(ErrorKind::Usage, "an archive cannot be written to a terminal");
                return Err(error.hint("redirect standard output, or give a path with -o"));
            }
            return Ok(());
        };
        let real = resolve(path);
        if host::descriptor(&real) == Some(1) {
            return Ok(());
        }
        self.check_input(input, &real)?;
        if host::descriptor(&real).is_none() {
            check_parent(&real).map_err(|e| e.archive(self))?;
        }
        // The prefix alone decides; without one any form stands for the input's.
        match form.or(self.0.prefix.map(|_| ImageFormat::Oci)) {
            Some(form) => self.destination(form).map(drop),
            None => Ok(()),
        }
    }

    /// Checks that a registry answers and lets the user write; once, before the input is opened.
    fn check_registry(&self, name: &Name, form: Option<ImageFormat>) -> Result<()> {
        if matches!(name.version, Version::Digest(_)) {
            let error = Error::new(ErrorKind::Usage, "an output has a tag; its digest follows from its content");
            return Err(error.archive(self).hint(format!("docker://{}/{}:TAG", name.host, name.repository)));
        }
        if form.is_some() {
            return Ok(());
        }
        super::registry::push(name, &self.1, None)?.check()
    }

    /// A note about the target for the user, before any work.
    ///
    /// # Errors
    /// As [`Target::check`].
    pub fn note(&self, form: ImageFormat) -> Result<Option<String>> {
        Ok(match self.destination(form)? {
            Destination::Copied(Goal::InPlace(_, why)) => Some(format!(
                "{self} cannot be replaced by renaming, as {why}: it is written over when the image is whole"
            )),
            _ => None,
        })
    }

    /// A note for the report if the name in the engine's store is another image's, which loses it. `ids` are those that the new
    /// image may have.
    ///
    /// # Errors
    /// Returns an error if the engine does not answer.
    pub fn moved(&self, ids: &[Digest]) -> Result<Option<String>> {
        let old = self
            .0
            .stored()
            .map(|stored| stores::named(stored, self.1.offline))
            .transpose()
            .map_err(|e| e.archive(self))?
            .flatten();
        let old = old.filter(|old| !ids.iter().any(|id| id.to_string() == *old));
        Ok(old.map(|old| format!("{self} was the name of {old}, which stays in the engine without it")))
    }

    fn check_input(&self, input: &Location, real: &Path) -> Result<()> {
        let source = input.path().unwrap_or(Path::new("/dev/stdin"));
        let Ok(source_metadata) = source.metadata() else {
            return Ok(());
        };
        let same = |m: Metadata| (m.dev(), m.ino()) == (source_metadata.dev(), source_metadata.ino());
        let data = source_metadata.is_file() || source_metadata.is_dir();
        if data && real.metadata().is_ok_and(same) {
            let error = Error::new(ErrorKind::Usage, "the output is the input").archive(self);
            return Err(error.hint("write to another path, and rename it when it is good"));
        }
        let inside = || Some(real.parent()?.canonicalize().ok()?.starts_with(source.canonicalize().ok()?));
        if source_metadata.is_dir() && inside() == Some(true) {
            let error = Error::new(ErrorKind::Usage, "the output lies inside the input").archive(self);
            return Err(error.hint(format!("write to a path outside of {input}")));
        }
        Ok(())
    }

    /// The destination of an output of `form`.
    ///
    /// # Errors
    /// Returns an error if something is there that must not be replaced.
    pub(crate) fn destination(&self, form: ImageFormat) -> Result<Destination> {
        if let Some(name) = self.0.registry() {
            return Ok(Destination::Registry(name.clone()));
        }
        if let Some(stored) = self.0.stored() {
            return Ok(Destination::Store(stored.clone()));
        }
        let Some(path) = self.0.path() else {
            return Ok(Destination::Copied(Goal::Stdout));
        };
        let usage = |what: &str| Error::new(ErrorKind::Usage, what).archive(self);
        let real = resolve(path);
        if let Some(number) = host::descriptor(&real) {
            if self.form(form) == ImageFormat::OciDir {
                let hint = format!("write an archive: oci-archive:{self}");
                return Err(usage("a layout directory cannot be written to a descriptor").hint(hint));
            }
            if number == 1 {
                return Ok(Destination::Copied(Goal::Stdout));
            }
            host::check_descriptor(number).map_err(|e| e.archive(self))?;
            return Ok(Destination::Copied(Goal::Descriptor(number)));
        }
        check_parent(&real).map_err(|e| e.archive(self))?;
        let metadata = real.metadata().ok();
        let is_dir = metadata.as_ref().is_some_and(Metadata::is_dir);
        if self.form(form) == ImageFormat::OciDir {
            if metadata.is_some() && !is_dir {
                let hint = format!("give a new directory, or write an archive: oci-archive:{self}");
                return Err(usage("a layout directory cannot replace a file").hint(hint));
            }
            let empty = || real.read_dir().is_ok_and(|mut list| list.next().is_none());
            if is_dir && !empty() {
                return Err(
                    usage("the output directory is not empty").hint("give a new directory, or remove this one first")
                );
            }
            if is_dir && host::is_mount(&real) {
                let hint = format!("give a new directory in it: oci:{}", real.join("image").display());
                return Err(
                    usage("something is mounted at the output directory, so that none can be renamed to it").hint(hint)
                );
            }
            host::check_dir(parent(&real)).map_err(|e| e.archive(self))?;
            return Ok(Destination::Dir(real));
        }
        let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if is_dir || slash {
            let hint = format!("give a file, or write a layout directory: oci:{self}");
            return Err(usage("an archive cannot replace a directory").hint(hint));
        }
        let writable = || host::check_writable(&real).map_err(|e| e.archive(self));
        match metadata {
            Some(m) if m.file_type().is_socket() => Err(usage("a socket cannot be opened as a file is")),
            Some(m) if !m.is_file() => writable().map(|()| Destination::Copied(Goal::Device(real.clone()))),
            Some(m) => match host::why_in_place(&real, &m) {
                Some(why) => writable().map(|()| Destination::Copied(Goal::InPlace(real.clone(), why))),
                None => Ok(Destination::File(real)),
            },
            None => {
                host::check_dir(parent(&real)).map_err(|e| e.archive(self))?;
                Ok(Destination::File(real))
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_std() { f.write_str("standard output") } else { self.0.fmt(f) }
    }
}

/// Follows the links at the end of `path`, also to what does not exist yet; those that the kernel has for open descriptors lead to
/// no path.
fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..40 {
        if host::descriptor(&path).is_some() {
            break;
        }
        let Ok(target) = path.read_link() else { break };
        path = parent(&path).join(target);
    }
    path
}

fn check_parent(path: &Path) -> Result<()> {
    if path.file_name().is_none() && !path.is_dir() {
        return Err(Error::new(ErrorKind::Usage, "not the name of a file"));
    }
    let dir = parent(path);
    match dir.metadata() {
        Ok(m) if m.is_dir() => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Usage, format!("{} is no directory", dir.display()))),
        Err(e) => {
            let error =
                Error::new(ErrorKind::Usage, format!("the directory {} cannot be reached", dir.display())).cause(e);
            Err(error.hint(format!("make it first: `mkdir -p {}`", dir.display())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn check(target: &str, input: &str, form: Option<ImageFormat>) -> Result<()> {
        Target::parse(target)?.check(&Location::parse(input)?, form)
    }

    #[test]
    fn the_form_is_the_inputs_unless_a_prefix_asks_for_another() {
        let form = |text: &str, form| Target::parse(text).unwrap().form(form);
        for (input, plain) in [
            (ImageFormat::Docker, ImageFormat::Hybrid),
            (ImageFormat::Hybrid, ImageFormat::Hybrid),
            (ImageFormat::Oci, ImageFormat::Oci),
            (ImageFormat::OciDir, ImageFormat::OciDir),
        ] {
            assert_eq!(form("out", input), plain);
            assert_eq!(form("docker-archive:out", input), ImageFormat::Hybrid);
            assert_eq!(form("oci-archive:out", input), ImageFormat::Oci);
            assert_eq!(form("oci:out", input), ImageFormat::OciDir);
        }
        assert_eq!(form("-", ImageFormat::OciDir), ImageFormat::Oci);
        assert_eq!(Target::parse("oci:out:v1").unwrap().reference(), Some("v1".to_owned()));
    }

    #[test]
    fn the_input_is_never_the_output() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("in.tar"), "x").unwrap();
        fs::hard_link(at("in.tar"), at("hard.tar")).unwrap();
        symlink("in.tar", at("soft.tar")).unwrap();
        fs::create_dir_all(at("layout/sub")).unwrap();
        symlink(at("layout"), at("link")).unwrap();
        for out in ["in.tar", "hard.tar", "soft.tar"] {
            let e = check(&at(out), &at("in.tar"), None).unwrap_err();
            assert_eq!((e.kind, e.what.as_str()), (ErrorKind::Usage, "the output is the input"));
            assert!(e.hint.is_some());
        }
        for out in ["layout", "layout/sub/x.tar", "link/new"] {
            let e = check(&at(out), &at("layout"), Some(ImageFormat::OciDir)).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Usage);
            assert!(e.what.starts_with("the output "), "{e}");
        }
        check(&at("new.tar"), &at("in.tar"), Some(ImageFormat::Docker)).unwrap();
    }

    #[test]
    fn what_exists_is_replaced_only_by_its_like() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("file"), "x").unwrap();
        fs::create_dir_all(at("full/x")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        symlink("file", at("soft")).unwrap();
        symlink("none", at("dangling")).unwrap();
        let destination = |name: &str, form| Target::parse(&at(name)).unwrap().destination(form);
        assert_eq!(destination("file", ImageFormat::Oci).unwrap(), Destination::File(at("file").into()));
        assert_eq!(destination("soft", ImageFormat::Oci).unwrap(), Destination::File(at("file").into()));
        assert_eq!(destination("dangling", ImageFormat::Oci).unwrap(), Destination::File(at("none").into()));
        assert_eq!(destination("empty", ImageFormat::OciDir).unwrap(), Destination::Dir(at("empty").into()));
        for (name, form) in [
            ("file", ImageFormat::OciDir),
            ("full", ImageFormat::OciDir),
            ("full", ImageFormat::Docker),
            ("new/", ImageFormat::Oci),
            ("no/x", ImageFormat::Oci),
            ("file/x", ImageFormat::Oci),
        ] {
            let e = destination(name, form).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Usage, "{e}");
        }
        let null = Target::parse("/dev/null").unwrap();
        assert_eq!(
            null.destination(ImageFormat::Hybrid).unwrap(),
            Destination::Copied(Goal::Device("/dev/null".into()))
        );
        assert_eq!(
            Target::parse("/dev/stdout").unwrap().destination(ImageFormat::Oci).unwrap(),
            Destination::Copied(Goal::Stdout)
        );
    }
}
