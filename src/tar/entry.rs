//! The meaning of a header together with the GNU and PAX headers before it and the global PAX headers. No I/O: [`super::frame`]
//! reads the bytes.

use super::header::{self, Header, bad, shown};
use super::pax::{self, Extended, Global};
use super::sparse::Layout;
use super::{Attrs, Kind, Meta, Time};
use crate::{Error, ErrorKind, Result, path};
use bstr::{BStr, BString};
use std::collections::HashSet;
use std::sync::Arc;

/// The headers that precede a member's own.
#[derive(Default)]
pub(super) struct Prefix {
    /// The offset of the first of them, if there is one.
    pub(super) start: Option<u64>,
    /// The body of the `x` header and its offset.
    pub(super) pax: Option<(u64, Vec<u8>)>,
    /// The body of the `L` header.
    pub(super) name: Option<Vec<u8>>,
    /// The body of the `K` header.
    pub(super) link: Option<Vec<u8>>,
}

/// A member without its place in the stream.
pub(super) struct Entry {
    /// The name as it was written, for messages.
    pub(super) name: Vec<u8>,
    pub(super) path: Box<BStr>,
    pub(super) kind: Kind,
    pub(super) meta: Meta,
    /// The number of bytes after the header, without padding.
    pub(super) size: u64,
    /// The size in bytes that the headers state, which means nothing if no bytes follow.
    pub(super) stated: u64,
    /// True if the bytes after the header are the member's data; otherwise they mean nothing here.
    pub(super) has_data: bool,
    pub(super) layout: Layout,
    pub(super) global: bool,
    /// The memory in bytes, roughly, of the values from global headers.
    pub(super) inherited: u64,
}

impl Entry {
    /// Puts a member together. Errors name the member; they have an offset only if they are about the `x` header.
    pub(super) fn new(header: &Header, prefix: Prefix, global: &Global) -> Result<Self> {
        let early = |e: Error| e.member(&header.name());
        let (at, body) = prefix.pax.unwrap_or_default();
        let local = pax::parse(&body).map_err(|(offset, e)| early(e.offset(at + offset as u64)))?;
        let mut extended = Extended::new(global, &local).map_err(early)?;
        let layout = layout(header, &extended).map_err(early)?;
        let long = |name: Option<Vec<u8>>| name.map(|n| header::text(&n).to_vec()).filter(|n| !n.is_empty());
        // The order of precedence in Go's reader, and so in every engine.
        let name = (extended.sparse.name.take())
            .or_else(|| long(prefix.name))
            .or_else(|| extended.path.take().map(Vec::from))
            .unwrap_or_else(|| header.name());
        let link = long(prefix.link)
            .or_else(|| extended.linkpath.take().map(Vec::from))
            .unwrap_or_else(|| header.text(header::LINK).to_vec());
        Self::assemble(header, &name, link, extended, layout).map_err(|e| e.member(&name))
    }

    fn assemble(header: &Header, name: &[u8], link: Vec<u8>, extended: Extended, layout: Layout) -> Result<Self> {
        let escapes = |what: &str, name: &[u8]| {
            bad(format!("{what} outside of the root")).expected("a path below the root", shown(name))
        };
        let path = path::normalize(name).map_err(|_| escapes("name", name))?;
        let flag = header.flag();
        let kind = match flag {
            0 if name.ends_with(b"/") => Kind::Dir,
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'1' if link.is_empty() => return Err(bad("hard link without a target")),
            b'1' => Kind::hard_link(path::normalize(&link).map_err(|_| escapes("hard link to a name", &link))?),
            b'2' => Kind::symlink(link),
            b'3' => Kind::Char(device(header, header::MAJOR)?, device(header, header::MINOR)?),
            b'4' => Kind::Block(device(header, header::MAJOR)?, device(header, header::MINOR)?),
            b'5' | b'D' => Kind::Dir,
            b'6' => Kind::Fifo,
            _ => return Err(unknown(flag)),
        };
        if !matches!((&layout, &kind), (Layout::Plain, _) | (_, Kind::File)) {
            let found = format!("type flag '{}'", flag.escape_ascii());
            return Err(bad("sparse map of what is no file").expected("a regular file", found));
        }
        let field = header.size()?;
        let has_data = kind == Kind::File;
        // Whatever the size of a link, a device or a directory says, no data follow, except after GNU's dump of a directory.
        let stated = extended.size.unwrap_or(field);
        let size = if has_data || flag == b'D' { stated } else { 0 };
        let (global, inherited) = (extended.global, extended.inherited);
        let meta = meta(header, extended)?;
        let path = Vec::from(path).into_boxed_slice().into();
        Ok(Self { name: name.to_vec(), path, kind, meta, size, stated, has_data, layout, global, inherited })
    }
}

fn layout(header: &Header, extended: &Extended) -> Result<Layout> {
    match header.flag() {
        b'S' if extended.sparse.any() => Err(bad("two sparse maps: an old GNU one and one in PAX records")),
        b'S' => Ok(Layout::OldGnu),
        _ => extended.sparse.layout(),
    }
}

fn meta(header: &Header, extended: Extended) -> Result<Meta> {
    let mode = header.unsigned("mode", header::MODE)? & 0o7777;
    let own = |field| {
        if header.has_magic() { header.text(field).into() } else { BString::default() }
    };
    let id = |value: Option<u64>, what, field| value.map_or_else(|| header.unsigned(what, field), Ok);
    let seconds = |secs| Time { secs, nanos: 0 };
    let attrs = Attrs {
        mode: u32::try_from(mode).unwrap_or_default(),
        uid: id(extended.uid, "uid", header::UID)?,
        gid: id(extended.gid, "gid", header::GID)?,
        uname: extended.uname.unwrap_or_else(|| own(header::UNAME)),
        gname: extended.gname.unwrap_or_else(|| own(header::GNAME)),
        records: extended.records,
    };
    let mtime = extended.mtime.map_or_else(|| header.number("mtime", header::MTIME).map(seconds), Ok)?;
    Ok(Meta { mtime, attrs: attrs.into() })
}

fn device(header: &Header, field: std::ops::Range<usize>) -> Result<u32> {
    let n = header.unsigned("device number", field)?;
    u32::try_from(n).map_err(|_| bad("device number too large").expected(format!("at most {}", u32::MAX), n))
}

fn unknown(flag: u8) -> Error {
    let what = match flag {
        b'M' => "rest of a file from another volume (type flag 'M')".into(),
        _ => format!("unknown type flag '{}'", flag.escape_ascii()),
    };
    Error::new(ErrorKind::Unsupported, what)
}

/// The most attributes that are remembered. Real layers have a dozen; if each member has its own, remembering them saves
/// nothing.
const MOST_SHARED: usize = 1024;

/// The attributes of members, each kept once for all members that have them.
#[derive(Default)]
pub(super) struct Shared(HashSet<Arc<Attrs>>);

impl Shared {
    /// Returns the same attributes in the allocation of an earlier member, if one has them.
    pub(super) fn find(&mut self, attrs: Arc<Attrs>) -> Arc<Attrs> {
        if let Some(known) = self.0.get(&attrs) {
            return known.clone();
        }
        if self.0.len() == MOST_SHARED {
            self.0.clear();
        }
        self.0.insert(attrs.clone());
        attrs
    }
}
