//! Columns of text that line up. The last column takes the rest of the line and is cut to it.

use super::paint::Paint;

/// A table under construction.
pub(crate) struct Table {
    /// By column: true if it is aligned to the right.
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    header: bool,
}

impl Table {
    /// Makes a table whose columns are aligned as `columns` says: `<` or `>` for each.
    pub(crate) fn new(columns: &str) -> Self {
        Self { right: columns.chars().map(|c| c == '>').collect(), rows: Vec::new(), header: false }
    }

    /// Names the columns; must come before the first row.
    pub(crate) fn header(mut self, names: &[&str]) -> Self {
        self.header = true;
        self.rows.push(names.iter().map(|n| (*n).to_owned()).collect());
        self
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// Renders the lines, each indented by `indent` and at most `width` characters wide if the last column can be cut.
    pub(crate) fn render(&self, indent: usize, width: usize, paint: Paint) -> String {
        let last = self.right.len().saturating_sub(1);
        let widths: Vec<usize> = (0..self.right.len())
            .map(|i| self.rows.iter().filter_map(|r| r.get(i)).map(|c| chars(c)).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = " ".repeat(indent);
            for (i, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[i].saturating_sub(chars(cell)));
                match (self.right[i], i == last) {
                    (true, _) => line.extend([pad.as_str(), cell]),
                    (false, true) => line.push_str(&cut(cell, width.saturating_sub(chars(&line)))),
                    (false, false) => line.extend([cell.as_str(), &pad]),
                }
                if i != last {
                    line.push_str("  ");
                }
            }
            let line = line.trim_end();
            out.push_str(&if number == 0 && self.header { paint.dim(line) } else { line.to_owned() });
            out.push('\n');
        }
        out
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Cuts `text` to at most `width` characters, the last of them `…` if some are missing. A few are always shown.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let width = width.max(8);
    if chars(text) <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// Breaks `text` between words into lines of at most `width` characters, each indented by `indent`.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + chars(&line) + 1 + chars(word) > width {
            out.extend([" ".repeat(indent).as_str(), &line, "\n"]);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.extend([" ".repeat(indent).as_str(), &line, "\n"]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_is_cut() {
        let mut table = Table::new("<><").header(&["a", "n", "text"]);
        table.row(["bb".into(), "10".into(), "short".into()]);
        table.row(["ü".into(), "5".into(), "longer than that".into()]);
        let expected = "  a    n  text\n  bb  10  short\n  ü    5  longer tha…\n";
        assert_eq!(table.render(2, 21, Paint(false)), expected);
        assert_eq!(table.render(2, 80, Paint(true)).lines().next(), Some("\x1b[2m  a    n  text\x1b[0m"));
    }

    #[test]
    fn long_lists_are_wrapped_between_words() {
        assert_eq!(wrap("one two three four", 2, 10), "  one two\n  three\n  four\n");
        assert_eq!(wrap("", 2, 10), "");
    }
}
