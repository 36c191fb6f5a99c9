//! Which Python files are loaded when others are: an import that is missing in a module matters where a program gets there.

use super::look::Look;
use super::modules::Modules;
use crate::refs::{Target, When};
use crate::tree::NodeId;

/// What leads to files.
pub(super) struct Reach {
    /// By node: the file at the beginning.
    from: Vec<Option<NodeId>>,
}

impl Reach {
    /// What these files load, and what that loads, by imports at the top of files.
    pub(super) fn new<'a>(look: &Look<'a>, modules: &Modules<'a>, starts: &[NodeId]) -> Self {
        let mut from: Vec<Option<NodeId>> = vec![None; look.tree.len()];
        let mut todo: Vec<(NodeId, NodeId)> = starts.iter().rev().map(|&start| (start, start)).collect();
        let mut loaded = Vec::new();
        while let Some((file, start)) = todo.pop() {
            if from[file.index()].is_some() {
                continue;
            }
            from[file.index()] = Some(start);
            let references = look.facts(file).into_iter().flat_map(|facts| facts.references.iter());
            // What is in functions of where it begins is called some time; in packages many are that nobody calls.
            let counts = |when: When| when == When::Always || (file == start && when == When::Lazy);
            for reference in references.filter(|reference| counts(reference.when)) {
                if let Target::Import { level, module, names } = &reference.target {
                    modules.loads(file, *level, module, names, &mut loaded);
                    todo.extend(loaded.drain(..).filter(|id| from[id.index()].is_none()).map(|id| (id, start)));
                }
            }
        }
        Self { from }
    }

    /// The file that leads to this one.
    pub(super) fn start(&self, file: NodeId) -> Option<NodeId> {
        self.from[file.index()]
    }
}
