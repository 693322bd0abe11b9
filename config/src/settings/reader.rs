//! Reads settings for serde, and tells what is wrong with them as the rest of the configuration is told: with place, key, rule and value.

use std::cell::Cell;
use std::fmt::Display;

use aimass_locale::{Text, text};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Value;

use super::{AgentSettings, byte_size};
use crate::Places;
use crate::check::{near, quoted};
use crate::document::Node;
use crate::error::Problem;
use crate::rule::{found, one_of};

/// The keys of the outermost table, once they are known.
type Known = Cell<Option<&'static [&'static str]>>;

/// Why settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// A value is something else.
    #[error("expected {}", .0.english)]
    Expected(Text),
    /// A table lacks a key.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A key of the innermost table is none.
    #[error("unknown key `{key}`")]
    Unknown {
        key: String,
        known: &'static [&'static str],
    },
    /// What the author of a type says.
    #[error("{0}")]
    Said(String),
    /// It is known what is wrong where.
    #[error("not what it must be")]
    Placed(Vec<Problem>),
}

impl Refusal {
    /// This refusal, of the value of a key; unless it is known to be of one deeper down.
    fn at(self, key: &str, value: Option<&Value>, places: &Places) -> Self {
        let place = places.of_key(key);
        let key = key.to_owned();
        let found = || value.map_or_else(|| "a table".to_owned(), shown);
        Self::Placed(vec![match self {
            Self::Placed(problems) => return Self::Placed(problems),
            Self::Expected(rule) => Problem::BrokenRule {
                key,
                place,
                rule,
                found: found(),
            },
            Self::Missing(name) => Problem::MissingKey {
                key: format!("{key}.{name}"),
                place,
                rule: text!("set", "已设置的"),
            },
            Self::Unknown { key: name, known } => unknown(&key, &name, known, places),
            Self::Said(message) => Problem::Refused {
                key,
                place,
                message,
                found: found(),
            },
        }])
    }

    /// All that is wrong, of a value of that key unless it is known to be of one deeper down.
    pub(super) fn problems(self, key: &str, places: &Places) -> Vec<Problem> {
        match self.at(key, None, places) {
            Self::Placed(problems) => problems,
            _ => Vec::new(),
        }
    }
}

fn shown(value: &Value) -> String {
    found(&Node::from_value(value.clone()).item)
}

fn unknown(table: &str, name: &str, known: &[&str], places: &Places) -> Problem {
    let key = format!("{table}.{}", quoted(name));
    Problem::UnknownKey {
        place: places.of_key(&key),
        key,
        nearest: near(known.iter().copied(), name),
    }
}

impl Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self::Said(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(rule(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(rule(&expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::Expected(rule(&expected.to_string()))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        let known: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
        Self::Expected(one_of(&known))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown {
            key: name.to_owned(),
            known,
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name)
    }
}

/// What serde expects, in the words of the configuration.
fn rule(expected: &str) -> Text {
    let whole = |least: &dyn Display, most: &dyn Display| {
        text!(
            "a whole number from {least} to {most}",
            "{least} 到 {most} 的整数"
        )
    };
    match expected {
        "u8" => whole(&u8::MIN, &u8::MAX),
        "u16" => whole(&u16::MIN, &u16::MAX),
        "u32" => whole(&u32::MIN, &u32::MAX),
        "u64" | "usize" => text!("a whole number from 0 up", "不小于 0 的整数"),
        "i8" => whole(&i8::MIN, &i8::MAX),
        "i16" => whole(&i16::MIN, &i16::MAX),
        "i32" => whole(&i32::MIN, &i32::MAX),
        "i64" | "isize" => text!("a whole number", "整数"),
        "f32" | "f64" => text!("a number", "数字"),
        "a boolean" => text!("`true` or `false`", "`true` 或 `false`"),
        "a string" => text!("text", "文本"),
        "a sequence" => text!("a list", "列表"),
        "a map" => text!("a table", "表"),
        structure if structure.starts_with("struct ") => text!("a table", "表"),
        byte_size::RULE => Text {
            english: byte_size::RULE.to_owned(),
            chinese: "1KiB 到 1024TiB 的大小，如 \"256MiB\"，或整数字节数".to_owned(),
        },
        // As the author of a type says it.
        other => other.into(),
    }
}

/// A value with the name of its key.
pub(super) struct Reader<'a> {
    key: String,
    /// `None` stands for all settings of the agent.
    value: Option<&'a Value>,
    settings: &'a AgentSettings,
    known: &'a Known,
}

impl<'a> Reader<'a> {
    /// All settings of an agent.
    pub(super) fn of(settings: &'a AgentSettings, known: &'a Known) -> Self {
        Self {
            key: settings.key(""),
            value: None,
            settings,
            known,
        }
    }

    fn below(&self, key: String, value: &'a Value) -> Self {
        Self {
            key,
            value: Some(value),
            ..*self
        }
    }

    fn placed<T>(self, read: Result<T, Refusal>) -> Result<T, Refusal> {
        read.map_err(|refusal| refusal.at(&self.key, self.value, &self.settings.places))
    }

    fn visit<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Refusal> {
        match self.value {
            Some(Value::String(text)) => visitor.visit_str(text),
            Some(Value::Integer(number)) => visitor.visit_i64(*number),
            Some(Value::Float(number)) => visitor.visit_f64(*number),
            Some(Value::Boolean(switch)) => visitor.visit_bool(*switch),
            Some(Value::Datetime(date)) => visitor.visit_string(date.to_string()),
            Some(Value::Array(values)) => {
                let values = values.iter().enumerate();
                let values =
                    values.map(|(at, value)| self.below(format!("{}[{at}]", self.key), value));
                visitor.visit_seq(SeqDeserializer::new(values))
            }
            Some(Value::Table(table)) => {
                let values = table.iter().map(|(name, value)| {
                    let key = format!("{}.{}", self.key, quoted(name));
                    (name.as_str(), self.below(key, value))
                });
                visitor.visit_map(MapDeserializer::new(values))
            }
            None => {
                let settings = &self.settings.settings;
                let values = settings.own.iter().map(|(name, value)| {
                    (name.as_str(), self.below(self.settings.key(name), value))
                });
                visitor.visit_map(MapDeserializer::new(values))
            }
        }
    }

    /// The outermost table, for a type that has these keys.
    fn visit_all<'de, V: Visitor<'de>>(
        &self,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.known.set(Some(known));
        let unknown = self.settings.unknown(known);
        if !unknown.is_empty() {
            return Err(Refusal::Placed(unknown));
        }
        let values = known.iter().filter_map(|name| {
            let value = self.settings.settings.in_force(name)?;
            Some((*name, self.below(self.settings.key_in_force(name), value)))
        });
        visitor.visit_map(MapDeserializer::new(values))
    }

    /// What a text says that stands for something else: so a variable says it.
    fn meant<T: std::str::FromStr>(&self) -> Option<T> {
        self.value?.as_str()?.parse().ok()
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Refusal;

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let read = self.visit(visitor);
        self.placed(read)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let read = match self.meant::<i64>() {
            Some(number) => visitor.visit_i64(number),
            None => self.visit(visitor),
        };
        self.placed(read)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let read = match self.meant() {
            Some(switch) => visitor.visit_bool(switch),
            None => self.visit(visitor),
        };
        self.placed(read)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let read = match self.meant() {
            Some(number) => visitor.visit_f64(number),
            None => self.visit(visitor),
        };
        self.placed(read)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let read = match self.value {
            None => self.visit_all(known, visitor),
            Some(Value::Table(table)) => {
                let names = table.keys().filter(|name| !known.contains(&name.as_str()));
                let places = &self.settings.places;
                let unknown: Vec<Problem> = names
                    .map(|name| unknown(&self.key, name, known, places))
                    .collect();
                match unknown.is_empty() {
                    true => self.visit(visitor),
                    false => Err(Refusal::Placed(unknown)),
                }
            }
            Some(_) => self.visit(visitor),
        };
        self.placed(read)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let read = match self.value {
            Some(Value::String(name)) => visitor.visit_enum(name.as_str().into_deserializer()),
            Some(Value::Table(table)) if table.len() == 1 => {
                let mut variants = table.iter().map(|(name, value)| Variant {
                    name,
                    value: self.below(format!("{}.{}", self.key, quoted(name)), value),
                });
                match variants.next() {
                    Some(variant) => visitor.visit_enum(variant),
                    None => self.visit(visitor),
                }
            }
            _ => self.visit(visitor),
        };
        self.placed(read)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }
}

impl IntoDeserializer<'_, Refusal> for Reader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A variant with a value: a table with one key.
struct Variant<'a> {
    name: &'a str,
    value: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Refusal;
    type Variant = Reader<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Reader<'a>), Refusal> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        let read = Err(Refusal::Expected(text!("a word alone", "单独一个词")));
        self.placed(read)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_struct("", known, visitor)
    }
}
