//! The floor of slim's speed: what no program that verifies IN and writes OUT can avoid. It reads IN once, takes the
//! SHA-256 of all its bytes, writes a file of OUT's size and syncs it. Usage:
//!
//!     cargo bench --bench floor -- IN OUT [BYTES-OF-OUT [THREADS]]
//!
//! IN is hashed in quarters, as if it had four layers of equal size, so no more than four threads have work.

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sha2::{Digest, Sha256};

const BLOCK: usize = 1 << 20;
const PARTS: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [input, output, rest @ ..] = args.as_slice() else {
        println!("usage: cargo bench --bench floor -- IN OUT [BYTES-OF-OUT [THREADS]]");
        return Ok(());
    };
    let begin = Instant::now();
    let (input, out) = (File::open(input)?, File::create(output)?);
    let read = input.metadata()?.len();
    let written = rest.first().map_or(Ok(read), |bytes| bytes.parse())?;
    let threads = rest.get(1).map_or(Ok(2), |threads| threads.parse())?;

    let job = Job { input, out, read, written: written.min(read), next: AtomicU64::new(0) };
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| job.work())).collect();
        for worker in workers {
            worker.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })?;
    fill(&job.out, job.written, written)?;
    job.out.sync_all()?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{{\"seconds\": {seconds:.4}, \"read\": {read}, \"written\": {written}, \"threads\": {threads}}}");
    Ok(())
}

struct Job {
    input: File,
    out: File,
    read: u64,
    written: u64,
    next: AtomicU64,
}

impl Job {
    /// Takes parts until there are no more.
    fn work(&self) -> std::io::Result<()> {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= PARTS {
                return Ok(());
            }
            self.part(self.read * part / PARTS, self.read * (part + 1) / PARTS)?;
        }
    }

    /// Hashes the bytes from `at` to `end` and writes those that OUT has room for.
    fn part(&self, mut at: u64, end: u64) -> std::io::Result<()> {
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; BLOCK]);
        while at < end {
            let want = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
            let block = &mut buffer[..want];
            self.input.read_exact_at(block, at)?;
            hash.update(&*block);
            let room = usize::try_from(self.written.saturating_sub(at)).map_or(want, |room| room.min(want));
            self.out.write_all_at(&block[..room], at)?;
            at += want as u64;
        }
        std::hint::black_box(hash.finalize());
        Ok(())
    }
}

/// Where OUT is larger than IN: writes zeros for the rest.
fn fill(out: &File, mut at: u64, end: u64) -> std::io::Result<()> {
    let zeros = vec![0; BLOCK];
    while at < end {
        let want = usize::try_from(end - at).map_or(BLOCK, |left| left.min(BLOCK));
        out.write_all_at(&zeros[..want], at)?;
        at += want as u64;
    }
    Ok(())
}
