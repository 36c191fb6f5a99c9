//! Who else may read what a rule drops, and what a rule drops only under a condition: what patterns alone can't say.

use super::Glob;

/// What a rule that drops says of those who might read its paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Programs by name. Where the config or a script that stays runs one, all that the rule names stays.
    pub read_by: Vec<String>,
    /// Programs of packages that a rule removes: where a shell script of the application's runs one, its package stays.
    pub runs: Vec<String>,
    /// Paths of programs that follow `sourceMappingURL`. Where one of them stays, what a script or style that stays names there
    /// stays, too.
    pub mapped_by: Vec<Glob>,
    /// Python modules. A package with a file that imports one of them keeps all that the rule names in it.
    pub imported_with: Vec<String>,
    /// Files that are not listened to when they name a path: they only show it to people, or clean up there.
    pub deaf: Vec<Glob>,
    /// A file is taken only beside another one of this name, which is not older; `{stem}` stands for the file's own name without
    /// its extension.
    pub beside: Option<String>,
    /// A file is taken only where a package manager lists it; without any such list in the image all are.
    pub owned: bool,
    /// The paths are places that applications live in as well: of a file that is named the whole directory stays, and a directory
    /// with an owner or a mode of its own stays, too.
    pub homes: bool,
    /// Who names the place that the rule is about means the files there that are named after him.
    pub namesakes: bool,
}

impl Reading {
    /// Stands for a file's name without its extension in [`Reading::beside`].
    pub const STEM: &str = "{stem}";

    /// The name that has to lie beside a file of this name.
    #[must_use]
    pub fn neighbour(&self, name: &[u8]) -> Option<Vec<u8>> {
        let beside = self.beside.as_ref()?;
        let stem = memchr::memrchr(b'.', name).filter(|at| *at > 0).map_or(name, |at| &name[..at]);
        Some(match beside.split_once(Self::STEM) {
            Some((before, after)) => [before.as_bytes(), stem, after.as_bytes()].concat(),
            None => beside.clone().into_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbour_has_the_stem() {
        let of = |beside: &str, name: &str| {
            let reading = Reading { beside: Some(beside.to_owned()), ..Reading::default() };
            String::from_utf8(reading.neighbour(name.as_bytes()).unwrap()).unwrap()
        };
        assert_eq!(of("{stem}.mo", "de.po"), "de.mo");
        assert_eq!(of("{stem}.mo", "a.b.po"), "a.b.mo");
        assert_eq!(of("x.{stem}", ".po"), "x..po");
        assert_eq!(of("package.json", "README.md"), "package.json");
        assert_eq!(Reading::default().neighbour(b"x"), None);
    }
}
