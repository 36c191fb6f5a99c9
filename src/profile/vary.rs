//! Changes one key of a rule, whatever key it is, in the text of its profile before that is read. So a key or a value that does
//! not exist is reported as if it had been written there.

use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value that replaces one in a rule's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The id of the rule.
    pub rule: String,
    /// The key.
    pub key: String,
    /// The value, as TOML or as a bare word.
    pub value: String,
}

impl Override {
    /// Reads `RULE.KEY=V1,V2`: one for each value. Commas in brackets and quotes do not separate values.
    ///
    /// # Errors
    /// Returns a sentence for anything else.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let wrong = || format!("`{text}` varies nothing: expected RULE.KEY=VALUE,VALUE, such as strip.level=debug,all");
        let (name, values) = text.split_once('=').ok_or_else(wrong)?;
        let (rule, key) = name.rsplit_once('.').ok_or_else(wrong)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let values = split(values);
        if rule.is_empty() || key.is_empty() || !key.chars().all(plain) || values.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let one = |value| Self { rule: rule.to_owned(), key: key.to_owned(), value };
        Ok(values.into_iter().map(one).collect())
    }

    /// Returns the value as TOML: a word that means nothing there becomes a string.
    fn toml(&self) -> String {
        let value = self.value.as_str();
        let line = !value.contains(['\n', '\r']);
        if line && DeTable::parse(&format!("x = {value}")).is_ok() || value.contains(['\'', '\n', '\r']) {
            return value.to_owned();
        }
        format!("'{value}'")
    }
}

impl std::fmt::Display for Override {
    /// Formats it as in the name of its result: `strip.level=debug`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}={}", self.rule, self.key, self.value)
    }
}

/// Splits at the commas.
fn split(values: &str) -> Vec<String> {
    let (mut out, mut depth, mut quote) = (vec![String::new()], 0_u32, None);
    for c in values.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out.into_iter().map(|v| v.trim().to_owned()).collect()
}

/// Returns the text of a profile with its rules changed. A text that is not TOML stays as it is: its reader reports the
/// mistake.
pub(super) fn apply(text: String, overrides: &[Override]) -> String {
    if overrides.is_empty() {
        return text;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let (table, syntax) = DeTable::parse_recoverable(&text);
    let rules = table.get_ref().iter().find(|(key, _)| key.get_ref() == "rule").map(|(_, rules)| rules.get_ref());
    if let (Some(DeValue::Array(rules)), true) = (rules, syntax.is_empty()) {
        for rule in rules.iter().filter_map(|rule| rule.get_ref().as_table()) {
            let value = |name: &str| rule.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value);
            let Some(id) = value("id") else { continue };
            for over in overrides.iter().filter(|o| id.get_ref().as_str() == Some(o.rule.as_str())) {
                match value(&over.key) {
                    Some(old) => edits.push((old.span(), over.toml())),
                    None => edits.push((id.span().end..id.span().end, format!("\n{} = {}", over.key, over.toml()))),
                }
            }
        }
    }
    drop(table);
    let mut text = text;
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, new) in edits {
        text.replace_range(span, &new);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Action, Request, resolve};

    fn parse(text: &str) -> Vec<Override> {
        Override::parse(text).unwrap()
    }

    #[test]
    fn values_are_parted_by_commas_outside_of_brackets() {
        let values = |text| parse(text).into_iter().map(|o| o.value).collect::<Vec<_>>();
        assert_eq!(values("strip.level=debug,all"), ["debug", "all"]);
        assert_eq!(values(r#"a.b.paths=["x","y"], ["z,w"]"#), [r#"["x","y"]"#, r#"["z,w"]"#]);
        assert_eq!((parse("a.b.c=1")[0].rule.as_str(), parse("a.b.c=1")[0].key.as_str()), ("a.b", "c"));
        for bad in ["", "a", "a.b", "a=b", ".b=c", "a.=c", "a.b=", "a.b=1,,2", "a.b c=1"] {
            assert!(Override::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_replaced_or_added_and_others_stay() {
        let text = "[[rule]]\nid = \"a\"\nlevel = \"all\" # why\n[[rule]]\nid = \"b\"\nlevel = \"all\"\n";
        let all = [parse("a.level=debug"), parse("b.timeout=60")].concat();
        let new = "[[rule]]\nid = \"a\"\nlevel = 'debug' # why\n[[rule]]\nid = \"b\"\ntimeout = 60\nlevel = \"all\"\n";
        assert_eq!(apply(text.to_owned(), &all), new);
        assert_eq!(apply("[[rule]".to_owned(), &all), "[[rule]");
    }

    #[test]
    fn the_profiles_own_errors_name_what_is_wrong() {
        let resolved = |text: &str| {
            let overrides = parse(text);
            let request = Request { profiles: &["strip".to_owned()], overrides: &overrides, ..Request::default() };
            resolve(&request, &|_| Err(std::io::ErrorKind::NotFound.into()))
        };
        let level = |text| match &resolved(text).unwrap().rules.iter().find(|r| r.id == "strip").unwrap().action {
            Action::Strip(strip) => strip.level,
            other => panic!("{other:?}"),
        };
        assert_ne!(level("strip.level=debug"), level("strip.level=all"));
        for (text, words) in [
            ("strip.level=most", ["unknown level `most`", "level = 'most'"]),
            ("strip.levle=all", ["unknown key `levle`", "level"]),
            ("strop.level=all", ["unknown rule `strop`", "did you mean `strip`?"]),
        ] {
            let e = resolved(text).unwrap_err().to_string();
            assert!(words.iter().all(|w| e.contains(w)), "{e}");
        }
    }
}
