//! The texts that are read whole: package managers' databases and their records of files, which are kept, and those that are
//! searched for checksums of files: all small ones, except those whose checksums slim writes anew or that describe archives.

use super::{Flags, Needs};
use crate::packages::{self, Ledger, Manager, Part, distribution, dpkg};
use crate::path;
use crate::refs::digests;
use crate::tar::Member;
use crate::{Error, ErrorKind, Result};

/// The size in bytes of the largest text that is searched, unless its name says that it is a list of checksums: larger ones are
/// data.
const MAX: u64 = 1 << 20;
const MAX_LIST: u64 = 32 << 20;

/// Extensions of files that bundlers make, and the size in bytes of the largest such file that was written by hand.
const GENERATED: [&[u8]; 7] = [b"js", b"mjs", b"cjs", b"css", b"map", b"html", b"svg"];
const MAX_GENERATED: u64 = 64 << 10;

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

/// True if a file that begins with `head` is searched for checksums.
pub(super) fn may_state(member: &Member, head: &[u8], needs: &Needs) -> bool {
    let name = path::split(&member.path).1;
    let most = if digests::says_so(name) { MAX_LIST } else { MAX };
    if !needs.any(Flags::DIGESTS)
        || member.stored > most
        || memchr::memchr(0, head).is_some()
        || Ledger::of(&member.path).is_some()
    {
        return false;
    }
    let extension = path::extension(name);
    if member.stored > MAX_GENERATED && GENERATED.contains(&extension) {
        return false;
    }
    needs.archive_lists.binary_search_by(|list| list.as_slice().cmp(name)).is_err()
}
