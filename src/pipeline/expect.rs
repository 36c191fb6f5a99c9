//! A plan as `slim verify` needs it: the fate of each path. This is the only bridge between the code that plans and the code
//! that checks.

use super::image::Planned;
use super::plan::Plans;
use crate::Digest;
use crate::profile::{Action, RuleId};
use crate::tree::{NodeId, Type};
use crate::verify::expected::{Added, Content, Expected, Fate, Rule, RuleIndex};
use std::collections::HashMap;

/// Returns the expectation for each image.
#[must_use]
pub fn expected(plans: &Plans<'_>) -> Vec<Expected> {
    plans.images.iter().map(image).collect()
}

/// Returns the index of a rule among those of an expectation, which are in the order of the profile.
const fn index_of(rule: RuleId) -> RuleIndex {
    RuleIndex(rule.index())
}

fn image(planned: &Planned<'_>) -> Expected {
    let Planned { tree, plan, profile, .. } = planned;
    let rewrites = &plan.rewrites;
    let rule = |rule: &crate::profile::Rule| Rule {
        id: rule.id.clone(),
        on_purpose: matches!(rule.action, Action::RemovePackage(_)),
    };
    let mut out = Expected {
        id: Some(planned.image.config_digest),
        rules: profile.rules.iter().map(rule).collect(),
        paths: tree.len(),
        ..Expected::default()
    };
    let stripped: HashMap<_, _> = rewrites.stripped.iter().map(|s| (s.at, index_of(s.rule))).collect();
    let made: HashMap<_, _> = rewrites.made.iter().map(|m| (m.at, index_of(m.rule))).collect();
    for id in tree.ids().filter(|id| *id != NodeId::ROOT) {
        let mut fate = Fate { dropped: plan.dropped[id.index()].map(index_of), ..Fate::default() };
        let inode = tree.inode_of(id);
        if let (None, Some(at)) = (fate.dropped, inode.holder()) {
            fate.target = rewrites.link(at).filter(|_| inode.kind == Type::Symlink).cloned();
            fate.linked = plan.links.first_of(id).map(|first| tree.path(first));
            if inode.kind == Type::File && rewrites.of(at).is_some() {
                fate.content = match (stripped.get(&at), made.get(&at)) {
                    (Some(&rule), _) => Content::Stripped(rule),
                    (None, Some(&rule)) => Content::Made(rule, rewrites.sums(at).map(|sums| sums.sha256)),
                    (None, None) => Content::Rows,
                };
                // The data may be under a name that goes.
                out.whole.extend(tree.names(tree.node(id).inode).iter().map(|&name| tree.path(name)));
                out.whole.insert((*planned.layers[at.layer as usize].members[at.member as usize].path).into());
            }
        }
        if fate.dropped.is_some() || fate.target.is_some() || fate.linked.is_some() || fate.content != Content::Same {
            out.fates.insert(tree.path(id), fate);
        }
    }
    if let Some(added) = &rewrites.added {
        let (attrs, mtime) = (&added.meta.attrs, added.meta.mtime);
        let content = Content::Added(Box::new(Added {
            mode: attrs.mode,
            ids: (attrs.uid.cast_signed(), attrs.gid.cast_signed()),
            mtime: (mtime.secs, mtime.nanos),
            hash: *Digest::of(&added.text).as_bytes(),
        }));
        out.fates.insert(added.path.clone(), Fate { content, ..Fate::default() });
    }
    out
}
