//! The reader for text that has no syntax tree. It knows no strings from code and so misses nothing: what stands where
//! a statement may begin and reads like an import is one, and what stands between two quotes may be a string.

use super::Found;

/// Collects the references in `text`.
pub(super) fn scan(text: &str, found: &mut Found) {
    for keyword in ["import", "from"] {
        for at in memchr::memmem::find_iter(text.as_bytes(), keyword) {
            if begins_statement(&text[..at]) {
                statement(at, &text[at..], found);
            }
        }
    }
    let mut quote = None;
    for end in memchr::memchr3_iter(b'"', b'\'', b'\n', text.as_bytes()) {
        let is_quote = text.as_bytes()[end] != b'\n';
        if let Some(begin) = quote.filter(|_| is_quote) {
            found.literal(begin, &text[begin..end]);
        }
        quote = is_quote.then_some(end + 1);
    }
}

/// Whether a statement may begin after `before`: on a new line, or after `;`, or after the `:` of a block.
fn begins_statement(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '\x0c', '\u{feff}']);
    before.is_empty() || before.ends_with(['\n', '\r', ';', ':'])
}

/// An import at `offset`, where `text` begins with its keyword. All that is no import finds nothing.
fn statement(offset: usize, text: &str, found: &mut Found) {
    let mut words = Words { rest: text, open: false };
    match words.next() {
        Some("import") => {
            for module in words.list() {
                found.import(offset, 0, &module, Vec::new());
            }
        }
        Some("from") => {
            let (level, module) = words.dotted();
            if words.next() == Some("import") {
                found.import(offset, level, &module, words.list());
            }
        }
        _ => {}
    }
}

/// The words, dots and punctuation of one logical line.
struct Words<'a> {
    rest: &'a str,
    /// Within parentheses a line's end means nothing.
    open: bool,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let first = self.rest.chars().next()?;
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let end = match first {
            '\n' | '\r' => return None,
            c if is_name(c) => self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len()),
            c => c.len_utf8(),
        };
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

impl Words<'_> {
    fn skip_blanks(&mut self) {
        loop {
            let before = self.rest.len();
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            for joint in ["\\\r\n", "\\\n", "\\\r"] {
                self.rest = self.rest.strip_prefix(joint).unwrap_or(self.rest);
            }
            if self.open {
                self.rest = self.rest.trim_start_matches(['\n', '\r']);
            }
            if self.rest.starts_with('#') {
                self.rest = self.rest.trim_start_matches(|c| c != '\n' && c != '\r');
            }
            if self.rest.len() == before {
                return;
            }
        }
    }

    /// The next word if it is `wanted`.
    fn eat(&mut self, wanted: &str) -> bool {
        let rest = self.rest;
        let eaten = self.next() == Some(wanted);
        if !eaten {
            self.rest = rest;
        }
        eaten
    }

    /// `..a.b`: the leading dots and the rest. The path is empty in `from . import`.
    fn dotted(&mut self) -> (u32, String) {
        let mut level = 0_u32;
        while self.eat(".") {
            level = level.saturating_add(1);
        }
        let mut path = String::new();
        loop {
            let rest = self.rest;
            match self.next() {
                Some(name) if name != "import" && name.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                    path.push_str(name);
                }
                _ => {
                    self.rest = rest;
                    return (level, path);
                }
            }
            if !self.eat(".") {
                return (level, path);
            }
            path.push('.');
        }
    }

    /// `a.b as c, d` or `(a, b)` or `*`: the dotted names.
    fn list(mut self) -> Vec<String> {
        self.open = self.eat("(");
        let mut names = Vec::new();
        loop {
            let name = if self.eat("*") { "*".to_owned() } else { self.dotted().1 };
            if name.is_empty() {
                return names;
            }
            names.push(name);
            if self.eat("as") {
                self.next();
            }
            if !self.eat(",") {
                return names;
            }
        }
    }
}
