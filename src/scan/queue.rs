//! Texts that are read by other threads.

use super::Needs;
use super::shared::Shared;
use super::sources::{Found, Text};
use super::strip::Stored;
use crate::layer::LayerIndex;
use crate::refs::Reference;
use rayon::Scope;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most bytes of texts that wait for a thread: with more, the thread that framed them reads them itself.
const MAX_WAITING: usize = 8 << 20;

/// The number of buffers that are kept for the next files, and the size in bytes of the largest that is kept.
const MOST_KEPT: usize = 64;

const LARGEST_KEPT: usize = 256 << 10;

/// Texts that are read by other threads, and the results.
#[derive(Default)]
pub(super) struct Sources {
    waiting: AtomicUsize,
    found: Mutex<Vec<(u32, Found)>>,
    /// The error of a thread that read a program, if there was one.
    failed: Mutex<Option<io::Error>>,
    /// Buffers for the next files: fresh memory for each costs more than reading it.
    free: Mutex<Vec<Vec<u8>>>,
}

impl Sources {
    /// Returns an empty buffer for a file.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes back a buffer that is not needed any more.
    pub(super) fn back(&self, mut buffer: Vec<u8>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() <= LARGEST_KEPT && free.len() < MOST_KEPT {
            buffer.clear();
            free.push(buffer);
        }
    }

    /// Reads the text of a member, now or later.
    pub(super) fn read<'s>(
        &'s self,
        scope: &Scope<'s>,
        member: u32,
        text: Text,
        bytes: Vec<u8>,
        needs: &'s Needs,
        shared: &'s Shared,
    ) {
        let size = bytes.len();
        let job = move || {
            let (references, memory) = shared.parsed.references(text, &bytes, needs);
            // The error is reported once all layers are read.
            let _ = shared.take_bytes(memory);
            if !references.is_empty() {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.push((member, references));
            }
            self.back(bytes);
        };
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > MAX_WAITING {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            job();
        } else {
            scope.spawn(move |_| {
                job();
                self.waiting.fetch_sub(size, Ordering::Relaxed);
            });
        }
    }

    /// Searches a program that was not read yet, later. One that is too large to be taken out of a compressed layer is not
    /// searched.
    pub(super) fn read_object<'s>(
        &'s self,
        scope: &Scope<'s>,
        member: u32,
        text: Text,
        object: Stored<'s>,
        needs: &'s Needs,
        shared: &'s Shared,
    ) {
        scope.spawn(move |_| {
            let read = match needs.search.as_deref() {
                Some(search) if text == Text::Portable => search.portable(|| super::data::stored(&object)),
                Some(search) => super::data::stored(&object).map_or(Ok(Vec::new()), |data| search.object(data)),
                None => Ok(Vec::new()),
            };
            let references = read.unwrap_or_else(|error| {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Vec::new()
            });
            if !references.is_empty() {
                let _ = shared.take_bytes(references.iter().map(Reference::memory).sum());
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.push((member, references.into()));
            }
        });
    }

    /// Stores the results in the index.
    ///
    /// # Errors
    /// Returns the error of a thread that read a program.
    pub(super) fn finish(self, index: &mut LayerIndex) -> io::Result<()> {
        if let Some(error) = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (member, references) in found {
            index.facts.entry(member).or_default().references = references;
        }
        Ok(())
    }
}
