//! Documents as types, such as those of oci-spec. A [`View`] is a serde deserializer, so a wrong value is told with its
//! place. Values are taken as Go's decoder takes them, which all engines use: a field that is missing or `null` is empty.

use super::doc::View;
use crate::{Error, ErrorKind, Result};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use std::fmt;

impl<'de> View<'de> {
    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// Returns an error, with the place in the document, if a value has another type than `T` has there.
    pub fn read<T: Deserialize<'de>>(&self) -> Result<T> {
        T::deserialize(self.clone())
    }
}

impl<'de> Deserializer<'de> for View<'de> {
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
        visitor.visit_str(self.str()?.unwrap_or_default())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(SeqDeserializer::new(self.list()?.into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let keys = self.object()?.into_iter().flat_map(|object| object.keys().map(String::as_str));
        let members = keys.map(|key| Ok((key, self.get(key)?))).collect::<Result<Vec<_>>>()?;
        visitor.visit_map(MapDeserializer::new(members.into_iter()))
    }

    /// Gives every field of the type, those that the document does not have as missing ones. oci-spec takes digests of any
    /// algorithm, slim those that it can check.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let mut members = Vec::with_capacity(fields.len());
        for field in fields {
            let member = self.get(field)?;
            if *field == "digest" {
                member.digest()?;
            }
            members.push((*field, member));
        }
        visitor.visit_map(MapDeserializer::new(members.into_iter()))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct
        enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for View<'de> {
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
