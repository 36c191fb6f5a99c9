//! The files that Python loads for an import.

use super::state::{Guard, Speaker};
use crate::tree::{NodeId, Tree};
use bstr::ByteSlice;

/// Kinds of files that a module may be.
const KINDS: [&[u8]; 4] = [b".py", b".so", b".pyc", b".pyw"];

/// The longest name of a file, in bytes.
const MAX_NAME: usize = 255;

/// Returns the files in a directory that Python may load for the module `name`.
pub fn module_files<'t>(tree: &'t Tree, dir: NodeId, name: &str) -> impl Iterator<Item = NodeId> + use<'t> {
    // Millions of names are looked for, and hardly any is found: nothing is allocated for one.
    let mut prefix = [b'.'; MAX_NAME + 1];
    let length = name.len().min(MAX_NAME);
    prefix[..length].copy_from_slice(&name.as_bytes()[..length]);
    let from = if length == name.len() { tree.children_from(dir, &prefix[..=length]) } else { &[] };
    let from = from.iter().copied();
    let matching = from.take_while(move |&c| tree.name(c).starts_with(&prefix[..=length]));
    let of_kind = |name: &[u8]| KINDS.iter().any(|kind| name.ends_with(kind));
    matching.filter(move |&c| !tree.is_dir(c) && of_kind(tree.name(c)))
}

impl<'a> Guard<'a> {
    pub(super) fn import(
        &mut self,
        file: NodeId,
        speaker: Speaker,
        level: u32,
        module: &'a str,
        names: &'a str,
        out: &mut Vec<NodeId>,
    ) {
        // Translations are found by their kind: code does not spell out their names.
        if module.contains("gettext") || names.contains("gettext") {
            self.kind(file, b"mo", out);
        }
        if !self.index.any_module(module.split('.').chain(names.split(','))) {
            return;
        }
        if level > 0 {
            let package = self.tree.ancestors(file).nth(level as usize - 1);
            if let Some(package) = package {
                self.module(package, module, names, out);
            }
            return;
        }
        if self.imported.insert((module, names, speaker)) {
            for &root in &self.roots.dirs {
                self.module(root, module, names, out);
            }
        }
        // A program finds modules beside itself as well, and a package may be run from any directory above it.
        for above in self.tree.ancestors(file) {
            self.module(above, module, names, out);
        }
        for above in self.tree.ancestors(file).take_while(|dir| !self.roots.contains(*dir)) {
            self.own_copy(above, module, names, out);
        }
    }

    /// Adds a package's own copy of a module that it imports by the usual name: in a directory that it puts on the path, or as
    /// `_x` for a module `x` of the standard library, which a finder of its own returns.
    fn own_copy(&self, package: NodeId, module: &str, names: &str, out: &mut Vec<NodeId>) {
        for dir in ["_vendor", "vendor", "_vendored", "vendored", "extern"] {
            if let Some(dir) = self.directory_of(package, dir) {
                self.module(dir, module, names, out);
            }
        }
        let (top, rest) = module.split_once('.').unwrap_or((module, ""));
        if let Some(dir) = self.directory_of(package, &format!("_{top}")) {
            self.files_of(dir, "__init__", out);
            self.module(dir, rest, names, out);
        }
    }

    /// Adds the files of `module` below `root` that would go, of the packages on the way, and of those `names` that are modules
    /// in it.
    pub(super) fn module(&self, root: NodeId, module: &str, names: &str, out: &mut Vec<NodeId>) {
        let mut at = root;
        let start = out.len();
        let mut found = false;
        for part in module.split('.').filter(|part| !part.is_empty()) {
            found |= self.files_of(at, part, out);
            match self.directory_of(at, part) {
                Some(dir) => {
                    self.files_of(dir, "__init__", out);
                    at = dir;
                }
                // The last part may be a module or a name in one; a module that is not there is no target at all.
                None => {
                    if !found {
                        out.truncate(start);
                    }
                    return;
                }
            }
        }
        for name in names.split(',').filter(|name| !name.is_empty()) {
            self.files_of(at, name, out);
            if let Some(dir) = self.directory_of(at, name) {
                self.files_of(dir, "__init__", out);
            }
        }
    }

    /// Returns the package of that name in `dir`, also if it is a symbolic link.
    fn directory_of(&self, dir: NodeId, name: &str) -> Option<NodeId> {
        let found = self.tree.child(dir, name.as_bytes())?;
        if self.tree.is_dir(found) {
            return Some(found);
        }
        self.tree.resolve(dir, name.as_bytes()).target.filter(|&found| self.tree.is_dir(found))
    }

    /// Adds the files in `dir` that Python would load for the module `name`, of those that would go. Returns true if there are
    /// any files of that module at all.
    fn files_of(&self, dir: NodeId, name: &str, out: &mut Vec<NodeId>) -> bool {
        let files = |dir: NodeId| module_files(self.tree, dir, name);
        let before = out.len();
        let mut any = false;
        out.extend(files(dir).inspect(|_| any = true).filter(|&id| self.index.has(id)));
        // Compiled modules can be made again, but if their source is kept they save time as before.
        if out.len() > before
            && let Some(cache) = self.tree.child(dir, b"__pycache__")
        {
            out.extend(files(cache).filter(|&id| self.index.has(id)));
        }
        any
    }

    /// Adds the files that a string may name: a module, an entry point, or a path.
    pub(super) fn text(&mut self, file: NodeId, text: &'a str, out: &mut Vec<NodeId>) {
        let (module, _) = text.split_once(':').unwrap_or((text, ""));
        let name = module.trim_start_matches('.');
        let is_dotted = !text.contains(['/', ' ', '*', '-']) && module.contains('.') && !name.is_empty();
        if is_dotted {
            let level = (module.len() - name.len()) as u32;
            let javascript = super::names::is_javascript(self.tree.name(file));
            let speaker = if javascript { Speaker::JavaScript } else { Speaker::Text };
            self.import(file, speaker, level, name, "", out);
            if level == 0 {
                self.package(name, out);
            }
        }
        self.path(file, text, false, out);
    }

    /// Adds a package that a string names, as it may be loaded by scanning its directory.
    fn package(&self, name: &str, out: &mut Vec<NodeId>) {
        let last = name.rsplit('.').next().unwrap_or_default();
        if !self.index.dirs.contains_key(last.as_bytes().as_bstr()) {
            return;
        }
        for root in &self.roots.dirs {
            let dir = name.split('.').try_fold(*root, |dir, part| self.directory_of(dir, part));
            if let Some(dir) = dir.filter(|&dir| self.index.has(dir)) {
                self.directory(dir, out);
            }
        }
    }

    /// Returns the type stub beside a module.
    pub(super) fn stub(&self, file: NodeId) -> Option<NodeId> {
        let name = [self.tree.name(file).strip_suffix(b".py")?, b".pyi"].concat();
        self.tree.child(self.tree.node(file).parent, &name)
    }
}
