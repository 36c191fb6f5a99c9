//! npm, and all others that lay packages out in `node_modules`: pnpm, yarn. There is no database; a package is a directory with
//! a `package.json`. Source: <https://docs.npmjs.com/cli/configuring-npm/folders>.

use super::manager::{Files, Installed, Package, PackageManager};
use crate::path;
use bstr::BString;

/// npm.
pub struct Npm;

impl PackageManager for Npm {
    fn name(&self) -> &'static str {
        "npm"
    }

    fn manifest(&self) -> Option<&'static str> {
        Some("package.json")
    }

    fn packages<'a>(&self, files: &dyn Files<'a>) -> Vec<Installed<'a>> {
        let one = |dir: BString| {
            let package = Package::new(&Self, name(&dir)?);
            Some(Installed { below: Some(dir), described: false, ..Installed::new(package) })
        };
        files.with(b"package.json").into_iter().filter_map(one).collect()
    }
}

/// Returns the name of the package in a directory, with its scope; `None` if the directory is in no `node_modules`.
fn name(dir: &[u8]) -> Option<BString> {
    let (parent, name) = path::split(dir);
    let (above, scope) = path::split(parent);
    let scoped = scope.starts_with(b"@");
    let modules = if scoped { path::split(above).1 } else { scope };
    let name = if scoped { path::join(scope, name) } else { name.into() };
    (modules == b"node_modules").then_some(name)
}
