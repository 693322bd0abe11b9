//! The forms of values that TOML has no type for: durations, sizes, `none`, and the flush policy.
//!
//! A field names its form: `#[serde(with = "OrNone::<Span>")]`.

use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Fsync;
use crate::units::{format_duration, format_size, parse_duration, parse_size};

/// How a value is written, and read again.
pub(crate) trait Form<T> {
    /// Writes the value.
    fn serialize<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the value.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}

/// The form that the value's own type has.
pub(crate) struct Plain;

/// A duration, written `"10s"`.
pub(crate) struct Span;

/// A size in bytes, written `"256MiB"` or as a whole number.
pub(crate) struct Bytes;

/// A value of another form, or `"none"` where the user wants it to be absent: TOML has no null.
pub(crate) struct OrNone<F>(PhantomData<F>);

impl<T: Serialize + DeserializeOwned> Form<T> for Plain {
    fn serialize<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

impl Form<Duration> for Span {
    fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*value))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = || D::Error::custom("expected a duration such as \"10s\"");
        parse_duration(&text).ok_or_else(refused)
    }
}

impl Form<u64> for Bytes {
    fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_size(*value))
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let bytes = match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(number) => u64::try_from(number).ok(),
            toml::Value::String(text) => parse_size(&text),
            _ => None,
        };
        bytes.ok_or_else(|| D::Error::custom("expected a size such as \"256MiB\""))
    }
}

impl<T, F: Form<T>> Form<Option<T>> for OrNone<F> {
    fn serialize<S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => F::serialize(value, serializer),
            None => serializer.serialize_str("none"),
        }
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) if text == "none" => Ok(None),
            value => F::deserialize(value).map(Some).map_err(D::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Fsync {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let interval = text.strip_prefix("every ").and_then(parse_duration);
        match (text.as_str(), interval) {
            ("always", _) => Ok(Self::Always),
            ("never", _) => Ok(Self::Never),
            (_, Some(interval)) => Ok(Self::Every(interval)),
            _ => Err(D::Error::custom("expected always, never, or every 50ms")),
        }
    }
}

impl Serialize for Fsync {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_str("always"),
            Self::Never => serializer.serialize_str("never"),
            Self::Every(interval) => {
                serializer.serialize_str(&format!("every {}", format_duration(*interval)))
            }
        }
    }
}
