//! The containers and images that this run has put into an engine: they are removed when they are no longer needed, on errors,
//! and on signals.

use super::process::{self, Limits};
use crate::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time and output that the removal of one thing may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(120), keep: 64 << 10 };

/// Everything that is there. Adding holds the lock, so that a signal finds everything that may have been begun.
static LIVE: Mutex<Registry> = Mutex::new(Registry { closed: false, things: Vec::new() });

/// The number of images that are being loaded.
static LOADING: AtomicUsize = AtomicUsize::new(0);
/// True once a signal has come.
static CLOSING: AtomicBool = AtomicBool::new(false);
/// The time that a signal waits for them: an engine that has all of an archive makes an image of it, even if the client is
/// gone.
const WAIT: Duration = Duration::from_secs(60);

struct Registry {
    /// True after a signal: nothing may be begun any more.
    closed: bool,
    things: Vec<Thing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    program: PathBuf,
    kind: Kind,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A container, by its name.
    Container,
    /// An image, by its id.
    Image,
}

fn registry() -> MutexGuard<'static, Registry> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all containers and images that this process put into an engine. It is for a signal handler that then ends the
/// process: nothing can be begun afterwards.
pub fn clean_up() {
    CLOSING.store(true, Ordering::SeqCst);
    let start = Instant::now();
    while LOADING.load(Ordering::SeqCst) > 0 && start.elapsed() < WAIT {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut registry = registry();
    registry.closed = true;
    // Containers first, as an image that is in use cannot be removed.
    registry.things.sort_by_key(|t| t.kind == Kind::Image);
    registry.things.drain(..).for_each(|thing| thing.remove());
}

/// True if a signal has come, so that nothing more need be fed to an engine.
pub(super) fn is_closing() -> bool {
    CLOSING.load(Ordering::SeqCst)
}

/// A mark that an image is being loaded, as long as this exists.
pub(super) struct Loading(());

impl Loading {
    pub fn new() -> Self {
        LOADING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        LOADING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Something in an engine that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Leftover(Thing);

impl Leftover {
    /// Registers something before it is made.
    pub fn new(program: &Path, kind: Kind, name: &str) -> Result<Self> {
        let mut registry = registry();
        if registry.closed {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
        }
        let thing = Thing { program: program.to_owned(), kind, name: name.to_owned() };
        registry.things.push(thing.clone());
        Ok(Self(thing))
    }

    /// Notes that it is gone already.
    pub fn gone(&self) {
        registry().things.retain(|t| *t != self.0);
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let mut registry = registry();
        if let Some(at) = registry.things.iter().position(|t| *t == self.0) {
            let thing = registry.things.swap_remove(at);
            // Other threads need not wait for the engine.
            drop(registry);
            thing.remove();
        }
    }
}

/// An image in an engine. It is removed when this is dropped, unless it was there before.
#[derive(Debug)]
pub struct Loaded {
    pub(super) id: String,
    /// Held only to be dropped.
    pub(super) _leftover: Option<Leftover>,
}

impl Loaded {
    /// Returns the id by which the engine knows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Thing {
    /// Returns the engine's answer; `None` if it fails or takes too long. A signal from the terminal does not reach it.
    fn engine(&self, args: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new(&self.program);
        command.args(args);
        process::run(command, None, LIMITS, &|| ()).ok().filter(|e| e.code == Some(0)).map(|e| e.stdout.head)
    }

    fn remove(&self) {
        match self.kind {
            Kind::Container => drop(self.engine(&["rm", "-f", &self.name])),
            Kind::Image => {
                // If somebody has given the image a name by now, it belongs to them.
                let tags = self.engine(&["image", "inspect", "--format", "{{json .RepoTags}}", &self.name]);
                let own = |tags: &[u8]| [&b"[]"[..], b"null"].contains(&tags.trim_ascii());
                if tags.is_some_and(|tags| own(&tags)) {
                    self.engine(&["rmi", &self.name]);
                }
            }
        }
    }
}
