//! The files that are read whole: package managers' databases, and their records of files.

use super::Needs;
use crate::packages::ledger::{self, Ledger};
use crate::packages::{self, Document, distribution, dpkg, pip};
use crate::tar::Member;
use crate::{Error, ErrorKind, Result};

/// True if a plan needs the text of this file.
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`] for a database that is too large, if a rule removes packages: without the database their
/// requirements are not known.
pub(super) fn wanted(member: &Member, needs: &Needs) -> Result<bool> {
    if needs.os_release && distribution::is(&member.path) {
        return Ok(member.stored <= distribution::MAX_SIZE);
    }
    let ledger = Ledger::of(&member.path);
    if needs.packages && (Document::of(&member.path).is_some() || ledger == Some(Ledger::ApkInstalled)) {
        if member.stored <= packages::MAX_SIZE {
            return Ok(true);
        }
        return Err(Error::new(ErrorKind::Unsupported, "this part of a package manager's database is too large")
            .member(&member.path)
            .expected(format!("at most {} bytes", packages::MAX_SIZE), member.stored)
            .hint("leave rules with `action = \"remove-package\"` out"));
    }
    let wanted = match ledger {
        Some(Ledger::Record) => needs.records || needs.packages || needs.checksums,
        Some(Ledger::Md5sums) => needs.packages || needs.checksums || needs.lists,
        Some(Ledger::ApkInstalled) => needs.checksums || needs.lists,
        None => {
            let list = needs.lists && Document::of(&member.path) == Some(Document::List);
            list || (needs.dpkg_paths && *member.path == dpkg::PATHS)
        }
    };
    Ok(wanted && member.stored <= ledger::MAX_SIZE)
}

/// Returns the part of the text that is kept: of `METADATA` the headers, as the description below them is longer than all else.
pub(super) fn kept(member: &Member, mut text: Vec<u8>) -> Box<[u8]> {
    if Document::of(&member.path) == Some(Document::Metadata) {
        text.truncate(pip::headers(&text).len());
    }
    text.into_boxed_slice()
}
