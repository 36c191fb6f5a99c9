//! Framing: the beginning, end and meaning of each member of a tar stream. Data pass through the reader's own buffer; nothing
//! is allocated because of what a size field says, and memory does not grow with the stream.

use super::entry::{Entry, Prefix, Shared};
use super::header::{Block, Header, ZERO, bad};
use super::pax::{self, Global};
use super::sparse::{Layout, Map, Text};
use super::{BLOCK, Member, Sparse, padded};
use crate::{Error, Result};
use std::io::{self, BufRead, Read, Seek};

/// The most bytes that a GNU long name may have.
const MOST_NAME: u64 = 1 << 20;
/// The most bytes that an extended header may have.
const MOST_PAX: u64 = 16 << 20;
/// The room in bytes that is made for an extended header before it is read.
const BODY: u64 = 4096;
/// The most bytes of values that members may take over from global headers: every member has a copy of its own, so that a
/// short stream could ask for any amount.
const MOST_INHERITED: u64 = 64 << 20;

/// Reads a tar stream member by member. It begins at offset 0, wherever the reader stands.
pub struct Framer<R: BufRead> {
    inner: R,
    pos: u64,
    /// The current member's name, for messages.
    name: Vec<u8>,
    /// The number of bytes of stored data of the current member; `left` is the number of them that have not been read.
    size: u64,
    left: u64,
    /// The number of bytes between the end of the data and the next header.
    gap: u64,
    global: Global,
    inherited: u64,
    shared: Shared,
    pub(super) members_end: u64,
    stated: u64,
    jump: Option<Jump<R>>,
    state: State,
}

/// Jumps over bytes without reading them.
type Jump<R> = fn(&mut R, i64) -> io::Result<()>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Failed,
}

impl<R: BufRead> Framer<R> {
    /// Makes a framer of the tar stream that `inner` reads. The larger the reader's buffer, the faster data are skipped.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            pos: 0,
            name: Vec::new(),
            size: 0,
            left: 0,
            gap: 0,
            global: Global::default(),
            inherited: 0,
            shared: Shared::default(),
            members_end: 0,
            stated: 0,
            jump: None,
            state: State::Open,
        }
    }

    /// Like [`Framer::new`], but jumps over data that nobody reads. So a stream that ends too soon may seem to end well, and
    /// the caller must call [`Framer::check_end`].
    pub fn seeking(inner: R) -> Self
    where
        R: Seek,
    {
        Self { jump: Some(R::seek_relative), ..Self::new(inner) }
    }

    /// Checks that no member reaches beyond a stream of `size` bytes.
    ///
    /// # Errors
    /// Returns an [`ErrorKind::Layer`](crate::ErrorKind::Layer) error if one does.
    pub fn check_end(&self, size: u64) -> Result<()> {
        if self.members_end <= size {
            return Ok(());
        }
        Err(bad("truncated data of the last member").expected(format!("{} bytes", self.members_end), size))
    }

    /// Returns the next member, after skipping the rest of the one before; `None` after the last. Never reads on after the end
    /// marker of two zero blocks.
    ///
    /// # Errors
    /// Returns the reader's errors unchanged; an [`ErrorKind::Layer`](crate::ErrorKind::Layer) error if the stream is broken or
    /// ends too soon; an [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) one for an unknown type flag. After an error
    /// the framer cannot go on.
    #[allow(clippy::should_implement_trait, reason = "members lend the framer for their data, so it is no iterator")]
    pub fn next(&mut self) -> Result<Option<Member>> {
        match self.state {
            State::Ended => return Ok(None),
            State::Failed => return Err(bad("tar stream read on after an error")),
            State::Open => {}
        }
        let next = self.advance();
        self.state = match &next {
            Ok(Some(_)) => State::Open,
            Ok(None) => State::Ended,
            Err(_) => State::Failed,
        };
        next
    }

    /// Returns a reader of the rest of the current member's stored data: of a sparse file, only the chunks.
    pub fn data(&mut self) -> Data<'_, R> {
        Data { framer: self }
    }

    /// Returns the number of bytes of the stream that have been read.
    pub fn position(&self) -> u64 {
        self.pos
    }

    /// Returns the size that the last member's headers state, in bytes: some writers state one for a link or a directory
    /// although no data follow.
    pub fn stated(&self) -> u64 {
        self.stated
    }

    /// Returns the reader, which is at [`Framer::position`].
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn advance(&mut self) -> Result<Option<Member>> {
        self.skip_rest()?;
        let mut prefix = Prefix::default();
        loop {
            let at = self.pos;
            let Some(header) = self.header()? else {
                return match prefix.start {
                    None => Ok(None),
                    Some(start) => Err(bad("extended header without a member after it").offset(start)),
                };
            };
            match header.flag() {
                b'V' => {
                    // A label is no member, nor are the headers that belong to it.
                    prefix = Prefix::default();
                    self.begin(header.name(), 0, padded(size(&header, at)?));
                    self.skip_rest()?;
                }
                b'g' if prefix.start.is_some() => {
                    return Err(bad("global PAX header between a member and its own").offset(at));
                }
                b'g' => self.take_global(&header, at)?,
                b'x' => prefix.pax = Some((at + BLOCK, self.body(&header, at, MOST_PAX)?)),
                b'L' => prefix.name = Some(self.body(&header, at, MOST_NAME)?),
                b'K' => prefix.link = Some(self.body(&header, at, MOST_NAME)?),
                _ => return self.member(&header, prefix, at).map(Some),
            }
            if matches!(header.flag(), b'x' | b'L' | b'K') {
                prefix.start.get_or_insert(at);
            }
        }
    }

    /// Reads the member whose header begins at `at`.
    fn member(&mut self, header: &Header, prefix: Prefix, at: u64) -> Result<Member> {
        let start = prefix.start.unwrap_or(at);
        let entry = Entry::new(header, prefix, &self.global).map_err(|e| e.offset(at))?;
        self.name = entry.name;
        self.inherited = self.inherited.saturating_add(entry.inherited);
        if self.inherited > MOST_INHERITED {
            let e = bad("global PAX headers give members too much").member(&self.name).offset(at);
            return Err(
                e.expected(format!("at most {MOST_INHERITED} bytes in all"), format!("{} bytes", self.inherited))
            );
        }
        let (sparse, stored) = self.sparse(header, entry.layout, entry.size, at)?;
        self.end_of(stored, at)?;
        let end = self.end_of(padded(stored), at)?;
        let head = (self.pos - start) / BLOCK;
        let head = u32::try_from(head).map_err(|_| {
            self.here(bad("too many headers").expected(format!("at most {} blocks", u32::MAX), head), at)
        })?;
        let size = if entry.has_data { stored } else { 0 };
        (self.size, self.left, self.gap) = (size, size, end - self.pos - size);
        (self.members_end, self.stated) = (end, entry.stated);
        let mut meta = entry.meta;
        meta.attrs = self.shared.find(meta.attrs);
        Ok(Member {
            start,
            stored,
            head,
            flag: header.flag(),
            global: entry.global,
            path: entry.path,
            kind: entry.kind,
            meta,
            sparse: sparse.map(Box::new),
        })
    }

    /// Reads the part of a sparse map between the header and the data; returns the map and the size of the data in bytes.
    fn sparse(&mut self, header: &Header, layout: Layout, size: u64, at: u64) -> Result<(Option<Sparse>, u64)> {
        let mut stored = size;
        let map = match layout {
            Layout::Plain => return Ok((None, size)),
            Layout::Known(map) => map,
            Layout::OldGnu => self.old_gnu(header, at)?,
            Layout::InData(real_size) => {
                let mut text = Text::new(real_size).map_err(|e| self.here(e, at))?;
                loop {
                    let begin = self.pos;
                    let Some(rest) = stored.checked_sub(BLOCK) else {
                        let e = bad("sparse map runs beyond the stored data");
                        return Err(self.here(e.expected("a block of it", format!("{stored} bytes")), begin));
                    };
                    stored = rest;
                    let block = self.must_block("sparse map")?;
                    if text.feed(&block).map_err(|e| self.here(e, begin))? {
                        break text.into_map();
                    }
                }
            }
        };
        Ok((Some(map.finish(stored).map_err(|e| self.here(e, at))?), stored))
    }

    fn old_gnu(&mut self, header: &Header, at: u64) -> Result<Map> {
        let (mut map, mut more) = Map::old_gnu(header).map_err(|e| self.here(e, at))?;
        while more {
            let begin = self.pos;
            let block = self.must_block("sparse extension block")?;
            more = map.extend(&block).map_err(|e| self.here(e, begin))?;
        }
        Ok(map)
    }

    fn take_global(&mut self, header: &Header, at: u64) -> Result<()> {
        let body = self.body(header, at, MOST_PAX)?;
        let begin = at + BLOCK;
        let records = pax::parse(&body).map_err(|(offset, e)| self.here(e, begin + offset as u64))?;
        self.global.add(&records).map_err(|e| e.member(&self.name).offset(at))
    }

    /// Reads the next header; returns `None` at the end of the members.
    fn header(&mut self) -> Result<Option<Header>> {
        let at = self.pos;
        self.name.clear();
        let Some(block) = self.block("header")? else {
            return Ok(None);
        };
        if block != ZERO {
            return Header::new(block).map(Some).map_err(|e| e.offset(at));
        }
        // Some writers end with one zero block, or leave the marker out.
        match self.block("end marker")? {
            None | Some(ZERO) => Ok(None),
            Some(_) => {
                let e = bad("zero block in the middle of the tar stream").offset(at);
                Err(e.expected("a second one or the end after it", "more data"))
            }
        }
    }

    /// Reads the next block; returns `None` at the reader's end.
    fn block(&mut self, part: &str) -> Result<Option<Block>> {
        let mut block = ZERO;
        let mut have = 0;
        while have < block.len() {
            match self.inner.read(&mut block[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.pos = self.pos.saturating_add(have as u64);
        match have {
            0 => Ok(None),
            _ if have == block.len() => Ok(Some(block)),
            _ => Err(self.truncated(part, BLOCK, have as u64)),
        }
    }

    fn must_block(&mut self, part: &str) -> Result<Block> {
        self.block(part)?.ok_or_else(|| self.truncated(part, BLOCK, 0))
    }

    /// Reads the body of an extended header, which begins here.
    fn body(&mut self, header: &Header, at: u64, most: u64) -> Result<Vec<u8>> {
        let size = size(header, at)?;
        if size > most {
            let e = bad(format!("extended header (type flag '{}') too large", header.flag().escape_ascii()));
            return Err(e.member(&header.name()).offset(at).expected(format!("at most {most} bytes"), size));
        }
        let end = padded(size);
        self.begin(header.name(), size, end - size);
        let mut body = Vec::with_capacity(usize::try_from(size.min(BODY)).unwrap_or_default());
        self.data().read_to_end(&mut body)?;
        self.skip_rest()?;
        Ok(body)
    }

    fn begin(&mut self, name: Vec<u8>, size: u64, gap: u64) {
        self.name = name;
        (self.size, self.left, self.gap) = (size, size, gap);
    }

    /// Skips the rest of the current member.
    fn skip_rest(&mut self) -> Result<()> {
        self.left = self.skip(self.left)?;
        if self.left > 0 {
            return Err(self.truncated("data", self.size, self.size - self.left));
        }
        let gap = std::mem::take(&mut self.gap);
        let missing = self.skip(gap)?;
        if missing > 0 {
            return Err(self.truncated("padding", gap, gap - missing));
        }
        Ok(())
    }

    /// Skips `n` bytes in the reader's buffer; returns the number of bytes that were missing.
    fn skip(&mut self, mut n: u64) -> io::Result<u64> {
        if let (Some(jump), Ok(by)) = (self.jump, i64::try_from(n)) {
            jump(&mut self.inner, by)?;
            self.pos = self.pos.saturating_add(n);
            return Ok(0);
        }
        while n > 0 {
            let have = match self.inner.fill_buf() {
                Ok(buffer) => buffer.len(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if have == 0 {
                break;
            }
            let step = usize::try_from(n).map_or(have, |n| n.min(have));
            self.inner.consume(step);
            self.pos = self.pos.saturating_add(step as u64);
            n -= step as u64;
        }
        Ok(n)
    }

    /// Returns the offset `n` bytes on, which must be one that a file can have.
    fn end_of(&self, n: u64, at: u64) -> Result<u64> {
        let end = self.pos.checked_add(n).filter(|&end| i64::try_from(end).is_ok());
        end.ok_or_else(|| {
            let e = bad("size of a member too large").expected(format!("an end before byte {}", i64::MAX), n);
            self.here(e, at)
        })
    }

    fn truncated(&self, part: &str, expected: u64, found: u64) -> Error {
        truncated(part, expected, found, &self.name, self.pos)
    }

    fn here(&self, e: Error, at: u64) -> Error {
        place(e, &self.name, at)
    }
}

/// Reads the stored data of a [`Framer`]'s current member, and no further.
pub struct Data<'a, R: BufRead> {
    framer: &'a mut Framer<R>,
}

impl<R: BufRead> BufRead for Data<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let framer = &mut *self.framer;
        let left = framer.left;
        if left == 0 {
            return Ok(&[]);
        }
        let buffer = framer.inner.fill_buf()?;
        if buffer.is_empty() {
            return Err(truncated("data", framer.size, framer.size - left, &framer.name, framer.pos).into());
        }
        Ok(&buffer[..usize::try_from(left).map_or(buffer.len(), |n| n.min(buffer.len()))])
    }

    fn consume(&mut self, n: usize) {
        let n = usize::try_from(self.framer.left).map_or(n, |left| n.min(left));
        self.framer.inner.consume(n);
        self.framer.left -= n as u64;
        self.framer.pos = self.framer.pos.saturating_add(n as u64);
    }
}

impl<R: BufRead> Read for Data<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let n = have.len().min(buffer.len());
        buffer[..n].copy_from_slice(&have[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// Adds the place to an error, as far as it is known.
fn place(e: Error, name: &[u8], at: u64) -> Error {
    let e = e.offset(at);
    if name.is_empty() { e } else { e.member(name) }
}

fn truncated(part: &str, expected: u64, found: u64, name: &[u8], at: u64) -> Error {
    let e = bad(format!("truncated {part}")).expected(format!("{expected} bytes"), found);
    place(e, name, at)
}

/// Returns the size of an extended header or label, in bytes.
fn size(header: &Header, at: u64) -> Result<u64> {
    header.size().map_err(|e| e.member(&header.name()).offset(at))
}
