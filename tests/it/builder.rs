//! Images written as text. A layer is lines such as
//!
//! ```text
//! set   prefix=./ long=gnu                     defaults for the lines that follow
//! dir   etc mode=0755 uid=0 gid=0 mtime=1700000000.123456789
//! file  etc/motd mode=0644 content="hello\n" xattr.user.a=0x00ff
//! link  etc/other -> etc/motd
//! sym   lib -> usr/lib
//! char  dev/null 1 3          (block likewise; fifo has no numbers)
//! whiteout etc/motd           writes etc/.wh.motd
//! opaque etc                  writes etc/.wh..wh..opq
//! global comment=abc          a PAX global header
//! raw    <hex>                those bytes, verbatim
//! end    0                    so many zero blocks at the end instead of 2
//! ```
//!
//! Names and values know `\n`, `\t`, `\\`, `\"`, `\xNN` and `\NNN` (octal); quotes hold blanks together; a value that begins
//! with `0x` is hexadecimal. Names are written as they are spelled, but for the `/` that directories end in (`slash=no`
//! leaves it out). Nothing here uses the library under test.

pub mod archive;
pub mod codec;
pub mod tar;
pub mod text;

pub use archive::{Archive, Entries, Entry, Form, Image, Item};
pub use codec::{Comp, sha256};
pub use text::layer;
