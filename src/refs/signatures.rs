//! Signatures of files: a regular expression that matches the beginning of a file's content, for files of some names or for
//! all. The caller knows what a signature means; `analyze` knows kinds of secrets by them.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use regex::bytes::{Regex, RegexBuilder};

/// The most signatures that can be told apart: one bit of 64 for each.
pub const MOST: usize = 64;
/// The memory in bytes that a compiled expression may take.
const MAX_EXPRESSION: usize = 4 << 20;

/// The definition of a signature.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Globs of paths; empty if any file counts.
    pub paths: &'a [String],
    /// A regular expression over bytes.
    pub content: &'a str,
    /// The size in bytes of the largest file that is looked at.
    pub most: u64,
}

#[derive(Debug)]
struct Signature {
    any_path: bool,
    content: Regex,
    most: u64,
}

/// Signatures, compiled.
#[derive(Debug, Default)]
pub struct Signatures {
    signatures: Vec<Signature>,
    /// The indices of the signatures that apply to all paths.
    everywhere: Vec<usize>,
    globs: GlobSet,
    /// For each glob, the index of its signature.
    owners: Vec<usize>,
}

impl Signatures {
    /// Compiles them; bit `i` of a file's result is the `i`th.
    ///
    /// # Errors
    /// Returns a sentence if a pattern is wrong or there are more than [`MOST`].
    pub fn new(wanted: &[Wanted<'_>]) -> Result<Self, String> {
        if wanted.len() > MOST {
            return Err(format!("more than {MOST} signatures"));
        }
        let mut out = Self::default();
        let mut globs = GlobSetBuilder::new();
        for (number, mark) in wanted.iter().enumerate() {
            let content = RegexBuilder::new(mark.content).unicode(false).size_limit(MAX_EXPRESSION).build();
            let content = content.map_err(|e| e.to_string())?;
            out.signatures.push(Signature { any_path: mark.paths.is_empty(), content, most: mark.most });
            for path in mark.paths {
                globs.add(GlobBuilder::new(path).literal_separator(true).build().map_err(|e| e.to_string())?);
                out.owners.push(number);
            }
        }
        out.globs = globs.build().map_err(|e| e.to_string())?;
        out.everywhere = (0..out.signatures.len()).filter(|&i| out.signatures[i].any_path).collect();
        Ok(out)
    }

    /// Returns the signatures of a file of `size` bytes that begins with `head`, a bit for each.
    #[must_use]
    pub fn of(&self, path: &[u8], head: &[u8], size: u64) -> u64 {
        let has = |&i: &usize| size <= self.signatures[i].most && self.signatures[i].content.is_match(head);
        let bits = |found: u64, i: usize| found | 1 << i;
        let everywhere = self.everywhere.iter().copied().filter(has).fold(0, bits);
        if self.owners.is_empty() {
            return everywhere;
        }
        let candidate = Candidate::from_bytes(path);
        if !self.globs.is_match_candidate(&candidate) {
            return everywhere;
        }
        let named = self.globs.matches_candidate(&candidate).into_iter().map(|glob| self.owners[glob]);
        named.filter(has).fold(everywhere, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contents_and_sizes_make_a_mark() {
        let npmrc = ["**/.npmrc".to_owned()];
        let wanted = [
            Wanted { paths: &npmrc, content: "_authToken=.", most: 100 },
            Wanted { paths: &[], content: "(?m)^KEY$", most: 10 },
        ];
        let signatures = Signatures::new(&wanted).unwrap();
        for (path, head, size, found) in [
            ("a/.npmrc", "_authToken=x", 12, 1),
            ("a/.npmrc", "_authToken=", 12, 0),
            ("a/npmrc", "_authToken=x", 12, 0),
            ("a/.npmrc", "_authToken=x\nKEY\n", 10, 3),
            ("x", "a\nKEY", 10, 2),
            ("x", "a\nKEY", 11, 0),
            ("x", "aKEY", 4, 0),
        ] {
            assert_eq!(signatures.of(path.as_bytes(), head.as_bytes(), size), found, "{path} {head}");
        }
        assert!(Signatures::new(&[Wanted { paths: &[], content: "(", most: 1 }]).is_err());
        assert!(Signatures::new(&vec![Wanted { paths: &[], content: "x", most: 1 }; 65]).is_err());
    }
}
