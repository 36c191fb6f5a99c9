//! Colour for a terminal: a handful of SGR codes, switched once.

/// The switch for colour: true if text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Paints headings.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Paints the names of columns.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Paints what went well.
    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    /// Paints warnings.
    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    /// Paints errors.
    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Paints hints.
    #[must_use]
    pub fn cyan(self, text: &str) -> String {
        self.wrap("1;36", text)
    }
}
