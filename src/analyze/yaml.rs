//! The part of YAML that `.dive-ci` needs: one value under a key, as dive's own reader (viper over yaml.v3) would return it as
//! a string.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use std::collections::HashMap;
use std::rc::Rc;

/// The most levels of nesting: no rules file has more.
const MOST_DEEP: usize = 64;
/// The message about deeper ones.
const DEEP: &str = "nested too deep";

/// A value of a document.
#[derive(Debug)]
enum Value {
    /// `null`, also if nothing is written.
    Null,
    Text(String),
    List(Vec<Rc<Value>>),
    Map(Vec<(String, Rc<Value>)>),
}

/// A document's first mapping.
#[derive(Debug)]
pub struct Document(Rc<Value>);

/// The value under a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or `null`.
    Nothing,
    /// This text; empty for a value that cannot be a string.
    Text(String),
}

impl Document {
    /// Reads the first document; an empty one is an empty mapping.
    ///
    /// # Errors
    /// Returns a sentence with line and column if the text is no YAML, has a key twice, or is no mapping.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| unreadable(&e))?;
            let place = |what: String| at(&what, &span.start);
            if let Some(root) = reader.take(event).map_err(place)? {
                return match *root {
                    Value::Map(_) => Ok(Self(root)),
                    Value::Null => Ok(Self(Rc::new(Value::Map(Vec::new())))),
                    Value::Text(_) | Value::List(_) => Err("not a mapping at its top".to_owned()),
                };
            }
        }
        Ok(Self(Rc::new(Value::Map(Vec::new()))))
    }

    /// Returns the value under `outer.inner`, whatever the case of the keys; `outer.inner` may also be one key.
    #[must_use]
    pub fn get(&self, outer: &str, inner: &str) -> Found {
        if let Some(text) = self.0.child(&format!("{outer}.{inner}")).and_then(|v| v.text()) {
            return Found::Text(text);
        }
        match self.0.child(outer).as_deref() {
            None | Some(Value::Null) => Found::Nothing,
            Some(map @ Value::Map(_)) => {
                map.child(inner).and_then(|value| value.text()).map_or(Found::Nothing, Found::Text)
            }
            Some(Value::Text(_) | Value::List(_)) => Found::Text(String::new()),
        }
    }

    /// Returns the keys of the document as they are written, and those under `outer`; these include keys written as
    /// `OUTER.KEY`.
    #[must_use]
    pub fn keys(&self, outer: &str) -> [Vec<String>; 2] {
        let keys = |value: Option<&Value>| match value {
            Some(Value::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).filter(|key| key != "<<").collect(),
            _ => Vec::new(),
        };
        let (all, mut inner): (Vec<String>, Vec<String>) = (keys(Some(&self.0)), keys(self.0.child(outer).as_deref()));
        let (mut own, prefix) = (Vec::new(), format!("{outer}."));
        for key in all {
            match key.get(..prefix.len()) {
                Some(start) if start.eq_ignore_ascii_case(&prefix) => inner.push(key[prefix.len()..].to_owned()),
                _ => own.push(key),
            }
        }
        [own, inner]
    }
}

fn at(what: &str, mark: &Marker) -> String {
    format!("{what} at line {} column {}", mark.line(), mark.col() + 1)
}

/// Returns the message for the scanner's error. It reads ahead, and so meets its own limit of nested brackets before any event
/// meets slim's.
fn unreadable(error: &ScanError) -> String {
    let deep = error.info().contains("recursion limit");
    if deep { at(DEEP, error.marker()) } else { error.to_string() }
}

impl Value {
    /// Returns the string that viper's `GetString` returns; `None` for `null`.
    fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::List(_) | Self::Map(_) => Some(String::new()),
        }
    }

    /// Returns the value under a key, in whatever case; values that `<<` merges in come after those that are written.
    fn child(&self, key: &str) -> Option<Rc<Self>> {
        let Self::Map(entries) = self else { return None };
        let own = entries.iter().rev().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.clone());
        own.or_else(|| {
            let merged = &entries.iter().find(|(k, _)| k == "<<")?.1;
            let of = |map: &Rc<Self>| match &**map {
                Self::Map(entries) => entries.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.clone()),
                _ => None,
            };
            match &**merged {
                Self::List(maps) => maps.iter().find_map(of),
                _ => of(merged),
            }
        })
    }
}

/// A collection that is not complete.
enum Open {
    List(usize, Vec<Rc<Value>>),
    /// With a key that waits for its value.
    Map(usize, Vec<(String, Rc<Value>)>, Option<String>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Value>>,
}

impl Reader {
    /// Takes an event; returns the whole document once it is complete.
    fn take(&mut self, event: Event<'_>) -> Result<Option<Rc<Value>>, String> {
        let (anchor, value) = match event {
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open::List(anchor, Vec::new()));
                return self.check_depth();
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::Map(anchor, Vec::new(), None));
                return self.check_depth();
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(anchor, list)) => (anchor, Rc::new(Value::List(list))),
                Some(Open::Map(anchor, map, _)) => (anchor, Rc::new(Value::Map(map))),
                None => return Ok(None),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if plain { resolve(&text) } else { Value::Text(text.into_owned()) };
                (anchor, Rc::new(value))
            }
            Event::Alias(anchor) => (0, self.anchors.get(&anchor).cloned().ok_or("an alias of itself")?),
            _ => return Ok(None),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.put(value)
    }

    fn check_depth(&self) -> Result<Option<Rc<Value>>, String> {
        if self.open.len() > MOST_DEEP { Err(DEEP.to_owned()) } else { Ok(None) }
    }

    fn put(&mut self, value: Rc<Value>) -> Result<Option<Rc<Value>>, String> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::List(_, list)) => list.push(value),
            Some(Open::Map(_, map, waiting)) => match waiting.take() {
                Some(key) => map.push((key, value)),
                None => {
                    let key = value.text().unwrap_or_else(|| "null".to_owned());
                    if map.iter().any(|(known, _)| *known == key) {
                        return Err(format!("the key {key} is there twice"));
                    }
                    *waiting = Some(key);
                }
            },
        }
        Ok(None)
    }
}

/// Resolves a plain scalar as yaml.v3 does, and writes it as Go prints it: numbers lose their underscores and bases.
fn resolve(plain: &str) -> Value {
    if ["", "~", "null", "Null", "NULL"].contains(&plain) {
        return Value::Null;
    }
    let text = integer(plain).map(|n| n.to_string()).or_else(|| float(plain)).unwrap_or_else(|| plain.to_owned());
    Value::Text(text)
}

/// Reads a number like Go's `ParseInt` with base 0, for which a leading 0 means octal.
fn integer(plain: &str) -> Option<i64> {
    let digits = plain.replace('_', "");
    let (sign, rest) = match digits.strip_prefix(['-', '+']) {
        Some(rest) => (if digits.starts_with('-') { "-" } else { "" }, rest),
        None => ("", digits.as_str()),
    };
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lower = rest.to_ascii_lowercase();
    let (base, number) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if rest.len() > 1 && rest.starts_with('0') {
        (8, &rest[1..])
    } else {
        (10, rest)
    };
    // A second sign is not allowed.
    let bare = number.chars().all(|c| c.is_ascii_alphanumeric());
    if bare { i64::from_str_radix(&format!("{sign}{number}"), base).ok() } else { None }
}

fn float(plain: &str) -> Option<String> {
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(if plain.starts_with('-') { "-Inf" } else { "+Inf" }.to_owned()),
        ".nan" | ".NaN" | ".NAN" if plain == unsigned => return Some("NaN".to_owned()),
        _ => {}
    }
    let digits = plain.replace('_', "");
    let looks = digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let number: f64 = digits.parse().ok().filter(|_| looks)?;
    number.is_finite().then(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str) -> Found {
        Document::parse(text).unwrap().get("rules", "lowestEfficiency")
    }

    #[test]
    fn values_are_found_as_viper_finds_them() {
        let text = |t: &str| Found::Text(t.to_owned());
        for (yaml, found) in [
            ("rules:\n  lowestEfficiency: 0.95\n", text("0.95")),
            ("RULES:\n  lowestefficiency: 1\n", text("1")),
            ("rules.lowestEfficiency: 0.3\nrules:\n  lowestEfficiency: 0.4", text("0.3")),
            ("rules: {lowestEfficiency: 'disabled', other/x: error}", text("disabled")),
            ("rules:\n  lowestEfficiency: ~\n", Found::Nothing),
            ("rules:\n", Found::Nothing),
            ("", Found::Nothing),
            ("---\n...\n", Found::Nothing),
            ("rules: 5\n", text("")),
            ("rules: []\n", text("")),
            ("rules:\n  lowestEfficiency: [1]\n", text("")),
            ("rules:\n  lowestEfficiency: ''\n", text("")),
            ("rules:\n  lowestEfficiency: 1_0\n", text("10")),
            ("rules:\n  lowestEfficiency: 010\n", text("8")),
            ("rules:\n  lowestEfficiency: '010'\n", text("010")),
            ("rules:\n  lowestEfficiency: 0o10\n", text("8")),
            ("rules:\n  lowestEfficiency: 1e6\n", text("1000000")),
            ("rules:\n  lowestEfficiency: .nan\n", text("NaN")),
            ("rules:\n  lowestEfficiency: 20Mb\n", text("20Mb")),
            ("rules:\n  lowestEfficiency: 0x-5\n", text("0x-5")),
            ("x: &a 0.5\nrules:\n  lowestEfficiency: *a\n", text("0.5")),
            ("x: &a {lowestEfficiency: 0.7}\nrules:\n  <<: *a\n", text("0.7")),
            ("rules:\n  lowestEfficiency: 1\n---\nrules:\n  lowestEfficiency: 2\n", text("1")),
        ] {
            assert_eq!(get(yaml), found, "{yaml}");
        }
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_its_place() {
        for (yaml, word) in [
            ("- a\n", "mapping"),
            ("x\n", "mapping"),
            ("a: [\n", "line"),
            ("rules:\n\tlowestEfficiency: 1\n", "line"),
            ("a: 1\na: 2\n", "twice"),
            ("&a [*a]\n", ""),
        ] {
            let error = Document::parse(yaml).unwrap_err();
            assert!(error.contains(word), "{yaml}: {error}");
        }
        for deep in ["[", "{a: ", "- ", "? "] {
            let error = Document::parse(&deep.repeat(100_000)).unwrap_err();
            assert!(error.contains("nested too deep at line 1 column "), "{deep}: {error}");
        }
    }
}
