//! The texts that are searched for checksums of files: all small ones, except those whose checksums slim writes anew or that
//! describe archives.

use super::{Flags, Needs};
use crate::packages::Ledger;
use crate::path;
use crate::refs::digests;
use crate::tar::Member;

/// The size in bytes of the largest text that is searched, unless its name says that it is a list of checksums: larger ones are
/// data.
const MAX: u64 = 1 << 20;
const MAX_LIST: u64 = 32 << 20;

/// Extensions of files that bundlers make, and the size in bytes of the largest such file that was written by hand.
const GENERATED: [&[u8]; 7] = [b"js", b"mjs", b"cjs", b"css", b"map", b"html", b"svg"];
const MAX_GENERATED: u64 = 64 << 10;

/// True if a file that begins with `head` is such a text.
pub(super) fn wanted(member: &Member, head: &[u8], needs: &Needs) -> bool {
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
