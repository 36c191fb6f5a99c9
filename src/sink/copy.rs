//! A whole archive copied to what cannot be replaced by renaming.

use super::{host, temp};
use crate::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::fd::{AsFd, RawFd};
use std::path::PathBuf;

/// Where the copy goes.
pub enum Goal {
    /// Standard output.
    Stdout,
    /// A descriptor that was open when the program was started.
    Descriptor(RawFd),
    /// A device or a pipe.
    Device(PathBuf),
    /// A file, in place of all that is in it.
    InPlace(PathBuf),
}

/// Copies the archive `from`. A file that could not be filled is empty afterwards, for half an image is none.
///
/// # Errors
/// Where the goal cannot be opened, or its file system or reader fails.
pub fn copy_out(mut from: &File, goal: &Goal) -> Result<()> {
    let failed = |e| Error::io("cannot write", e);
    let opened = match goal {
        // As a file, the kernel can copy to it.
        Goal::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        Goal::Descriptor(number) => host::open_descriptor(*number),
        Goal::Device(path) | Goal::InPlace(path) => OpenOptions::new().write(true).open(path),
    };
    let mut to = opened.map_err(failed)?;
    from.rewind().map_err(failed)?;
    let Goal::InPlace(path) = goal else {
        return io::copy(&mut from, &mut to).map(drop).map_err(failed);
    };
    temp::fill(Some(path))?;
    let done = to.set_len(0).and_then(|()| io::copy(&mut from, &mut to)).and_then(|_| to.sync_all());
    if done.is_ok() {
        return temp::fill(None);
    }
    done.map_err(|e| match to.set_len(0) {
        Ok(()) => Error::io("cannot write; the file is empty now", e),
        Err(_) => Error::new(ErrorKind::Io, format!("cannot write; {} holds no whole image", path.display())).cause(e),
    })
}
