//! The programs that may read what a rule drops, and the conditions under which a rule drops: everything that patterns alone
//! can't express.

use super::Glob;

/// A dropping rule's statements about files that may read its paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Programs by name. If the config or a script that stays runs one, everything that the rule names stays.
    pub read_by: Vec<String>,
    /// Programs of packages that a rule removes: if a shell script of the application's runs one, its package stays.
    pub runs: Vec<String>,
    /// Paths of programs that follow `sourceMappingURL`. If one of them stays, the source maps that a script or style which
    /// stays names in the rule's paths stay, too.
    pub mapped_by: Vec<Glob>,
    /// Python modules. A package with a file that imports one of them keeps everything that the rule names in it.
    pub imported_with: Vec<String>,
    /// Files whose references are ignored when they name a path: they only show it to people, or clean up there.
    pub deaf: Vec<Glob>,
    /// The name that a file must have beside the one that is taken, and which must not be older; `{stem}` stands for the taken
    /// file's own name without its extension.
    pub beside: Option<String>,
    /// True to take a file only if a package manager lists it; without any such list in the image all are taken.
    pub owned: bool,
    /// True if applications also live in these paths: if a file there is named, its whole directory stays, and so does a
    /// directory with an owner or a mode of its own.
    pub homes: bool,
    /// A program that names the rule's directory holds the files there that have the program's name.
    pub namesakes: bool,
}

impl Reading {
    /// The word that stands for a file's name without its extension in [`Reading::beside`].
    pub const STEM: &str = "{stem}";

    /// Returns the name that must lie beside a file of this name.
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
