//! A JSON document with its bytes, and typed reads of it that say where a field has the wrong type.

use crate::{Digest, Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// The largest document that is read. Real ones have some kilobytes.
pub const MAX_SIZE: u64 = 16 << 20;

/// A JSON document: an unedited one keeps its bytes, and so its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// The bytes.
    pub raw: Vec<u8>,
    /// What they say; keys in the order of the bytes.
    pub json: Value,
}

impl Doc {
    /// Parses `raw`; `name` is what an error calls the document.
    ///
    /// # Errors
    /// [`ErrorKind::Archive`] where it is longer than [`MAX_SIZE`], is no JSON, or is nested too deeply.
    pub fn parse(name: &str, raw: Vec<u8>) -> Result<Self> {
        if raw.len() as u64 > MAX_SIZE {
            return Err(too_large(name, raw.len() as u64));
        }
        match serde_json::from_slice(&raw) {
            Ok(json) => Ok(Self { raw, json }),
            Err(cause) => {
                Err(Error::new(ErrorKind::Archive, "not a JSON document").member(name.as_bytes()).cause(cause))
            }
        }
    }

    /// A new document of `json`, in compact form.
    #[must_use]
    pub fn new(json: Value) -> Self {
        Self { raw: json.to_string().into_bytes(), json }
    }

    /// This document with `json` in place of its own: the same bytes where that says the same.
    #[must_use]
    pub fn with(&self, json: Value) -> Self {
        if json == self.json { self.clone() } else { Self::new(json) }
    }

    /// The digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.raw)
    }

    /// The number of bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.raw.len() as u64
    }

    /// A typed reader of the whole document; `name` is what errors call it.
    #[must_use]
    pub fn view<'a>(&'a self, name: &'a str) -> View<'a> {
        View { doc: name, at: String::new(), value: Some(&self.json) }
    }
}

/// The error for a document of `size` bytes, more than [`MAX_SIZE`].
#[must_use]
pub fn too_large(name: &str, size: u64) -> Error {
    let expected = format!("at most {MAX_SIZE} bytes");
    Error::new(ErrorKind::Archive, "document is too large").member(name.as_bytes()).expected(expected, size)
}

/// One place in a document. A field that is missing and one that is `null` read alike, as Go's decoder has it, which
/// wrote nearly all of these documents.
#[derive(Clone, Debug)]
pub struct View<'a> {
    doc: &'a str,
    at: String,
    value: Option<&'a Value>,
}

impl<'a> View<'a> {
    /// A view of a value that is not a document of its own.
    #[must_use]
    pub fn of(doc: &'a str, at: impl Into<String>, value: &'a Value) -> Self {
        Self { doc, at: at.into(), value: Some(value) }
    }

    /// The value, unless it is missing or `null`.
    #[must_use]
    pub fn value(&self) -> Option<&'a Value> {
        self.value.filter(|v| !v.is_null())
    }

    /// The member `key` of an object.
    ///
    /// # Errors
    /// Where this is something else than an object.
    pub fn get(&self, key: &str) -> Result<Self> {
        let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
        Ok(Self { doc: self.doc, at, value: self.object()?.and_then(|o| o.get(key)) })
    }

    /// The members of an object, `None` where there is none.
    ///
    /// # Errors
    /// Where this is something else than an object.
    pub fn object(&self) -> Result<Option<&'a Map<String, Value>>> {
        self.value().map(|v| v.as_object().ok_or_else(|| self.wrong("an object"))).transpose()
    }

    /// The elements of an array; none where there is no array.
    ///
    /// # Errors
    /// Where this is something else than an array.
    pub fn list(&self) -> Result<Vec<Self>> {
        let Some(value) = self.value() else {
            return Ok(Vec::new());
        };
        let list = value.as_array().ok_or_else(|| self.wrong("an array"))?;
        let item = |(i, v)| Self { doc: self.doc, at: format!("{}[{i}]", self.at), value: Some(v) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// A string.
    ///
    /// # Errors
    /// Where this is something else than a string.
    pub fn str(&self) -> Result<Option<&'a str>> {
        self.value().map(|v| v.as_str().ok_or_else(|| self.wrong("a string"))).transpose()
    }

    /// A sha256 digest.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for another algorithm, [`ErrorKind::Archive`] for what is no digest.
    pub fn digest(&self) -> Result<Digest> {
        let text = self.str()?.ok_or_else(|| self.wrong("a digest"))?;
        if let Some(digest) = Digest::parse(text) {
            return Ok(digest);
        }
        let known = text.starts_with("sha512:") || text.starts_with("sha384:") || text.starts_with("blake3:");
        let kind = if known { ErrorKind::Unsupported } else { ErrorKind::Archive };
        let found = format!("`{}`", clip(text));
        Err(self.error(kind, "wrong digest").expected("`sha256:` and 64 lower-case hex digits", found))
    }

    /// An error that names this place.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, what: &str) -> Error {
        let at = if self.at.is_empty() { String::new() } else { format!(" at `{}`", clip(&self.at)) };
        Error::new(kind, format!("{what}{at}")).member(self.doc.as_bytes())
    }

    pub(super) fn wrong(&self, expected: &str) -> Error {
        let found = match self.value {
            None => "nothing".to_owned(),
            Some(v @ (Value::Array(_) | Value::Object(_))) => {
                if v.is_array() { "an array" } else { "an object" }.into()
            }
            Some(v) => clip(&v.to_string()),
        };
        self.error(ErrorKind::Archive, "wrong value").expected(expected, found)
    }
}

/// `text` with at most 80 characters, for messages.
fn clip(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unedited_document_keeps_its_bytes() {
        let raw = b"{ \"b\": 1, \"a\": [ 2 ] }".to_vec();
        let doc = Doc::parse("x.json", raw.clone()).unwrap();
        assert_eq!(doc.with(doc.json.clone()).raw, raw);
        let mut json = doc.json.clone();
        json["a"] = json!(3);
        assert_eq!(doc.with(json).raw, br#"{"b":1,"a":3}"#);
    }

    #[test]
    fn deep_and_broken_documents_are_errors_that_name_them() {
        let deep = "[".repeat(100_000).into_bytes();
        for raw in [deep, b"<html>".to_vec(), vec![], b"{}x".to_vec(), b"\xff".to_vec()] {
            let e = Doc::parse("index.json", raw).unwrap_err();
            assert_eq!((e.kind, e.member.as_deref()), (ErrorKind::Archive, Some("index.json")));
        }
        assert!(Doc::parse("x", vec![b' '; MAX_SIZE as usize + 1]).unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn fields_of_the_wrong_type_are_named() {
        let doc = Doc::new(json!({"config": {"Env": ["A=1", 2], "User": null}, "size": -1, "d": "sha512:00"}));
        let view = doc.view("c.json");
        let config = view.get("config").unwrap();
        assert_eq!(config.get("User").unwrap().str().unwrap(), None);
        assert_eq!(config.get("Missing").unwrap().read::<Vec<String>>().unwrap(), Vec::<String>::new());
        let e = config.get("Env").unwrap().read::<Vec<String>>().unwrap_err().to_string();
        assert_eq!(e, "member c.json: wrong value at `config.Env[1]`: expected a string, found 2");
        assert!(view.get("size").unwrap().read::<u64>().is_err());
        assert!(view.get("size").unwrap().get("x").is_err());
        assert_eq!(view.get("d").unwrap().digest().unwrap_err().kind, ErrorKind::Unsupported);
    }
}
