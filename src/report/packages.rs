//! The report's part about packages that rules removed or asked for.

use super::build::Built;
use super::{KeptPackage, RemovedPackage, escape, words};

impl Built<'_> {
    pub(super) fn removed_packages(&self) -> Vec<RemovedPackage> {
        let packages = &self.plan.packages;
        let one = |p: &crate::plan::packages::RemovedPackage| RemovedPackage {
            manager: p.manager,
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
            manager: p.manager,
            name: escape(&p.name),
            rule: self.rule_id(p.rule).to_owned(),
            why: words::kept(p, self.tree, self.profile),
        };
        self.plan.packages.kept.iter().map(one).collect()
    }
}
