//! The facts that the scan found in files.

use crate::layer::Facts;
use crate::plan::Request;
use crate::tree::NodeId;

/// Returns the facts about a file's content.
#[must_use]
pub fn facts_of<'a>(request: &Request<'a>, file: NodeId) -> Option<&'a Facts> {
    let at = request.merged.tree.inode_of(file).holder()?;
    request.facts_at(at)
}
