//! Containerd, asked by `ctr`. Its names are full ones, such as `docker.io/library/app:v1`, in a namespace.

use super::engine::{Engine, Known};
use super::output::{Explain, Output};
use super::{Store, refused};
use crate::image::{Platform, Reference};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// `ctr`, with a namespace of containerd.
pub struct Ctr {
    pub program: PathBuf,
    /// The namespace; `None` for that of `CONTAINERD_NAMESPACE`, or `default`.
    pub namespace: Option<String>,
    /// The time that it may take to answer a question.
    pub limit: Duration,
}

impl Ctr {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.namespace.iter().flat_map(|namespace| ["--namespace", namespace])).arg("images").args(args);
        command
    }

    fn explain(&self, what: &'static str) -> Explain {
        let name = self.name();
        Box::new(move |said| refused::failed(Store::Containerd, &format!("`{name} images {what}`"), said))
    }

    /// Returns the lines of `ctr images ls`.
    fn list(&self, args: &[&str]) -> Result<Vec<String>> {
        let text = Output::ask(self.command(&[&["ls"], args].concat()), self.limit)?;
        Ok(text.map_err(|said| self.explain("ls")(&said))?.lines().map(str::to_owned).collect())
    }
}

impl Engine for Ctr {
    fn name(&self) -> String {
        self.program.display().to_string()
    }

    /// Containerd knows an image by its name as it is written there: a short name stands for the full one.
    fn find(&self, reference: &str) -> Result<Option<Known>> {
        let full = Reference::parse(reference).ok().map(|full| full.to_string());
        for name in [Some(reference.to_owned()), full].into_iter().flatten() {
            let filter = format!("name=={}", serde_json::Value::from(name.as_str()));
            let rows = self.list(&[&filter])?;
            let mut row = rows.iter().map(|row| row.split_whitespace()).filter(|row| row.clone().next() == Some(&name));
            if let Some(id) = row.next().and_then(|mut row| row.nth(2)) {
                return Ok(Some(Known { id: id.to_owned(), names: vec![name] }));
            }
        }
        Ok(None)
    }

    fn names(&self) -> Result<Vec<String>> {
        self.list(&["--quiet"])
    }

    /// Without a platform all that are there are wanted. `ctr` exports either all that the index names or only that of the host.
    fn save(&self, reference: &str, platform: Option<&Platform>) -> Result<Box<dyn Read + Send>> {
        let export = |args: &[&str]| {
            let args = [&["export"], args, &["-", reference]].concat();
            Output::of(self.command(&args), self.explain("export"))
        };
        if let Some(platform) = platform {
            return Ok(Box::new(export(&["--platform", &platform.to_string()])?));
        }
        let mut all = export(&["--all-platforms"])?;
        let mut head = vec![0; 512];
        // What is missing shows before the first byte.
        match all.read(&mut head) {
            Ok(n) => Ok(Box::new(io::Cursor::new(head[..n].to_vec()).chain(all))),
            Err(e) if e.to_string().contains("not found") => Ok(Box::new(export(&[])?)),
            Err(e) => Err(e.into()),
        }
    }

    /// An image for other machines than this one has no layers that `ctr` could unpack, which it says after the import.
    fn load(&self, mut file: &File) -> Result<()> {
        let mut import = |unpack: &[&str]| {
            let args = [&["import", "--all-platforms"], unpack, &["-"]].concat();
            file.rewind().map_err(|e| Error::io("cannot read the temporary file", e))?;
            Output::feed(self.command(&args), &mut file, self.explain("import"))
        };
        match import(&[]) {
            Err(e) if e.what.contains("no match for platform") => import(&["--no-unpack"]),
            done => done,
        }
    }
}
