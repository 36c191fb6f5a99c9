//! The files that a path names in full: from the directory of the referring file, from one above it, or at the top of a package
//! of Node. A file that is named in full is needed whatever its name, `README.md` too, for which a mere mention means nothing.

use super::index::within;
use super::state::Guard;
use crate::layer::Facts;
use crate::plan::HoldReason;
use crate::refs::Target;
use crate::tree::NodeId;
use bstr::{BStr, ByteSlice};

/// The number of directories above a Python file in which a lone name is looked for: `Path(__file__).parent.parent /
/// "README.md"`.
const MOST_LEVELS: usize = 4;

/// True if a string names a file: a name without a dot is a word like any other, so its case counts; for a directory it means
/// too little.
fn says(text: &str, name: &BStr, is_dir: bool) -> bool {
    name.contains(&b'.') || (!is_dir && text.as_bytes().ends_with(name))
}

/// Returns a path without the computed part before it: `*/../a` of `${__dirname}/../a`, `/../a` of `__dirname + '/../a'`.
fn after_start(text: &str) -> &str {
    let mut rest = text;
    while let Some(more) = rest.strip_prefix("*/").or_else(|| rest.strip_prefix('/')) {
        rest = more;
    }
    rest
}

/// Returns a path without `..` and `.` before it, and true if there were any `..`.
fn after_dots(text: &str) -> (&str, bool) {
    let (mut rest, mut up) = (text, false);
    while let Some((first, more)) = rest.split_once('/').filter(|(first, _)| matches!(*first, "" | "." | "..")) {
        up |= first == "..";
        rest = more;
    }
    (rest, up)
}

impl Guard<'_> {
    /// Adds the files that a path names in full from the directory of `file` or from one above it. `joined` as in
    /// [`Guard::path`].
    pub(super) fn relative(&self, file: NodeId, text: &str, joined: bool, out: &mut Vec<NodeId>) {
        let is_path = joined || text.contains('/');
        let text = after_start(text).trim_end_matches('/');
        let last = text.rsplit('/').next().unwrap_or_default().as_bytes().as_bstr();
        if !is_path || text.contains('*') {
            return;
        }
        if !self.index.files.contains_key(last) && !self.index.dirs.contains_key(last) {
            return;
        }
        let (rest, up) = after_dots(text);
        let dir = self.tree.node(file).parent;
        if up && let Some(found) = self.tree.resolve(dir, text.as_bytes()).target {
            // If a computed path is no directory of the file, `..` leads anywhere: a directory counts only if all of it would
            // go.
            self.named(Some(found).filter(|&id| self.goes_whole(id)), out);
        }
        let levels = if rest.contains('/') { usize::MAX } else { self.levels(file) };
        for above in self.tree.ancestors(file).take(levels) {
            self.file_at(above, rest, out);
            if rest.contains('/')
                && self.is_node(file)
                && let Some(modules) = self.tree.child(above, b"node_modules")
            {
                self.file_at(modules, rest, out);
            }
        }
    }

    /// Returns the directory that a string is the path of, if a rule is about that directory or one above it.
    pub(super) fn place_of(&self, text: &str) -> Option<NodeId> {
        let dir = Some(text).filter(|text| text.starts_with('/') && !text.contains('*'))?;
        let dir = self.tree.resolve(NodeId::ROOT, dir.as_bytes()).target.filter(|&dir| self.tree.is_dir(dir))?;
        self.prepared.places.has(self.tree, dir).then_some(dir)
    }

    /// True if any file that would go has the name that a path ends with, and nothing of the path is computed.
    fn may_be_file(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or_default().as_bytes().as_bstr();
        !path.contains('*') && self.index.files.contains_key(last)
    }

    /// Adds the file that a string is the path of from `dir`.
    pub(super) fn in_place(&self, dir: NodeId, text: &str, out: &mut Vec<NodeId>) {
        let path = after_start(text);
        if path.contains(['/', '.']) && self.may_be_file(path) {
            self.file_at(dir, path, out);
        }
    }

    /// Adds the file that a path spells out from the directory of `file` or from one above it in its package.
    pub(super) fn exact(&self, file: NodeId, text: &str, joined: bool, out: &mut Vec<NodeId>) {
        let path = after_start(text);
        if (joined || text.contains('/')) && self.may_be_file(path) {
            let dirs = self.tree.ancestors(file).take(self.levels(file));
            dirs.for_each(|above| self.file_at(above, path, out));
        }
    }

    /// Returns the number of directories above `file` in which a lone name is looked for: for Node those of its package,
    /// besides [`Guard::tops`].
    fn levels(&self, file: NodeId) -> usize {
        if !self.is_node(file) {
            return MOST_LEVELS;
        }
        let package = self.node_package(file);
        self.tree.ancestors(file).position(|dir| Some(dir) == package).map_or(1, |at| at + 1)
    }

    /// Adds the file at this path from `dir`, if it would go.
    fn file_at(&self, dir: NodeId, path: &str, out: &mut Vec<NodeId>) {
        let found = self.tree.resolve(dir, path.as_bytes()).target;
        out.extend(found.filter(|&id| self.index.has(id) && !self.tree.is_dir(id)));
    }

    /// Returns the files that strings of a JavaScript file name at the top of its own package, or of one whose place the file
    /// asks for. The path before the name does not matter, as it may be put together of variables; a wrong match only keeps one
    /// file too many.
    pub(super) fn tops(&self, file: NodeId, facts: &Facts) -> Vec<(NodeId, HoldReason)> {
        let mut out = Vec::new();
        let mut packages = None;
        for reference in facts.references.iter() {
            let (Target::Text(text) | Target::Join(text)) = &reference.target else { continue };
            let named = self.tops.named(text);
            if named.iter().all(|named| named.is_empty()) {
                continue;
            }
            for &package in packages.get_or_insert_with(|| self.packages(file, facts)).iter() {
                for &id in named.iter().flat_map(|named| within(self.tree, named, package)) {
                    let is_dir = self.tree.is_dir(id);
                    if self.tree.node(id).parent == package && says(text, self.tree.name(id), is_dir) {
                        let below = self.index.below(id).iter().filter(|id| !self.packaged.contains(id));
                        out.extend(below.map(|&id| (id, HoldReason::Referenced(file, reference.line))));
                    }
                }
            }
        }
        out
    }

    /// Returns the directory of a JavaScript file's own package, and those of the packages whose place it asks for:
    /// `require.resolve('x/package.json')` or `require.resolve('x')`.
    fn packages(&self, file: NodeId, facts: &Facts) -> Vec<NodeId> {
        if !self.is_node(file) {
            return Vec::new();
        }
        let mut out = Vec::from_iter(self.node_package(file));
        let places = facts.references.iter().filter_map(|reference| match &reference.target {
            Target::Require(text) | Target::Text(text) if text.ends_with("/package.json") => Some(text),
            Target::Join(text) => Some(text),
            _ => None,
        });
        for place in places.filter(|place| !place.starts_with(['.', '/', '*'])) {
            out.extend(self.packages_of(file, place));
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Returns the directories that the package of this name may be in, for a file.
    fn packages_of(&self, file: NodeId, place: &str) -> Vec<NodeId> {
        let parts = if place.starts_with('@') { 2 } else { 1 };
        let end = place.match_indices('/').nth(parts - 1).map_or(place.len(), |(at, _)| at);
        let modules = self.tree.ancestors(file).filter_map(|above| self.tree.child(above, b"node_modules"));
        let found = modules.filter_map(|dir| self.tree.resolve(dir, &place.as_bytes()[..end]).target);
        found.filter(|&dir| self.tree.is_dir(dir)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Tops;
    use super::*;

    #[test]
    fn what_is_computed_before_a_path_is_passed_over() {
        for (text, rest, name, up) in [
            ("*/../README.md", "../README.md", "README.md", true),
            ("/../README.md", "../README.md", "README.md", true),
            ("../..//a/b.md", "../..//a/b.md", "a/b.md", true),
            ("./a", "./a", "a", false),
            ("a/../b", "a/../b", "a/../b", false),
            ("*/*/a", "a", "a", false),
            ("..", "..", "..", false),
        ] {
            assert_eq!((after_start(text), after_dots(rest)), (rest, (name, up)), "{text}");
        }
    }

    #[test]
    fn a_lone_name_is_told_from_a_path() {
        let tops = Tops([(b"readme.md".to_vec(), vec![NodeId(7)])].into());
        for text in ["README.md", "readme.MD", "/README.md", "*/README.md", "../../README.md", "*/..//README.md"] {
            assert_eq!(tops.named(text).concat(), [NodeId(7)], "{text}");
        }
        for text in ["docs/README.md", "README", "", "/", "README.md/", "a README.md", "*README.md"] {
            assert_eq!(tops.named(text).concat(), [], "{text}");
        }
        assert!(says("readme.md", BStr::new("README.md"), false) && says("../.github", BStr::new(".github"), true));
        assert!(says("Makefile", BStr::new("Makefile"), false) && !says("makefile", BStr::new("Makefile"), false));
        assert!(!says("test", BStr::new("test"), true));
    }
}
