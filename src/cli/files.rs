//! The files that commands write beside an image: opened before the long work so that a wrong path fails at once, and renamed into
//! place at its end so that no half a report is ever seen.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::args::OutputArgs;
use super::output::{show, to_stdout};
use super::values::Color;
use crate::page::{self, Page};
use crate::report::paint::Paint;
use crate::sink::temp::Temp;
use crate::source::Location;
use crate::{Error, ErrorKind, Result};

/// True if an option's value means standard output.
pub(super) fn is_stdout(path: &std::path::Path) -> bool {
    path.as_os_str() == "-"
}

/// A file to be written.
pub struct Pending {
    /// The name that the user gave.
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
    /// Returns [`ErrorKind::Io`] if it cannot.
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

    /// Writes the content that `fill` gives; a file gets its name only with [`Filled::publish`].
    ///
    /// # Errors
    /// Returns [`ErrorKind::Io`] if that fails.
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

/// A file whose content is written, and which waits for its name.
pub enum Filled {
    /// A device or pipe, which has the content already.
    Done,
    /// A temporary file, and the name that it gets.
    Rename(Temp, PathBuf),
    /// The text for standard output, printed after the image has its name.
    Print(Vec<u8>),
}

impl Filled {
    /// Gives the file its name, or prints the text.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Io`] if that fails.
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

/// Adds an option's file to the paths that are in use, each with the argument that it was given for.
///
/// # Errors
/// Returns [`ErrorKind::Usage`] if it is one of them, or lies in one.
fn claim(taken: &mut Vec<(&'static str, PathBuf)>, option: &'static str, path: &Path) -> Result<()> {
    if let Some((other, _)) = taken.iter().find(|(_, other)| within(path, other)) {
        let what = format!("{option} {} is {other}, or lies in it", path.display());
        return Err(Error::new(ErrorKind::Usage, what).hint("name another file"));
    }
    taken.push((option, path.to_owned()));
    Ok(())
}

/// A result that can be written in every form.
pub(super) trait Forms {
    /// Writes it as JSON.
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Returns it as Markdown.
    fn markdown(&self) -> String;

    /// Returns it as a page.
    ///
    /// # Errors
    /// Returns an error if the page cannot hold it.
    fn page(&self) -> Result<Page>;

    /// Returns it as text of `width` columns; `detail` is the number of times that `-v` was given.
    fn text(&self, width: usize, paint: Paint, detail: u8) -> String;
}

/// The files that a command writes, each for an option. Text for people goes to standard output unless one of them does.
pub(super) struct Outputs {
    files: Vec<(&'static str, Option<Pending>)>,
    /// True if no file goes to standard output.
    text: bool,
    filled: Vec<Filled>,
}

impl Outputs {
    /// Opens the files: options with what was given for them. `images` are the arguments that name images, with their names.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] if a file is an image or lies in one, is given twice, or if more than one is standard output;
    /// otherwise the errors of [`Pending::open`].
    pub fn open(images: &[(&'static str, &str)], wanted: &[(&'static str, Option<&Path>)]) -> Result<Self> {
        let mut taken: Vec<(&'static str, PathBuf)> = Vec::new();
        for (name, text) in images {
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

    /// Opens the files of the forms of a result, and `more`.
    ///
    /// # Errors
    /// Returns the errors of [`Outputs::open`].
    pub fn of_forms(
        images: &[(&'static str, &str)],
        args: &OutputArgs,
        more: &[(&'static str, Option<&Path>)],
    ) -> Result<Self> {
        let forms = [
            ("--json", args.json.as_deref()),
            ("--markdown", args.markdown.as_deref()),
            ("--html", args.html.as_deref()),
        ];
        Self::open(images, &[&forms, more].concat())
    }

    /// True if no file goes to standard output, so that the text does.
    pub const fn has_text(&self) -> bool {
        self.text
    }

    /// True if a file is asked for by this option.
    pub fn wants(&self, option: &str) -> bool {
        self.files.iter().any(|(name, file)| *name == option && file.is_some())
    }

    /// Writes the file of an option, if it is asked for.
    ///
    /// # Errors
    /// Returns the errors of [`Pending::fill`].
    pub fn fill(&mut self, option: &str, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let file = self.files.iter_mut().find(|(name, _)| *name == option).and_then(|(_, file)| file.take());
        self.filled.extend(file.map(|file| file.fill(fill)).transpose()?);
        Ok(())
    }

    /// Writes the forms that are asked for, and prints the text unless a file goes to standard output or nothing is to be
    /// printed.
    ///
    /// # Errors
    /// Returns the errors of the page, of [`Pending::fill`] and of standard output.
    pub fn write(mut self, result: &dyn Forms, args: &OutputArgs, color: Color) -> Result<()> {
        self.fill("--json", |out| result.json(out))?;
        self.fill("--markdown", |out| out.write_all(result.markdown().as_bytes()))?;
        if self.wants("--html") {
            let page = result.page()?;
            self.fill("--html", |out| page::write(&page, out))?;
        }
        if self.text && !args.quiet {
            show(color, |width, paint| result.text(width, paint, args.verbose))?;
        }
        self.publish()
    }

    /// Gives the files their names.
    ///
    /// # Errors
    /// Returns the errors of [`Filled::publish`].
    pub fn publish(self) -> Result<()> {
        self.filled.into_iter().try_for_each(Filled::publish)
    }
}

/// True if `path` is `other`, by whatever name, or lies below it.
fn within(path: &Path, other: &Path) -> bool {
    let id = |p: &Path| fs::metadata(p).ok().filter(fs::Metadata::is_file).map(|m| (m.dev(), m.ino()));
    let same_file = id(path).is_some_and(|path| id(other) == Some(path));
    same_file || matches!((place(path), place(other)), (Some(path), Some(other)) if path.starts_with(&other))
}

/// Returns the path without symbolic links. A file that does not exist yet has the path of its directory, and its name.
fn place(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(dir.canonicalize().ok()?.join(path.file_name()?))
    })
}

#[cfg(test)]
mod tests;
