//! Which texts are looked through for checksums of files: all small ones but those whose checksums slim writes anew or which
//! speak of archives.

use super::Needs;
use crate::ledger::Ledger;
use crate::path;
use crate::refs::digests;
use crate::tar::Member;

/// Larger texts are data, but for those whose name says that they are lists of checksums.
const MAX: u64 = 1 << 20;
const MAX_LIST: u64 = 32 << 20;

/// What bundlers make, and how large what somebody wrote is at most.
const GENERATED: [&[u8]; 7] = [b"js", b"mjs", b"cjs", b"css", b"map", b"html", b"svg"];
const MAX_GENERATED: u64 = 64 << 10;

/// Whether a file that begins with `head` is such a text.
pub(super) fn wanted(member: &Member, head: &[u8], needs: &Needs) -> bool {
    let name = path::split(&member.path).1;
    let most = if digests::says_so(name) { MAX_LIST } else { MAX };
    if !needs.digests || member.stored > most || memchr::memchr(0, head).is_some() || Ledger::of(&member.path).is_some()
    {
        return false;
    }
    let extension = path::extension(name);
    if member.stored > MAX_GENERATED && GENERATED.contains(&extension) {
        return false;
    }
    needs.archive_lists.binary_search_by(|list| list.as_slice().cmp(name)).is_err()
}
