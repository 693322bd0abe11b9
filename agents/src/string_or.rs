//! Inputs that may be given in short: a plain string instead of fields or of a list.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A plain string, or the whole input.
///
/// Which of the two it is shows at its first character, so that what is wrong within it is told
/// with the field that it is wrong in. serde's own enum without a tag tries each form and says only
/// that none of them fits.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum StringOr<T> {
    String(String),
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = StringOr<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, or what it stands for in full")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StringOr<T>, E> {
        Ok(StringOr::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<StringOr<T>, E> {
        Ok(StringOr::String(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<StringOr<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(StringOr::Value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<StringOr<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(StringOr::Value)
    }
}
