//! The Python files that are loaded with others: a missing import in a module matters only if a program loads that module.

use super::look::Look;
use super::modules::Modules;
use crate::refs::{Target, When};
use crate::tree::NodeId;

/// The files that are reached.
pub(super) struct Reach {
    /// By node: the file from which it is reached.
    from: Vec<Option<NodeId>>,
}

impl Reach {
    /// Follows the imports at the top of these files, and those of the files that they load.
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
            // Functions of the starting file are assumed to be called; packages have many that nobody calls.
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

    /// Returns the file from which this one is reached.
    pub(super) fn start(&self, file: NodeId) -> Option<NodeId> {
        self.from[file.index()]
    }
}
