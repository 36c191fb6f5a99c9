//! Gzip in parallel, in the way of pigz: blocks of a fixed size, each compressed alone with the 32 KiB before it as its
//! dictionary, joined into one member. The bytes depend on data and level only.

use super::Encoder;
use flate2::{Compress, Compression as Level, FlushCompress, Status};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Plain bytes per block. Larger blocks compress no better; smaller ones lose to the dictionary's set-up.
pub const BLOCK: usize = 512 << 10;
/// The window of deflate.
const WINDOW: usize = 32 << 10;

/// A compressed block and what the trailer needs of it.
struct Done {
    deflated: io::Result<Vec<u8>>,
    crc: crc32fast::Hasher,
}

/// Compresses what is written to it on rayon's current pool, a bounded number of blocks ahead of the writer. Not to be
/// used from a worker of that pool: it waits for the others.
pub struct GzipWriter<W> {
    out: W,
    level: Level,
    ahead: usize,
    block: Vec<u8>,
    window: Arc<[u8]>,
    queue: VecDeque<Receiver<Done>>,
    crc: crc32fast::Hasher,
    plain: u64,
}

impl<W: Write> GzipWriter<W> {
    /// Writes the header: no name, no time, "unknown" as operating system, so that nothing of the host is in it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, level: u32, threads: usize) -> io::Result<Self> {
        let speed = match level {
            9 => 2,
            1 => 4,
            _ => 0,
        };
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, speed, 255])?;
        Ok(Self {
            out,
            level: Level::new(level),
            ahead: 2 * threads.max(1),
            block: Vec::with_capacity(BLOCK),
            window: Arc::new([]),
            queue: VecDeque::new(),
            crc: crc32fast::Hasher::new(),
            plain: 0,
        })
    }

    fn submit(&mut self, last: bool) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(if last { 0 } else { BLOCK }));
        let window = std::mem::replace(&mut self.window, block[block.len().saturating_sub(WINDOW)..].into());
        self.plain += block.len() as u64;
        let (send, receive) = sync_channel(1);
        let level = self.level;
        rayon::spawn(move || {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&block);
            // Fails only where the writer has gone, and nobody waits for it.
            let _ = send.send(Done { deflated: deflate(&block, &window, level, last), crc });
        });
        self.queue.push_back(receive);
        while self.queue.len() > self.ahead {
            self.collect()?;
        }
        Ok(())
    }

    /// Writes the oldest block.
    fn collect(&mut self) -> io::Result<()> {
        if let Some(receive) = self.queue.pop_front() {
            let done = receive.recv().map_err(|_| io::Error::other("a compression thread died"))?;
            self.out.write_all(&done.deflated?)?;
            self.crc.combine(&done.crc);
        }
        Ok(())
    }
}

/// One block as raw deflate, ended by an empty stored block, or by the end of the stream if it is the `last`.
fn deflate(block: &[u8], window: &[u8], level: Level, last: bool) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(level, false);
    if !window.is_empty() {
        compress.set_dictionary(window).map_err(io::Error::other)?;
    }
    let mut out = Vec::with_capacity(block.len() / 2 + 1024);
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let status = compress.compress_vec(&block[read..], &mut out, flush).map_err(io::Error::other)?;
        let all_read = compress.total_in() == block.len() as u64;
        // A sync flush is over when the output was not filled to the brim.
        if status == Status::StreamEnd || (!last && all_read && out.len() < out.capacity()) {
            return Ok(out);
        }
        out.reserve(out.capacity().max(1024));
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.submit(false)?;
        }
        let n = buf.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Encoder<W> for GzipWriter<W> {
    fn finish(mut self: Box<Self>) -> io::Result<W> {
        self.submit(true)?;
        while !self.queue.is_empty() {
            self.collect()?;
        }
        let crc = self.crc.clone().finalize();
        self.out.write_all(&crc.to_le_bytes())?;
        // The format has the length modulo 2^32.
        self.out.write_all(&((self.plain & 0xffff_ffff) as u32).to_le_bytes())?;
        Ok(self.out)
    }
}
