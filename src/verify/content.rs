//! The facts about a file's content beside its hash: its references, and for the few files that rules rewrite the text, or the
//! memory image of an ELF file. They are found while the bytes pass; only ELF files, which are read in several places, wait in
//! a temporary file, unless they lie in a layer that is not compressed.

use super::elf::{self, Elf};
use super::lists;
use crate::refs::elf::{Interp, interp, path};
use crate::refs::needed::{self, Needed};
use crate::refs::script::{self, Shebang};
use crate::refs::{Target, javascript, python};
use bstr::BString;
use md5::Md5;
use sha1::{Digest as _, Sha1};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::SpooledTempFile;

/// The number of bytes that tell the type of a file.
const HEAD: usize = 4096;
/// The size in bytes of the largest text that is read.
const MAX_TEXT: u64 = 16 << 20;
/// The number of bytes of an ELF file that stay in memory.
const MAX_SPOOLED: usize = 4 << 20;

/// The facts to look for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The references of files.
    pub references: bool,
    /// The paths of files whose whole content is wanted: they may have a new one.
    pub whole: &'a HashSet<BString>,
    /// The texts of lists of checksums.
    pub ledgers: bool,
    /// Called with the number of bytes as they are read.
    pub advance: &'a (dyn Fn(u64) + Sync),
    /// The memory in bytes that all members of all layers have taken so far.
    pub memory: &'a AtomicUsize,
}

/// The memory in bytes that the members of both images may take: twice the memory that a run may take for one, so that a bomb
/// of headers ends early.
const MAX_MEMORY: usize = 1200 << 20;

impl Wanted<'_> {
    /// Takes this number of bytes.
    ///
    /// # Errors
    /// Returns an error if there are no more.
    pub fn take(&self, bytes: usize) -> io::Result<()> {
        if self.memory.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MAX_MEMORY {
            return Ok(());
        }
        Err(io::Error::other("too many files: their names, metadata and texts alone would fill the memory"))
    }
}

/// The facts about a file's content.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// The `#!` line.
    pub shebang: Option<Shebang>,
    /// The dynamic loader that a program names.
    pub loader: Option<BString>,
    /// The libraries that an object needs.
    pub needed: Option<Needed>,
    /// Imports, each once.
    pub imports: Vec<Target>,
    /// The whole content.
    pub text: Option<Vec<u8>>,
    /// MD5 and SHA-1 of the content.
    pub sums: Option<([u8; 16], [u8; 20])>,
    /// The loaded parts of an ELF file, or the reason that they cannot be told.
    pub elf: Option<Result<Elf, String>>,
}

impl Extra {
    /// Returns roughly the number of bytes of memory that this takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let text = self.text.as_ref().map_or(0, Vec::len);
        let elf = self.elf.iter().flatten().map(|e| 128 * (e.segments.len() + e.sections.len())).sum::<usize>();
        size_of::<Self>() + text + elf + self.imports.len() * 2 * size_of::<Target>()
    }
}

enum State {
    /// Nothing is wanted.
    Nothing,
    /// The first bytes are gathered.
    Head(Vec<u8>),
    /// All bytes are gathered.
    Text(Vec<u8>),
    /// The bytes can be read again in their place; the first of them.
    There(Vec<u8>),
    /// The bytes are put aside in a file; the first of them.
    Spooled(Vec<u8>, SpooledTempFile),
    /// There is nothing more to find; the first bytes.
    Rest(Vec<u8>),
}

/// A search of one file.
pub struct Look<'a> {
    path: &'a [u8],
    size: u64,
    references: bool,
    whole: bool,
    direct: Option<(File, u64)>,
    sums: Option<(Md5, Sha1)>,
    state: State,
}

impl<'a> Look<'a> {
    /// Begins with the file at that path. `direct` is the file and offset from which its bytes can be read.
    pub fn new(wanted: &Wanted<'_>, path: &'a [u8], size: u64, direct: Option<(File, u64)>) -> Self {
        let whole = wanted.whole.contains(bstr::BStr::new(path));
        let text = wanted.ledgers && lists::is_list(path);
        let any = (whole || text || wanted.references) && size > 0;
        let state = if any { State::Head(Vec::new()) } else { State::Nothing };
        let sums = whole.then(Default::default);
        let whole = whole || text;
        Self { path, size, references: wanted.references, whole, direct, sums, state }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Returns an error if they cannot be put aside.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some((md5, sha1)) = &mut self.sums {
            md5.update(bytes);
            sha1.update(bytes);
        }
        match &mut self.state {
            State::Nothing | State::Rest(_) | State::There(_) => {}
            State::Text(text) => text.extend_from_slice(bytes),
            State::Spooled(_, file) => file.write_all(bytes)?,
            State::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= HEAD {
                    self.decide()?;
                }
            }
        }
        Ok(())
    }

    /// Decides by the first bytes what is done with the others.
    fn decide(&mut self) -> io::Result<()> {
        let head = match &mut self.state {
            State::Head(head) => std::mem::take(head),
            _ => return Ok(()),
        };
        self.state = if head.starts_with(b"\x7fELF") {
            if self.direct.is_some() {
                State::There(head)
            } else {
                let mut file = SpooledTempFile::new(MAX_SPOOLED);
                file.write_all(&head)?;
                State::Spooled(head, file)
            }
        } else if self.size <= MAX_TEXT && (self.whole || self.references && self.language(&head).is_some()) {
            State::Text(head)
        } else {
            State::Rest(head)
        };
        Ok(())
    }

    fn language(&self, head: &[u8]) -> Option<Language> {
        let extension = self.path.rsplit(|&c| c == b'.').next().unwrap_or_default();
        match extension {
            b"py" | b"pyw" => return Some(Language::Python),
            b"js" | b"mjs" | b"cjs" => return Some(Language::JavaScript),
            _ => {}
        }
        let shebang = script::shebang(head)?;
        let program = shebang.env_program().unwrap_or(shebang.interpreter);
        let (_, name) = crate::path::split(&program);
        name.starts_with(b"python").then_some(Language::Python)
    }

    /// Returns the facts; `None` if there are none.
    ///
    /// # Errors
    /// Returns an error if bytes that were put aside cannot be read.
    pub fn finish(mut self) -> io::Result<Option<Extra>> {
        self.decide()?;
        let mut extra = Extra {
            sums: self.sums.take().map(|(m, s)| (m.finalize().into(), s.finalize().into())),
            ..Extra::default()
        };
        match std::mem::replace(&mut self.state, State::Nothing) {
            State::Nothing | State::Head(_) => {}
            State::Rest(head) => extra.shebang = script::shebang(&head),
            State::Text(text) => {
                extra.shebang = script::shebang(&text);
                if self.references {
                    extra.imports = imports(&text, self.language(&text));
                }
                extra.text = self.whole.then_some(text);
            }
            State::There(head) => {
                let (file, start) = self.direct.take().ok_or(io::ErrorKind::Other)?;
                let read = |range: Range<u64>| {
                    let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
                    file.read_exact_at(&mut bytes, start + range.start).ok()?;
                    Some(Cow::Owned(bytes))
                };
                self.object(&head, &read, &mut extra);
            }
            State::Spooled(head, file) => {
                let file = RefCell::new(file);
                let read = |range: Range<u64>| {
                    let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
                    let mut file = file.borrow_mut();
                    file.seek(SeekFrom::Start(range.start)).ok()?;
                    file.read_exact(&mut bytes).ok()?;
                    Some(Cow::Owned(bytes))
                };
                self.object(&head, &read, &mut extra);
            }
        }
        let any = extra.shebang.is_some() || extra.loader.is_some() || extra.needed.is_some();
        let any = any || !extra.imports.is_empty() || extra.text.is_some() || extra.sums.is_some();
        Ok(any.then_some(extra))
    }

    fn object(&self, head: &[u8], read: &dyn Fn(Range<u64>) -> Option<Cow<'static, [u8]>>, extra: &mut Extra) {
        let size = self.size;
        let read = |range: Range<u64>| read(Some(range).filter(|r| r.start <= r.end && r.end <= size)?);
        if self.references {
            extra.loader = match interp(head) {
                Interp::Here(path) => Some(path),
                Interp::Place { offset, len } => {
                    read(offset..offset.saturating_add(len)).and_then(|bytes| path(&bytes))
                }
                Interp::NotElf | Interp::None | Interp::Unknown => None,
            };
            extra.needed = needed::needed(read, size);
        }
        if self.whole {
            extra.elf = Some(elf::read(&read, size));
        }
    }
}

#[derive(Clone, Copy)]
enum Language {
    Python,
    JavaScript,
}

/// Returns the imports in a text, each once.
fn imports(text: &[u8], language: Option<Language>) -> Vec<Target> {
    let references = match language {
        Some(Language::Python) => python::references(text, &[]),
        Some(Language::JavaScript) => javascript::references(text, &[]),
        None => Vec::new(),
    };
    let wanted = |target: &Target| matches!(target, Target::Import { .. } | Target::Require(_));
    let mut out: Vec<Target> = references.into_iter().map(|r| r.target).filter(wanted).collect();
    out.sort_unstable();
    out.dedup();
    out.shrink_to_fit();
    out
}
