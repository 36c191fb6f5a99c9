//! Markdown for comments on pull requests: GitHub takes 65,536 characters, and text from an image must not become markup.

use std::fmt::Write as _;

/// The number of characters that a comment must stay below.
pub(crate) const MOST: usize = 60_000;

/// Returns text for a line or a cell of a table, in which nothing is markup, a reference to an issue or a mention.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A backslash does not escape a mention or a reference to an issue.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "{}", c.escape_default().to_string().replace('\\', "\\\\"));
            }
            c => out.push(c),
        }
    }
    // A URL would become a link.
    out.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
}

/// Returns a path, a command or a value as code, for a line or a cell of a table. It uses HTML's own element, as a pipe within
/// backticks would end the cell, and a backtick the code.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.extend(c.escape_default()),
            // Markdown is parsed inside the element, too.
            c if c.is_ascii_punctuation() && !"/.-+=:,;".contains(c) => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    let out = out.replace("://", ":&#47;&#47;").replace("www.", "www&#46;");
    out + "</code>"
}

/// Cuts `text` to at most `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    super::table::cut(text, most)
}

/// A document of limited length.
#[derive(Default)]
pub(crate) struct Document {
    text: String,
    /// The number of characters of `text`.
    length: usize,
}

impl Document {
    /// Adds a paragraph, or a list. If there is no room for it, the document says that something is left out.
    pub(crate) fn paragraph(&mut self, lines: &str) {
        if self.room(lines.chars().count() + 2) {
            self.push(lines);
            self.push("\n\n");
        }
    }

    /// Adds a table, within `<details>` if there is a summary, with as many rows as there is room for. `columns` is the
    /// alignment of each column, as in tables of the text.
    pub(crate) fn table(&mut self, summary: Option<&str>, columns: &str, header: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = columns.chars().map(|c| if c == '>' { "---:" } else { "---" }).collect::<Vec<_>>().join(" | ");
        let mut head = summary.map_or_else(String::new, |s| format!("<details><summary>{s}</summary>\n\n"));
        head.push_str(&line(&header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()));
        let _ = writeln!(head, "| {rule} |");
        let tail = if summary.is_some() { "\n</details>\n\n" } else { "\n" };
        // The text after it, and the line with the number of missing rows.
        let end = tail.len() + 60;
        if !self.room(head.chars().count() + end) {
            return;
        }
        self.push(&head);
        let mut shown = 0;
        for row in rows {
            let row = line(row);
            if !self.room(row.chars().count() + end) {
                break;
            }
            self.push(&row);
            shown += 1;
        }
        if shown < rows.len() {
            self.push(&format!("\n{} more rows are left out.\n", rows.len() - shown));
        }
        self.push(tail);
    }

    /// True if `more` characters fit.
    const fn room(&self, more: usize) -> bool {
        self.length + more < MOST
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    /// Returns the text, with one line feed at its end.
    pub(crate) fn finish(self) -> String {
        format!("{}\n", self.text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_image_is_markup() {
        assert_eq!(text("a|b `c` <d> *e* @f #1"), "a\\|b \\`c\\` &lt;d&gt; \\*e\\* &#64;f &#35;1");
        assert_eq!(text("a\n| b"), "a\\\\n\\| b");
        assert_eq!(code("a|b`c`<d>_e_"), "<code>a&#124;b&#96;c&#96;&lt;d&gt;&#95;e&#95;</code>");
        assert_eq!(code("https://x\n"), "<code>https:&#47;&#47;x\\n</code>");
    }

    #[test]
    fn a_document_has_an_end() {
        let mut document = Document::default();
        let row = |i: usize| vec![format!("{i}"), "ü".repeat(90)];
        let rows: Vec<Vec<String>> = (0..2000).map(row).collect();
        document.table(Some("all"), "><", &["n", "text"], &rows);
        document.table(Some("again"), "><", &["n", "text"], &rows);
        document.paragraph(&"x".repeat(5000));
        let text = document.finish();
        assert!((MOST - 500..MOST).contains(&text.chars().count()), "{}", text.chars().count());
        assert!(text.contains("more rows are left out.\n\n</details>"));
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
}
