//! The place of a script's or style's source map. Source: ECMA-426, "Extracting a source map from JavaScript".

use super::{Reference, Target, When, lines};

/// The part of the comment before the map's URL: `//# sourceMappingURL=x.map`, `/*# sourceMappingURL=x.map */`.
const MARK: &[u8] = b"sourceMappingURL=";

/// Returns the source maps that a text names, relative to it; maps within the text itself are left out.
#[must_use]
pub fn references(text: &[u8]) -> Vec<Reference> {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(text, MARK) {
        let url = &text[at + MARK.len()..];
        let end = url.iter().position(|c| c.is_ascii_whitespace() || b"*'\"`\\".contains(c)).unwrap_or(url.len());
        let before = text[..at].trim_ascii_end().last();
        let url = String::from_utf8_lossy(&url[..end]);
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let near = !url.is_empty() && url.len() < 1000 && !url.contains(':') && !url.starts_with("//");
        if near && matches!(before, Some(b'#' | b'@')) {
            found.push((at, Target::Map(url.into()), When::Mention));
        }
    }
    lines::number_bytes(text, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_named_in_a_comment() {
        let of = |text: &str| -> Vec<String> {
            let one = |r: Reference| match r.target {
                Target::Map(url) => format!("{} {url}", r.line),
                other => format!("{other:?}"),
            };
            references(text.as_bytes()).into_iter().map(one).collect()
        };
        assert_eq!(of("a\n//# sourceMappingURL=a.js.map\n"), ["2 a.js.map"]);
        assert_eq!(of("a{}\n/*# sourceMappingURL=../m/a.css.map?v=1 */"), ["2 ../m/a.css.map"]);
        assert_eq!(of("//@ sourceMappingURL=a.map"), ["1 a.map"]);
        assert!(of("//# sourceMappingURL=data:application/json;base64,e30=").is_empty());
        assert!(of("x = 'sourceMappingURL=' + y; //# sourceMappingURL=https://a/b.map").is_empty());
    }
}
