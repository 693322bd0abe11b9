//! Numbers that JSON has no word for: infinities, and what is no number. serde_json writes `null` in their place and says nothing.
//!
//! A JSON without `null` has lost none. Only where there is one, the value is gone through once more: an absent value is `null` too.

use std::fmt::{self, Display};

use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Holds that no number of `value` became `null` in `json`.
///
/// # Errors
/// Names the first one that did, with its field.
pub(super) fn check<T: Serialize>(value: &T, json: &Value) -> Result<(), String> {
    if !has_null(json) {
        return Ok(());
    }
    match value.serialize(Search) {
        Err(Stop::At(found)) => Err(found.to_string()),
        Ok(()) | Err(Stop::Unsearchable) => Ok(()),
    }
}

fn has_null(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

/// Goes through a value, and stops at the first number that is not finite.
struct Search;

/// Why a search ended early.
#[derive(Debug)]
enum Stop {
    At(Found),
    /// What its author says is wrong with a value, which it did not say when it became JSON.
    Unsearchable,
}

/// A number that is not finite, and where it is.
#[derive(Debug)]
struct Found {
    number: f64,
    path: String,
}

impl Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected a finite number")?;
        if !self.path.is_empty() {
            write!(formatter, " in `{}`", self.path)?;
        }
        write!(
            formatter,
            ", got {}, which JSON has no word for",
            self.number
        )
    }
}

impl Stop {
    fn within(mut self, place: &str) -> Self {
        if let Self::At(found) = &mut self {
            let dot = match found.path.chars().next() {
                None | Some('[') => "",
                Some(_) => ".",
            };
            found.path = format!("{place}{dot}{}", found.path);
        }
        self
    }
}

impl Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(found) => found.fmt(formatter),
            Self::Unsearchable => formatter.write_str("it cannot be gone through"),
        }
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: Display>(_: T) -> Self {
        Self::Unsearchable
    }
}

/// The parts of a value, one after the other.
struct Parts {
    /// The name that all of them are under.
    variant: Option<&'static str>,
    at: usize,
}

impl Parts {
    fn of(variant: Option<&'static str>) -> Self {
        Self { variant, at: 0 }
    }

    fn part<T: Serialize + ?Sized>(
        &self,
        value: &T,
        place: impl FnOnce() -> String,
    ) -> Result<(), Stop> {
        value.serialize(Search).map_err(|stop| {
            let stop = stop.within(&place());
            match self.variant {
                Some(variant) => stop.within(variant),
                None => stop,
            }
        })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let at = self.at;
        self.at += 1;
        self.part(value, || format!("[{at}]"))
    }

    fn field<T: Serialize + ?Sized>(&self, name: &'static str, value: &T) -> Result<(), Stop> {
        self.part(value, || name.to_owned())
    }
}

macro_rules! finite {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, _: $type) -> Result<(), Stop> {
            Ok(())
        })*
    };
}

impl Serializer for Search {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    finite!(
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_u128: u128, serialize_unit_struct: &'static str
    );

    fn serialize_f32(self, number: f32) -> Result<(), Stop> {
        self.serialize_f64(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Stop> {
        match number.is_finite() {
            true => Ok(()),
            false => Err(Stop::At(Found {
                number,
                path: String::new(),
            })),
        }
    }

    fn serialize_none(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self).map_err(|stop| stop.within(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Stop> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Stop> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Stop> {
        Ok(Parts::of(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Stop> {
        Ok(Parts::of(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Stop> {
        Ok(Parts::of(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Stop> {
        Ok(Parts::of(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Stop> {
        Ok(Parts::of(Some(variant)))
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Stop> {
        Ok(())
    }
}

macro_rules! parts {
    ($($kind:ident, $method:ident($($name:ident: $type:ty)?) => $part:ident;)*) => {
        $(impl $kind for Parts {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: $type,)?
                value: &T,
            ) -> Result<(), Stop> {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq, serialize_element() => element;
    SerializeTuple, serialize_element() => element;
    SerializeTupleStruct, serialize_field() => element;
    SerializeTupleVariant, serialize_field() => element;
    SerializeStruct, serialize_field(name: &'static str) => field;
    SerializeStructVariant, serialize_field(name: &'static str) => field;
}

impl SerializeMap for Parts {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.part(value, || "?".to_owned())
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        let name = || match serde_json::to_value(key) {
            Ok(Value::String(name)) => name,
            Ok(other) => other.to_string(),
            Err(_) => "?".to_owned(),
        };
        self.part(value, name)
    }

    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default, Serialize)]
    struct Scores {
        mean: Option<f64>,
        all: Vec<Kind>,
        named: BTreeMap<u8, (f32, f32)>,
        #[serde(flatten)]
        more: More,
    }

    #[derive(Default, Serialize)]
    struct More {
        most: f32,
    }

    #[derive(Serialize)]
    enum Kind {
        None,
        One(f64),
        Two(u8, f64),
        Named { width: f64 },
        Nothing(Option<f64>),
    }

    fn said<T: Serialize>(value: &T) -> Result<(), String> {
        check(value, &serde_json::to_value(value).unwrap())
    }

    #[test]
    fn a_number_that_json_has_no_word_for_is_named_with_its_field() {
        let of = |kind| Scores {
            all: vec![Kind::None, kind],
            ..Scores::default()
        };
        let cases = [
            (of(Kind::One(f64::NAN)), "all[1].One", "NaN"),
            (of(Kind::Two(1, f64::INFINITY)), "all[1].Two[1]", "inf"),
            (
                of(Kind::Named {
                    width: f64::NEG_INFINITY,
                }),
                "all[1].Named.width",
                "-inf",
            ),
            (of(Kind::Nothing(Some(f64::NAN))), "all[1].Nothing", "NaN"),
            (
                Scores {
                    mean: Some(f64::NAN),
                    ..Scores::default()
                },
                "mean",
                "NaN",
            ),
            (
                Scores {
                    named: BTreeMap::from([(7, (0.0, f32::NAN))]),
                    ..Scores::default()
                },
                "named.7[1]",
                "NaN",
            ),
            (
                Scores {
                    more: More {
                        most: f32::INFINITY,
                    },
                    ..Scores::default()
                },
                "most",
                "inf",
            ),
        ];
        for (value, path, number) in cases {
            let words = format!(
                "expected a finite number in `{path}`, got {number}, which JSON has no word for"
            );
            assert_eq!(said(&value), Err(words));
        }
        assert_eq!(
            said(&f32::NAN),
            Err("expected a finite number, got NaN, which JSON has no word for".to_owned())
        );
    }

    #[test]
    fn what_is_absent_may_be_null() {
        let absent = [Kind::None, Kind::Nothing(None), Kind::One(f64::MAX)];
        assert_eq!(said(&absent), Ok(()));
        assert_eq!(said(&()), Ok(()));
        assert_eq!(said(&Scores::default()), Ok(()));
        assert_eq!(said(&Value::Null), Ok(()));
    }
}
