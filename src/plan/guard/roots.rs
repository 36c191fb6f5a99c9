//! The directories in which Python looks for modules.

use crate::plan::Request;
use crate::profile::Profile;
use crate::refs::Target;
use crate::tree::{NodeId, Tree};

/// The directories in which Python looks for modules, and for each node the nearest of them above it.
#[derive(Default)]
pub(super) struct Roots {
    pub(super) dirs: Vec<NodeId>,
    /// By node: the nearest such directory above it, not the node itself.
    above: Vec<Option<NodeId>>,
    /// By node: true if it is such a directory.
    is_root: Vec<bool>,
}

impl Roots {
    pub(super) fn new(tree: &Tree, dirs: Vec<NodeId>) -> Self {
        let mut is_root = vec![false; tree.len()];
        dirs.iter().for_each(|dir| is_root[dir.index()] = true);
        let mut above: Vec<Option<NodeId>> = vec![None; tree.len()];
        // Parents come before children; the root is in itself.
        for id in tree.ids().skip(1) {
            let parent = tree.node(id).parent;
            above[id.index()] = if is_root[parent.index()] { Some(parent) } else { above[parent.index()] };
        }
        Self { dirs, above, is_root }
    }

    pub(super) fn contains(&self, id: NodeId) -> bool {
        self.is_root[id.index()]
    }

    pub(super) fn above(&self, id: NodeId) -> Option<NodeId> {
        self.above[id.index()]
    }
}

/// Returns the directories in which Python looks for modules, by the profile's set.
#[must_use]
pub fn module_roots(tree: &Tree, profile: &Profile) -> Vec<NodeId> {
    let mut builder = globset::GlobSetBuilder::new();
    for pattern in profile.sets.get(Profile::MODULE_ROOTS).into_iter().flatten() {
        // A wrong pattern names no root; in a rule it was an error.
        if let Ok(glob) = globset::GlobBuilder::new(pattern.trim_start_matches('/')).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    let set = builder.build().unwrap_or_default();
    let is_root =
        |id: &NodeId| tree.is_dir(*id) && set.is_match_candidate(&globset::Candidate::from_bytes(&tree.path(*id)));
    tree.ids().filter(is_root).collect()
}

/// Returns [`module_roots`] and the directories that `.pth` files in them and `PYTHONPATH` add.
#[must_use]
pub fn all(request: &Request<'_>) -> Vec<NodeId> {
    let tree = &request.merged.tree;
    let mut roots = module_roots(tree, request.profile);
    let files = roots.iter().flat_map(|&root| tree.children(root)).filter(|&&id| tree.name(id).ends_with(b".pth"));
    let mut more = Vec::new();
    for &file in files {
        let references = request.facts_of(file).into_iter().flat_map(|facts| facts.references.iter());
        for reference in references {
            if let Target::Join(path) = &reference.target {
                more.extend(tree.resolve(tree.node(file).parent, path.as_bytes()).target);
            }
        }
    }
    let variable = request.facts.env.iter().filter(|(key, _)| key == "PYTHONPATH");
    let dirs = variable.flat_map(|(_, value)| value.split(':')).filter(|dir| dir.starts_with('/'));
    more.extend(dirs.filter_map(|dir| tree.resolve(NodeId::ROOT, dir.as_bytes()).target));
    for dir in more {
        if tree.is_dir(dir) && !roots.contains(&dir) {
            roots.push(dir);
        }
    }
    roots
}

/// True if a directory that a rule with `guard = "python"` names is Python code: in a package, or in a directory where modules
/// are looked for, and with modules in it. Templates, and data that a program finds by scanning directories, are often named
/// `tests` too.
#[must_use]
pub fn is_code(tree: &Tree, dir: NodeId, roots: &[NodeId]) -> bool {
    let parent = tree.node(dir).parent;
    let in_package = tree.child(parent, b"__init__.py").is_some() || roots.contains(&parent);
    in_package && tree.subtree(dir).any(|id| tree.name(id).ends_with(b".py"))
}
