//! The files that are read whole: package managers' databases, and their records of files.

use super::{Flags, Needs};
use crate::packages::{self, Manager, Part, distribution, dpkg};
use crate::path;
use crate::tar::Member;
use crate::{Error, ErrorKind, Result};

/// True if a plan needs the text of this file.
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`] for a database that is too large, if a rule removes packages: without the database their
/// requirements are not known.
pub(super) fn wanted(member: &Member, needs: &Needs) -> Result<bool> {
    if needs.any(Flags::OS_RELEASE) && distribution::is(&member.path) {
        return Ok(member.stored <= distribution::MAX_SIZE);
    }
    let (manager, part) = Manager::of_file(&member.path).unzip();
    let part = part.unwrap_or_default();
    if needs.any(Flags::PACKAGES) && part.database && member.stored > packages::MAX_SIZE {
        return Err(Error::new(ErrorKind::Unsupported, "this part of a package manager's database is too large")
            .member(&member.path)
            .expected(format!("at most {} bytes", packages::MAX_SIZE), member.stored)
            .hint("leave rules with `action = \"remove-package\"` out"));
    }
    let records = || part.ledger && manager.is_some_and(|manager| manager.forgets_files());
    let wanted = (needs.any(Flags::PACKAGES.union(Flags::OWNERS)) && part != Part::NONE)
        || (needs.any(Flags::LISTS) && part.list)
        || (needs.any(Flags::CHECKSUMS) && part.ledger)
        || (needs.any(Flags::RECORDS) && records())
        || (needs.any(Flags::DPKG_PATHS) && *member.path == dpkg::PATHS);
    Ok(wanted && member.stored <= packages::MAX_SIZE)
}

/// Returns the part of the text that is kept.
pub(super) fn kept(member: &Member, mut text: Vec<u8>) -> Box<[u8]> {
    if let Some((manager, _)) = Manager::of_file(&member.path) {
        text.truncate(manager.needed(path::split(&member.path).1, &text));
    }
    text.into_boxed_slice()
}
