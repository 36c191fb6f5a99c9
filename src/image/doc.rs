//! A JSON document with its bytes, and typed reads of it that say where a field has the wrong type.

use super::field::{Field, clip};
use crate::{Digest, Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The size in bytes of the largest document that is read. Real ones have some kilobytes.
pub const MAX_SIZE: u64 = 16 << 20;

/// A JSON document: an unedited one keeps its bytes, and so its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// The bytes.
    pub raw: Vec<u8>,
    /// The JSON value of the bytes; keys in their order.
    pub json: Value,
}

impl Doc {
    /// Parses `raw`; `name` is what an error calls the document.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Archive`] if it is longer than [`MAX_SIZE`], is no JSON, or is nested too deeply.
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

    /// This document with `json` in place of its own value; the same bytes if both values are equal.
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
        View::of(name, "", &self.json)
    }
}

/// The error for a document of `size` bytes, more than [`MAX_SIZE`].
#[must_use]
pub fn too_large(name: &str, size: u64) -> Error {
    let expected = format!("at most {MAX_SIZE} bytes");
    Error::new(ErrorKind::Archive, "document is too large").member(name.as_bytes()).expected(expected, size)
}

/// One place in a document.
#[derive(Clone, Debug)]
pub struct View<'a> {
    doc: &'a str,
    at: String,
    field: Field<'a>,
}

impl<'a> View<'a> {
    /// A view of a value that is not a document of its own.
    #[must_use]
    pub fn of(doc: &'a str, at: impl Into<String>, value: &'a Value) -> Self {
        Self { doc, at: at.into(), field: Field::new(Some(value)) }
    }

    /// The value, unless it is missing or `null`.
    #[must_use]
    pub fn value(&self) -> Option<&'a Value> {
        self.field.value()
    }

    /// Reads the value as a `T`, by the rules of [`Field`].
    ///
    /// # Errors
    /// Returns an error, with the place in the document, if a value has another type than `T` has there.
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T> {
        serde_path_to_error::deserialize(self.field).map_err(|error| {
            let below = error.path().to_string();
            let at = match (self.at.is_empty(), below.as_str()) {
                (_, ".") => self.at.clone(),
                (true, _) => below,
                (false, _) if below.starts_with('[') => format!("{}{below}", self.at),
                (false, _) => format!("{}.{below}", self.at),
            };
            Self { at, ..self.clone() }.place(error.into_inner())
        })
    }

    /// The member `key` of an object.
    ///
    /// # Errors
    /// Returns an error if this is something else than an object.
    pub fn get(&self, key: &str) -> Result<Self> {
        let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
        Ok(Self { doc: self.doc, at, field: Field::new(self.object()?.and_then(|o| o.get(key))) })
    }

    /// The members of an object, `None` if there is none.
    ///
    /// # Errors
    /// Returns an error if this is something else than an object.
    pub fn object(&self) -> Result<Option<&'a Map<String, Value>>> {
        self.field.object().map_err(|e| self.place(e))
    }

    /// The elements of an array; none if there is no array.
    ///
    /// # Errors
    /// Returns an error if this is something else than an array.
    pub fn list(&self) -> Result<Vec<Self>> {
        let list = self.field.list().map_err(|e| self.place(e))?;
        let item = |(i, v)| Self { doc: self.doc, at: format!("{}[{i}]", self.at), field: Field::new(Some(v)) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// A string.
    ///
    /// # Errors
    /// Returns an error if this is something else than a string.
    pub fn str(&self) -> Result<Option<&'a str>> {
        self.field.str().map_err(|e| self.place(e))
    }

    /// A sha256 digest.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Unsupported`] for another algorithm, [`ErrorKind::Archive`] for what is no digest.
    pub fn digest(&self) -> Result<Digest> {
        self.field.digest().map_err(|e| self.place(e))
    }

    /// An error that names this place.
    #[must_use]
    pub fn error(&self, kind: ErrorKind, what: &str) -> Error {
        self.place(Error::new(kind, what))
    }

    fn place(&self, mut error: Error) -> Error {
        if !self.at.is_empty() {
            error.what = format!("{} at `{}`", error.what, clip(&self.at));
        }
        error.member(self.doc.as_bytes())
    }
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
