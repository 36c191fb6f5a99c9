//! Accounts for every member that is not in the output: the rule that took it, and its bytes in the tar.

use super::emission::Names;
use super::{Removed, Request, TakenBy, verdict};
use crate::profile::RuleId;
use crate::tree::MemberId;
use crate::tree::merge::{Role, role};

/// Lists the members that are gone, layer by layer in tar order. A member that no rule dropped by its path was hidden by a
/// later layer.
#[must_use]
pub fn removed(
    request: &Request<'_>,
    dropped: &[Option<RuleId>],
    names: &Names,
    gone: &[Vec<bool>],
    shadowed: Option<RuleId>,
) -> Vec<Removed> {
    let mut out = Vec::new();
    for (layer, index) in (0u32..).zip(request.layers) {
        let gone = &gone[layer as usize];
        for (member, found) in (0u32..).zip(&index.members).filter(|&(m, _)| gone[m as usize]) {
            let by_rule = names.get(MemberId { layer, member }).and_then(|n| dropped[n.index()]);
            // Without the rule `shadowed`, hidden members went by their own paths.
            let by_path = || verdict::propose_path(&found.path, request.matcher).filter(|_| shadowed.is_none());
            let rule = by_rule.or_else(by_path).or(shadowed);
            let by = rule.map_or(TakenBy::Squash, TakenBy::Rule);
            let bytes = found.span_bytes();
            let whiteout = role(&found.path) != Role::Entry;
            out.push(Removed { layer, member, bytes, by, whiteout });
        }
    }
    out
}
