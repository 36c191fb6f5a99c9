//! What is known of a text's language, which is where its comments are.

/// A family of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Comments from `#` to the end of the line, variables with `$`: shells, Perl, Ruby, make, crontabs, and most configuration.
    Shell,
    /// The same with `;` as well: INI files, supervisor, PHP's settings.
    Ini,
    /// Comments from `//` to the end of the line and between `/*` and `*/`: PHP, Java, C#, Groovy, Kotlin, HCL.
    Slashes,
    /// Comments between `<!--` and `-->`.
    Markup,
    /// Comments from `--` to the end of the line: Lua, SQL, Haskell.
    Dashes,
    /// Comments from `;` to the end of the line: Lisp.
    Semicolon,
    /// No comments: JSON.
    Data,
}

impl Syntax {
    /// Whether `$NAME` is a variable in it, and words are commands.
    pub(super) const fn has_variables(self) -> bool {
        matches!(self, Self::Shell | Self::Ini | Self::Slashes)
    }

    const fn line_signs(self) -> &'static [&'static [u8]] {
        match self {
            Self::Shell => &[b"#"],
            Self::Ini => &[b"#", b";"],
            Self::Slashes => &[b"//", b"#"],
            Self::Dashes => &[b"--"],
            Self::Semicolon => &[b";"],
            Self::Markup | Self::Data => &[],
        }
    }

    const fn block_signs(self) -> Option<(&'static [u8], &'static [u8])> {
        match self {
            Self::Slashes => Some((b"/*", b"*/")),
            Self::Markup => Some((b"<!--", b"-->")),
            _ => None,
        }
    }

    /// Where the comment ends that has the byte `at` in it; none where that is in no comment.
    pub(super) fn comment_end(self, text: &[u8], at: usize) -> Option<usize> {
        let line = memchr::memrchr(b'\n', &text[..at]).map_or(0, |n| n + 1);
        if begins_comment(&text[line..at], self.line_signs()) {
            return Some(memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n));
        }
        let (open, close) = self.block_signs()?;
        let begin = memchr::memmem::rfind(&text[..at], open)?;
        let open = memchr::memmem::find(&text[begin..at], close).is_none();
        open.then(|| memchr::memmem::find(&text[at..], close).map_or(text.len(), |n| at + n))
    }
}

/// Whether a comment begins in what stands before on a line: a sign outside of quotes, at the beginning or after a blank.
fn begins_comment(before: &[u8], signs: &[&[u8]]) -> bool {
    let mut quote = None;
    let mut blank = true;
    for (at, &c) in before.iter().enumerate() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if blank && signs.iter().any(|sign| before[at..].starts_with(sign)) => return true,
            // An apostrophe in a word is none that opens anything.
            None if c == b'"' || (c == b'\'' && (blank || b"=(:,[{".contains(&before[at - 1]))) => quote = Some(c),
            None => {}
        }
        blank = c == b' ' || c == b'\t' || c == b';' || c == b'{';
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_by_their_language() {
        for (syntax, text, is_comment) in [
            (Syntax::Shell, "# X", true),
            (Syntax::Shell, "a # X", true),
            (Syntax::Shell, "a #b\nX", false),
            (Syntax::Shell, "a#X", false),
            (Syntax::Shell, "echo '# X'", false),
            (Syntax::Shell, "echo \"a\" # X", true),
            (Syntax::Shell, "; X", false),
            (Syntax::Ini, "; X", true),
            (Syntax::Slashes, "a(); // X", true),
            (Syntax::Slashes, "http://X", false),
            (Syntax::Slashes, "/* a\n X */", true),
            (Syntax::Slashes, "/* a */ X", false),
            (Syntax::Markup, "<a/><!-- b X -->", true),
            (Syntax::Markup, "<!-- b --> X", false),
            (Syntax::Dashes, "-- X", true),
            (Syntax::Semicolon, ";; X", true),
            (Syntax::Data, "# // X", false),
        ] {
            let at = text.find('X').unwrap();
            assert_eq!(syntax.comment_end(text.as_bytes(), at).is_some(), is_comment, "{text}");
        }
    }
}
