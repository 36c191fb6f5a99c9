//! The package that each path belongs to, with the names that analyses and comparisons show.

use crate::layer::LayerIndex;
use crate::ownership::{Ownership, Wanted};
use crate::packages::Manager;
use crate::report::escape;
use crate::tree::{NodeId, Tree};

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The manager.
    pub manager: Manager,
    /// The package's name.
    pub name: String,
    /// The version; empty if the database does not state it, as for npm, of which no file is read.
    pub version: String,
}

impl Package {
    /// Returns the label in breakdowns: `MANAGER NAME`, with the version if there may be several side by side.
    #[must_use]
    pub fn label(&self) -> String {
        let Self { manager, name, version } = self;
        let manager_name = manager.name();
        if manager.side_by_side() && !version.is_empty() {
            return format!("{manager_name} {name} {version}");
        }
        format!("{manager_name} {name}")
    }
}

/// The packages of an image, and the paths of each.
pub struct Owners<'a> {
    ownership: Ownership<'a>,
    packages: Vec<Package>,
}

impl<'a> Owners<'a> {
    /// Reads the package managers' databases that the scan kept.
    #[must_use]
    pub fn new(layers: &[&'a LayerIndex], tree: &'a Tree) -> Self {
        let ownership = Ownership::read(layers, tree, Wanted::All);
        let packages = ownership.entries.iter().map(|entry| Package {
            manager: entry.package.manager,
            name: escape(&entry.name),
            version: escape(&entry.version),
        });
        Self { packages: packages.collect(), ownership }
    }

    /// Returns the package of a path.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<&Package> {
        self.ownership.of(node).map(|index| &self.packages[index as usize])
    }

    /// Returns the files that state the versions of npm's packages, each with its package.
    pub fn manifests(&self) -> impl Iterator<Item = (NodeId, &Package)> {
        self.ownership.manifests().map(|(node, index)| (node, &self.packages[index as usize]))
    }
}
