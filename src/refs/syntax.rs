//! The syntax of a text's language, as far as it is needed to find its comments.

use super::bytes;

/// A family of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Comments from `#` to the end of the line, variables with `$`: shells, Perl, Ruby, make, crontabs, and most configuration.
    Shell,
    /// Like [`Self::Shell`], with comments from `;` as well: INI files, supervisor, PHP's settings.
    Ini,
    /// Comments are whole lines that begin with `#`, `;` or `!`: systemd's units, Java's properties.
    Lines,
    /// Comments from `//` or `#` to the end of the line and between `/*` and `*/`: PHP, Java, C#, Groovy, Kotlin, HCL.
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
    /// True if `$NAME` is a variable in it.
    pub(super) const fn has_variables(self) -> bool {
        matches!(self, Self::Shell | Self::Ini | Self::Lines | Self::Slashes)
    }

    /// True if its words are commands and `>` writes to a file.
    pub(super) const fn has_commands(self) -> bool {
        matches!(self, Self::Shell | Self::Ini | Self::Lines)
    }

    const fn line_signs(self) -> &'static [&'static [u8]] {
        match self {
            Self::Shell => &[b"#"],
            Self::Ini => &[b"#", b";"],
            Self::Lines => &[b"#", b";", b"!"],
            Self::Slashes => &[b"//", b"#"],
            Self::Dashes => &[b"--"],
            Self::Semicolon => &[b";"],
            Self::Markup | Self::Data => &[],
        }
    }
}

/// The bytes that begin or end nothing, and after which nothing begins.
static PLAIN: bytes::Set =
    bytes::set(&[(0x0b, 0x1f), (b'$', b'&'), (b'(', b','), (b'.', b'.'), (b'0', b':'), (b'<', 0xff)]);

/// Tells which places of a text are in comments. Places must be asked for in ascending order, so that every byte is looked at
/// once.
pub(super) struct Comments<'t> {
    text: &'t [u8],
    syntax: Syntax,
    /// The offset up to which the text has been read.
    at: usize,
    /// The offset of the end of the comment that was found last.
    until: usize,
    quote: Option<u8>,
    /// True if a comment may begin here: at the beginning of a line or after a blank.
    blank: bool,
    /// True if only blanks came before on the line.
    first: bool,
}

impl<'t> Comments<'t> {
    pub(super) const fn new(text: &'t [u8], syntax: Syntax) -> Self {
        Self { text, syntax, at: 0, until: 0, quote: None, blank: true, first: true }
    }

    /// Returns the offset of the end of the comment around the byte `place`; `None` if that is in no comment.
    pub(super) fn end(&mut self, place: usize) -> Option<usize> {
        if place >= self.until {
            match self.syntax {
                Syntax::Data => {}
                Syntax::Markup => self.markup(place),
                _ => self.read(place),
            }
        }
        (place < self.until).then_some(self.until)
    }

    fn markup(&mut self, place: usize) {
        let find = |from: usize, what: &[u8]| memchr::memmem::find(&self.text[from..], what).map(|n| from + n);
        let mut at = self.at.max(self.until);
        while let Some(open) = find(at, b"<!--").filter(|open| *open <= place) {
            self.until = find(open, b"-->").map_or(self.text.len(), |close| close + 3);
            at = self.until;
            if place < self.until {
                break;
            }
        }
        self.at = at.max(place.min(self.text.len()));
    }

    /// Reads on to `place`. Only block comments span lines, so in languages without them the lines before are skipped.
    fn read(&mut self, place: usize) {
        let mut at = self.at.max(self.until).min(place);
        if self.syntax != Syntax::Slashes {
            let line = memchr::memrchr(b'\n', &self.text[at..place]).map(|n| at + n);
            at = line.unwrap_or(at);
        }
        while at <= place {
            let rest = self.text.get(at..self.text.len().min(place + 1)).unwrap_or_default();
            let plain = match self.quote {
                None => bytes::run(rest, &PLAIN),
                Some(open) => memchr::memchr2(open, b'\n', rest).unwrap_or(rest.len()),
            };
            if plain > 0 {
                at += plain;
                (self.blank, self.first) = (matches!(self.text[at - 1], b' ' | b'\t' | b';'), false);
                continue;
            }
            let Some(&c) = rest.first() else { break };
            if self.quote.is_none()
                && matches!(c, b'#' | b';' | b'!' | b'/' | b'-')
                && let Some(end) = self.comment(at)
            {
                (self.until, self.blank, self.first) = (end, true, true);
                at = end;
                continue;
            }
            self.byte(at, c);
            at += 1;
        }
        self.at = at;
    }

    /// Returns the offset of the end of a comment that begins here.
    fn comment(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        if self.syntax == Syntax::Slashes && rest.starts_with(b"/*") {
            return Some(memchr::memmem::find(&rest[2..], b"*/").map_or(self.text.len(), |n| at + n + 4));
        }
        let may = if self.syntax == Syntax::Lines { self.first } else { self.blank };
        // `#[` begins an attribute of PHP's.
        let sign =
            |sign: &&[u8]| rest.starts_with(sign) && !(self.syntax == Syntax::Slashes && rest.starts_with(b"#["));
        // The first line of a script names the program that runs it.
        let begins = may && !(at == 0 && rest.starts_with(b"#!")) && self.syntax.line_signs().iter().any(sign);
        begins.then(|| memchr::memchr(b'\n', rest).map_or(self.text.len(), |n| at + n + 1))
    }

    fn byte(&mut self, at: usize, c: u8) {
        match self.quote {
            _ if c == b'\n' => self.quote = None,
            Some(open) if c == open && self.text[at - 1] != b'\\' => self.quote = None,
            Some(_) => {}
            // An apostrophe inside a word opens no string.
            None if c == b'"' || (c == b'\'' && (self.blank || b"=(:,[{".contains(&self.text[at - 1]))) => {
                self.quote = Some(c);
            }
            None => {}
        }
        self.blank = matches!(c, b' ' | b'\t' | b';' | b'\n');
        self.first = c == b'\n' || (self.first && matches!(c, b' ' | b'\t'));
    }
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
            (Syntax::Shell, "if [ ${#a[@]} -gt 0 ]; then X", false),
            (Syntax::Shell, "; X", false),
            (Syntax::Ini, "; X", true),
            (Syntax::Lines, "a=/b ; X", false),
            (Syntax::Lines, "a = # X", false),
            (Syntax::Lines, "  # X", true),
            (Syntax::Slashes, "a(); // X", true),
            (Syntax::Slashes, "http://X", false),
            (Syntax::Slashes, "/* a\n X */", true),
            (Syntax::Slashes, "/* a */ X", false),
            (Syntax::Slashes, "glob('/a/*.php');\nX", false),
            (Syntax::Slashes, "#[A('X')]", false),
            (Syntax::Markup, "<a/><!-- b X -->", true),
            (Syntax::Markup, "<!-- b --> X", false),
            (Syntax::Markup, "<!-- b --> <!-- X", true),
            (Syntax::Dashes, "-- X", true),
            (Syntax::Semicolon, ";; X", true),
            (Syntax::Data, "# // X", false),
        ] {
            let at = text.find('X').unwrap();
            assert_eq!(Comments::new(text.as_bytes(), syntax).end(at).is_some(), is_comment, "{syntax:?} {text}");
        }
    }

    #[test]
    fn places_are_asked_for_in_order() {
        let text = b"X # X X\nX 'X\nX # X\nX";
        let mut comments = Comments::new(text, Syntax::Shell);
        let places = (0..text.len()).filter(|&at| text[at] == b'X');
        let found: Vec<bool> = places.map(|at| comments.end(at).is_some()).collect();
        assert_eq!(found, [false, true, true, false, false, false, true, false]);
    }
}
