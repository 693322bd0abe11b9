//! Sizes in bytes, written `"256MiB"` or as a whole number: for settings, with `#[serde(with = "aimass_config::byte_size")]`.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;

use crate::units::{format_size, parse_size};

/// What a size must be.
pub const RULE: &str = "a size from 1KiB to 1024TiB such as \"256MiB\", or a whole number of bytes";
const LEAST: u64 = 1 << 10;
const MOST: u64 = 1 << 50;

/// Reads a size.
///
/// # Errors
/// It is none, or too large or small to be meant.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Size)
}

/// Writes a size so that [`deserialize`] reads the same value.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_size(*bytes as u64))
}

struct Size;

impl Size {
    fn checked<E: Error>(bytes: Option<u64>, found: Unexpected<'_>) -> Result<usize, E> {
        let bytes = bytes.filter(|bytes| (LEAST..=MOST).contains(bytes));
        let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        bytes.ok_or_else(|| E::invalid_value(found, &RULE))
    }
}

impl Visitor<'_> for Size {
    type Value = usize;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(RULE)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<usize, E> {
        Self::checked(u64::try_from(number).ok(), Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
        Self::checked(Some(number), Unexpected::Unsigned(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let bytes = parse_size(text).or_else(|| text.parse().ok());
        Self::checked(bytes, Unexpected::Str(text))
    }
}
