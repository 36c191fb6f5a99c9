//! What `bench.py` runs of slim's own: `cargo bench --bench elf -- MODE ARGS`. Lists of files come on standard input.
//!
//! * `copy` — lines `FROM<TAB>TO`: strips into the new place, streamed through `pread`; prints `TO<TAB>before<TAB>after
//!   <TAB>reason`, and checks that a second run changes nothing.
//! * `verify` — lines `BEFORE<TAB>AFTER`: compares them by goblin's full parse, prints what differs.
//! * `time` — strips all files in memory order: seconds for the recipes alone, for writing them to nowhere, and for
//!   reading and hashing the originals from the page cache.
//! * `mutate COUNT SEED` — edits headers of the files at random, strips, and verifies every result with goblin's full parse.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use slim::elf::{Level, Object, Outcome, Recipe, keeps_symtab, strip};

#[path = "../../src/elf/tests/verify.rs"]
mod verify;

/// A file read with `pread`.
struct Pread(File, u64);

impl Pread {
    fn open(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self(file, size))
    }
}

impl Object for Pread {
    fn size(&self) -> u64 {
        self.1
    }

    fn read(&self, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
        assert!(length <= 16 << 20, "asked for {length} bytes at once");
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, range.start).ok()?;
        Some(Cow::Owned(bytes))
    }
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse().ok());
    match args.first().map(String::as_str) {
        Some("copy") => copy(),
        Some("verify") => verify_all(),
        Some("time") => time(),
        Some("mutate") => mutate(number(1).unwrap_or(100_000), number(2).unwrap_or(1)),
        _ => {
            println!("see benches/elf/README.md");
            Ok(())
        }
    }
}

fn lines() -> io::Result<Vec<String>> {
    io::stdin().lock().lines().collect()
}

fn level(path: &str) -> Level {
    let name = path.rsplit('/').next().unwrap_or(path);
    if keeps_symtab(name.as_bytes()) { Level::Debug } else { Level::All }
}

fn copy() -> io::Result<()> {
    for line in lines()? {
        let (from, to) = line.split_once('\t').expect("FROM<TAB>TO");
        let object = Pread::open(from)?;
        let (size, said) = match strip(&object, level(from)) {
            Outcome::Unchanged(reason) => (object.1, format!("{}: {reason}", reason.id())),
            Outcome::Replaced(recipe) => {
                let mut out = File::create(to)?;
                recipe.chunks(&object).try_for_each(|chunk| out.write_all(&chunk))?;
                assert_eq!(out.metadata()?.len(), recipe.size, "{to}: another size than said");
                let again = strip(&Pread::open(to)?, level(from));
                assert!(matches!(again, Outcome::Unchanged(_)), "{to}: a second run changes it");
                let compact =
                    recipe.pieces.iter().filter(|piece| matches!(piece, slim::elf::Piece::Zeros(_))).count() > 1;
                (recipe.size, String::from(if compact { "compact" } else { "prefix" }))
            }
        };
        println!("{to}\t{}\t{size}\t{said}", object.1);
    }
    Ok(())
}

fn verify_all() -> io::Result<()> {
    for line in lines()? {
        let (from, to) = line.split_once('\t').expect("BEFORE<TAB>AFTER");
        let (before, after) = (std::fs::read(from)?, std::fs::read(to)?);
        if let (true, Err(wrong)) = (before != after, verify::verify(&before, &after)) {
            println!("{to}\t{wrong}");
        }
    }
    Ok(())
}

fn time() -> io::Result<()> {
    let paths = lines()?;
    let mut bytes = 0;
    for path in &paths {
        bytes += std::fs::read(path)?.len();
    }
    let (mut plan, mut whole) = (Duration::MAX, Duration::MAX);
    let (mut read, mut hash) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        let begin = Instant::now();
        let recipes: Vec<Option<Recipe>> = paths.iter().map(|path| recipe(path)).collect::<io::Result<_>>()?;
        plan = plan.min(begin.elapsed());
        for (path, recipe) in paths.iter().zip(&recipes) {
            let object = Pread::open(path)?;
            if let Some(recipe) = recipe {
                let size: usize = recipe.chunks(&object).map(|chunk| std::hint::black_box(chunk).len()).sum();
                assert_eq!(size as u64, recipe.size, "{path}");
            }
        }
        whole = whole.min(begin.elapsed());
        let begin = Instant::now();
        paths.iter().try_for_each(|path| std::fs::read(path).map(|data| drop(std::hint::black_box(data))))?;
        read = read.min(begin.elapsed());
        let begin = Instant::now();
        for path in &paths {
            std::hint::black_box(Sha256::digest(std::fs::read(path)?));
        }
        hash = hash.min(begin.elapsed());
    }
    println!("{} files, {:.1} MB; the best of 3 runs", paths.len(), bytes as f64 / 1e6);
    println!("recipes of all files: {:.3} s", plan.as_secs_f64());
    println!("recipes, and all bytes of the new files read: {:.3} s", whole.as_secs_f64());
    println!("reading the originals from the page cache: {:.3} s", read.as_secs_f64());
    println!("reading and hashing them (SHA-256): {:.3} s", hash.as_secs_f64());
    Ok(())
}

fn recipe(path: &str) -> io::Result<Option<Recipe>> {
    Ok(match strip(&Pread::open(path)?, level(path)) {
        Outcome::Replaced(recipe) => Some(recipe),
        Outcome::Unchanged(_) => None,
    })
}

fn mutate(count: u64, seed: u64) -> io::Result<()> {
    let paths = lines()?;
    let mut random = verify::Random(seed);
    let (mut replaced, mut done) = (0_u64, 0_u64);
    let each = count.div_ceil(paths.len().max(1) as u64);
    for path in &paths {
        let original = std::fs::read(path)?;
        let mut object = original.clone();
        for _ in 0..each {
            let edits = verify::mutate(&mut object, &mut random);
            let level = if random.below(4) == 0 { Level::Debug } else { Level::All };
            if let Outcome::Replaced(recipe) = strip(object.as_slice(), level) {
                replaced += 1;
                let made = recipe.apply(&object);
                if let Err(wrong) = verify::verify(&object, &made) {
                    std::fs::write("/tmp/elf-bench/wrong.elf", &object)?;
                    panic!("{path}: {wrong}: {edits:?}; kept in /tmp/elf-bench/wrong.elf");
                }
                if let Outcome::Replaced(_) = strip(made.as_slice(), level) {
                    std::fs::write("/tmp/elf-bench/wrong.elf", &object)?;
                    panic!("{path}: a second run changes it: {edits:?}; kept in /tmp/elf-bench/wrong.elf");
                }
            }
            for (at, byte) in edits.into_iter().rev() {
                object[at] = byte;
            }
            done += 1;
        }
    }
    println!("{done} mutations of {} files: no panic; {replaced} stripped, each verified", paths.len());
    Ok(())
}
