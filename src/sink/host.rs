//! The limits of the host: open descriptors that a path names, files that are mounts of their own, and
//! directories in which nothing can be renamed.

use super::temp::parent;
use crate::{Error, ErrorKind, Result};
use rustix::fs::{Access, AtFlags, CWD, OFlags, StatxAttributes, StatxFlags};
use rustix::process::{PidfdFlags, PidfdGetfdFlags};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The descriptor that a path such as `/dev/fd/3` names: a shell's `>(command)` is one of these.
pub fn descriptor(path: &Path) -> Option<RawFd> {
    let text = path.to_str()?;
    let own = format!("/proc/{}/fd/", std::process::id());
    match text {
        "/dev/stdin" => return Some(0),
        "/dev/stdout" => return Some(1),
        "/dev/stderr" => return Some(2),
        _ => {}
    }
    let dirs = ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", &own];
    let digits = dirs.iter().find_map(|dir| text.strip_prefix(dir))?;
    digits.parse().ok().filter(|_| digits.bytes().all(|c| c.is_ascii_digit()))
}

/// Checks that a descriptor is one that the caller of the program left open, for writing.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if it is not.
pub fn check_descriptor(number: RawFd) -> Result<()> {
    let usage = |what: String| Error::new(ErrorKind::Usage, what);
    let open = || usage(format!("descriptor {number} is not open")).hint(format!("open it: `slim … {number}>out.tar`"));
    let (flags, _) = info(number).ok_or_else(open)?;
    // What the program opened itself is closed when it starts another; what it was given is not.
    if flags.contains(OFlags::CLOEXEC) {
        return Err(open());
    }
    if flags & OFlags::RWMODE == OFlags::RDONLY {
        return Err(usage(format!("descriptor {number} is open for reading only")));
    }
    Ok(())
}

/// The flags of an open descriptor, and its offset in the file in bytes. Source:
/// <https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html>.
fn info(number: RawFd) -> Option<(OFlags, u64)> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
    let field = |name: &str| info.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
    let flags = u32::from_str_radix(field("flags:")?, 8).ok()?;
    Some((OFlags::from_bits_retain(flags), field("pos:").and_then(|at| at.parse().ok()).unwrap_or_default()))
}

/// The file behind a descriptor, with its offset in the file if the kernel hands that out.
///
/// # Errors
/// Returns an error if it cannot be opened.
pub fn open_descriptor(number: RawFd) -> std::io::Result<File> {
    let own = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty());
    let copy = own.and_then(|own| rustix::process::pidfd_getfd(own, number, PidfdGetfdFlags::empty()));
    match copy {
        Ok(copy) => Ok(File::from(copy)),
        // Older kernels, and sandboxes that forbid it: opened anew, its place and how it is written to are set again.
        Err(_) => {
            let (flags, at) = info(number).unwrap_or((OFlags::empty(), 0));
            let append = flags.contains(OFlags::APPEND);
            let mut file = OpenOptions::new().write(true).append(append).open(format!("/proc/self/fd/{number}"))?;
            if !append && at > 0 {
                file.seek(SeekFrom::Start(at))?;
            }
            Ok(file)
        }
    }
}

/// Returns true if something is mounted at a path.
pub fn is_mount(path: &Path) -> bool {
    let found = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::TYPE);
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// The reason why the file at `path`, which is there, cannot be replaced by renaming another; `None` if it can.
pub fn why_in_place(path: &Path, metadata: &Metadata) -> Option<&'static str> {
    let dir = parent(path);
    if is_mount(path) {
        return Some("it is a mount of its own");
    }
    if rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Some("no file can be made in its directory");
    }
    let (me, dir) = (rustix::process::geteuid().as_raw(), dir.metadata().ok()?);
    let foreign = me != 0 && metadata.uid() != me && dir.uid() != me;
    (dir.mode() & 0o1000 != 0 && foreign).then_some("it is another user's, in a directory where only he may replace it")
}

/// Checks that something can be written to.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if it cannot.
pub fn check_writable(path: &Path) -> Result<()> {
    rustix::fs::access(path, Access::WRITE_OK)
        .map_err(|e| Error::new(ErrorKind::Usage, "cannot be written to").cause(std::io::Error::from(e)))
}

/// Checks that a file can be made in a directory.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if it cannot.
pub fn check_dir(dir: &Path) -> Result<()> {
    rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| {
        let what = format!("no file can be made in the directory {}", dir.display());
        Error::new(ErrorKind::Usage, what).cause(std::io::Error::from(e))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_name_descriptors() {
        let of = |text: &str| descriptor(Path::new(text));
        assert_eq!([of("/dev/fd/63"), of("/proc/self/fd/3"), of("/dev/stderr")], [Some(63), Some(3), Some(2)]);
        assert_eq!(of(&format!("/proc/{}/fd/7", std::process::id())), Some(7));
        for text in
            ["/dev/fd/", "/dev/fd/+3", "/dev/fd/3/x", "/dev/fd/x", "fd/3", "/proc/1/fd/3", "/dev/fd/99999999999"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_descriptor_of_the_program_itself_is_none_to_write_to() {
        use std::os::fd::AsRawFd;
        let file = tempfile::tempfile().unwrap();
        assert!(check_descriptor(file.as_raw_fd()).unwrap_err().what.contains("is not open"));
        assert!(check_descriptor(9999).unwrap_err().what.contains("is not open"));
    }

    #[test]
    fn the_file_behind_a_descriptor_shares_its_place() {
        use std::io::{Read, Write};
        use std::os::fd::AsRawFd;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one ").unwrap();
        let mut other = open_descriptor(file.as_raw_fd()).unwrap();
        other.write_all(b"two").unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two");
    }

    #[test]
    fn mounts_are_told_from_what_lies_in_them() {
        assert!(is_mount(Path::new("/proc")) && !is_mount(Path::new("/proc/self/status")));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(why_in_place(file.path(), &file.path().metadata().unwrap()), None);
    }
}
