//! Colour for a terminal: a handful of SGR codes, switched once.

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For headings.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For the names of columns.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// For what went well.
    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    /// For warnings.
    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    /// For errors.
    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// For hints.
    #[must_use]
    pub fn cyan(self, text: &str) -> String {
        self.wrap("1;36", text)
    }
}
