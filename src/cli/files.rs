//! The files that commands write beside an image: opened before the long work so that a wrong path fails at once, and renamed into
//! place at its end so that no half a report is ever seen.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::output::{show, to_stdout};
use super::values::Color;
use crate::report::paint::Paint;
use crate::sink::temp::Temp;
use crate::source::Location;
use crate::{Error, ErrorKind, Result};

/// Whether an option's value means standard output.
pub(super) fn is_stdout(path: &std::path::Path) -> bool {
    path.as_os_str() == "-"
}

/// A file that is yet to be written.
pub struct Pending {
    /// As the user named it.
    name: String,
    to: To,
}

enum To {
    Stdout,
    /// A device, a pipe or the like, which must not be replaced.
    Direct(File),
    /// A file: written beside and renamed.
    Rename(Temp, File, PathBuf),
}

impl Pending {
    /// Makes sure that `path` can be written, and leaves what is there as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        if is_stdout(path) {
            return Ok(Self { name: "standard output".into(), to: To::Stdout });
        }
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Io, format!("{name} cannot be written: no such directory"))
            }
            _ => Error::io(format!("{name} cannot be written"), e),
        };
        // Through links: a link to a file stays a link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let to = match fs::metadata(&path) {
            Ok(found) if found.is_file() => {
                let (temp, file) = Temp::file(&path)?;
                file.set_permissions(found.permissions()).map_err(failed)?;
                To::Rename(temp, file, path)
            }
            Ok(found) if found.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(_) => To::Direct(OpenOptions::new().write(true).open(&path).map_err(failed)?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                fs::metadata(parent).map_err(failed)?;
                // An interrupted run removes it, as it does the output's.
                let (temp, file) = Temp::file(&path)?;
                To::Rename(temp, file, path)
            }
            Err(e) => return Err(failed(e)),
        };
        Ok(Self { name, to })
    }

    /// Writes what `fill` writes; a file is in its place only after [`Filled::publish`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where that fails.
    pub fn fill(self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Filled> {
        let filled = match self.to {
            To::Stdout => {
                let mut text = Vec::new();
                fill(&mut text).map(|()| Filled::Print(text))
            }
            To::Direct(file) => buffered(file, fill).map(|_| Filled::Done),
            To::Rename(temp, file, path) => {
                buffered(file, fill).and_then(|file| file.sync_all()).map(|()| Filled::Rename(temp, path))
            }
        };
        filled.map_err(|e| Error::io(format!("{} cannot be written", self.name), e))
    }
}

/// What is written, and waits for its place.
pub enum Filled {
    /// It is there already.
    Done,
    /// A file without its name.
    Rename(Temp, PathBuf),
    /// For standard output, after the image has its name.
    Print(Vec<u8>),
}

impl Filled {
    /// Puts it in place.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where that fails.
    pub fn publish(self) -> Result<()> {
        match self {
            Self::Done => Ok(()),
            Self::Rename(temp, path) => temp.rename(&path),
            Self::Print(text) => {
                to_stdout(|out| out.write_all(&text)).map_err(|e| Error::io("standard output cannot be written", e))
            }
        }
    }
}

fn buffered(file: File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<File> {
    let mut out = BufWriter::new(file);
    fill(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Opens the files of the main job's `--report` and `--removed`; `input` and `output` are IN and OUT.
///
/// # Errors
/// [`ErrorKind::Usage`] where a file is IN, OUT, lies in one of them or is given twice; as [`Pending::open`] else.
pub fn open(
    input: &str,
    output: Option<&str>,
    [report, removed]: [Option<&Path>; 2],
) -> Result<(Option<Pending>, Option<Pending>)> {
    let image = |option: &'static str, text: &str| Some((option, Location::parse(text).ok()?.path()?.to_owned()));
    let mut taken: Vec<_> = image("IN", input).into_iter().collect();
    taken.extend(output.and_then(|o| image("OUT", o)));
    let mut pending = |option: &'static str, path: Option<&Path>| -> Result<Option<Pending>> {
        let Some(path) = path else { return Ok(None) };
        if !is_stdout(path) {
            claim(&mut taken, option, path)?;
        }
        Pending::open(path).map(Some)
    };
    Ok((pending("--report", report)?, pending("--removed", removed)?))
}

/// Adds an option's file to the paths that are in use, each with the argument that it was given for.
///
/// # Errors
/// [`ErrorKind::Usage`] if it is one of them, or lies in one.
fn claim(taken: &mut Vec<(&'static str, PathBuf)>, option: &'static str, path: &Path) -> Result<()> {
    if let Some((other, _)) = taken.iter().find(|(_, other)| within(path, other)) {
        let what = format!("{option} {} is {other}, or lies in it", path.display());
        return Err(Error::new(ErrorKind::Usage, what).hint("name another file"));
    }
    taken.push((option, path.to_owned()));
    Ok(())
}

/// What a command writes: files, each for an option, and text for people, which goes to standard output unless a file does.
pub struct Outputs {
    files: Vec<(&'static str, Option<Pending>)>,
    /// Whether the text has standard output for itself.
    text: bool,
    filled: Vec<Filled>,
}

impl Outputs {
    /// Opens the files: options with what was given for them. `inputs` are the names of the images' arguments, likewise.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where one is an image or lies in it, is given twice, or where more than one is standard output; as
    /// [`Pending::open`] else.
    pub fn open(inputs: &[(&'static str, &String)], wanted: &[(&'static str, Option<&Path>)]) -> Result<Self> {
        let mut taken: Vec<(&'static str, PathBuf)> = Vec::new();
        for (name, text) in inputs {
            taken.extend(Location::parse(text)?.path().map(|path| (*name, path.to_owned())));
        }
        let mut stdout = None;
        let mut files = Vec::new();
        for &(option, path) in wanted {
            let Some(path) = path else {
                files.push((option, None));
                continue;
            };
            if is_stdout(path) {
                if let Some(other) = stdout.replace(option) {
                    let what = format!("{other} and {option} cannot both go to standard output");
                    return Err(Error::new(ErrorKind::Usage, what).hint(format!("give a file to one: {option} FILE")));
                }
            } else {
                claim(&mut taken, option, path)?;
            }
            files.push((option, Some(Pending::open(path)?)));
        }
        Ok(Self { files, text: stdout.is_none(), filled: Vec::new() })
    }

    /// Whether a file is asked for by this option.
    pub fn wants(&self, option: &str) -> bool {
        self.files.iter().any(|(name, file)| *name == option && file.is_some())
    }

    /// Writes the file of an option, where it is asked for.
    ///
    /// # Errors
    /// As [`Pending::fill`].
    pub fn fill(&mut self, option: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let file = self.files.iter_mut().find(|(name, _)| *name == option).and_then(|(_, file)| file.take());
        self.filled.extend(file.map(|file| file.fill(fill)).transpose()?);
        Ok(())
    }

    /// Prints the text, where nothing else goes to standard output and it is wanted at all; then the files get their names.
    ///
    /// # Errors
    /// Those of standard output and of [`Filled::publish`].
    pub fn finish(self, quiet: bool, color: Color, text: impl FnOnce(usize, Paint) -> String) -> Result<()> {
        if self.text && !quiet {
            show(color, text)?;
        }
        self.filled.into_iter().try_for_each(Filled::publish)
    }
}

/// Whether `path` is `other` by whatever name, or lies below it.
fn within(path: &Path, other: &Path) -> bool {
    let id = |p: &Path| fs::metadata(p).ok().filter(fs::Metadata::is_file).map(|m| (m.dev(), m.ino()));
    let same_file = id(path).is_some_and(|path| id(other) == Some(path));
    same_file || matches!((place(path), place(other)), (Some(path), Some(other)) if path.starts_with(&other))
}

/// The path without links; of a file that is not there yet, its directory's with its name.
fn place(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(dir.canonicalize().ok()?.join(path.file_name()?))
    })
}

#[cfg(test)]
mod tests;
