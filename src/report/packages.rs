//! The report's part about packages that rules removed or asked for.

use super::build::Built;
use super::{KeptPackage, RemovedPackage, escape, words};
use crate::plan::packages::Kept;

impl Built<'_> {
    pub(super) fn removed_packages(&self) -> Vec<RemovedPackage> {
        let packages = &self.plan.packages;
        let one = |p: &crate::plan::packages::RemovedPackage| RemovedPackage {
            manager: p.manager.name().to_owned(),
            name: escape(&p.name),
            version: escape(&p.version),
            rule: self.rule_id(p.rule).to_owned(),
            orphan: p.orphan,
            breaks: packages.broken.iter().filter(|(_, lost)| *lost == p.name).map(|(by, _)| escape(by)).collect(),
            files: p.files,
            bytes: p.bytes,
        };
        packages.removed.iter().map(one).collect()
    }

    pub(super) fn kept_packages(&self) -> Vec<KeptPackage> {
        let one = |p: &crate::plan::packages::KeptPackage| KeptPackage {
            manager: p.manager.name().to_owned(),
            name: escape(&p.name),
            rule: self.rule_id(p.rule).to_owned(),
            why: self.why_kept(p),
        };
        self.plan.packages.kept.iter().map(one).collect()
    }

    fn why_kept(&self, package: &crate::plan::packages::KeptPackage) -> String {
        let path = |node| escape(&self.tree.path(node));
        let other = package.other.as_ref().map(|name| escape(name)).unwrap_or_default();
        match package.why {
            Kept::Essential => "it is marked as essential".to_owned(),
            Kept::OnHold => "it is on hold".to_owned(),
            Kept::Protected(protect, node) => {
                format!("{} is protected: {}", path(node), self.profile.protects[usize::from(protect)].reason)
            }
            Kept::Base(node) => format!("{} lies in a base layer", path(node)),
            Kept::Unlisted => "there is no list of its files".to_owned(),
            Kept::PartOf(_) => format!("it is a part of {other}"),
            Kept::Needed(_) => format!("{other} needs it"),
            Kept::Diverts => "it has diverted files of packages that stay".to_owned(),
            Kept::Held(node, why) => {
                let told = words::held(why, self.tree, self.profile);
                format!("its file {} stays: {}", path(node), told.clause())
            }
        }
    }
}
