//! Parcels: input, output, item and chunk of the author's skills. One may carry a trap, which panics where the kernel calls its code.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which of a parcel's functions panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Trap {
    Drop,
    Serialize,
    /// JSON cannot hold it, which is no panic.
    NotJson,
    /// A number of it is none, which JSON cannot hold either, and nobody's serialiser says so.
    NotFinite,
    Deserialize,
    /// Its size cannot be told.
    Measure,
}

/// What a parcel says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Content {
    /// Of the parcel itself.
    pub(super) trap: Option<Trap>,
    /// Of the output that it asks for.
    pub(super) output: Option<Trap>,
    /// Of the items that it asks for.
    pub(super) item: Option<Trap>,
    /// Its work goes on until the fuse is open.
    pub(super) is_held: bool,
}

/// An author's value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parcel(pub(super) Content);

impl Parcel {
    pub(super) fn with(trap: Option<Trap>) -> Self {
        Self(Content {
            trap,
            ..Content::default()
        })
    }

    pub(super) fn held() -> Self {
        Self(Content {
            is_held: true,
            ..Content::default()
        })
    }

    /// Springs the trap of that function.
    pub(super) fn spring(&self, trap: Trap) {
        assert!(self.0.trap != Some(trap), "a parcel's {trap:?} panics");
    }

    /// Its JSON, which another process might have written.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.spring(Trap::Drop);
    }
}

impl Serialize for Parcel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.spring(Trap::Serialize);
        if self.0.trap == Some(Trap::NotJson) {
            return Err(serde::ser::Error::custom("no JSON for this"));
        }
        if self.0.trap == Some(Trap::NotFinite) {
            let number = BTreeMap::from([("share", f32::NAN)]);
            return number.serialize(serializer);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parcel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parcel = Self(Content::deserialize(deserializer)?);
        parcel.spring(Trap::Deserialize);
        Ok(parcel)
    }
}

impl JsonSchema for Parcel {
    fn schema_name() -> Cow<'static, str> {
        "Parcel".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Content::json_schema(generator)
    }
}
