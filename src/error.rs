//! One error type for everything that can be wrong with an image, a profile or a request: it carries where (archive,
//! layer, member, offset), what was expected and found, and a hint. The command line prints it and exits with 2.

use std::fmt;

/// What went wrong, for callers that act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The host's file system said no.
    Io,
    /// The archive or layout around the image is broken or is none.
    Archive,
    /// A layer's compression or tar stream is broken.
    Layer,
    /// Bytes do not have the digest or size that names them.
    Digest,
    /// A form that slim knows of and does not read.
    Unsupported,
    /// A profile's text is wrong.
    Profile,
    /// The request makes no sense, whatever the image.
    Usage,
    /// A registry or an engine refuses, fails, or cannot be reached.
    Remote,
    /// The run was interrupted by a signal.
    Interrupted,
}

/// An error with its place. Built with [`Error::new`] and the methods that add to it.
#[derive(Debug)]
pub struct Error {
    /// The class of error.
    pub kind: ErrorKind,
    /// What is wrong, without its place: lower case, no full stop.
    pub what: String,
    /// The host file or directory, or `standard input`.
    pub archive: Option<String>,
    /// The layer, such as `layer 3 of 7 (sha256:…)`.
    pub layer: Option<String>,
    /// The member of the archive or of the layer.
    pub member: Option<String>,
    /// The byte offset in the (decompressed) layer or archive.
    pub offset: Option<u64>,
    /// What was expected.
    pub expected: Option<String>,
    /// What was found instead.
    pub found: Option<String>,
    /// The next step for the user.
    pub hint: Option<String>,
    /// The error of the operating system or of a library under this one.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of all that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `what`.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            archive: None,
            layer: None,
            member: None,
            offset: None,
            expected: None,
            found: None,
            hint: None,
            cause: None,
        }
    }

    /// An [`ErrorKind::Io`] error: `what` could not be done because of `cause`.
    pub fn io(what: impl Into<String>, cause: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, what).cause(cause)
    }

    /// Names the host file. The innermost name given stays.
    #[must_use]
    pub fn archive(mut self, name: impl fmt::Display) -> Self {
        self.archive.get_or_insert_with(|| name.to_string());
        self
    }

    /// Names the layer. The innermost name given stays.
    #[must_use]
    pub fn layer(mut self, name: impl fmt::Display) -> Self {
        self.layer.get_or_insert_with(|| name.to_string());
        self
    }

    /// Names the member, as bytes that need not be UTF-8. The innermost name given stays.
    #[must_use]
    pub fn member(mut self, name: &[u8]) -> Self {
        self.member.get_or_insert_with(|| name.escape_ascii().to_string());
        self
    }

    /// Gives the offset in bytes. The innermost one given stays.
    #[must_use]
    pub fn offset(mut self, at: u64) -> Self {
        self.offset.get_or_insert(at);
        self
    }

    /// Says what was expected and what was found.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }

    /// Adds the next step for the user.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Error {
    /// One line without the hint: `PLACE: WHAT: expected E, found F: CAUSE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member.as_ref().map(|m| format!("member {m}"));
        let offset = self.offset.map(|o| format!("at byte {o}"));
        let place = [&self.archive, &self.layer, &member, &offset];
        for part in place.into_iter().flatten() {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.what)?;
        if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
            write!(f, ": expected {expected}, found {found}")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// An `io::Error` made out of an [`Error`] gives that one back; any other becomes an [`ErrorKind::Io`] error.
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        match e.downcast::<Self>() {
            Ok(inner) => inner,
            Err(e) => Self::io("input or output failed", e),
        }
    }
}

impl From<Error> for std::io::Error {
    /// So that a verifying reader can fail with all it knows from inside `Read::read`.
    fn from(e: Error) -> Self {
        Self::other(e)
    }
}

/// Something that the user should know and that does not stop the run; printed as `warning: …` and kept in the report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// A stable id for scripts, such as `media-type-mismatch`.
    pub id: &'static str,
    /// One sentence.
    pub message: String,
}

impl Warning {
    /// A warning `id` that says `message`.
    pub fn new(id: &'static str, message: impl Into<String>) -> Self {
        Self { id, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_place_from_the_outside_in() {
        let e = Error::new(ErrorKind::Layer, "wrong header checksum")
            .member(b"a\n\xff")
            .offset(512)
            .layer("layer 1 of 2")
            .archive("in.tar")
            .expected(1, 2)
            .archive("outer.tar");
        assert_eq!(
            e.to_string(),
            "in.tar: layer 1 of 2: member a\\n\\xff: at byte 512: wrong header checksum: expected 1, found 2"
        );
    }

    #[test]
    fn an_error_survives_a_trip_through_io() {
        let io: std::io::Error = Error::new(ErrorKind::Digest, "bad").hint("retry").into();
        let back = Error::from(io);
        assert_eq!((back.kind, back.hint.as_deref()), (ErrorKind::Digest, Some("retry")));
    }
}
