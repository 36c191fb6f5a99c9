//! Where the output goes, and what must be true of that before any work is done.

use crate::source::{Form, Location, Place, Prefix};
use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::path::Path;

/// Where an image is written to: `PATH`, `docker-archive:PATH[:REF]`, `oci-archive:PATH[:REF]`, `oci:DIR[:REF]` or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub place: Place,
    /// The form that the user asks for.
    pub prefix: Option<Prefix>,
    /// The name that the user gives with the place: a tag, as `-t` would be.
    pub reference: Option<String>,
}

impl Target {
    /// Parses the target.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] as [`Location::parse`].
    pub fn parse(text: &str) -> Result<Self> {
        let Location { place, prefix, reference } = Location::parse_with(text, &|path: &Path| path.exists())?;
        Ok(Self { place, prefix, reference })
    }

    /// The form that is written for an input of `form`.
    #[must_use]
    pub fn form(&self, form: Form) -> Form {
        match (self.prefix, form) {
            (Some(Prefix::DockerArchive), _) | (None, Form::Docker | Form::Hybrid) => Form::Hybrid,
            (Some(Prefix::OciArchive), _) | (None, Form::Oci) => Form::Oci,
            (Some(Prefix::Oci), _) => Form::OciDir,
            // A directory cannot go through a pipe.
            (None, Form::OciDir) => if self.place == Place::Std { Form::Oci } else { Form::OciDir },
        }
    }

    /// Checks before any work: that the target is not the input, that its directory is there, and, with the input's
    /// `form`, that what exists at the target may be replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with a hint.
    pub fn check(&self, input: &Location, form: Option<Form>) -> Result<()> {
        let _ = (input, form, Error::new(ErrorKind::Usage, ""));
        todo!()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Std => f.write_str("standard output"),
            Place::Path(path) => path.display().fmt(f),
        }
    }
}
