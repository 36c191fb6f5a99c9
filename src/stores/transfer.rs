//! Images on their way out of a store and into it.

use super::engine::Known;
use super::reach::engine;
use super::{Stored, hints};
use crate::image::{Platform, Reference};
use crate::{Digest, Error, ErrorKind, Result};
use std::fs::File;
use std::io::{Read, Seek};

/// Begins to read an image as an archive. The reader fails at its end if the engine did not send all of it. `offline` is true if no
/// engine may be asked.
///
/// # Errors
/// Returns an error if the engine does not answer, or has no such image.
pub fn open(stored: &Stored, platform: Option<&Platform>, offline: bool) -> Result<Box<dyn Read + Send>> {
    let engine = engine(stored, offline)?;
    let Some(known) = engine.find(&stored.reference)? else {
        return Err(hints::unknown(stored, &engine.names().unwrap_or_default()));
    };
    engine.save(&asked(stored, &known), platform)
}

/// The name by which an image is asked for: `docker save app` would give all tags of it.
fn asked(stored: &Stored, known: &Known) -> String {
    let wanted = stored.name();
    let same = |name: &&String| wanted.is_some() && Reference::parse(name).ok() == wanted;
    known.names.iter().find(same).unwrap_or(&stored.reference).clone()
}

/// The id of the image that has the name now; `None` if there is none. `offline` is true if no engine may be asked.
///
/// # Errors
/// Returns an error if the engine does not answer, or the name is one that no image can have.
pub fn named(stored: &Stored, offline: bool) -> Result<Option<String>> {
    let name = stored.tag()?;
    Ok(engine(stored, offline)?.find(&name)?.map(|known| known.id))
}

/// Loads the archive in `file`. Its documents have the digests `ids`, one of which is the image's id afterwards.
///
/// # Errors
/// Returns an error if the engine refuses it, or does not have the image under its name afterwards.
pub fn load(stored: &Stored, mut file: &File, ids: &[Digest]) -> Result<()> {
    let engine = engine(stored, false)?;
    file.rewind().map_err(|e| Error::io("cannot read the temporary file", e))?;
    engine.load(file)?;
    let found = named(stored, false)?;
    if found.as_ref().is_some_and(|id| ids.iter().any(|digest| digest.to_string() == *id)) {
        return Ok(());
    }
    let expected = ids.iter().map(|digest| digest.to_string()).collect::<Vec<_>>().join(" or ");
    let found = found.unwrap_or_else(|| "no image of this name".to_owned());
    let error = Error::new(ErrorKind::Remote, format!("{} has loaded something else", engine.name()));
    Err(error.expected(expected, found))
}
