//! Keys and values written as TOML, a key on each line.

use super::Glob;

/// Adds a key with its value.
pub(super) fn line(out: &mut String, key: &str, value: &str) {
    out.push_str(&format!("{key} = {value}\n"));
}

/// Adds a key with an array of strings, if it has any.
pub(super) fn list(out: &mut String, key: &str, items: &[String]) {
    if !items.is_empty() {
        line(out, key, &array(items.iter().map(String::as_str)));
    }
}

/// Adds a key with an array of patterns, if it has any.
pub(super) fn globs(out: &mut String, key: &str, globs: &[Glob]) {
    if !globs.is_empty() {
        line(out, key, &array(sources(globs)));
    }
}

/// Adds each key that is true.
pub(super) fn flags(out: &mut String, flags: &[(&str, bool)]) {
    flags.iter().filter(|(_, on)| *on).for_each(|(key, _)| line(out, key, "true"));
}

/// Returns patterns as they were written.
pub(super) fn sources(globs: &[Glob]) -> impl Iterator<Item = &str> {
    globs.iter().map(|g| g.source.as_str())
}

/// Formats a string on one line.
pub(super) fn quote(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// Formats an array, on several lines if one would be long.
pub(super) fn array<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(quote).collect();
    let short = items.join(", ");
    if short.len() <= 100 { format!("[{short}]") } else { format!("[\n    {},\n]", items.join(",\n    ")) }
}

/// Formats a string, folded if it is long: a backslash at a line's end swallows the break.
pub(super) fn text(value: &str) -> String {
    let plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    let words: Vec<&str> = value.split(' ').collect();
    // A text with blanks that the folding would swallow stays on one line.
    if value.len() <= 100 || !value.chars().all(plain) || words.contains(&"") {
        return quote(value);
    }
    let (mut out, mut width) = (String::from("\"\"\"\\\n"), 0);
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            out.push(' ');
            width += 1;
            if width + word.len() > 110 {
                out.push_str("\\\n");
                width = 0;
            }
        }
        out.push_str(word);
        width += word.len();
    }
    out + "\"\"\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_folded_without_change() {
        let long = format!("a{}", " word".repeat(60));
        let folded = text(&long);
        assert!(folded.lines().count() > 3 && folded.lines().all(|l| l.len() < 120), "{folded}");
        for value in [&*long, "a \"quoted\" \\ text\n", &format!("{long}  {long}"), "'", ""] {
            let document: toml::Table = format!("x = {}", text(value)).parse().unwrap();
            assert_eq!(document["x"].as_str(), Some(value));
        }
    }
}
