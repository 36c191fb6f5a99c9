//! A value of a document as Go's decoder takes it, which all engines use: a field that is missing and one that is `null`
//! are empty. oci-spec's types are read from it, whose own reader asks for fields that engines do not.

use crate::{Digest, Error, ErrorKind, Result};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::fmt;

/// A value of a document, or none. Errors do not say the place.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    value: Option<&'a Value>,
    /// True for the digest of a descriptor: oci-spec takes those of any algorithm, slim those that it can check.
    is_digest: bool,
}

impl<'a> Field<'a> {
    /// The field with this value.
    pub const fn new(value: Option<&'a Value>) -> Self {
        Self { value, is_digest: false }
    }

    /// The value, unless it is missing or `null`.
    pub fn value(self) -> Option<&'a Value> {
        self.value.filter(|v| !v.is_null())
    }

    /// The members of an object, `None` if there is none.
    pub fn object(self) -> Result<Option<&'a Map<String, Value>>> {
        self.value().map(|v| v.as_object().ok_or_else(|| self.wrong("an object"))).transpose()
    }

    /// The elements of an array; none if there is no array.
    pub fn list(self) -> Result<&'a [Value]> {
        self.value().map_or(Ok(&[]), |v| v.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong("an array")))
    }

    /// A string, `None` if there is none.
    pub fn str(self) -> Result<Option<&'a str>> {
        self.value().map(|v| v.as_str().ok_or_else(|| self.wrong("a string"))).transpose()
    }

    /// A sha256 digest. The error is of [`ErrorKind::Unsupported`] for another algorithm.
    pub fn digest(self) -> Result<Digest> {
        let text = self.str()?.ok_or_else(|| self.wrong("a digest"))?;
        if let Some(digest) = Digest::parse(text) {
            return Ok(digest);
        }
        let known = text.starts_with("sha512:") || text.starts_with("sha384:") || text.starts_with("blake3:");
        let kind = if known { ErrorKind::Unsupported } else { ErrorKind::Archive };
        let found = format!("`{}`", clip(text));
        Err(Error::new(kind, "wrong digest").expected("`sha256:` and 64 lower-case hex digits", found))
    }

    fn wrong(self, expected: &str) -> Error {
        let found = match self.value {
            None => "nothing".to_owned(),
            Some(Value::Array(_)) => "an array".to_owned(),
            Some(Value::Object(_)) => "an object".to_owned(),
            Some(v) => clip(&v.to_string()),
        };
        Error::new(ErrorKind::Archive, "wrong value").expected(expected, found)
    }
}

impl<'de> Deserializer<'de> for Field<'de> {
    type Error = Error;

    /// The types of the documents say at each place what they take.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(self.wrong("nothing"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.value().is_some() { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.value().map(|v| v.as_bool().ok_or_else(|| self.wrong("true or false"))).transpose()?;
        visitor.visit_bool(value.unwrap_or_default())
    }

    /// `schemaVersion`, which engines do not ask for.
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let number = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        visitor.visit_u32(self.value().map_or(Ok(0), |v| number(v).ok_or_else(|| self.wrong("a number")))?)
    }

    /// The size of a blob, which is never missing.
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u64(self.value().and_then(Value::as_u64).ok_or_else(|| self.wrong("a number of bytes"))?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_digest {
            self.digest()?;
        }
        visitor.visit_str(self.str()?.unwrap_or_default())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(SeqDeserializer::new(self.list()?.iter().map(|v| Field::new(Some(v)))))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let members = self.object()?.into_iter().flatten();
        visitor.visit_map(MapDeserializer::new(members.map(|(key, value)| (key.as_str(), Field::new(Some(value))))))
    }

    /// Gives every field of the type, those that the document does not have as missing ones.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let object = self.object()?;
        let member = |key: &&'static str| {
            let value = object.and_then(|object| object.get(*key));
            (*key, Field { value, is_digest: *key == "digest" })
        };
        visitor.visit_map(MapDeserializer::new(fields.iter().map(member)))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct
        enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Field<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(ErrorKind::Archive, message.to_string())
    }
}

/// `text` with at most 80 characters, for messages.
pub fn clip(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::image::Doc;
    use crate::{Digest, ErrorKind};
    use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};
    use serde_json::{Value, json};

    fn descriptor(size: &Value) -> Value {
        json!({"mediaType": "x", "digest": Digest::of(b"").to_string(), "size": size})
    }

    /// oci-spec's own reader refuses each of these; engines take them, as Go's decoder does.
    #[test]
    fn what_is_missing_or_null_is_empty() {
        let untyped = json!({"digest": Digest::of(b"").to_string(), "size": 0, "platform": {}, "urls": null});
        let read: Descriptor = Doc::new(untyped.clone()).view("d").read().unwrap();
        assert_eq!(read.media_type().as_ref(), "");
        assert!(serde_json::from_value::<Descriptor>(untyped).is_err());
        let manifest = json!({"config": descriptor(&json!(0)), "layers": null});
        assert!(Doc::new(manifest.clone()).view("m").read::<ImageManifest>().unwrap().layers().is_empty());
        assert!(serde_json::from_value::<ImageManifest>(manifest).is_err());
        let empty = json!({"history": [{"created_by": null}], "config": {"Env": [null], "Labels": {"a": null}}});
        let read: ImageConfiguration = Doc::new(empty.clone()).view("c").read().unwrap();
        assert_eq!(read.os().to_string(), "");
        assert_eq!(read.labels_of_config().unwrap()["a"], "");
        assert!(serde_json::from_value::<ImageConfiguration>(empty).is_err());
    }

    #[test]
    fn wrong_values_are_told_with_their_place() {
        let manifest = |key: &str, value: Value| {
            let mut json = json!({"schemaVersion": 2, "config": descriptor(&json!(0)), "layers": []});
            json[key] = value;
            Doc::new(json).view("m").read::<ImageManifest>().unwrap_err()
        };
        let sha512 = json!({"digest": "sha512:00", "size": 1});
        for (key, value, told) in [
            ("layers", json!({}), "member m: wrong value at `layers`: expected an array, found an object"),
            ("layers", json!([[]]), "wrong value at `layers[0]`: expected an object, found an array"),
            ("layers", json!([descriptor(&json!(-1))]), "at `layers[0].size`: expected a number of bytes, found -1"),
            ("layers", json!([descriptor(&json!(null))]), "`layers[0].size`: expected a number of bytes, found null"),
            ("layers", json!([{}]), "wrong value at `layers[0].digest`: expected a digest, found nothing"),
            ("config", sha512, "wrong digest at `config.digest`: expected `sha256:` and 64 lower-case hex digits"),
            ("annotations", json!({"a": 1}), "wrong value at `annotations.a`: expected a string, found 1"),
            (
                "annotations",
                json!({"my.digest": "x", "b": {}}),
                "wrong value at `annotations.b`: expected a string, found an object",
            ),
            ("schemaVersion", json!("2"), "wrong value at `schemaVersion`: expected a number, found \\\"2\\\""),
        ] {
            let error = manifest(key, value);
            assert!(error.to_string().contains(told), "{error}");
            assert_eq!(error.kind == ErrorKind::Unsupported, key == "config", "{error}");
        }
    }
}
