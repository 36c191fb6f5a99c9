//! An image that is to be run, opened: its documents, and if paths are asked for, the tree that its containers see.

use crate::Result;
use crate::scan::{self, Flags, Needs, Shared};
use crate::source::{self, Image, Input, Location, OpenOptions};
use crate::tar::Member;
use crate::tree::merge::{self, Merged};
use crate::tree::{NodeId, Tree, Type};
use rayon::prelude::*;

/// An image that is to be run.
pub struct Subject {
    input: Input,
}

impl Subject {
    /// Opens an image as the command line names it. If there are several it takes the one for `platform`.
    ///
    /// # Errors
    /// Returns the errors of the input; [`ErrorKind::Usage`] if there is not exactly one image.
    pub fn open(location: &str, options: &OpenOptions<'_>) -> Result<Self> {
        let input = source::open(&Location::parse(location)?, options)?;
        input.only("run")?;
        Ok(Self { input })
    }

    /// Returns the input that the image is in.
    #[must_use]
    pub const fn input(&self) -> &Input {
        &self.input
    }

    /// Returns the image.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.input.images[0]
    }

    /// Reads names, sizes and modes of all files.
    ///
    /// # Errors
    /// Returns the errors of the layers.
    pub fn files(&self) -> Result<Files> {
        let (shared, needs) = (Shared::default(), Needs::of(Flags::SIZES_ONLY));
        let one = |layer| scan::scan(&self.input, layer, &needs, &shared, &|_| ());
        let scanned = self.image().layers.par_iter().with_max_len(1).map(one);
        let layers: Vec<Vec<Member>> = scanned.map(|s| s.map(|s| s.index.members)).collect::<Result<_>>()?;
        let members: Vec<&[Member]> = layers.iter().map(Vec::as_slice).collect();
        let Merged { tree, .. } = merge::merge(&members, 0).map_err(|e| e.archive(&self.input.name))?;
        let env = &self.image().facts.env;
        let path = env.iter().rev().find(|(key, _)| key == "PATH").map_or(PATH, |(_, value)| value);
        Ok(Files { tree, layers, path: path.split(':').map(str::to_owned).collect() })
    }
}

/// The `PATH` that engines set if an image sets none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The files of an image.
pub struct Files {
    tree: Tree,
    layers: Vec<Vec<Member>>,
    /// The directories of `PATH`.
    pub path: Vec<String>,
}

impl Files {
    /// Returns the tree.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Returns the node that a path leads to, with all links followed.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<NodeId> {
        self.tree.resolve(NodeId::ROOT, path.as_bytes()).target
    }

    /// True if a path leads to something.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.resolve(path).is_some()
    }

    /// Returns the mode of a name and its size in bytes; `None` if it is no regular file.
    #[must_use]
    pub fn file(&self, id: NodeId) -> Option<(u32, u64)> {
        let inode = self.tree.inode_of(id);
        let at = inode.holder().filter(|_| inode.kind == Type::File)?;
        let member = &self.layers[at.layer as usize][at.member as usize];
        Some((member.meta.attrs.mode, member.size()))
    }

    /// True if a path leads to a program.
    #[must_use]
    pub fn is_program(&self, path: &str) -> bool {
        let file = self.resolve(path).and_then(|id| self.file(id));
        file.is_some_and(|(mode, _)| mode & 0o111 != 0)
    }

    /// Returns the path of a name with a slash before it; `None` if it is not UTF-8 or has a line break in it.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<String> {
        let path = String::from_utf8(self.tree.path(id).into()).ok()?;
        (!path.contains(['\n', '\t', '\r'])).then(|| format!("/{path}"))
    }

    /// Returns the first of these programs that is in a directory of `PATH`.
    #[must_use]
    pub fn which(&self, names: &[&str]) -> Option<String> {
        let all = names.iter().flat_map(|name| self.path.iter().map(move |dir| format!("{dir}/{name}")));
        all.into_iter().find(|path| self.is_program(path))
    }
}
